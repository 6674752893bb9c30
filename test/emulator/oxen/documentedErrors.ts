import { toResponse, type ApiResponse } from '../types';

/** Oxen.ai's error responses. */

/** Oxen.ai's usual form; some routes have `message` only. */
export function oxenError(
	status: number,
	type: string,
	title: string,
	detail?: string,
): ApiResponse {
	const error = { type, title, ...(detail !== undefined && { detail }) };
	return toResponse(status, { error, status: 'error', status_message: type });
}

export function oxenMessage(status: number, message: string): ApiResponse {
	return toResponse(status, { error: { message } });
}

export const documentedErrors = {
	'oxen.key': oxenError(
		401,
		'unauthenticated',
		'You must be authenticated to access this resource',
		'Missing or invalid API key',
	),
	'oxen.permission': oxenError(403, 'forbidden', 'You may not access this resource'),
	'oxen.notFound': oxenError(
		404,
		'resource_not_found',
		'The requested resource could not be found',
	),
	'oxen.model': oxenMessage(404, 'Model not found: flux-9'),
	'oxen.credits': oxenMessage(402, 'Insufficient credits'),
	'oxen.rateLimit': oxenMessage(429, 'Too many requests'),
	'oxen.internal': oxenError(500, 'unknown_error', 'An unknown error occurred'),
} satisfies Record<string, ApiResponse>;
