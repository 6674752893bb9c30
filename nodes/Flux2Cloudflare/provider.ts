import type { IDataObject } from 'n8n-workflow';
import { kindFromResponse, kindFromMessage, type ErrorKind } from '../shared/core/errors';
import {
	requestJson,
	type ApiResponse,
	type ApiClient,
	type ErrorResponse,
} from '../shared/http/client';
import { withCustomBody, withoutBytes } from '../shared/parameters/body';
import { encodeModelId, valueOf, type ImageRequest } from '../shared/parameters/model';
import { simplify, timeout } from '../shared/parameters/options';
import { toDataUri, loadReferences } from '../shared/images/references';
import type { ProviderDefinition } from '../shared/node/execute';
import { generate } from '../shared/operations/generate';
import {
	isoNow,
	type ImageSource,
	type TaskProtocol,
	type TaskState,
} from '../shared/tasks/protocol';
import { z } from '../shared/core/vendor';
import { models, routeOf, type CloudflareModel } from './models';

type CloudflareRequest = ImageRequest<CloudflareModel>;

/** Workers AI takes references below 512 × 512 only. */
const WORKERS_AI_SIDES_BELOW = 512;

const picture = z.object({ image: z.string().min(1) });
const failure = z.union([
	z.string(),
	z.object({
		code: z.union([z.string(), z.number()]).optional(),
		message: z.string().optional(),
		error_message: z.string().optional(),
	}),
]);
const run = z.object({
	state: z.string(),
	result: picture.nullish().catch(undefined),
	error: failure.nullish().catch(undefined),
});

/**
 * The picture's answer. The documents show the catalogue's bare, Cloudflare's other APIs wrap theirs
 * in `{result, success, errors}`, and Workers AI answers with the wrapped picture alone.
 */
const answerSchema = z.union([
	run,
	z.object({ result: run }).transform(({ result }) => result),
	z.object({ result: picture }).transform(completed),
	picture.transform((result) => completed({ result })),
]);

function completed({ result }: { result: z.infer<typeof picture> }): z.infer<typeof run> {
	return { state: 'Completed', result };
}

const complaint = z.object({
	code: z.coerce.number().optional().catch(undefined),
	message: z.string().default(''),
});
/** Cloudflare's API says `errors`, its AI Gateway `error`; both are lists. */
const envelope = z.object({
	errors: z.array(complaint).nullish(),
	error: z.array(complaint).nullish().catch(undefined),
});

// https://developers.cloudflare.com/workers-ai/platform/errors/ and …/ai-gateway/reference/troubleshooting/
const kindOfCode: Record<number, ErrorKind> = {
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

const adviceOfCode: Record<number, string> = {
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

/** Reads both error envelopes; the code sometimes stands in the text only ("3040: Capacity …"). */
export function explain(answer: ApiResponse): ErrorResponse | undefined {
	const read = envelope.safeParse(answer.json);
	const first = read.success ? (read.data.errors?.[0] ?? read.data.error?.[0]) : undefined;
	if (!first) return explainState(answer);
	const code = codeOf(first.code, first.message);
	const known = code === NO_ROUTE && answer.status >= 500 ? 0 : code;
	return {
		kind: kindOfCode[known] ?? kindFromResponse(answer.status, first.message),
		message:
			code && !first.message.includes(`${code}`) ? `${code}: ${first.message}` : first.message,
		description: adviceOfCode[known],
		...(code === OUT_OF_CAPACITY && { refused: true }),
	};
}

/** The state "Failed" is documented without its HTTP status. */
function explainState(answer: ApiResponse): ErrorResponse | undefined {
	const read = answer.status >= 300 ? answerSchema.safeParse(answer.json) : undefined;
	const words = wordsOf(read?.data?.error);
	return words === ''
		? undefined
		: { kind: kindFromResponse(answer.status, words), message: words };
}

/** 0 where there is none. */
function codeOf(code: number | undefined, message: string): number {
	const inText = Number(/\b(\d{4,5})\s*:/.exec(message)?.[1]);
	return inText in kindOfCode ? inText : (code ?? 0);
}

const provider: TaskProtocol<CloudflareModel> = {
	async submit(api, request) {
		return [
			await (request.model.route === 'catalogue' ? runCatalogue : runWorkersAi)(api, request),
		];
	},
};

/** POST /accounts/{id}/ai/run with `{model, input}`; the answer names the picture's URL. */
async function runCatalogue(api: ApiClient, request: CloudflareRequest): Promise<TaskState> {
	const references = await loadReferences(api, request.references, { takesUrls: true });
	const input: IDataObject = { prompt: request.prompt, ...request.body };
	if (references.length > 0) input.input_images = references.map(toDataUri);
	const body = withCustomBody({ model: request.model.id, input }, request.settings);
	return await call(api, request, {
		url: accountPath(api, '/ai/run'),
		body,
		headers: request.headers,
	});
}

/** POST /accounts/{id}/ai/run/@cf/…: always a multipart form, and never with an AI Gateway's header. */
async function runWorkersAi(api: ApiClient, request: CloudflareRequest): Promise<TaskState> {
	const references = await loadReferences(api, request.references, {
		takesUrls: false,
		sidesBelow: WORKERS_AI_SIDES_BELOW,
	});
	const form = new FormData();
	const fields = withCustomBody({ prompt: request.prompt, ...request.body }, request.settings);
	for (const [name, value] of Object.entries(fields)) form.append(name, formText(value));
	references.forEach((reference, index) => {
		if (!('bytes' in reference)) return;
		const file = new Blob([Uint8Array.from(reference.bytes)], { type: reference.mimeType });
		form.append(`input_image_${index}`, file, `input_image_${index}`);
	});
	return await call(api, request, {
		url: accountPath(api, `/ai/run/${encodeModelId(request.model.id)}`),
		body: form,
	});
}

const formText = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));

const accountPath = ({ credentials }: ApiClient, path: string) =>
	`/accounts/${encodeURIComponent((credentials.accountId as string).trim())}${path}`;

async function call(
	api: ApiClient,
	request: CloudflareRequest,
	to: { url: string; body: IDataObject | FormData; headers?: Record<string, string> },
): Promise<TaskState> {
	const submittedAt = isoNow();
	const { value, answer } = await requestJson(api, {
		...to,
		method: 'POST',
		schema: answerSchema,
		fromAnswer,
		repeat: 'submit',
		timeoutMs: valueOf(request.settings, timeout) * 1000,
	});
	const raw = valueOf(request.settings, simplify) ? undefined : rawOf(answer);
	return toState(value, submittedAt, raw);
}

/** Some Workers AI models answer with the picture's bytes instead of JSON. */
const fromAnswer = (answer: ApiResponse): unknown =>
	answer.isPicture ? { image: answer.bytes.toString('base64') } : answer.json;

function toState(value: z.infer<typeof run>, submittedAt: string, raw: unknown): TaskState {
	const { state, result, error } = value;
	if (state.toLowerCase() === 'completed' && result) {
		return { status: 'done', submittedAt, images: [toImage(result.image)], raw };
	}
	const words = wordsOf(error);
	const failed = state.toLowerCase() === 'failed';
	return {
		status: 'failed',
		kind: kindFromMessage(words, failed ? 'unavailable' : 'badResponse'),
		message: `Cloudflare answered with the state "${state}"${words ? `: ${words}` : ' and without "result.image"'}`,
		raw,
	};
}

function wordsOf(error: z.infer<typeof run>['error']): string {
	if (!error || typeof error === 'string') return error ?? '';
	return [error.code, error.message ?? error.error_message].filter(Boolean).join(': ');
}

const toImage = (image: string): ImageSource =>
	/^https?:/i.test(image) ? { url: image } : { base64: image.replace(/^data:[^,]*,/, '') };

/** The answer without the picture's bytes, and the gateway's own headers. */
function rawOf(answer: ApiResponse): unknown {
	const headers = Object.fromEntries(
		Object.entries(answer.headers).filter(([name]) => name.startsWith('cf-')),
	);
	return { body: withoutBytes(answer.json, 'image'), headers };
}

/** FLUX.2 on Cloudflare: one call makes the picture, so there are no tasks. */
export const cloudflare: ProviderDefinition<CloudflareModel> = {
	name: 'cloudflare',
	label: 'Cloudflare',
	credentialType: 'flux2CloudflareApi',
	baseUrl: ({ baseUrl }) => baseUrl as string,
	shortestGapSeconds: 1,
	typicalSeconds: 10,
	explain,
	operations: { 'image:generate': generate },
	routeFor: () => ({ models, customRoute: routeOf, provider }),
};
