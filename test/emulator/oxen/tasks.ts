import { documentedErrors } from './documentedErrors';
import { stateOf, type Task } from '../tasks';
import { GRANTS, type Grant } from './keys';
import type { OxenParameters } from './parameters';
import { Refusal, type Call, type JsonObject } from '../types';

/** What the calls about Oxen.ai's jobs have in common. */

export interface OxenRequest extends OxenParameters {
	model: string;
	namespace: string;
	/** As it came: answers echo parts of it. */
	body: JsonObject;
}

const requests = new WeakMap<Task, OxenRequest>();

export function saveRequest(task: Task, request: OxenRequest): void {
	requests.set(task, request);
}

/** What the job was asked with. */
export function requestOf(task: Task): OxenRequest {
	const request = requests.get(task);
	if (!request) throw new Error(`job ${task.record.id} is not Oxen.ai's`);
	return request;
}

export function authenticate(call: Call): Grant {
	const grant = call.scheme === 'Bearer' ? GRANTS.get(call.key ?? '') : undefined;
	if (!grant) throw new Refusal(documentedErrors['oxen.key']);
	if (!grant.permission) throw new Refusal(documentedErrors['oxen.permission']);
	return grant;
}

export const isActive = (task: Task) => ['pending', 'running'].includes(stateOf(task).phase);

export function statusOf(task: Task): string {
	const state = stateOf(task);
	switch (state.phase) {
		case 'pending':
			return 'queued';
		case 'running':
			return state.word ?? 'processing';
		case 'completed':
			return 'succeeded';
		case 'failed':
		case 'cancelled':
			return state.phase;
		case 'other':
			return state.word;
	}
}
