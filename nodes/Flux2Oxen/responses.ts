import { kindFromResponse, kindFromMessage, type ErrorKind } from '../shared/core/errors';
import type { ServerSentEvent } from '../shared/tasks/eventStream';
import type { ApiResponse, ErrorResponse } from '../shared/http/client';
import type { Price, Task, TaskState } from '../shared/tasks/protocol';
import { z } from '../shared/core/vendor';

/** https://docs.oxen.ai/inference-api/reference/async_queue */
const PENDING = ['queued', 'processing'];

const text = z.string().min(1);
const optionalText = z.string().nullish().catch(undefined);
const amount = z.union([z.number(), text]).pipe(z.coerce.number());

// only what is needed is asked for: a field that looks odd must not cost a job that is paid for
export const generation = z
	.object({
		status: optionalText,
		model_name: optionalText,
		result_url: optionalText,
		error_message: optionalText,
		completed_at: z.unknown(),
		cost: amount.optional().catch(undefined),
		seed: z.number().optional().catch(undefined),
	})
	.passthrough();
export type Generation = z.infer<typeof generation>;

export const queued = z.object({
	generations: z.array(z.object({ generation_id: text }).passthrough()).min(1),
});
export const history = z.object({ generation });
export const pictures = z.object({
	images: z.array(z.object({ url: optionalText, b64_json: optionalText })).min(1),
});
const finishedEvent = z.object({
	generation_id: text,
	status: text,
	url: optionalText,
	error: optionalText,
});

const complaintSchema = z.object({
	error: z.union([
		text,
		z.object({
			type: z.string().optional(),
			title: z.string().optional(),
			detail: z.string().optional(),
			message: z.string().optional(),
		}),
	]),
});

/** `{error: {type, title, detail}}` or `{error: {message}}`. */
export function explain(answer: ApiResponse): ErrorResponse | undefined {
	const read = complaintSchema.safeParse(answer.json);
	if (!read.success) return undefined;
	const { error } = read.data;
	const message = typeof error === 'string' ? error : wordsOf(error);
	return message ? { kind: kindFromResponse(answer.status, message), message } : undefined;
}

function wordsOf({ type, title, detail, message }: Record<string, string | undefined>): string {
	return message ?? ([title, detail].filter(Boolean).join(': ') || (type ?? ''));
}

/** The history documents no status: it follows from what is there. */
export function statusOf({ result_url, error_message, completed_at }: Generation): string {
	if (result_url) return 'succeeded';
	if (error_message) return 'failed';
	return completed_at ? 'cancelled' : 'processing';
}

export function stateOf(raw: Generation, task: Task): TaskState {
	const word = raw.status ?? '';
	const status = word.toLowerCase();
	const known = { ...task, model: task.model ?? raw.model_name ?? undefined };
	if (PENDING.includes(status)) return { status: 'pending', task: known, raw };
	if (status === 'succeeded' && raw.result_url) {
		const price = priceOf(raw);
		const seed = raw.seed ?? undefined;
		return { status: 'done', task: known, images: [{ url: raw.result_url }], seed, price, raw };
	}
	return failed(known, word, raw.error_message, raw);
}

function failed(
	task: Task,
	word: string,
	words: string | null | undefined,
	raw: unknown,
): TaskState {
	const documented = ['failed', 'cancelled'].includes(word.toLowerCase());
	return {
		status: 'failed',
		task,
		kind: words ? kindOfFailure(words) : documented ? 'unavailable' : 'badResponse',
		message: `The generation ended with the status "${word}"${words ? `: ${words}` : ''}`,
		raw,
	};
}

/** The queue checks parameters only when the job runs: what the user got wrong comes as a failed job. */
function kindOfFailure(words: string): ErrorKind {
	if (/must be|cannot be|invalid|client error: .* for url/i.test(words)) return 'invalidInput';
	if (/not found/i.test(words)) return 'notFound';
	return kindFromMessage(words, 'unavailable');
}

export const priceOf = ({ cost }: Generation): Price | undefined =>
	typeof cost === 'number' ? { cost: { amount: cost, currency: 'USD' } } : undefined;

/** `media_generation_completed` tells the end of a job; other events are of no interest. */
export function readEvent({ event, data }: ServerSentEvent) {
	if (event !== 'media_generation_completed') return undefined;
	const read = finishedEvent.safeParse(parsed(data));
	if (!read.success) return undefined;
	const { generation_id: id, status, url, error } = read.data;
	const state = stateOf({ status, result_url: url, error_message: error }, { id });
	// without its URL, or with a word nobody has documented, a look at the queue must tell
	const isClear =
		state.status === 'done' || (state.status === 'failed' && state.kind !== 'badResponse');
	return { taskId: id, state: isClear ? state : undefined };
}

function parsed(data: string): unknown {
	try {
		return JSON.parse(data);
	} catch {
		return undefined;
	}
}
