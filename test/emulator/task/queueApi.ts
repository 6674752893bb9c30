import { randomBytes } from 'node:crypto';
import type { TaskFailure } from '../faults';
import type { RouteName } from '../registry';
import { toState, type Task, type TaskState } from '../tasks';
import {
	Refusal,
	readPrompt,
	toResponse,
	type ApiResponse,
	type Call,
	type Effect,
	type JsonObject,
	type Route,
} from '../types';
import { refuseOverLimit, type World } from '../world';
import { documentedErrors, queueError } from './documentedErrors';
import { BadParameters, readParameters, TASK_MODELS } from './parameters';
import { PRICE } from './prices';
import { authenticate } from './taskApi';

/**
 * The task API's queue twin: `POST /model/v1/queue/{model}`, then status, response and cancel
 * under `/requests/{id}/`.
 */

const SCHEMES = ['Bearer', 'Key'];
const BASE = '/model/v1/queue/:model';

export function createQueueRoutes(world: World): Route[] {
	const findTask = (call: Call) => world.tasks.find(call.params.id);
	const createPollRoute = (
		name: RouteName,
		step: string,
		response: (task: Task) => ApiResponse | Promise<ApiResponse>,
	): Route => ({
		name,
		method: 'GET',
		path: `${BASE}/requests/:id/${step}`,
		kind: 'poll',
		task: findTask,
		handle: (call) => response(findOwn(world, call)),
	});
	return [
		{
			name: 'queue.submit',
			method: 'POST',
			path: BASE,
			kind: 'submission',
			prompt: readPrompt,
			handle: (call, effect) => submit(world, call, effect),
		},
		createPollRoute('queue.status', 'status', (task) => toResponse(200, toStatusBody(task))),
		createPollRoute('queue.response', 'response', getResponse),
		{
			name: 'queue.cancel',
			method: 'PUT',
			path: `${BASE}/requests/:id/cancel`,
			kind: 'cancel',
			task: findTask,
			handle: (call) => cancel(findOwn(world, call)),
		},
	];
}

function badRequestError(reason: string): Refusal {
	return new Refusal(queueError(400, 'INVALID_PARAMETER', reason));
}

async function submit(world: World, call: Call, effect: Effect): Promise<ApiResponse> {
	const grant = authenticate(call, SCHEMES, documentedErrors['queue.key']);
	if (!grant.permission) throw new Refusal(documentedErrors['queue.permission']);
	const model = call.params.model ?? '';
	if (call.submission) Object.assign(call.submission, { model, bodyForm: 'flat' });
	if (!TASK_MODELS.includes(model))
		throw new Refusal(toResponse(404, { detail: `App not found: ${model}` }));
	if (call.body.kind !== 'json') throw badRequestError('the body is not JSON');
	const parameters = await readParameters(call.body.value, 'queue').catch((error: unknown) => {
		throw error instanceof BadParameters ? badRequestError(error.message) : error;
	});
	if (!grant.credits) throw new Refusal(documentedErrors['queue.credits']);
	refuseOverLimit(world, call, documentedErrors['queue.rateLimit']);
	const task = world.tasks.accept(call, effect, {
		id: `mmsu_01h${randomBytes(10).toString('hex')}`,
		provider: 'task',
		route: 'queue.submit',
		model,
		...parameters,
		defaultSize: { width: 1024, height: 1024 },
		cost: PRICE,
	});
	const base = `${world.urls.api}/model/v1/queue/${model}/requests/${task.record.id}`;
	return toResponse(200, {
		request_id: task.record.id,
		response_url: `${base}/response`,
		status_url: `${base}/status`,
		cancel_url: `${base}/cancel`,
		queue_position: toQueuePosition(task),
	});
}

function findOwn(world: World, call: Call): Task {
	authenticate(call, SCHEMES, documentedErrors['queue.key']);
	const { id = '', model } = call.params;
	const task = world.tasks.find(id);
	const isOwn =
		task?.record.route === 'queue.submit' &&
		task.record.model === model &&
		task.record.key === call.key;
	if (!isOwn || task.fault.vanish)
		throw new Refusal(queueError(404, 'NOT_FOUND', 'Request not found', id));
	return task;
}

function toStatusBody(task: Task): JsonObject {
	const state = toState(task);
	const request_id = task.record.id;
	switch (state.phase) {
		case 'pending':
			return { request_id, status: 'QUEUED', queue_position: toQueuePosition(task) };
		case 'running':
			return { request_id, status: state.status ?? 'IN_PROGRESS' };
		case 'other':
			return { request_id, status: state.status };
		case 'failed':
		case 'cancelled':
			return { request_id, status: 'COMPLETED', ...toFailureBody(toFailure(state)) };
		case 'completed':
			return { request_id, status: 'COMPLETED' };
	}
}

/** One place further at each poll. */
const toQueuePosition = ({ fault: { queuePosition = 0 }, polls }: Task) =>
	Math.max(0, queuePosition - polls);

/** The state of a cancelled request is not documented: here it ends without a result. */
function toFailure(state: TaskState): TaskFailure {
	return state.phase === 'failed'
		? state.failure
		: { code: 'CANCELLED', message: 'Request was cancelled' };
}

function toFailureBody({
	code = 'PROVIDER_ERROR',
	message,
	style = 'message',
}: TaskFailure): JsonObject {
	return {
		error:
			style === 'string'
				? message
				: { code, [style === 'error_message' ? style : 'message']: message },
		error_type: 'provider_error',
		provider_error: { code, message },
	};
}

async function getResponse(task: Task): Promise<ApiResponse> {
	const state = toState(task);
	if (state.phase === 'failed' || state.phase === 'cancelled') {
		const { code = 'PROVIDER_ERROR', message } = toFailure(state);
		return queueError(400, String(code), message, task.record.id);
	}
	if (state.phase !== 'completed') return toResponse(202, toStatusBody(task));
	const { id, url } = task.record;
	const { mimeType, extension, width, height } = await task.image();
	const output = {
		type: 'image',
		url,
		content_type: mimeType,
		file_name: `${id}.${extension}`,
		width,
		height,
	};
	return toResponse(200, { request_id: id, outputs: [output], metadata: {} });
}

/** The statuses are those of the queue dialect that this API follows. */
function cancel(task: Task): ApiResponse {
	const { phase } = toState(task);
	if (phase !== 'pending' && phase !== 'running')
		return toResponse(400, { status: 'ALREADY_COMPLETED' });
	task.record.cancelledAt = Date.now();
	return toResponse(202, { status: 'CANCELLATION_REQUESTED' });
}
