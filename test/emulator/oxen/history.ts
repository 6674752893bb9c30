import { documentedErrors, oxenError } from '../documentedErrors';
import { stateOf, type Job } from '../tasks';
import { authenticate, isActive, requestOf, statusOf } from './tasks';
import { json, Refusal, type Answer, type Call, type JsonObject, type Route } from '../types';
import { noteUnknownQuery, type World } from '../world';

/**
 * What Oxen.ai tells about its jobs: the queue, and the history with the costs.
 */

const REPO = 'generations';
const DIRECTORY = 'images';
const ACTIVE = ['queued', 'processing'];

export function oxenHistoryRoutes(world: World): Route[] {
	const about = (call: Call) => world.jobs.find(call.params.id);
	const get = (
		name: Route['name'],
		path: string,
		handle: (call: Call) => Answer,
		kind: Route['kind'] = 'account',
	): Route => ({
		name,
		provider: 'oxen',
		method: 'GET',
		path,
		kind,
		...(kind === 'poll' && { job: about }),
		handle,
	});
	return [
		get('oxen.list', '/api/ai/queue', (call) => listQueue(world, call)),
		get('oxen.queue', '/api/ai/queue/:id', (call) => lookAt(world, call), 'poll'),
		{
			name: 'oxen.cancel',
			provider: 'oxen',
			method: 'DELETE',
			path: '/api/ai/queue/:id',
			kind: 'cancel',
			job: about,
			handle: (call) => cancel(world, call),
		},
		get('oxen.history', '/api/ai/generations', (call) => listHistory(world, call)),
		get('oxen.history', '/api/ai/generations/:id', (call) => past(world, call), 'poll'),
	];
}

const notFound = () => new Refusal(documentedErrors['oxen.notFound']);

/** The key's job, wherever it is kept. */
function find(world: World, call: Call): Job {
	authenticate(call);
	const job = world.jobs.find(call.params.id);
	const isTheirs = job?.record.provider === 'oxen' && job.record.key === call.key;
	if (!isTheirs || job.fault.vanish || leaves(world, job) === 'everywhere') throw notFound();
	return job;
}

/** From where the job has gone by now. */
function leaves(world: World, job: Job): 'queue' | 'everywhere' | undefined {
	return isActive(job) ? undefined : (job.fault.leaves ?? world.oxenLeaves);
}

/** Jobs that were made at once never stand in the queue. */
function findInQueue(world: World, call: Call): Job {
	const job = find(world, call);
	if (job.record.route !== 'oxen.enqueue' || leaves(world, job)) throw notFound();
	return job;
}

function lookAt(world: World, call: Call): Answer {
	return json(200, queueRow(findInQueue(world, call)));
}

function queueRow(job: Job): JsonObject {
	const { record } = job;
	const { body } = requestOf(job);
	const { aspect_ratio } = body;
	const { seed } = requestOf(job).parameters;
	return {
		generation_id: record.id,
		model_name: record.model,
		prompt: record.prompt,
		media_type: 'image',
		status: statusOf(job),
		...resultOf(job),
		...timesOf(job),
		...(aspect_ratio !== undefined && { aspect_ratio }),
		...(seed !== undefined && { seed }),
	};
}

function resultOf(job: Job): JsonObject {
	const state = stateOf(job);
	return {
		result_url: state.phase === 'completed' ? job.record.url : null,
		error_message: state.phase === 'failed' ? state.failure.message : null,
	};
}

function timesOf(job: Job): JsonObject {
	const { acceptedAt, readyAt, cancelledAt } = job.record;
	const { phase } = stateOf(job);
	const seconds = (ms: number) => Math.floor(ms / 1000);
	return {
		enqueued_at: seconds(acceptedAt),
		started_at: phase === 'pending' ? null : seconds(acceptedAt),
		completed_at: isActive(job) ? null : seconds(cancelledAt ?? readyAt),
	};
}

/** A job that has ended stays as it is. */
function cancel(world: World, call: Call): Answer {
	const job = findInQueue(world, call);
	if (isActive(job)) Object.assign(job.record, { cancelledAt: Date.now(), cost: 0 });
	return json(200, { status: 'success', generation_id: job.record.id });
}

const FILTERS = ['namespace', 'model', 'status', 'media_type', 'repo', 'folder'];

/** The key's jobs that the query asks for. */
function filtered(world: World, call: Call, more: readonly string[] = []): Job[] {
	authenticate(call);
	noteUnknownQuery(world, call, [...FILTERS, ...more]);
	const own = world.jobs.ledger.jobs.filter(
		({ provider, key }) => provider === 'oxen' && key === call.key,
	);
	return own
		.flatMap(({ id }) => world.jobs.find(id) ?? [])
		.filter((job) => !job.fault.vanish && leaves(world, job) !== 'everywhere')
		.filter((job) => {
			const facts: Record<string, string> = {
				namespace: requestOf(job).namespace,
				model: job.record.model,
				status: statusOf(job),
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
function listQueue(world: World, call: Call): Answer {
	const { status } = call.query;
	const rows = filtered(world, call)
		.filter((job) => job.record.route === 'oxen.enqueue' && !leaves(world, job))
		.filter((job) => status !== undefined || ACTIVE.includes(statusOf(job)));
	return json(200, { generations: rows.map(queueRow) });
}

function past(world: World, call: Call): Answer {
	const generation = historyRow(find(world, call));
	return json(200, { status: 'success', status_message: 'resource_found', generation });
}

function historyRow(job: Job): JsonObject {
	const { id, model, cost, prompt } = job.record;
	const { namespace } = requestOf(job);
	const charged = stateOf(job).phase === 'completed' && cost > 0;
	return {
		generation_id: id,
		model_name: model,
		cost: charged ? String(cost) : null,
		...resultOf(job),
		...timesOf(job),
		target_namespace: namespace,
		target_repo: REPO,
		target_directory: DIRECTORY,
		user_id: '3c90c3cc-0d44-4b50-8888-8dd25736052a',
		username: namespace,
		user_image: null,
		prompt,
	};
}

function listHistory(world: World, call: Call): Answer {
	const { page = '1', page_size = '50' } = call.query;
	const [number, size] = [Number(page), Number(page_size)];
	const inRange =
		Number.isInteger(number) && number >= 1 && Number.isInteger(size) && size >= 1 && size <= 1000;
	const all = filtered(world, call, ['page', 'page_size']);
	if (!inRange) return oxenError(400, 'invalid_params', 'page_size must be between 1 and 1000');
	const rows = all.slice((number - 1) * size, number * size).map(historyRow);
	const total = rows.reduce((sum, { cost }) => sum + Number(cost ?? 0), 0);
	return json(200, {
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
