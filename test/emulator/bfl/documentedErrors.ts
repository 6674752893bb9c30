import { toResponse, type ApiResponse } from '../types';

/** Black Forest Labs' error responses. */

/** FastAPI's form. */
export function bflError(status: number, detail: unknown): ApiResponse {
	return toResponse(status, { detail });
}

export const documentedErrors = {
	'bfl.key': bflError(403, 'Not authenticated'),
	'bfl.credits': bflError(402, 'Insufficient credits'),
	'bfl.badRequest': bflError(400, 'Bad request'),
	'bfl.rateLimit': bflError(429, 'Rate limit exceeded'),
	/** Another document of the provider shows this form. */
	'bfl.rateLimit.message': toResponse(
		429,
		{ error: 'rate_limit_exceeded', message: 'Too many active tasks', retry_after: 1 },
		{ 'retry-after': '1', 'x-ratelimit-remaining': '0' },
	),
	'bfl.internal': bflError(500, 'Internal Server Error'),
	'bfl.unavailable': bflError(503, 'Service Unavailable'),
} satisfies Record<string, ApiResponse>;
