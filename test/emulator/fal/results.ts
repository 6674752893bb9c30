import sharp from 'sharp';
import type { TaskFailure } from '../faults';
import { sha256, type DrawnImage } from '../images';
import { toState, type Task } from '../tasks';
import { toResponse, type ApiResponse, type JsonObject } from '../types';
import { documentedErrors, falError, modelError, requestError } from './documentedErrors';
import type { FalRequest } from './requests';
import type { FalWorld } from './world';

/** What fal says about a request: its status in three words, and its result, which may be a failure. */

/** The HTTP status of each error of the queue itself. */
const REQUEST_ERRORS: Record<string, number> = {
	request_timeout: 504,
	startup_timeout: 504,
	runner_scheduling_failure: 503,
	runner_connection_timeout: 503,
	runner_disconnected: 503,
	runner_connection_refused: 503,
	runner_connection_error: 503,
	runner_incomplete_response: 502,
	runner_server_error: 500,
	internal_error: 500,
	client_disconnected: 499,
	client_cancelled: 499,
	bad_request: 400,
};
/** Of a model's errors that are not the caller's fault; all others are 422. */
const SERVER_ERRORS = [
	'internal_server_error',
	'generation_timeout',
	'downstream_service_error',
	'downstream_service_unavailable',
];

const CANCELLED: TaskFailure = { code: 'client_cancelled', message: 'Request was cancelled' };

/** What the task has failed with; undefined where it has not. */
function toFailure(task: Task): TaskFailure | undefined {
	const state = toState(task);
	if (state.phase === 'cancelled') return CANCELLED;
	return state.phase === 'failed' ? state.failure : undefined;
}

export function toStatusBody(task: Task, request: FalRequest, responseUrl: string): JsonObject {
	const state = toState(task);
	const facts = { request_id: request.id, response_url: responseUrl };
	switch (state.phase) {
		case 'pending':
			return { status: 'IN_QUEUE', ...facts, queue_position: toQueuePosition(task) };
		case 'running':
			return { status: state.status ?? 'IN_PROGRESS', ...facts, logs: [] };
		case 'other':
			return { status: state.status, ...facts, logs: [] };
		default:
			return { status: 'COMPLETED', ...facts, logs: [], ...toEnd(task) };
	}
}

/** One place further at each poll. */
export const toQueuePosition = ({ fault: { queuePosition = 0 }, polls }: Task) =>
	Math.max(0, queuePosition - polls);

/** Errors of a model stand in the result alone. */
function toEnd(task: Task): JsonObject {
	const failure = toFailure(task);
	if (!failure) return { metrics: { inference_time: task.record.seconds } };
	const type = String(failure.code);
	const isOfQueue = type in REQUEST_ERRORS;
	return { metrics: {}, ...(isOfQueue && { error: failure.message, error_type: type }) };
}

export async function toResult(
	world: FalWorld,
	task: Task,
	request: FalRequest,
): Promise<ApiResponse> {
	const failure = toFailure(task);
	if (!failure && toState(task).phase !== 'completed') return documentedErrors['fal.tooEarly'];
	const response = failure ? toFailedResult(world, failure, request) : await toOutput(request);
	return {
		...response,
		headers: { 'x-fal-request-id': request.id, ...response.headers },
	};
}

function toFailedResult(
	{ falErrorStatus }: FalWorld,
	{ code, message, style }: TaskFailure,
	{ problems }: FalRequest,
): ApiResponse {
	if (problems.length > 0) return modelError(422, problems);
	const type = String(code ?? 'internal_server_error');
	const requestStatus = REQUEST_ERRORS[type];
	if (requestStatus !== undefined) return requestError(requestStatus, type, message);
	const status = SERVER_ERRORS.includes(type) ? falErrorStatus : 422;
	if (style === 'string') return falError(status, message);
	return modelError(status, [{ loc: ['body', 'prompt'], msg: message, type }]);
}

async function toOutput({ endpoint, prompt, images, units }: FalRequest): Promise<ApiResponse> {
	const [first] = images as [Task];
	const { nsfw = [] } = first.fault;
	const flags = images.map((_image, index) => nsfw.includes(index));
	images.forEach((task, index) => {
		if (flags[index]) task.image = async () => await drawBlack(task);
	});
	const facts = {
		timings: { inference: first.record.seconds },
		has_nsfw_concepts: flags,
		prompt,
	};
	const body = {
		images: await Promise.all(images.map(toFile)),
		...(!endpoint.outpaints && { seed: first.record.seed }),
		...(!endpoint.isClosed && facts),
	};
	return toResponse(200, body, units === null ? {} : { 'x-fal-billable-units': String(units) });
}

async function toFile(task: Task): Promise<JsonObject> {
	const { bytes, mimeType, width, height } = await task.image();
	const { url } = task.record;
	return {
		url,
		content_type: mimeType,
		file_name: url.split('/').at(-1),
		file_size: bytes.length,
		width,
		height,
	};
}

/** What the safety checker leaves of an image. */
async function drawBlack({ record }: Task): Promise<DrawnImage> {
	const { width, height } = record;
	const format = record.format as DrawnImage['extension'];
	const black = sharp({ create: { width, height, channels: 3, background: '#000' } });
	const bytes = await black.toFormat(format).toBuffer();
	const mimeType = `image/${format}` as const;
	return { bytes, sha256: sha256(bytes), mimeType, extension: format, width, height };
}

/** In the queue it is removed; in progress it is a signal, which is followed here. */
export function toCancelResponse(task: Task, { images }: FalRequest): ApiResponse {
	const { phase } = toState(task);
	if (phase !== 'pending' && phase !== 'running') {
		return toResponse(400, { status: 'ALREADY_COMPLETED' });
	}
	for (const { record } of images) Object.assign(record, { cancelledAt: Date.now(), cost: 0 });
	return toResponse(202, { status: 'CANCELLATION_REQUESTED' });
}
