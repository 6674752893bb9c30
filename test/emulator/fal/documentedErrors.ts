import type { Problem } from '../pydantic';
import { toResponse, type ApiResponse } from '../types';

/** fal's error responses: `detail` is a text, or a list of problems with a type each. */

export function falError(
	status: number,
	detail: unknown,
	headers: Record<string, string> = {},
): ApiResponse {
	return toResponse(status, { detail }, headers);
}

/** What a model says about a request that it has refused or failed to process. */
export function modelError(status: number, problems: readonly Problem[]): ApiResponse {
	const detail = problems.map((problem) => ({
		...problem,
		url: `https://docs.fal.ai/errors/#${problem.type}`,
	}));
	const headers = { 'x-fal-retryable': String(status >= 500), 'x-fal-billable-units': '0' };
	return falError(status, detail, headers);
}

/** What the queue says about a request that no model has processed. */
export function requestError(status: number, type: string, detail: string): ApiResponse {
	return toResponse(status, { detail, error_type: type }, { 'x-fal-error-type': type });
}

const CONTENT_POLICY: Problem = {
	loc: ['body', 'prompt'],
	msg: 'The content could not be processed because it contained material flagged by a content checker.',
	type: 'content_policy_violation',
};

export const documentedErrors = {
	'fal.key': falError(401, 'invalid key credentials'),
	'fal.scheme': falError(401, 'bearer: unable to decode issuer'),
	'fal.noKey': falError(401, 'Authentication is required to access this application.'),
	'fal.keyFormat': falError(
		401,
		"Invalid Key Authorization header format. Expected '<key_id>:<key_secret>'.",
	),
	'fal.credits': falError(
		403,
		'User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing.',
	),
	'fal.permission': falError(403, 'This key is not permitted to access this application.'),
	'fal.model': falError(404, "Application 'flux-9' not found"),
	'fal.notFound': falError(404, 'Request not found'),
	'fal.tooEarly': falError(400, 'Request is still in progress'),
	'fal.rateLimit': toResponse(
		429,
		{ detail: 'Reached concurrent requests limit of 20', type: 'concurrent_requests_limit' },
		{ 'x-fal-needs-retry': '1' },
	),
	'fal.moderated': modelError(422, [CONTENT_POLICY]),
	'fal.startTimeout': requestError(504, 'request_timeout', 'Request timed out'),
	'fal.internal': falError(500, 'Internal Server Error'),
	// of Hugging Face's router: the texts are seen in reports, their form is assumed
	'fal.token': toResponse(401, { error: 'Invalid username or password.' }),
	'fal.tokenCredits': toResponse(402, {
		error: 'You have exceeded your monthly included credits for Inference Providers.',
	}),
	'fal.unmapped': toResponse(400, { error: 'Model not supported by provider fal-ai' }),
} satisfies Record<string, ApiResponse>;
