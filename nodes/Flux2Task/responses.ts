import { fastApiDetailSchema, formatFastApiDetail } from '../shared/http/errorKind';
import { kindFromResponse, kindFromMessage } from '../shared/core/errors';
import type { ApiResponse, ErrorResponse } from '../shared/http/client';
import type { Failed, ImageSource, Task, TaskState } from '../shared/tasks/protocol';
import { z } from '../shared/core/vendor';

/** Vtrix documents `in_progress`; its client also knows the other two. Every other word is an end. */
const PENDING = ['in_progress', 'pending', 'processing'];
/** The queue API's documented words, and the one of fal, whose dialect it is. */
export const QUEUE_PENDING = ['queued', 'in_queue', 'in_progress'];

/** https://docs.vtrix.ai gives 403 both meanings. */
const FORBIDDEN =
	"The key may lack the permission for this API or model, or the account's balance is used up.";

const text = z.string().min(1);
const optionalText = z.string().optional().catch(undefined);
const details = z.object({
	code: z.union([z.string(), z.number()]).nullish().catch(undefined),
	message: optionalText,
	error_message: optionalText,
});
/** `error` is text, or an object with `message` or `error_message`; empty ones count as none. */
const failure = z.union([z.string(), details]).nullish().catch(undefined);
const address = z.object({ url: optionalText });
const amount = z.union([z.number(), text]).pipe(z.coerce.number());

// only what is needed is asked for: a field that looks odd must not cost a task that is paid for
export const answerSchema = z.object({
	id: text,
	status: text,
	model: optionalText,
	progress: z.number().optional().catch(undefined),
	output: z
		.array(z.object({ content: z.array(address).catch([]) }))
		.nullish()
		.catch(undefined),
	error: failure,
	usage: z.object({ cost: amount }).optional().catch(undefined),
});

/** An ID alone is worth looking at. */
export const submittedSchema = answerSchema.extend({ status: text.catch('pending') });

export const queuedSchema = z.object({
	request_id: text,
	status_url: z.string().optional().catch(undefined),
});

export const statusSchema = z.object({
	status: text,
	error: failure,
	error_type: optionalText,
	provider_error: details.optional().catch(undefined),
});

export const responseSchema = z.object({
	status: optionalText,
	outputs: z.array(address).nullish().catch(undefined),
	error: failure,
});

const complaintSchema = z.object({
	error: failure,
	message: optionalText,
	detail: fastApiDetailSchema.optional().catch(undefined),
	status: details.optional().catch(undefined),
});

/** Reads the error bodies seen on this family of services; they differ from one to the next. */
export function explain(answer: ApiResponse): ErrorResponse | undefined {
	const read = complaintSchema.safeParse(answer.json);
	if (!read.success) return undefined;
	const { error, message, detail, status } = read.data;
	const words =
		wordsOf(error) ?? message ?? (detail && formatFastApiDetail(detail)) ?? wordsOf(status);
	if (!words) return undefined;
	const kind = kindFromResponse(answer.status, words);
	return { kind, message: words, ...(answer.status === 403 && { description: FORBIDDEN }) };
}

export function wordsOf(error: z.infer<typeof failure> | null | undefined): string | undefined {
	if (!error) return undefined;
	if (typeof error === 'string') return error;
	const words = error.message ?? error.error_message;
	return [error.code, words].filter(Boolean).join(': ') || undefined;
}

export function stateOf(answer: z.infer<typeof answerSchema>, task: Task, raw: unknown): TaskState {
	const status = answer.status.toLowerCase();
	if (PENDING.includes(status)) return { status: 'pending', task, progress: answer.progress, raw };
	const images = imagesIn(answer.output?.flatMap(({ content }) => content));
	if (status === 'completed' && images.length > 0) {
		const price = answer.usage && { cost: { amount: answer.usage.cost, currency: 'USD' } };
		return { status: 'done', task, images, price, raw };
	}
	return failed(task, answer.status, status === 'failed', wordsOf(answer.error), raw);
}

export const imagesIn = (
	entries: Array<z.infer<typeof address>> | null | undefined,
): ImageSource[] => entries?.flatMap(({ url }) => (url ? [{ url }] : [])) ?? [];

/** A task that ended without a picture; a status nobody documented is told under its own name. */
export function failed(
	task: Task,
	status: string,
	documented: boolean,
	words: string | undefined,
	raw: unknown,
): Failed {
	const message = `The task ended with the status "${status}"${words ? `: ${words}` : ' and without an image'}`;
	const kind = kindFromMessage(words ?? '', documented ? 'unavailable' : 'badResponse');
	return { status: 'failed', task, kind, message, raw };
}
