import { createHash, verify, type KeyObject } from 'node:crypto';
import { isObject, parseJson } from '../shared/core/json';
import { z } from '../shared/core/vendor';
import { kindFromMessage } from '../shared/http/errorKind';
import { FetchedKeys } from '../shared/http/fetchedKeys';
import { idSchema, optionalTextSchema, wordSchema } from '../shared/http/schemas';
import { lackingMessage, missingHeaders, timeProblem, headerText } from '../shared/http/signature';
import type { WebhookCall } from '../shared/operations/types';
import type { Task, TaskState, WebhookPayload } from '../shared/tasks/protocol';
import { toTaskState as stateFromReport } from '../shared/tasks/statusReport';
import { webhookKeysUrl } from './hosts';
import { resultSchema, STATUS_WORDS, toFailedState, toResultState } from './responses';
import { fetchPublishedKeys } from './webhookKeys';

/** https://fal.ai/docs/documentation/model-apis/inference/webhooks */
const payloadSchema = z.object({
	request_id: idSchema,
	status: wordSchema,
	payload: z.unknown(),
	error: optionalTextSchema,
});

/** What fal calls a webhook with; undefined for anything else. */
export function parseWebhookPayload(body: unknown): WebhookPayload | undefined {
	const read = payloadSchema.passthrough().safeParse(body);
	if (!read.success) return undefined;
	const { request_id: taskId, status: word, payload, error } = read.data;
	return {
		taskId,
		body: read.data as WebhookPayload['body'],
		toTaskState: (task: Task): TaskState =>
			toPayloadState({ word, payload, error }, task, read.data),
	};
}

/** What a webhook says about a request. */
interface Payload {
	/** `OK` or `ERROR`. */
	word: string;
	/** What the result says; nothing where it was too large or no JSON. */
	payload?: unknown;
	error?: string;
}

const MODEL_STATUS = /status code: (\d{3})\b/i;

/** A webhook carries the result itself, with the HTTP status of a failure in words. */
function toPayloadState({ word, payload, error }: Payload, task: Task, raw: unknown): TaskState {
	const response = { headers: {}, bytes: Buffer.alloc(0), isImage: false };
	if (word.toUpperCase() === 'ERROR') {
		const json = isObject(payload) ? payload : { detail: error };
		const status = Number(MODEL_STATUS.exec(error ?? '')?.[1] ?? 500);
		return { ...toFailedState(task, { ...response, json, status }), raw };
	}
	const result = resultSchema.parse(payload);
	if (result.images.length > 0) {
		return {
			...toResultState(result, task, { ...response, json: payload, status: 200 }, error),
			raw,
		};
	}
	const report = { task, word, images: [], errorMessage: error, raw };
	return stateFromReport(report, STATUS_WORDS, kindFromMessage);
}

/** By their address. fal lets them be kept for a day. */
const published = new Map<string, FetchedKeys<KeyObject>>();

const HEADERS = ['request-id', 'user-id', 'timestamp', 'signature'].map(
	(name) => `x-fal-webhook-${name}`,
);

/**
 * fal signs with keys of its own that it publishes, the same for all accounts.
 * @throws Flux2Error `unavailable` where the keys cannot be fetched
 */
export async function signatureProblem({
	context,
	body,
	headers,
	baseUrl,
	signal,
}: Omit<WebhookCall, 'secret' | 'client'>): Promise<string | undefined> {
	const missing = missingHeaders(headers, ...HEADERS);
	if (missing.length > 0) return lackingMessage(missing);
	const [id, user, timestamp, signature] = HEADERS.map((name) => headerText(headers, name));
	const late = timeProblem(timestamp);
	if (late) return late;
	const digest = createHash('sha256').update(body).digest('hex');
	const message = Buffer.from([id, user, timestamp, digest].join('\n'));
	const url = webhookKeysUrl(baseUrl);
	const keys = published.get(url) ?? new FetchedKeys<KeyObject>();
	published.set(url, keys);
	const { helpers } = context;
	const isSigned = await keys.some(
		(key) => verify(null, message, key, Buffer.from(String(signature), 'hex')),
		async () => await fetchPublishedKeys({ helpers, origin: baseUrl, signal }, url),
	);
	if (!isSigned) return "x-fal-webhook-signature is not made with one of fal's keys";
	const isAboutBody = parseWebhookPayload(parseJson(body))?.taskId === id;
	return isAboutBody ? undefined : 'x-fal-webhook-request-id names another request than the body';
}
