import type { ErrorKind } from '../shared/core/errors';
import { hideBase64 } from '../shared/core/json';
import { imageMessage } from '../shared/core/messages';
import { z } from '../shared/core/vendor';
import { kindFromMessage, kindFromResponse } from '../shared/http/errorKind';
import { optionalTextSchema, wordSchema } from '../shared/http/schemas';
import type { ApiResponse, ErrorResponse } from '../shared/http/types';
import type { ImageSource } from '../shared/images/store';
import { isoNow, type FinalState } from '../shared/tasks/protocol';

export const LABEL = 'Cloudflare';

const imageSchema = z.object({ image: z.string().min(1) });
const runErrorSchema = z
	.union([
		z.string(),
		z.object({
			code: z.union([z.string(), z.number()]).optional().catch(undefined),
			message: optionalTextSchema,
			error_message: optionalTextSchema,
		}),
	])
	.optional()
	.catch(undefined);
const runSchema = z.object({
	state: wordSchema,
	result: imageSchema.optional().catch(undefined),
	error: runErrorSchema,
});
type Run = z.infer<typeof runSchema>;

// A failed `refine` would hide what the other readings lack; a failed `custom` says only that this reading is wrong.
const runWithStateSchema = runSchema.extend({
	state: z.custom<string>((state) => typeof state === 'string' && state !== ''),
});
const runWithErrorSchema = runSchema.extend({
	error: runErrorSchema.pipe(
		z.custom<Run['error']>((error) => error !== undefined && error !== ''),
	),
});

/**
 * The image's response. The documents show the catalog's bare, Cloudflare's other APIs wrap theirs in
 * `{result, success, errors}`, and Workers AI responds with the wrapped image alone.
 */
export const responseSchema = z.union([
	runWithStateSchema,
	z.object({ result: runWithStateSchema }).transform(({ result }) => result),
	runWithErrorSchema,
	z
		.object({ result: z.object({ result: imageSchema }) })
		.transform(({ result }) => toCompletedRun(result.result)),
	z.object({ result: imageSchema }).transform(({ result }) => toCompletedRun(result)),
	imageSchema.transform(toCompletedRun),
]);

function toCompletedRun(result: z.infer<typeof imageSchema>): Run {
	return { state: 'Completed', result };
}

const apiErrorSchema = z.object({
	code: z.coerce.number().optional().catch(undefined),
	message: z.string().catch(''),
});
const errorListSchema = z.array(apiErrorSchema).optional().catch(undefined);
/** Cloudflare's API says `errors`, its AI Gateway `error`; both are lists. */
const envelopeSchema = z.object({ errors: errorListSchema, error: errorListSchema });

// https://developers.cloudflare.com/workers-ai/platform/errors/ and …/ai-gateway/reference/troubleshooting/
const KIND_OF_CODE: Readonly<Record<number, ErrorKind>> = {
	1000: 'auth',
	2001: 'invalidInput',
	2009: 'auth',
	2021: 'credits',
	3003: 'invalidInput',
	3006: 'invalidInput',
	3007: 'timeout',
	3008: 'timeout',
	3023: 'auth',
	3030: 'moderated',
	3036: 'credits',
	3039: 'invalidInput',
	3040: 'rateLimited',
	3041: 'auth',
	3042: 'notFound',
	5004: 'invalidInput',
	5005: 'invalidInput',
	5006: 'invalidInput',
	5007: 'notFound',
	5016: 'auth',
	5018: 'auth',
	5019: 'invalidInput',
	5035: 'auth',
	6003: 'auth',
	6111: 'auth',
	7000: 'notFound',
	7003: 'notFound',
	9106: 'auth',
	10000: 'auth',
};

const ADVICE_OF_CODE: Readonly<Record<number, string>> = {
	2001: 'Create the AI Gateway in the Cloudflare dashboard, or correct Gateway ID.',
	2021: 'This model is not available via Unified Billing: store your own Black Forest Labs key in the AI Gateway.',
	2009: 'Check the API token, and the provider key that is stored in the AI Gateway, if there is one.',
	3023: 'The account is blocked, or this model is not open to it: see the Cloudflare dashboard.',
	3041: 'This model is not open to the account.',
	5018: 'This model is not open to the account.',
	5016: "Accept the model's terms in the Cloudflare dashboard first.",
	5035: 'This model needs the Workers Paid plan.',
	3036: 'The free daily allocation of 10,000 neurons is used up. It resets at 00:00 UTC; Workers Paid has no such limit.',
	7000: 'Check the model ID, and the account ID in the credential.',
	7003: 'Check the model ID, and the account ID in the credential.',
};

const OUT_OF_CAPACITY = 3040;
/** The API's "no such route", but an internal error under 500, where Workers AI may have billed. */
const NO_ROUTE = 7000;

/** Reads both error envelopes; the code sometimes stands in the message only ("3040: Capacity …"). */
export function readError(response: ApiResponse): ErrorResponse | undefined {
	const { status, json } = response;
	const read = envelopeSchema.safeParse(json);
	const first = read.success ? (read.data.errors?.[0] ?? read.data.error?.[0]) : undefined;
	if (!first) return readRunError(response);
	const code = codeOf(first);
	const known = code === NO_ROUTE && status >= 500 ? 0 : code;
	const { message } = first;
	return {
		kind: KIND_OF_CODE[known] ?? kindFromResponse(status, message),
		message: code && !message.includes(`${code}`) ? `${code}: ${message}` : message,
		description: ADVICE_OF_CODE[known],
		...(code === OUT_OF_CAPACITY && { refused: true }),
	};
}

/** The state "Failed" is documented without its HTTP status. */
function readRunError({ status, json }: ApiResponse): ErrorResponse | undefined {
	const read = status >= 300 ? responseSchema.safeParse(json) : undefined;
	const message = formatRunError(read?.data?.error);
	return message === '' ? undefined : { kind: kindFromResponse(status, message), message };
}

/** 0 where there is none. */
function codeOf({ code = 0, message }: z.infer<typeof apiErrorSchema>): number {
	const inMessage = Number(/\b(\d{4,5})\s{0,3}:/.exec(message)?.[1]);
	return Object.hasOwn(KIND_OF_CODE, inMessage) ? inMessage : code;
}

/** The end of a call. An image counts under any state but a failure. */
export function toFinalState(run: Run, submittedAt: string, raw: unknown): FinalState {
	const { state, result, error } = run;
	const reason = formatRunError(error);
	const isFailed = state.toLowerCase() === 'failed';
	if (result && !isFailed) {
		const images = [toImageSource(result.image)];
		return { status: 'done', submittedAt, readyAt: isoNow(), images, raw };
	}
	const kind = kindFromMessage(reason, isFailed || reason ? 'unavailable' : 'badResponse');
	const words = reason || `the state is "${state}", and "result.image" is missing`;
	return {
		status: 'failed',
		kind,
		message: imageMessage({ kind, provider: LABEL, words }),
		raw,
	};
}

/** Empty where there is no error. */
function formatRunError(error: Run['error']): string {
	if (!error || typeof error === 'string') return error ?? '';
	return [error.code, error.message ?? error.error_message].filter(Boolean).join(': ');
}

const toImageSource = (image: string): ImageSource =>
	/^https?:/i.test(image) ? { url: image } : { base64: image.replace(/^data:[^,]{0,200},/, '') };

/** Some Workers AI models respond with the image's bytes instead of JSON. */
export const selectBody = ({ isImage, bytes, json }: ApiResponse): unknown =>
	isImage ? { image: bytes.toString('base64') } : json;

/** The response without the image's bytes, and the gateway's own headers. */
export function rawOf({ headers, json }: ApiResponse): unknown {
	const gatewayHeaders = Object.entries(headers).filter(([name]) => name.startsWith('cf-'));
	return { body: hideBase64(json, 'image'), headers: Object.fromEntries(gatewayHeaders) };
}
