import { toResponse, type ApiResponse } from '../types';

/** How each server says what is wrong. */

export type ErrorStyle = (status: number, message: string, code?: string) => ApiResponse;

/** FastAPI's. */
export const asDetail: ErrorStyle = (status, message) => toResponse(status, { detail: message });

/** The server of stable-diffusion.cpp. */
export const asText: ErrorStyle = (status, message) => toResponse(status, { error: message });

/** OpenAI's own. */
export const asOpenAi: ErrorStyle = (status, message, code) =>
	toResponse(status, {
		error: { message, type: 'invalid_request_error', param: null, code: code ?? null },
	});

/** With the HTTP status as its code. */
export const asNumbered: ErrorStyle = (status, message) =>
	toResponse(status, { error: { code: status, message } });

/** LocalAI's, whose type is always empty. */
export const asLocalAi: ErrorStyle = (status, message) =>
	toResponse(status, { error: { code: status, message, type: '' } });

export const asAzure: ErrorStyle = (status, message, code) =>
	toResponse(status, { error: { code: code ?? String(status), message } });

/** By name, for rules. What a rule names is one server's, whichever is asked. */
export const documentedErrors = {
	'openai.key': toResponse(401, { error: 'Unauthorized' }),
	'openai.permission': asOpenAi(403, 'You are not allowed to use this model'),
	'openai.credits': asNumbered(402, 'Insufficient credits'),
	'openai.model': asOpenAi(404, 'The model does not exist', 'model_not_found'),
	'openai.moderated': asOpenAi(400, 'Your request was rejected', 'content_policy_violation'),
	'openai.size': asDetail(
		400,
		"Invalid size format: '1024x'. Expected format: 'WIDTHxHEIGHT' (e.g., '1024x1024').",
	),
	'openai.fields': toResponse(422, {
		detail: [{ loc: ['body', 'prompt'], msg: 'Field required', type: 'missing' }],
	}),
	'openai.noImage': asDetail(422, "Field 'image' or 'url' is required"),
	'openai.notReady': asDetail(
		503,
		'Diffusion engine not initialized. Start server with a diffusion model.',
	),
	'openai.loading': {
		...asLocalAi(503, 'the model is being loaded'),
		headers: { 'retry-after': '1' },
	},
	'openai.prompt': asText(400, 'prompt required'),
	'openai.noResult': toResponse(500, { error: 'generate_image returned no results' }),
	'openai.crashed': toResponse(500, { error: 'server_error', message: 'out of memory' }),
	'openai.quota': asOpenAi(429, 'You exceeded your current quota', 'insufficient_quota'),
	'openai.rateLimit': asOpenAi(429, 'Rate limit reached', 'rate_limit_exceeded'),
	'openai.native': toResponse(400, { detail: { error: 'the prompt is too long' } }),
	'openai.noLength': asAzure(400, 'Content-Length is required', 'no_content_length_header'),
	'openai.internal': asOpenAi(500, 'The server had an error'),
	'openai.overloaded': asNumbered(529, 'The provider is overloaded'),
} satisfies Record<string, ApiResponse>;
