import type { TaskRecord } from '../ledger';
import { QUEUED_SHARE, toState, type Task } from '../tasks';
import { Refusal, type Call, type JsonObject } from '../types';
import { documentedErrors } from './documentedErrors';
import { GRANTS, type Grant } from './keys';
import type { ReplicateWorld } from './world';

/** What the calls about Replicate's predictions share. */

export const BASE = '/replicate/v1';

export interface Prediction {
	model: string;
	/** As it came. */
	input: JsonObject;
	isList: boolean;
	/** Milliseconds since 1970, where `Cancel-After` says one. */
	deadline?: number;
	/** Ended before it has begun. */
	isAborted?: boolean;
}

const predictions = new WeakMap<Task, Prediction>();
const removalTimes = new WeakMap<TaskRecord, number>();

export function savePrediction(
	{ replicateFileSeconds }: ReplicateWorld,
	task: Task,
	prediction: Prediction,
): void {
	predictions.set(task, prediction);
	removalTimes.set(task.record, task.record.readyAt + replicateFileSeconds * 1000);
}

export function getPrediction(task: Task): Prediction {
	const prediction = predictions.get(task);
	if (!prediction) throw new Error(`task ${task.record.id} is not Replicate's`);
	return prediction;
}

export const isRemoved = (record: TaskRecord): boolean =>
	Date.now() >= (removalTimes.get(record) ?? Infinity);

export function authenticate({ key = '', scheme = '' }: Call): Grant {
	// the older word for it is still in documents
	const grant = ['Bearer', 'Token'].includes(scheme) ? GRANTS.get(key) : undefined;
	if (!grant) throw new Refusal(documentedErrors['replicate.key']);
	return grant;
}

/** The key's prediction. */
export function findTask(world: ReplicateWorld, call: Call): Task {
	authenticate(call);
	const task = world.tasks.find(call.params.id);
	const isOwn = task?.record.provider === 'replicate' && task.record.key === call.key;
	if (!isOwn || task.fault.vanish) throw new Refusal(documentedErrors['replicate.notFound']);
	endAtDeadline(task);
	return task;
}

/** A prediction that waits at its deadline is aborted, one that runs is cancelled. */
export function endAtDeadline(task: Task): void {
	const { record } = task;
	const prediction = getPrediction(task);
	const { deadline = Infinity } = prediction;
	const isLate = record.readyAt > deadline && Date.now() >= deadline;
	if (!isLate || record.cancelledAt !== undefined) return;
	const startsAt = record.acceptedAt + record.seconds * 1000 * QUEUED_SHARE;
	prediction.isAborted = deadline < startsAt;
	Object.assign(record, { cancelledAt: deadline, cost: 0 });
}

export const isRunning = (task: Task): boolean =>
	['pending', 'running'].includes(toState(task).phase);

export function toStatus(task: Task): string {
	const state = toState(task);
	switch (state.phase) {
		case 'pending':
			return 'starting';
		case 'running':
			return state.status ?? 'processing';
		case 'completed':
			return 'succeeded';
		case 'failed':
			return 'failed';
		case 'cancelled':
			return getPrediction(task).isAborted ? 'aborted' : 'canceled';
		case 'other':
			return state.status;
	}
}
