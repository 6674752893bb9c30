import { USD_PER_CREDIT } from '../prices';
import { toState, QUEUED_SHARE, type Task } from '../tasks';
import { toResponse, type ApiResponse, type JsonObject } from '../types';
import { toCredits } from './prices';
import { signUrl } from './signedUrls';
import type { BflWorld } from './world';

/** What `get_result` says about a task. */

export function toBody(id: string, status: string, facts: JsonObject = {}): JsonObject {
	return { id, status, result: null, progress: null, details: null, preview: null, ...facts };
}

export function toResultResponse(world: BflWorld, task: Task): ApiResponse {
	const { id } = task.record;
	const { failureHttpStatus = 200 } = task.fault;
	const state = toState(task);
	switch (state.phase) {
		case 'pending':
		case 'cancelled':
			return toResponse(200, toBody(id, 'Pending'));
		case 'running':
			return toResponse(200, toRunningBody(world, task, state));
		case 'failed': {
			const facts = { details: { message: state.failure.message }, ...toCost(task) };
			return toResponse(failureHttpStatus, toBody(id, 'Error', facts));
		}
		case 'other': {
			const facts = { details: toDetails(state.status), ...toCost(task) };
			return toResponse(failureHttpStatus, toBody(id, state.status, facts));
		}
		case 'completed': {
			const facts = { result: toResult(world, task), ...toCost(task, task.record.cost) };
			return toResponse(200, toBody(id, 'Ready', facts));
		}
	}
}

function toRunningBody(
	{ runningStatuses }: BflWorld,
	{ record }: Task,
	{ status: kept, progress }: { status?: string; progress: number },
): JsonObject {
	const share = (progress - QUEUED_SHARE) / (1 - QUEUED_SHARE);
	const word = runningStatuses[Math.floor(share * runningStatuses.length)] ?? 'Pending';
	const status = kept ?? word;
	return toBody(record.id, status, status === 'Generating' ? { progress } : {});
}

/** The settled cost. Whether a failed task has one is not documented: it has where a rule says so. */
function toCost({ fault: { settledCost } }: Task, amount = 0): JsonObject {
	if (settledCost === null) return {};
	if (settledCost !== undefined) return { cost: settledCost };
	return amount > 0 ? { cost: toCredits(amount / USD_PER_CREDIT) } : {};
}

const toDetails = (status: string) =>
	status.endsWith('Moderated') ? { 'Moderation Reasons': ['Derivative Works Filter'] } : null;

/** Each poll gets a URL of its own, signed anew. */
export function toResult(world: BflWorld, { record }: Task): JsonObject {
	const [start_time, end_time] = [record.acceptedAt / 1000, record.readyAt / 1000];
	return {
		sample: signUrl(record, Date.now() + world.sampleSeconds * 1000),
		prompt: record.revisedPrompt ?? record.prompt,
		seed: record.seed,
		start_time,
		end_time,
		duration: record.seconds,
	};
}
