import { toResponse, type ApiResponse } from '../types';

/** Cloudflare's error responses. An error whose code is not known has none. */

/** Cloudflare's usual envelope. */
export function v4Error(status: number, code: number | undefined, message: string): ApiResponse {
	const error = code === undefined ? { message } : { code, message };
	return toResponse(status, { success: false, errors: [error], messages: [], result: null });
}

/** The gateway's own envelope: the list is called `error`. */
export function gatewayError(
	status: number,
	code: number | undefined,
	message: string,
): ApiResponse {
	const error = code === undefined ? { message } : { code, message };
	return toResponse(status, {
		success: false,
		result: [],
		messages: [],
		error: [error],
		name: 'AiGatewayError',
		httpCode: status,
		...(code === undefined ? {} : { internalCode: code }),
	});
}

/** Workers AI repeats the class of the error in its text. */
export function workersAiError(status: number, code: number, message: string): ApiResponse {
	return toResponse(status, {
		errors: [{ code, message: `AiError: AiError: ${message}` }],
		success: false,
		result: {},
		messages: [],
	});
}

export function failedState(model: string, error: unknown): ApiResponse {
	return toResponse(200, { state: 'Failed', error, model });
}

const PRO = 'black-forest-labs/flux-2-pro-preview';

export const documentedErrors = {
	'cloudflare.token': v4Error(401, 10000, 'Authentication error'),
	'cloudflare.permission': v4Error(403, 10000, 'Authentication error'),
	'cloudflare.noAuthorization': v4Error(400, 9106, 'Authentication failed (status: 400)'),
	'cloudflare.authorizationHeader': v4Error(400, 6003, 'Invalid request headers'),
	'cloudflare.noRoute': v4Error(404, 7000, 'No route for that URI'),
	'cloudflare.gateway': gatewayError(
		400,
		2001,
		'Please configure AI Gateway in the Cloudflare dashboard',
	),
	'cloudflare.ownKeyRequired': gatewayError(
		400,
		undefined,
		'Provider credentials are required, and none are stored for this provider',
	),
	'cloudflare.providerKey': gatewayError(401, 2009, 'Unauthorized'),
	'cloudflare.credits': v4Error(
		402,
		undefined,
		'Insufficient balance: add credits for Unified Billing',
	),
	'cloudflare.notUnified': v4Error(
		402,
		2021,
		'Model is not available via unified billing, use your own provider key',
	),
	'cloudflare.model': v4Error(404, 7003, 'Could not find the model'),
	'cloudflare.rateLimit': gatewayError(
		429,
		undefined,
		'Rate limit exceeded: 200 requests per 60 seconds',
	),
	'cloudflare.spendLimit': gatewayError(429, undefined, 'Spend limit reached'),
	'cloudflare.internal': gatewayError(500, 2002, 'Internal server error'),
	'cloudflare.unavailable': gatewayError(503, undefined, 'The provider is unavailable'),
	'cloudflare.failed': failedState(PRO, {
		code: 'provider_unavailable',
		message: 'All providers for this model are currently unavailable.',
	}),
	'cloudflare.moderated': failedState(PRO, {
		code: 'content_moderated',
		message: 'Request Moderated',
	}),
	'cloudflare.timeout': gatewayError(408, undefined, 'Request timed out'),

	'workersAi.3003': workersAiError(400, 3003, 'Incomplete request'),
	'workersAi.3006': workersAiError(413, 3006, 'Request is too large'),
	'workersAi.3007': workersAiError(408, 3007, 'Request timeout'),
	'workersAi.3008': workersAiError(408, 3008, 'Request was aborted'),
	'workersAi.3023': workersAiError(403, 3023, 'Account blocked'),
	'workersAi.3030': workersAiError(
		400,
		3030,
		'3030: Your output has been flagged. Please choose another prompt / input image combination',
	),
	'workersAi.3030.prompt': workersAiError(400, 3030, '3030: Input prompt contains NSFW content'),
	'workersAi.3036': workersAiError(
		429,
		3036,
		'3036: You have used up your daily free allocation of 10,000 neurons, please upgrade to the Workers Paid plan',
	),
	'workersAi.3039': workersAiError(400, 3039, 'Finetune is missing required files'),
	'workersAi.3040': workersAiError(
		429,
		3040,
		'3040: Capacity temporarily exceeded, please try again.',
	),
	'workersAi.3041': workersAiError(403, 3041, 'Account is not allowed to access this model'),
	'workersAi.3042': workersAiError(404, 3042, 'Invalid model ID'),
	'workersAi.5004': workersAiError(400, 5004, 'Invalid data sent'),
	'workersAi.5005': workersAiError(405, 5005, 'This model does not support LoRA'),
	'workersAi.5006': workersAiError(400, 5006, "Error: required properties at '/' are 'multipart'"),
	'workersAi.5007': workersAiError(400, 5007, 'No such model'),
	'workersAi.5016': workersAiError(403, 5016, 'Model agreement has not been accepted'),
	'workersAi.5018': workersAiError(403, 5018, 'Account is not allowed to access this model'),
	'workersAi.5019': workersAiError(405, 5019, 'Deprecated SDK version'),
	'workersAi.5035': workersAiError(403, 5035, 'This model requires the Workers Paid plan'),
	'workersAi.7000': v4Error(500, 7000, 'Internal server error'),
} satisfies Record<string, ApiResponse>;
