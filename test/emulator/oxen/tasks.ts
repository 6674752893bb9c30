import { documentedErrors } from '../documentedErrors';
import { stateOf, type Job } from '../tasks';
import { OXEN_GRANTS, type OxenGrant } from '../keys';
import type { OxenParameters } from './parameters';
import { Refusal, type Call, type JsonObject } from '../types';

/** What the calls about Oxen.ai's jobs have in common. */

export interface OxenRequest extends OxenParameters {
	model: string;
	namespace: string;
	/** As it came: answers echo parts of it. */
	body: JsonObject;
}

const requests = new WeakMap<Job, OxenRequest>();

export function remember(job: Job, request: OxenRequest): void {
	requests.set(job, request);
}

/** What the job was asked with. */
export function requestOf(job: Job): OxenRequest {
	const request = requests.get(job);
	if (!request) throw new Error(`job ${job.record.id} is not Oxen.ai's`);
	return request;
}

export function authenticate(call: Call): OxenGrant {
	const grant = call.scheme === 'Bearer' ? OXEN_GRANTS.get(call.key ?? '') : undefined;
	if (!grant) throw new Refusal(documentedErrors['oxen.key']);
	if (!grant.permission) throw new Refusal(documentedErrors['oxen.permission']);
	return grant;
}

export const isActive = (job: Job) => ['pending', 'running'].includes(stateOf(job).phase);

export function statusOf(job: Job): string {
	const state = stateOf(job);
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
