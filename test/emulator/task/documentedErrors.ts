import { toResponse, type ApiResponse } from '../types';

/** The error responses of the task API and of its queue twin. */

export function taskError(status: number, message: string, code?: number): ApiResponse {
	return toResponse(status, { error: code === undefined ? { message } : { code, message } });
}

export function queueError(
	status: number,
	code: string,
	message: string,
	requestId = '',
): ApiResponse {
	return toResponse(status, { error: { code, message }, request_id: requestId });
}

export const documentedErrors = {
	'task.key': taskError(401, 'Invalid API key'),
	'task.permission': taskError(403, 'Permission denied'),
	'task.credits': toResponse(403, {
		status: { code: 402, message: 'Insufficient credits', error_code: 40201 },
		data: null,
	}),
	'task.notFound': toResponse(404, { error: { error_message: 'task not found' } }),
	/** No earlier call had this shape. */
	'task.precharge.miss': toResponse(200, {
		data: { cost: null, reason: 'COST_CACHE_MISS' },
		status: 'failed',
	}),
	'task.rateLimit': taskError(429, 'rate limited', 1002),
	'task.internal': toResponse(500, { message: 'internal server error' }),
	'task.internal.string': toResponse(500, { error: 'internal server error' }),

	'queue.key': queueError(401, 'UNAUTHORIZED', 'Invalid API key'),
	'queue.permission': queueError(403, 'FORBIDDEN', 'Permission denied'),
	'queue.credits': queueError(403, 'INSUFFICIENT_BALANCE', 'Insufficient balance'),
	'queue.notFound': queueError(404, 'NOT_FOUND', 'Request not found'),
	'queue.rateLimit': queueError(429, 'RATE_LIMIT_EXCEEDED', 'Rate limit exceeded'),
	'queue.internal': queueError(500, 'INTERNAL_ERROR', 'Internal server error'),
} satisfies Record<string, ApiResponse>;
