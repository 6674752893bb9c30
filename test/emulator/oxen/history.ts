import { documentedErrors, oxenError } from './documentedErrors';
import { stateOf, type Task } from '../tasks';
import { authenticate, isActive, requestOf, statusOf } from './tasks';
import {
	toResponse,
	Refusal,
	type ApiResponse,
	type Call,
	type JsonObject,
	type Route,
} from '../types';
import { recordUnknownQuery } from '../world';
import type { OxenWorld } from './world';

/**
 * What Oxen.ai tells about its jobs: the queue, and the history with the costs.
 */

const REPO = 'generations';
const DIRECTORY = 'images';
const ACTIVE = ['queued', 'processing'];

export function createHistoryRoutes(world: OxenWorld): Route[] {
	const about = (call: Call) => world.tasks.find(call.params.id);
	const get = (
		name: Route['name'],
		path: string,
		handle: (call: Call) => ApiResponse,
		kind: Route['kind'] = 'account',
	): Route => ({
		name,
		method: 'GET',
		path,
		kind,
		...(kind === 'poll' && { task: about }),
		handle,
	});
	return [
		get('oxen.list', '/api/ai/queue', (call) => listQueue(world, call)),
		get('oxen.queue', '/api/ai/queue/:id', (call) => pollQueue(world, call), 'poll'),
		{
			name: 'oxen.cancel',
			method: 'DELETE',
			path: '/api/ai/queue/:id',
			kind: 'cancel',
			task: about,
			handle: (call) => cancel(world, call),
		},
		get('oxen.history', '/api/ai/generations', (call) => listHistory(world, call)),
		get('oxen.history', '/api/ai/generations/:id', (call) => pollHistory(world, call), 'poll'),
	];
}

const notFound = () => new Refusal(documentedErrors['oxen.notFound']);

/** The key's job, wherever it is kept. */
function find(world: OxenWorld, call: Call): Task {
	authenticate(call);
	const task = world.tasks.find(call.params.id);
	const isTheirs = task?.record.provider === 'oxen' && task.record.key === call.key;
	if (!isTheirs || task.fault.vanish || leaves(world, task) === 'everywhere') throw notFound();
	return task;
}

/** From where the job has gone by now. */
function leaves(world: OxenWorld, task: Task): 'queue' | 'everywhere' | undefined {
	return isActive(task) ? undefined : (task.fault.leaves ?? world.leaves);
}

/** Jobs that were made at once never stand in the queue. */
function findInQueue(world: OxenWorld, call: Call): Task {
	const task = find(world, call);
	if (task.record.route !== 'oxen.enqueue' || leaves(world, task)) throw notFound();
	return task;
}

function pollQueue(world: OxenWorld, call: Call): ApiResponse {
	return toResponse(200, queueRow(findInQueue(world, call)));
}

function queueRow(task: Task): JsonObject {
	const { record } = task;
	const { body } = requestOf(task);
	const { aspect_ratio } = body;
	const { seed } = requestOf(task).parameters;
	return {
		generation_id: record.id,
		model_name: record.model,
		prompt: record.prompt,
		media_type: 'image',
		status: statusOf(task),
		...resultOf(task),
		...timesOf(task),
		...(aspect_ratio !== undefined && { aspect_ratio }),
		...(seed !== undefined && { seed }),
	};
}

function resultOf(task: Task): JsonObject {
	const state = stateOf(task);
	return {
		result_url: state.phase === 'completed' ? task.record.url : null,
		error_message: state.phase === 'failed' ? state.failure.message : null,
	};
}

function timesOf(task: Task): JsonObject {
	const { acceptedAt, readyAt, cancelledAt } = task.record;
	const { phase } = stateOf(task);
	const seconds = (ms: number) => Math.floor(ms / 1000);
	return {
		enqueued_at: seconds(acceptedAt),
		started_at: phase === 'pending' ? null : seconds(acceptedAt),
		completed_at: isActive(task) ? null : seconds(cancelledAt ?? readyAt),
	};
}

/** A job that has ended stays as it is. */
function cancel(world: OxenWorld, call: Call): ApiResponse {
	const task = findInQueue(world, call);
	if (isActive(task)) Object.assign(task.record, { cancelledAt: Date.now(), cost: 0 });
	return toResponse(200, { status: 'success', generation_id: task.record.id });
}

const FILTERS = ['namespace', 'model', 'status', 'media_type', 'repo', 'folder'];

/** The key's jobs that the query asks for. */
function filtered(world: OxenWorld, call: Call, more: readonly string[] = []): Task[] {
	authenticate(call);
	recordUnknownQuery(world, call, [...FILTERS, ...more]);
	const own = world.tasks.ledger.tasks.filter(
		({ provider, key }) => provider === 'oxen' && key === call.key,
	);
	return own
		.flatMap(({ id }) => world.tasks.find(id) ?? [])
		.filter((task) => !task.fault.vanish && leaves(world, task) !== 'everywhere')
		.filter((task) => {
			const facts: Record<string, string> = {
				namespace: requestOf(task).namespace,
				model: task.record.model,
				status: statusOf(task),
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
	const rows = filtered(world, call)
		.filter((task) => task.record.route === 'oxen.enqueue' && !leaves(world, task))
		.filter((task) => status !== undefined || ACTIVE.includes(statusOf(task)));
	return toResponse(200, { generations: rows.map(queueRow) });
}

function pollHistory(world: OxenWorld, call: Call): ApiResponse {
	const generation = historyRow(find(world, call));
	return toResponse(200, { status: 'success', status_message: 'resource_found', generation });
}

function historyRow(task: Task): JsonObject {
	const { id, model, cost, prompt } = task.record;
	const { namespace } = requestOf(task);
	const charged = stateOf(task).phase === 'completed' && cost > 0;
	return {
		generation_id: id,
		model_name: model,
		cost: charged ? String(cost) : null,
		...resultOf(task),
		...timesOf(task),
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
	const all = filtered(world, call, ['page', 'page_size']);
	if (!inRange) return oxenError(400, 'invalid_params', 'page_size must be between 1 and 1000');
	const rows = all.slice((number - 1) * size, number * size).map(historyRow);
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
