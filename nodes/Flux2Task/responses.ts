import { z } from '../shared/core/vendor';
import {
	fastApiDetailSchema,
	formatFastApiDetail,
	kindFromMessage,
	kindFromResponse,
} from '../shared/http/errorKind';
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
import type { Task, TaskState } from '../shared/tasks/protocol';
import { toTaskState as stateFromReport, type StatusWords } from '../shared/tasks/statusReport';

export const LABEL = 'Task API';

/** Vtrix documents `in_progress`, `completed` and `failed`; its client also knows two more. */
const TASK_WORDS: StatusWords = {
	provider: LABEL,
	pending: ['in_progress', 'pending', 'processing'],
	failed: { failed: 'unavailable' },
	cancelled: ['cancelled', 'canceled'],
	done: ['completed'],
};
/** The queue API's documented words, and the one of fal, whose dialect it is. `COMPLETED` may come with an error. */
const QUEUE_WORDS: StatusWords = {
	...TASK_WORDS,
	pending: ['queued', 'in_queue', 'in_progress'],
};

/** https://docs.vtrix.ai gives 403 both meanings. */
const FORBIDDEN_ADVICE =
	"The key may lack the permission for this API or model, or the account's balance is used up.";

const errorObjectSchema = z.object({
	code: z.union([z.string(), z.number()]).optional().catch(undefined),
	message: optionalTextSchema,
	error_message: optionalTextSchema,
});
/** `error` is text, or an object with `message` or `error_message`; empty ones count as none. */
const taskErrorSchema = z.union([z.string(), errorObjectSchema]).optional().catch(undefined);
type TaskError = z.infer<typeof taskErrorSchema>;

const urlSchema = z.object({ url: z.string().min(1) });
const outputSchema = entriesOf(z.object({ content: entriesOf(urlSchema) }));

const generationFields = z.object({
	id: optionalIdSchema,
	status: wordSchema,
	model: optionalTextSchema,
	progress: optionalNumberSchema,
	output: outputSchema,
	error: taskErrorSchema,
	usage: z.object({ cost: optionalAmountSchema }).optional().catch(undefined),
});
type Generation = z.infer<typeof generationFields>;

/** A poll's response; a body that is none of it says nothing about the task. */
export const generationSchema = generationFields.catch({ status: '', output: [] });

/** An ID alone is worth a poll. */
export const submittedSchema = generationFields.extend({ id: idSchema });

/** Of a shape that nobody has called yet, the cost is null. */
export const prechargeSchema = z
	.object({
		data: z.object({
			cost: z.union([z.string().min(1), z.number()]).pipe(z.coerce.number()),
			currency: z.literal('USD'),
		}),
	})
	.transform(({ data }) => data.cost);

export const queuedSchema = z.object({
	request_id: idSchema,
	status_url: optionalTextSchema,
	queue_position: optionalNumberSchema,
});

const queueStatusFields = z.object({
	request_id: optionalIdSchema,
	status: wordSchema,
	error: taskErrorSchema,
	error_type: optionalTextSchema,
	provider_error: taskErrorSchema,
	queue_position: optionalNumberSchema,
});
export const queueStatusSchema = queueStatusFields.catch({ status: '' });

const queueResultFields = z.object({
	request_id: optionalIdSchema,
	status: optionalTextSchema,
	outputs: entriesOf(urlSchema),
	error: taskErrorSchema,
});
export const queueCancelSchema = z.object({ status: wordSchema }).catch({ status: '' });
export const queueResultSchema = queueResultFields.catch({ outputs: [] });

const errorSchema = z.object({
	error: taskErrorSchema,
	message: optionalTextSchema,
	detail: fastApiDetailSchema.optional().catch(undefined),
	status: taskErrorSchema,
});

/** Reads the error bodies seen on this family of services; they differ from one to the next. */
export function readError({ status: httpCode, json }: ApiResponse): ErrorResponse | undefined {
	const read = errorSchema.safeParse(json);
	if (!read.success) return undefined;
	const { error, message: text, detail, status } = read.data;
	const message =
		formatError(error) ??
		text ??
		(detail && formatFastApiDetail(detail)) ??
		(typeof status === 'object' ? formatError(status) : undefined);
	if (!message) return undefined;
	const kind = kindFromResponse(httpCode, message);
	return { kind, message, ...(httpCode === 403 && { description: FORBIDDEN_ADVICE }) };
}

/** Undefined where the error says nothing. */
function formatError(error: TaskError): string | undefined {
	if (!error) return undefined;
	if (typeof error === 'string') return error;
	return [error.code, error.message ?? error.error_message].filter(Boolean).join(': ') || undefined;
}

/** @param httpCode of a response outside 2xx */
export function toTaskState(
	{ id, status, progress, output, error, usage }: Generation,
	task: Task,
	raw: unknown,
	httpCode?: number,
): TaskState {
	const report = {
		task,
		reportedId: id,
		word: status,
		images: output.flatMap(({ content }): ImageSource[] => content),
		errorMessage: formatError(error),
		price:
			usage?.cost === undefined ? undefined : { cost: { amount: usage.cost, currency: 'USD' } },
		progress,
		httpCode,
		raw,
	};
	return stateFromReport(report, TASK_WORDS, kindFromMessage);
}

/** What the queue's `status` says; its result has an address of its own. */
export function toQueueState(
	{
		request_id: id,
		status,
		error,
		error_type: type,
		provider_error,
		queue_position,
	}: z.infer<typeof queueStatusFields>,
	task: Task,
	raw: unknown,
	httpCode?: number,
): TaskState {
	const message = formatError(error) ?? formatError(provider_error);
	const report = {
		task,
		reportedId: id,
		word: status,
		images: [],
		errorMessage: [message, type].filter(Boolean).join(', ') || undefined,
		queuePosition: queue_position,
		httpCode,
		raw,
	};
	const state = stateFromReport(report, QUEUE_WORDS, kindFromMessage);
	return state.status === 'failed' && isCancellation(error)
		? { ...state, lost: 'cancelled' }
		: state;
}

/** The word for a cancelled request is not documented: it ends as `COMPLETED`, with an error of that code. */
const isCancellation = (error: TaskError): boolean =>
	typeof error === 'object' && isCancelled(String(error.code));

/** Any other word of a response to a cancel says no more than that the request was received. */
export const isCancelled = (word: string): boolean => /^cancell?ed$/i.test(word);

/** What the queue's `response` says about a task whose status was `COMPLETED`. */
export function toQueueResult(
	{ request_id: id, status = 'COMPLETED', outputs, error }: z.infer<typeof queueResultFields>,
	task: Task,
	raw: unknown,
): TaskState {
	const report = {
		task,
		reportedId: id,
		word: status,
		images: outputs,
		errorMessage: formatError(error),
		raw,
	};
	return stateFromReport(report, QUEUE_WORDS, kindFromMessage);
}
