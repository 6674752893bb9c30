import type { ErrorKind } from '../shared/core/errors';
import { isObject, parseJson } from '../shared/core/json';
import { imageMessage } from '../shared/core/messages';
import { z } from '../shared/core/vendor';
import {
	formatFastApiDetail,
	kindFromMessage,
	kindFromResponse,
	kindFromStatus,
} from '../shared/http/errorKind';
import type { ServerSentEvent } from '../shared/http/eventSource';
import {
	entriesOf,
	idSchema,
	optionalIdSchema,
	optionalNumberSchema,
	optionalTextSchema,
	wordSchema,
} from '../shared/http/schemas';
import type { ApiResponse, ErrorResponse } from '../shared/http/types';
import { labelsOf } from '../shared/parameters/model';
import type { ReadEvent } from '../shared/tasks/eventStream';
import type { Failed, Task, TaskState } from '../shared/tasks/protocol';
import {
	isAbout,
	toTaskState as stateFromReport,
	type StatusWords,
} from '../shared/tasks/statusReport';
import { readPrice } from './billing';
import { models } from './models';
import { outpaint } from './outpaint';

export const LABEL = 'fal';

const COMPLETED = 'completed';
/** The queue has three words. `COMPLETED` says only that there is a result, which may be a failure. */
export const STATUS_WORDS: StatusWords = {
	provider: LABEL,
	pending: ['in_queue', 'in_progress'],
	failed: {},
	done: [COMPLETED],
};

/** https://fal.ai/docs/documentation/model-apis/request-errors */
const REQUEST_ERRORS = new Map<string, ErrorKind>([
	['request_timeout', 'unavailable'],
	['startup_timeout', 'unavailable'],
	['runner_scheduling_failure', 'unavailable'],
	['runner_connection_timeout', 'unavailable'],
	['runner_disconnected', 'unavailable'],
	['runner_connection_refused', 'unavailable'],
	['runner_connection_error', 'unavailable'],
	['runner_incomplete_response', 'unavailable'],
	['runner_server_error', 'unavailable'],
	['internal_error', 'unavailable'],
	['client_disconnected', 'unavailable'],
	['client_cancelled', 'unavailable'],
	['bad_request', 'invalidInput'],
]);
/** https://fal.ai/docs/documentation/model-apis/errors; any other type of a 422 names a wrong parameter. */
const MODEL_ERRORS = new Map<string, ErrorKind>([
	['content_policy_violation', 'moderated'],
	['no_media_generated', 'invalidInput'],
	['internal_server_error', 'unavailable'],
	['generation_timeout', 'unavailable'],
	['downstream_service_error', 'unavailable'],
	['downstream_service_unavailable', 'unavailable'],
]);
const CANCELLED = 'client_cancelled';

const BLACK_IMAGE = "fal's safety checker has blackened the image";

export const submittedSchema = z.object({
	request_id: idSchema,
	status_url: optionalTextSchema,
	response_url: optionalTextSchema,
	cancel_url: optionalTextSchema,
	queue_position: optionalNumberSchema,
});

const statusFields = z.object({
	request_id: optionalIdSchema,
	status: wordSchema,
	response_url: optionalTextSchema,
	queue_position: optionalNumberSchema,
	error: optionalTextSchema,
	error_type: optionalTextSchema,
});
type Status = z.infer<typeof statusFields>;

/** A poll's response; a body that is none of it says nothing about the task. */
export const statusSchema = statusFields.catch({ status: '' });

const resultFields = z.object({
	images: entriesOf(z.object({ url: z.string().min(1) })),
	has_nsfw_concepts: z.array(z.unknown()).optional().catch(undefined),
	seed: optionalNumberSchema,
	prompt: optionalTextSchema,
});
type Result = z.infer<typeof resultFields>;

export const resultSchema = resultFields.catch({ images: [] });

const detailSchema = z.object({
	loc: z.array(z.union([z.string(), z.number()])).catch([]),
	msg: z.string(),
	type: optionalTextSchema,
});
type Detail = z.infer<typeof detailSchema>;

const errorSchema = z.object({
	detail: z
		.union([z.string().min(1), entriesOf(detailSchema)])
		.optional()
		.catch(undefined),
	error_type: optionalTextSchema,
	/** Of a limit that is reached. */
	type: optionalTextSchema,
	/** Of a request that cannot be cancelled. */
	status: optionalTextSchema,
	/** Of Hugging Face's router. */
	error: optionalTextSchema,
});

const labels = new Map([
	['prompt', 'Prompt'],
	['image_urls', 'Reference Images'],
	['image_size', 'Size'],
	['image_url', 'Image'],
	...labelsOf([...models, outpaint]),
]);

/** `detail` is a text, or a list of problems with a type each; errors of the queue have a type beside it. */
export function readError({ status, json }: ApiResponse): ErrorResponse | undefined {
	const read = errorSchema.safeParse(json);
	if (!read.success) return undefined;
	const { detail, error_type: errorType, type, status: word, error } = read.data;
	const problems = Array.isArray(detail) ? detail : [];
	const text = typeof detail === 'string' ? detail : formatProblems(problems);
	const message = text ?? error ?? errorType ?? word;
	if (!message) return undefined;
	const types = [errorType, type, ...problems.map((problem) => problem.type)];
	const known = types.flatMap(
		(name = '') => REQUEST_ERRORS.get(name) ?? MODEL_ERRORS.get(name) ?? [],
	);
	const fallback = problems.length > 0 ? kindFromStatus(status) : kindFromText(status, message);
	return { kind: known[0] ?? fallback, message };
}

/** An account without balance is locked, under the status of a key that is not permitted. */
const kindFromText = (status: number, message: string): ErrorKind =>
	status === 403 && /locked/i.test(message) ? 'credits' : kindFromResponse(status, message);

const formatProblems = (problems: readonly Detail[]): string | undefined =>
	problems.length > 0
		? formatFastApiDetail(
				problems.map(({ loc, msg }) => ({ loc: [fieldOf(loc)], msg })),
				labels,
			)
		: undefined;

/** The field that a problem is about; of a list its number too. */
function fieldOf(loc: Detail['loc']): string {
	const [last = 'body', parent] = [...loc].reverse();
	if (typeof last === 'string') return last;
	const list = String(parent);
	return `${labels.get(list) ?? list} (entry ${last + 1})`;
}

export const isCompleted = ({ status }: Status): boolean => status.toLowerCase() === COMPLETED;

/** What `status` says, as far as it does: the result of a completed request has an address of its own. */
export function toTaskState(
	status: Status,
	task: Task,
	raw: unknown,
	httpCode?: number,
): TaskState {
	const { request_id: reportedId, status: word, queue_position: queuePosition } = status;
	const { error, error_type: type = '' } = status;
	const kind = isCompleted(status) ? REQUEST_ERRORS.get(type) : undefined;
	if (kind && isAbout(task, reportedId)) {
		const words = [error, type].filter(Boolean).join(', ');
		const message = imageMessage({ kind, provider: LABEL, words });
		const lost = type === CANCELLED ? ({ lost: 'cancelled' } as const) : {};
		return { status: 'failed', task, kind, message, ...lost, raw };
	}
	const errorMessage = isCompleted(status) ? undefined : error;
	const about = { task, reportedId, word, images: [] };
	const report = { ...about, queuePosition, errorMessage, httpCode, raw };
	return stateFromReport(report, STATUS_WORDS, kindFromMessage);
}

/** Too early, or a key, a limit or a gateway in the way: none of these is the request's own result. */
const NO_RESULT_STATUSES = [401, 403, 404, 408, 425, 429];

/** Whether a response outside 2xx is what became of the request: it has the form of fal's errors. */
export function isResult({ status, json }: ApiResponse): boolean {
	if (NO_RESULT_STATUSES.includes(status) || !isObject(json)) return false;
	return 'detail' in json || 'error_type' in json;
}

const isTooEarly = ({ status, json }: ApiResponse): boolean =>
	status === 400 && isObject(json) && /in progress/i.test(String(json.detail));

/**
 * What the result of a completed request says. It may be a failure under any HTTP status.
 * @param errorMessage what the status has said already
 */
export function toResultState(
	result: Result,
	task: Task,
	response: ApiResponse,
	errorMessage: string | undefined,
): TaskState {
	const { status: httpCode, json: raw } = response;
	if (isTooEarly(response)) return { status: 'pending', task, raw };
	if (httpCode >= 300) return toFailedState(task, response);
	const { images, has_nsfw_concepts: flags = [], seed, prompt: revisedPrompt } = result;
	const price = readPrice(task, response);
	const moderated = images.flatMap((_image, index) => (flags[index] === true ? [index] : []));
	if (images.length > 0 && moderated.length === images.length) {
		return { status: 'failed', task, kind: 'moderated', message: BLACK_IMAGE, price, raw };
	}
	const report = { task, word: COMPLETED, images, seed, revisedPrompt, errorMessage, price, raw };
	const state = stateFromReport(report, STATUS_WORDS, kindFromMessage);
	return state.status === 'done' && moderated.length > 0 ? { ...state, moderated } : state;
}

/** What a response outside 2xx says about a request that has ended. */
export function toFailedState(task: Task, response: ApiResponse): Failed {
	const { status: httpCode, json: raw } = response;
	const { kind, message: words } = readError(response) ?? {
		kind: kindFromStatus(httpCode),
		message: 'it gives no reason',
	};
	const isCancelled = isObject(raw) && raw.error_type === CANCELLED;
	return {
		status: 'failed',
		task,
		kind,
		message: imageMessage({ kind, provider: LABEL, words }),
		httpCode,
		price: readPrice(task, response),
		...(isCancelled && { lost: 'cancelled' }),
		raw,
	};
}

/** The stream repeats the status at each change. Its end must be asked for. */
export function readEvent({ data }: ServerSentEvent, { id }: Task): ReturnType<ReadEvent> {
	const status = statusSchema.parse(parseJson(data));
	return isCompleted(status) ? { taskId: id, state: undefined } : undefined;
}
