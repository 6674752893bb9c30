import type { IDataObject } from 'n8n-workflow';
import { imageField, imageFields, withCustomBody } from '../shared/parameters/body';
import { fastApiDetailSchema, formatFastApiDetail } from '../shared/http/errorKind';
import { generateOrSuspend } from '../shared/operations/suspend';
import { submit } from '../shared/operations/generate';
import { kindFromResponse, kindFromStatus, type ErrorKind } from '../shared/core/errors';
import {
	requestJson,
	READ_TIMEOUT_MS,
	SUBMIT_TIMEOUT_MS,
	type ApiResponse,
	type ApiClient,
	type ErrorResponse,
} from '../shared/http/client';
import { encodeModelId, type Model, type ImageRequest } from '../shared/parameters/model';
import { loadReferences } from '../shared/images/references';
import type { RunContext, ProviderDefinition, PreparedOperation } from '../shared/node/execute';
import {
	isoNow,
	type Price,
	type TaskProtocol,
	type Task,
	type TaskState,
} from '../shared/tasks/protocol';
import { get } from '../shared/operations/task';
import { MIN_SECRET_LENGTH } from '../shared/core/redact';
import { trustedUrl } from '../shared/http/urlPolicy';
import { z } from '../shared/core/vendor';
import { notFoundAsState } from '../shared/tasks/poller';
import { models } from './models';

const baseUrls: Record<string, string> = {
	global: 'https://api.bfl.ai',
	eu: 'https://api.eu.bfl.ai',
	us: 'https://api.us.bfl.ai',
};

/** The OpenAPI has `Pending` alone; some clients list the other two. Every other word is an end. */
export const PENDING = ['pending', 'queued', 'processing'];
/** The OpenAPI's ends without a picture. */
export const ENDS_BADLY: Record<string, ErrorKind> = {
	'task not found': 'notFound',
	'request moderated': 'moderated',
	'content moderated': 'moderated',
	error: 'unavailable',
};

/** 1 credit is 1 US cent, https://docs.bfl.ai/quick_start/pricing */
const CREDITS_PER_USD = 100;

const text = z.string().min(1);
const number = z.number().nullish().catch(undefined);

const prices = { cost: number, input_mp: number, output_mp: number };
/** A request with a webhook of its own is answered without the polling URL. */
const accepted = z.object({
	id: text,
	polling_url: z.string().optional().catch(undefined),
	...prices,
});
export const resultSchema = z.object({
	id: z.string().optional(),
	status: text,
	result: z
		.object({ sample: z.string().optional(), prompt: z.string().optional(), seed: number })
		.nullish()
		.catch(undefined),
	progress: number,
	details: z.record(z.unknown()).nullish().catch(undefined),
	...prices,
});
const credits = z.object({ credits: z.number() });

const complaintSchema = z.object({
	detail: fastApiDetailSchema.optional().catch(undefined),
	error: z.string().optional().catch(undefined),
	message: z.string().optional().catch(undefined),
	retry_after: number,
});

/** The API complains about fields by their own names. */
const labels = new Map([
	['prompt', 'Prompt'],
	...[...Array(8).keys()].map(
		(index) => [imageField(index), `Reference image ${index + 1}`] as const,
	),
	...models.flatMap(({ parameters }) =>
		parameters.map(({ wireName, property }) => [wireName, property.displayName] as const),
	),
]);

/** `detail` as text or as a list of fields (told by our labels), or `{error, message}`. */
function explain(answer: ApiResponse): ErrorResponse | undefined {
	const read = complaintSchema.safeParse(answer.json);
	if (!read.success) return undefined;
	const { detail, error, message, retry_after: seconds } = read.data;
	const words = (detail && formatFastApiDetail(detail, labels)) ?? message ?? error;
	if (!words) return undefined;
	const kind = Array.isArray(detail)
		? kindFromStatus(answer.status)
		: kindFromResponse(answer.status, words);
	return { kind, message: words, retryAfterMs: seconds ? seconds * 1000 : undefined };
}

async function bodyOf(api: ApiClient, request: ImageRequest): Promise<IDataObject> {
	const { prompt, references, settings, callbackUrl } = request;
	const loaded = await loadReferences(api, references, { takesUrls: true });
	const body = withCustomBody({ prompt, ...request.body, ...imageFields(loaded) }, settings);
	if (callbackUrl !== undefined) return { ...body, webhook_url: callbackUrl };
	if (typeof body.webhook_url !== 'string') return body;
	return { ...body, webhook_url: withModel(body.webhook_url, request.model.id) };
}

/** The webhook's body tells no model, but the trigger can filter by it. */
function withModel(url: string, model: string): string {
	if (!URL.canParse(url)) return url;
	const address = new URL(url);
	if (address.searchParams.has('model')) return url;
	address.searchParams.set('model', model);
	return address.href;
}

/** An answer as it may be shown: without what it repeats of a secret. */
export const withoutSecrets = (answer: unknown, secrets: unknown[] = []): unknown =>
	JSON.parse(JSON.stringify(answer), (key, value: unknown) =>
		key === 'webhook_secret' ? undefined : typeof value === 'string' ? hide(value, secrets) : value,
	);

const hide = (words: string, secrets: unknown[]): string =>
	secrets.reduce<string>(
		(text, secret) =>
			typeof secret === 'string' && secret.length >= MIN_SECRET_LENGTH
				? text.replaceAll(secret, '***')
				: text,
		words,
	);

/** POST /v1/{model}, then the `polling_url` of the answer, which is on a regional host. */
const provider: TaskProtocol = {
	problems({ body, settings, callbackUrl }) {
		const { webhook_url: url } = withCustomBody(body, settings);
		return callbackUrl !== undefined && typeof url === 'string'
			? ['Notify URL: with the completion Callback, n8n itself is called']
			: [];
	},

	async submit(api, request) {
		const body = await bodyOf(api, request);
		const secrets = [body.webhook_secret, request.callbackUrl];
		const { value, answer } = await requestJson(api, {
			method: 'POST',
			url: `/v1/${encodeModelId(request.model.id)}`,
			body,
			schema: accepted,
			repeat: 'submit',
			timeoutMs: SUBMIT_TIMEOUT_MS,
		}).catch((error: unknown) => {
			if (error instanceof Error) error.message = hide(error.message, secrets);
			throw error;
		});
		const task: Task = {
			id: value.id,
			model: request.model.id,
			pollUrl: trustedUrl(api, value.polling_url, value.id),
			submittedAt: isoNow(),
			price: priceOf(value),
		};
		return [{ status: 'pending', task, raw: withoutSecrets(answer.json, secrets) }];
	},

	async check(api, task) {
		return await notFoundAsState(task, async () => {
			const { value, answer } = await requestJson(api, {
				method: 'GET',
				url: task.pollUrl ?? `/v1/get_result?id=${encodeURIComponent(task.id)}`,
				schema: resultSchema,
				repeat: 'look',
				timeoutMs: READ_TIMEOUT_MS,
			});
			return stateOf(value, task, withoutSecrets(answer.json));
		});
	},
};

export function stateOf(answer: z.infer<typeof resultSchema>, task: Task, raw: unknown): TaskState {
	const status = answer.status.toLowerCase();
	if (PENDING.includes(status)) {
		return { status: 'pending', task, progress: answer.progress ?? undefined, raw };
	}
	const url = answer.result?.sample;
	if (status === 'ready' && url) {
		const seed = answer.result?.seed ?? undefined;
		const price = task.price ?? priceOf(answer);
		return { status: 'done', task, images: [{ url }], seed, price, raw };
	}
	const details = answer.details ? `: ${wordsOf(answer.details)}` : '';
	const kind = ENDS_BADLY[status] ?? 'badResponse';
	return {
		status: 'failed',
		task,
		kind,
		message: `The task ended with the status "${answer.status}"${status === 'ready' ? ' and without "result.sample"' : details}`,
		...(kind === 'notFound' && { unknown: true }),
		raw,
	};
}

const wordsOf = (details: Record<string, unknown>) =>
	Object.entries(details)
		.map(
			([name, value]) =>
				`${name}: ${Array.isArray(value) ? value.join(', ') : JSON.stringify(value)}`,
		)
		.join('; ');

/** Rounded: 1.4 credits would otherwise be worth 0.013999999999999999. */
const inUsd = (amount: number) => Number((amount / CREDITS_PER_USD).toFixed(6));

type Priced = Partial<Record<keyof typeof prices, number | null>>;

function priceOf({ cost, input_mp, output_mp }: Priced): Price | undefined {
	const [input, output] = [input_mp ?? undefined, output_mp ?? undefined];
	const hasSize = input !== undefined || output !== undefined;
	if (typeof cost !== 'number' && !hasSize) return undefined;
	return {
		...(typeof cost === 'number' && {
			cost: { amount: inUsd(cost), currency: 'USD', credits: cost },
		}),
		...(hasSize && { megapixels: { input, output } }),
	};
}

/** Account: Get Credits. */
const getCredits = (run: RunContext): PreparedOperation => ({
	async start() {
		const { value } = await requestJson(run.api, {
			method: 'GET',
			url: '/v1/credits',
			schema: credits,
			repeat: 'look',
			timeoutMs: READ_TIMEOUT_MS,
		});
		const worth = { amount: inUsd(value.credits), currency: 'USD' };
		return [{ item: { json: { provider: bfl.name, credits: value.credits, worth } } }];
	},
});

const isBfls = (host: string) => host === 'bfl.ai' || host.endsWith('.bfl.ai');

/** FLUX.2 at Black Forest Labs. */
export const bfl: ProviderDefinition<Model> = {
	name: 'bfl',
	label: 'Black Forest Labs',
	credentialType: 'flux2BflApi',
	baseUrl: ({ region, baseUrl }) => baseUrls[region as string] ?? (baseUrl as string),
	trustsHost: (host, ownHost) => isBfls(ownHost) && isBfls(host),
	// the clients of the field poll twice a second; looks are rarer before a picture is due
	shortestGapSeconds: 0.2,
	typicalSeconds: 8,
	explain,
	operations: {
		'image:generate': generateOrSuspend,
		'task:submit': submit,
		'task:get': get,
		'account:getCredits': getCredits,
	},
	routeFor: () => ({ models, provider }),
};
