import type { ApiResponse, JsonObject } from '../types';

/** Replicate's error responses: problem details, whose fields are not always all there. */

const problem = (
	status: number,
	body: JsonObject,
	headers: Record<string, string> = {},
): ApiResponse => ({
	status,
	headers: { 'content-type': 'application/problem+json', ...headers },
	body: { ...body, status },
});

/** What is wrong with one field of a body. */
export interface InvalidField {
	type: string;
	field: string;
	description: string;
}

export const invalidInput = (fields: readonly InvalidField[]): ApiResponse =>
	problem(422, {
		title: 'Input validation failed',
		detail: fields.map(({ field, description }) => `- ${field}: ${description}\n`).join(''),
		invalid_fields: fields,
	});

export const unprocessable = (detail: string): ApiResponse =>
	problem(422, { title: 'Invalid request', detail });

const throttled = (detail: string, seconds?: number) =>
	problem(429, {
		title: 'Too many requests',
		detail,
		...(seconds !== undefined && { retry_after: seconds }),
	});

export const documentedErrors = {
	'replicate.key': problem(401, {
		title: 'Unauthenticated',
		detail: 'You did not pass a valid authentication token',
	}),
	'replicate.credits': problem(402, {
		title: 'Insufficient credit',
		detail:
			'You have insufficient credit to run this model. Go to https://replicate.com/account/billing#billing to purchase credit. Once you purchase credit, please wait a few minutes before trying again.',
	}),
	'replicate.spendLimit': problem(402, {
		title: 'Spend limit reached',
		detail: "You've hit your monthly spend limit. You can change or remove your limit.",
	}),
	'replicate.notFound': problem(404, { detail: 'The requested resource could not be found.' }),
	'replicate.ended': problem(409, { detail: 'The prediction has already ended.' }),
	'replicate.fileTooLarge': problem(413, {
		detail: 'Files must be less than 100MB in size',
	}),
	'replicate.rateLimit': throttled('Request was throttled. Your rate limit resets in ~1s.', 1),
	'replicate.rateLimitWithoutTime': throttled(
		'Request was throttled. Your rate limit resets in ~30s.',
	),
	'replicate.rateLimitOfLowCredit': throttled(
		'Your rate limit for creating predictions is reduced to 6 requests per minute with a burst of 1 requests while you have less than $5.0 in credit. Your rate limit resets in ~1s.',
		1,
	),
	'replicate.internal': problem(500, { title: 'Internal server error', detail: 'Try again later' }),
} satisfies Record<string, ApiResponse>;
