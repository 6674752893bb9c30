import { toState, type Task } from '../tasks';
import { Refusal, type Call, type JsonObject } from '../types';
import { documentedErrors } from './documentedErrors';
import { GRANTS, type Grant } from './keys';
import type { OxenParameters } from './parameters';

/** What the calls about Oxen.ai's tasks share. */

export interface OxenRequest extends OxenParameters {
	model: string;
	namespace: string;
	/** As it came: responses repeat parts of it. */
	body: JsonObject;
}

const requests = new WeakMap<Task, OxenRequest>();

export function saveRequest(task: Task, request: OxenRequest): void {
	requests.set(task, request);
}

/** The request that created the task. */
export function getRequest(task: Task): OxenRequest {
	const request = requests.get(task);
	if (!request) throw new Error(`task ${task.record.id} is not Oxen.ai's`);
	return request;
}

export function authenticate(call: Call): Grant {
	const grant = call.scheme === 'Bearer' ? GRANTS.get(call.key ?? '') : undefined;
	if (!grant) throw new Refusal(documentedErrors['oxen.key']);
	if (!grant.permission) throw new Refusal(documentedErrors['oxen.permission']);
	return grant;
}

export const isActive = (task: Task) => ['pending', 'running'].includes(toState(task).phase);

export function toStatus(task: Task): string {
	const state = toState(task);
	switch (state.phase) {
		case 'pending':
			return 'queued';
		case 'running':
			return state.status ?? 'processing';
		case 'completed':
			return 'succeeded';
		case 'failed':
		case 'cancelled':
			return state.phase;
		case 'other':
			return state.status;
	}
}
