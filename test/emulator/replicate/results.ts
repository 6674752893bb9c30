import { toState, type Task } from '../tasks';
import type { JsonObject } from '../types';
import { BASE, getPrediction, isRemoved, isRunning, toStatus } from './tasks';
import type { ReplicateWorld } from './world';

/** A prediction as every call about it responds with it. */

/** What Replicate's own errors end with, so that its support can find them. */
const TRACE = '(AbCdEfGhIj)';

/** @param status where it is another one than the task's own */
export function toPredictionBody(
	world: ReplicateWorld,
	task: Task,
	status = toStatus(task),
): JsonObject {
	const { record } = task;
	const { model, input } = getPrediction(task);
	const isGone = isRemoved(record);
	return {
		id: record.id,
		model,
		version: 'hidden',
		input: isGone ? {} : input,
		logs: '',
		output: status === 'starting' || isGone ? null : toOutput(task),
		data_removed: isGone,
		error: toError(task),
		source: 'api',
		status,
		...toTimes(task, status),
		urls: toUrls(world, record.id),
	};
}

function toOutput(task: Task): string | string[] | null {
	if (toState(task).phase !== 'completed') return null;
	const { url } = task.record;
	return getPrediction(task).isList ? [url] : url;
}

function toError(task: Task): string | null {
	const state = toState(task);
	if (state.phase !== 'failed') return null;
	const { code, message } = state.failure;
	return code === undefined ? message : `${message} (${code}) ${TRACE}`;
}

function toTimes(task: Task, status: string): JsonObject {
	const { acceptedAt, readyAt, cancelledAt, seconds } = task.record;
	const isoTime = (ms: number) => new Date(ms).toISOString();
	const created = { created_at: isoTime(acceptedAt) };
	if (status === 'starting') return created;
	if (isRunning(task)) return { ...created, started_at: isoTime(acceptedAt) };
	return {
		...created,
		started_at: isoTime(acceptedAt),
		completed_at: isoTime(cancelledAt ?? readyAt),
		metrics: { predict_time: seconds, total_time: seconds },
	};
}

function toUrls({ urls, replicateStreamUrl }: ReplicateWorld, id: string): JsonObject {
	const get = `${urls.api}${BASE}/predictions/${id}`;
	return {
		get,
		cancel: `${get}/cancel`,
		web: `https://replicate.com/p/${id}`,
		...(replicateStreamUrl && { stream: `https://stream.replicate.com/v1/files/${id}` }),
	};
}
