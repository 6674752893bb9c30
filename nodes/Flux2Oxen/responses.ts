import type { ErrorKind } from '../shared/core/errors';
import { hideBase64, parseJson } from '../shared/core/json';
import { callMessage } from '../shared/core/messages';
import { z } from '../shared/core/vendor';
import { kindFromMessage, kindFromResponse } from '../shared/http/errorKind';
import type { ServerSentEvent } from '../shared/http/eventSource';
import {
	entriesOf,
	idSchema,
	optionalAmountSchema,
	optionalIdSchema,
	optionalNumberSchema,
	optionalTextSchema,
	wordSchema,
} from '../shared/http/schemas';
import type { ApiResponse, ErrorResponse } from '../shared/http/types';
import type { ImageSource } from '../shared/images/store';
import type { ReadEvent } from '../shared/tasks/eventStream';
import {
	isoNow,
	type FinalState,
	type Price,
	type Task,
	type TaskState,
} from '../shared/tasks/protocol';
import { toTaskState as stateFromReport, type StatusWords } from '../shared/tasks/statusReport';

export const LABEL = 'Oxen.ai';

/** https://docs.oxen.ai/inference-api/reference/async_queue */
const STATUS_WORDS: StatusWords = {
	provider: LABEL,
	pending: ['queued', 'processing'],
	failed: { failed: 'unavailable' },
	cancelled: ['cancelled', 'canceled'],
	done: ['succeeded'],
};

const generationFields = z
	.object({
		generation_id: optionalIdSchema,
		status: wordSchema,
		model_name: optionalTextSchema,
		result_url: optionalTextSchema,
		error_message: optionalTextSchema,
		completed_at: z.unknown(),
		cost: optionalAmountSchema,
		seed: optionalNumberSchema,
	})
	.passthrough();
type Generation = z.infer<typeof generationFields>;

const UNREADABLE: Generation = { status: '', completed_at: undefined };

/** A body that is no generation says nothing about it. */
export const generationSchema = generationFields.catch(UNREADABLE);

const queuedTaskSchema = z.object({ generation_id: idSchema }).passthrough();
export const queuedSchema = z.object({
	generations: entriesOf(queuedTaskSchema).pipe(z.array(queuedTaskSchema).min(1)),
});

/** The history documents no status: it follows from what is there. */
function withHistoryStatus(generation: Generation): Generation {
	const { status, result_url: url, error_message: error, completed_at: end } = generation;
	if (status !== '') return generation;
	if (url) return { ...generation, status: 'succeeded' };
	if (error) return { ...generation, status: 'failed' };
	return { ...generation, status: end ? 'cancelled' : 'processing' };
}

/** An entry of the history; a body that is none says nothing about the task. */
export const historySchema = z
	.object({ generation: generationFields })
	.transform(({ generation }) => withHistoryStatus(generation))
	.catch(UNREADABLE);

/** Whether a response outside 2xx is the task's entry of the history all the same: it need not name a status. */
export const isHistoryOf =
	({ id }: Task) =>
	({ json }: ApiResponse): boolean =>
		historySchema.parse(json).generation_id === id;

const imageSchema = z.object({ url: optionalTextSchema, b64_json: optionalTextSchema });
export const imagesSchema = z.object({ images: entriesOf(imageSchema) });

/** US dollars for an image. */
export const modelPriceSchema = z
	.object({ pricing: z.object({ cost_per_image: z.coerce.number().positive() }) })
	.transform(({ pricing }) => pricing.cost_per_image);

const finishedEventSchema = z.object({
	generation_id: idSchema,
	status: wordSchema,
	url: optionalTextSchema,
	error: optionalTextSchema,
});

const errorSchema = z.object({
	error: z.union([
		z.string().min(1),
		z.object({
			type: optionalTextSchema,
			title: optionalTextSchema,
			detail: optionalTextSchema,
			message: optionalTextSchema,
		}),
	]),
});

/** `{error: {type, title, detail}}` or `{error: {message}}`. */
export function readError({ status, json }: ApiResponse): ErrorResponse | undefined {
	const read = errorSchema.safeParse(json);
	if (!read.success) return undefined;
	const { error } = read.data;
	const message = typeof error === 'string' ? error : formatError(error);
	return message ? { kind: kindFromResponse(status, message), message } : undefined;
}

function formatError({ type, title, detail, message }: Record<string, string | undefined>): string {
	return message ?? ([title, detail].filter(Boolean).join(': ') || (type ?? ''));
}

/** @param httpCode of a response outside 2xx */
export function toTaskState(generation: Generation, task: Task, httpCode?: number): TaskState {
	const { status, result_url: url, error_message: error, model_name: model, seed } = generation;
	const report = {
		task: { ...task, model: task.model ?? model },
		reportedId: generation.generation_id,
		word: status,
		images: url ? [{ url }] : [],
		errorMessage: error || undefined,
		seed,
		price: priceOf(generation),
		httpCode,
		raw: generation,
	};
	return stateFromReport(report, STATUS_WORDS, kindFromFailure);
}

/** The queue checks parameters only when the task runs: what the user got wrong comes as a failed task. */
function kindFromFailure(message: string, fallback: ErrorKind): ErrorKind {
	if (/must be|cannot be|invalid|\bclient error: /i.test(message)) {
		return 'invalidInput';
	}
	if (/not found/i.test(message)) return 'notFound';
	return kindFromMessage(message, fallback);
}

export const priceOf = ({ cost }: Pick<Generation, 'cost'>): Price | undefined =>
	cost === undefined ? undefined : { cost: { amount: cost, currency: 'USD' } };

/** The response to the call that waits. */
export function toSyncState(
	{ images: entries }: z.infer<typeof imagesSchema>,
	submittedAt: string,
	response: ApiResponse,
): FinalState {
	const images = entries.flatMap(({ url, b64_json: base64 }): ImageSource[] =>
		url ? [{ url }] : base64 ? [{ base64 }] : [],
	);
	const raw = hideBase64(response.json, 'b64_json');
	if (images.length > 0) return { status: 'done', submittedAt, readyAt: isoNow(), images, raw };
	const words = 'the response has neither "images[0].url" nor "images[0].b64_json"';
	const message = callMessage({ kind: 'badResponse', provider: LABEL, words });
	return { status: 'failed', kind: 'badResponse', message, raw };
}

/** `media_generation_completed` brings the end of a task; other events are of no interest. */
export const readEvent: ReadEvent = ({ event, data }: ServerSentEvent) => {
	if (event !== 'media_generation_completed') return undefined;
	const read = finishedEventSchema.safeParse(parseJson(data));
	if (!read.success) return undefined;
	const { generation_id: id, status, url, error } = read.data;
	const generation = { status, result_url: url, error_message: error, completed_at: undefined };
	const state = toTaskState(generation, { id });
	// without its URL, or with a word that no document explains, the queue must be asked
	const isFinal = state.status === 'done' || state.status === 'failed';
	return { taskId: id, state: isFinal ? state : undefined };
};
