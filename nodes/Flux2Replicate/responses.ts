import type { ErrorKind } from '../shared/core/errors';
import { callMessage } from '../shared/core/messages';
import { z } from '../shared/core/vendor';
import { kindFromMessage, kindFromResponse } from '../shared/http/errorKind';
import {
	entriesOf,
	idSchema,
	optionalIdSchema,
	optionalNumberSchema,
	optionalTextSchema,
	wordSchema,
} from '../shared/http/schemas';
import type { ApiResponse, ErrorResponse } from '../shared/http/types';
import type { ImageSource } from '../shared/images/store';
import { labelsOf } from '../shared/parameters/model';
import type { Task, TaskState } from '../shared/tasks/protocol';
import {
	isAbout,
	toTaskState as stateFromReport,
	type StatusWords,
} from '../shared/tasks/statusReport';
import { models } from './models';

export const LABEL = 'Replicate';

const SUCCEEDED = 'succeeded';
const CANCELLED = 'canceled';
/** https://replicate.com/docs/topics/predictions/lifecycle. One that is aborted has never run, and is not charged. */
const STATUS_WORDS: StatusWords = {
	provider: LABEL,
	pending: ['starting', 'processing'],
	failed: { failed: 'unavailable', aborted: 'unavailable' },
	cancelled: [CANCELLED],
	done: [SUCCEEDED],
};

/** What the content filter says behind its message. */
const MODERATION_CODE = /\(E005\)/;

const urlSchema = z.string().regex(/^https?:/i);
/** One image as its URL, or several in a list. */
const outputSchema = z.union([urlSchema.transform((url) => [url]), entriesOf(urlSchema)]).catch([]);

const predictionFields = z.object({
	id: optionalIdSchema,
	model: optionalTextSchema,
	status: wordSchema,
	output: outputSchema,
	error: optionalTextSchema,
	data_removed: z.unknown(),
	input: z.object({ seed: optionalNumberSchema, prompt: optionalTextSchema }).catch({}),
	urls: z.object({ get: optionalTextSchema, cancel: optionalTextSchema }).catch({}),
});
type Prediction = z.infer<typeof predictionFields>;

export const submittedSchema = predictionFields.extend({ id: idSchema });

/** A body that is no prediction says nothing about it. */
export const predictionSchema = predictionFields.catch({
	status: '',
	output: [],
	input: {},
	urls: {},
});

export const fileSchema = z.object({ urls: z.object({ get: urlSchema }) });

const errorSchema = z.object({
	title: optionalTextSchema,
	detail: optionalTextSchema,
	invalid_fields: entriesOf(z.object({ field: wordSchema, description: z.string().min(1) })),
	/** Seconds. */
	retry_after: optionalNumberSchema,
});

const labels = new Map([
	['prompt', 'Prompt'],
	['images', 'Reference Images'],
	['input_images', 'Reference Images'],
	...labelsOf(models),
]);

/** Problem details (RFC 9457), with the fields that are wrong where there are any. */
export function readError({ status, json }: ApiResponse): ErrorResponse | undefined {
	const read = errorSchema.safeParse(json);
	if (!read.success) return undefined;
	const { title, detail, invalid_fields: fields, retry_after: seconds } = read.data;
	const problems = fields.map(({ field, description }) => {
		const label = labels.get(field.split('.').at(-1) ?? '');
		return label ? `${label}: ${description}` : description;
	});
	const message = problems.join('; ') || detail?.trim() || title;
	if (!message) return undefined;
	return {
		kind: kindFromResponse(status, message),
		message,
		...(seconds !== undefined && seconds > 0 && { retryAfterMs: seconds * 1000 }),
	};
}

/** @param httpCode of a response outside 2xx */
export function toTaskState(
	prediction: Prediction,
	{ task, json, httpCode }: { task: Task; json: unknown; httpCode?: number },
): TaskState {
	const { id: reportedId, status: word, output, error, model, input } = prediction;
	const located = { ...task, model: task.model ?? model };
	const raw = withoutDataUris(json);
	if (isRemoved(prediction) && isAbout(task, reportedId)) return removedState(located, raw);
	const report = {
		task: located,
		reportedId,
		word,
		images: output.map((url): ImageSource => ({ url })),
		seed: input.seed,
		errorMessage: error || undefined,
		httpCode,
		raw,
	};
	return stateFromReport(report, STATUS_WORDS, kindFromFailure);
}

const kindFromFailure = (message: string, fallback: ErrorKind): ErrorKind =>
	MODERATION_CODE.test(message) ? 'moderated' : kindFromMessage(message, fallback);

/** The record of a prediction stays, its files do not. */
const isRemoved = ({ status, output, data_removed: isGone }: Prediction): boolean =>
	isGone === true && output.length === 0 && status.toLowerCase() === SUCCEEDED;

/** The image was made, and paid for: it is not made anew by itself. */
function removedState(task: Task, raw: unknown): TaskState {
	const words = 'the files of a prediction are deleted an hour after it has ended';
	const message = callMessage({ kind: 'expired', provider: LABEL, words });
	return { status: 'failed', task, kind: 'expired', message, lost: 'missing', raw };
}

export const isCancelled = ({ status }: Prediction): boolean => status.toLowerCase() === CANCELLED;

/** Responses repeat the input, and with it the reference images. */
export const withoutDataUris = (json: unknown): unknown =>
	JSON.parse(
		JSON.stringify(json ?? null, (_key, value: unknown) =>
			typeof value === 'string' && value.startsWith('data:') ? '(data URI)' : value,
		),
	);
