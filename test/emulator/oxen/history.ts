import { toState, type Task } from '../tasks';
import {
	Refusal,
	toResponse,
	type ApiResponse,
	type Call,
	type JsonObject,
	type Route,
} from '../types';
import { recordUnknownQuery } from '../world';
import { documentedErrors, oxenError } from './documentedErrors';
import { authenticate, getRequest, isActive, toStatus } from './tasks';
import type { OxenWorld } from './world';

/**
 * Oxen.ai's lists of tasks: the queue, and the history with the costs.
 */

const REPO = 'generations';
const DIRECTORY = 'images';
const ACTIVE = ['queued', 'processing'];

export function createHistoryRoutes(world: OxenWorld): Route[] {
	const findTask = (call: Call) => world.tasks.find(call.params.id);
	const createRoute = (
		name: Route['name'],
		path: string,
		handle: (call: Call) => ApiResponse,
		kind: Route['kind'] = 'account',
	): Route => ({
		name,
		method: 'GET',
		path,
		kind,
		...(kind === 'poll' && { task: findTask }),
		handle,
	});
	return [
		createRoute('oxen.list', '/api/ai/queue', (call) => listQueue(world, call)),
		createRoute('oxen.queue', '/api/ai/queue/:id', (call) => pollQueue(world, call), 'poll'),
		{
			name: 'oxen.cancel',
			method: 'DELETE',
			path: '/api/ai/queue/:id',
			kind: 'cancel',
			task: findTask,
			handle: (call) => cancel(world, call),
		},
		createRoute('oxen.history', '/api/ai/generations', (call) => listHistory(world, call)),
		createRoute(
			'oxen.history',
			'/api/ai/generations/:id',
			(call) => pollHistory(world, call),
			'poll',
		),
	];
}

const notFoundError = () => new Refusal(documentedErrors['oxen.notFound']);

/** The key's task, in the queue or in the history. */
function findOwn(world: OxenWorld, call: Call): Task {
	authenticate(call);
	const task = world.tasks.find(call.params.id);
	const isOwn = task?.record.provider === 'oxen' && task.record.key === call.key;
	if (!isOwn || task.fault.vanish || isRemoved(world, task, 'everywhere')) throw notFoundError();
	return task;
}

/** Whether the task has ended and was therefore removed from the queue, or from everywhere. */
function isRemoved(world: OxenWorld, task: Task, from: 'queue' | 'everywhere'): boolean {
	const leaves = isActive(task) ? undefined : (task.fault.leaves ?? world.leaves);
	return leaves === 'everywhere' || leaves === from;
}

/** Synchronous calls never enter the queue. */
function findInQueue(world: OxenWorld, call: Call): Task {
	const task = findOwn(world, call);
	if (task.record.route !== 'oxen.enqueue' || isRemoved(world, task, 'queue'))
		throw notFoundError();
	return task;
}

function pollQueue(world: OxenWorld, call: Call): ApiResponse {
	return toResponse(200, toQueueRow(findInQueue(world, call)));
}

function toQueueRow(task: Task): JsonObject {
	const { record } = task;
	const { body } = getRequest(task);
	const { aspect_ratio } = body;
	const { seed } = getRequest(task).parameters;
	return {
		generation_id: record.id,
		model_name: record.model,
		prompt: record.prompt,
		media_type: 'image',
		status: toStatus(task),
		...toResult(task),
		...toTimes(task),
		...(aspect_ratio !== undefined && { aspect_ratio }),
		...(seed !== undefined && { seed }),
	};
}

function toResult(task: Task): JsonObject {
	const state = toState(task);
	return {
		result_url: state.phase === 'completed' ? task.record.url : null,
		error_message: state.phase === 'failed' ? state.failure.message : null,
	};
}

function toTimes(task: Task): JsonObject {
	const { acceptedAt, readyAt, cancelledAt } = task.record;
	const { phase } = toState(task);
	const seconds = (ms: number) => Math.floor(ms / 1000);
	return {
		enqueued_at: seconds(acceptedAt),
		started_at: phase === 'pending' ? null : seconds(acceptedAt),
		completed_at: isActive(task) ? null : seconds(cancelledAt ?? readyAt),
	};
}

/** A task that has ended stays as it is. */
function cancel(world: OxenWorld, call: Call): ApiResponse {
	const task = findInQueue(world, call);
	if (isActive(task)) Object.assign(task.record, { cancelledAt: Date.now(), cost: 0 });
	return toResponse(200, { status: 'success', generation_id: task.record.id });
}

const FILTERS = ['namespace', 'model', 'status', 'media_type', 'repo', 'folder'];

/** The key's tasks that match the query. */
function filterTasks(world: OxenWorld, call: Call, more: readonly string[] = []): Task[] {
	authenticate(call);
	recordUnknownQuery(world, call, [...FILTERS, ...more]);
	const own = world.tasks.ledger.tasks.filter(
		({ provider, key }) => provider === 'oxen' && key === call.key,
	);
	return own
		.flatMap(({ id }) => world.tasks.find(id) ?? [])
		.filter((task) => !task.fault.vanish && !isRemoved(world, task, 'everywhere'))
		.filter((task) => {
			const facts: Record<string, string> = {
				namespace: getRequest(task).namespace,
				model: task.record.model,
				status: toStatus(task),
				media_type: 'image',
				repo: REPO,
				folder: DIRECTORY,
			};
			return FILTERS.every(
				(name) => call.query[name] === undefined || call.query[name] === facts[name],
			);
		});
}

/** The form of this list is not documented; the history's is used. */
function listQueue(world: OxenWorld, call: Call): ApiResponse {
	const { status } = call.query;
	const rows = filterTasks(world, call)
		.filter((task) => task.record.route === 'oxen.enqueue' && !isRemoved(world, task, 'queue'))
		.filter((task) => status !== undefined || ACTIVE.includes(toStatus(task)));
	return toResponse(200, { generations: rows.map(toQueueRow) });
}

function pollHistory(world: OxenWorld, call: Call): ApiResponse {
	const generation = toHistoryRow(findOwn(world, call));
	return toResponse(200, { status: 'success', status_message: 'resource_found', generation });
}

function toHistoryRow(task: Task): JsonObject {
	const { id, model, cost, prompt } = task.record;
	const { namespace } = getRequest(task);
	const charged = toState(task).phase === 'completed' && cost > 0;
	return {
		generation_id: id,
		model_name: model,
		cost: charged ? String(cost) : null,
		...toResult(task),
		...toTimes(task),
		target_namespace: namespace,
		target_repo: REPO,
		target_directory: DIRECTORY,
		user_id: '3c90c3cc-0d44-4b50-8888-8dd25736052a',
		username: namespace,
		user_image: null,
		prompt,
	};
}

function listHistory(world: OxenWorld, call: Call): ApiResponse {
	const { page = '1', page_size = '50' } = call.query;
	const [number, size] = [Number(page), Number(page_size)];
	const inRange =
		Number.isInteger(number) && number >= 1 && Number.isInteger(size) && size >= 1 && size <= 1000;
	const all = filterTasks(world, call, ['page', 'page_size']);
	if (!inRange) return oxenError(400, 'invalid_params', 'page_size must be between 1 and 1000');
	const rows = all.slice((number - 1) * size, number * size).map(toHistoryRow);
	const total = rows.reduce((sum, { cost }) => sum + Number(cost ?? 0), 0);
	return toResponse(200, {
		status: 'success',
		status_message: 'resources_found',
		generations: rows,
		total_cost: String(Number(total.toFixed(6))),
		page_number: number,
		page_size: size,
		total_entries: all.length,
		total_pages: Math.ceil(all.length / size),
		count: rows.length,
	});
}
