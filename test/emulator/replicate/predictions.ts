import { randomBytes } from 'node:crypto';
import { toSizes } from '../prices';
import type { Task } from '../tasks';
import {
	Refusal,
	toResponse,
	type ApiResponse,
	type Call,
	type Effect,
	type Route,
} from '../types';
import { recordUnexpected, recordUnknownQuery, refuseOverLimit } from '../world';
import { documentedErrors, unprocessable } from './documentedErrors';
import { Files } from './files';
import { readBody, readInput, readPrompt } from './inputs';
import { MODELS, type ReplicateModel } from './models';
import { priceImage } from './prices';
import { toPredictionBody } from './results';
import { authenticate, BASE, endAtDeadline, findTask, isRunning, savePrediction } from './tasks';
import { createSecretRoute, scheduleEvents } from './webhooks';
import type { ReplicateWorld } from './world';

/** `api.replicate.com/v1`: predictions of models, files, the account. */

const PREDICTION = `${BASE}/predictions/:id`;

export function createRoutes(world: ReplicateWorld): Route[] {
	const files = new Files(world);
	const about = { task: (call: Call) => world.tasks.find(call.params.id) };
	const submission = {
		name: 'replicate.submit',
		method: 'POST',
		kind: 'submission',
		prompt: readPrompt,
	} as const;
	return [
		{
			...submission,
			path: `${BASE}/models/:owner/:name/predictions`,
			handle: (call, effect) =>
				create(world, files, call, effect, `${call.params.owner}/${call.params.name}`),
		},
		{
			...submission,
			path: `${BASE}/predictions`,
			handle: (call, effect) => create(world, files, call, effect, readBody(call).version),
		},
		{
			name: 'replicate.status',
			method: 'GET',
			path: PREDICTION,
			kind: 'poll',
			...about,
			handle: (call) => {
				recordUnknownQuery(world, call, []);
				return toResponse(200, toPredictionBody(world, findTask(world, call)));
			},
		},
		{
			name: 'replicate.cancel',
			method: 'POST',
			path: `${PREDICTION}/cancel`,
			kind: 'cancel',
			...about,
			handle: (call) => cancel(world, call),
		},
		createSecretRoute(),
		...createAccountRoutes(world, files),
	];
}

function createAccountRoutes(world: ReplicateWorld, files: Files): Route[] {
	const route = (
		name: Route['name'],
		method: Route['method'],
		path: string,
		handle: Route['handle'],
	): Route => ({ name, method, path: BASE + path, kind: 'account', handle });
	return [
		route('replicate.list', 'GET', '/predictions', (call) => list(world, call)),
		route('replicate.upload', 'POST', '/files', (call) => files.create(call)),
		route('replicate.file', 'GET', '/files', (call) => files.list(call)),
		route('replicate.file', 'GET', '/files/:id', (call) => files.get(call)),
		route('replicate.file', 'DELETE', '/files/:id', (call) => files.delete(call)),
		route('replicate.account', 'GET', '/account', (call) => {
			const { username } = authenticate(call);
			return toResponse(200, { type: 'user', username, name: username });
		}),
	];
}

const PREFER = /^wait(?:=([1-9]|[1-5][0-9]|60))?$/;
const DEFAULT_WAIT_SECONDS = 60;
const CANCEL_AFTER = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/;
const [MIN_DEADLINE_SECONDS, MAX_DEADLINE_SECONDS] = [5, 86_400];

async function create(
	world: ReplicateWorld,
	files: Files,
	call: Call,
	effect: Effect,
	id = '',
): Promise<ApiResponse> {
	recordUnknownQuery(world, call, []);
	const grant = authenticate(call);
	if (call.submission) call.submission.model = id;
	const model = MODELS.get(id);
	if (!model) throw new Refusal(documentedErrors['replicate.notFound']);
	const deadlineSeconds = readCancelAfter(call);
	const waitSeconds = readPrefer(world, call);
	const task = await accept(world, call, effect, {
		id,
		model,
		files,
		hasCredits: grant.credits,
		deadlineSeconds,
	});
	await scheduleEvents(world, call, task);
	if (waitSeconds === undefined) return respondAtOnce(world, task);
	await world.wait(Math.min(waitSeconds, task.record.seconds) * 1000);
	const isTimely = !isRunning(task);
	const word = isTimely && !task.fault.fail ? world.replicateWaitedStatus : undefined;
	return toResponse(isTimely ? 201 : 202, toPredictionBody(world, task, word));
}

function respondAtOnce(world: ReplicateWorld, task: Task): ApiResponse {
	const word = task.fault.immediate ? undefined : 'starting';
	return toResponse(world.replicateCreatedStatus, toPredictionBody(world, task, word));
}

interface Order {
	id: string;
	model: ReplicateModel;
	files: Files;
	hasCredits: boolean;
	deadlineSeconds: number | undefined;
}

async function accept(
	world: ReplicateWorld,
	call: Call,
	effect: Effect,
	{ id, model, files, hasCredits, deadlineSeconds }: Order,
): Promise<Task> {
	const { input } = readBody(call);
	const read = await readInput(world, call, { input, model, files });
	if (!hasCredits) throw new Refusal(documentedErrors['replicate.credits']);
	refuseOverLimit(world, call, documentedErrors['replicate.rateLimit']);
	const { prompt, parameters, references, failure } = read;
	const failing: Effect = failure
		? { ...effect, task: { ...effect.task, fail: { message: failure } } }
		: effect;
	const task = world.tasks.accept(call, failing, {
		id: randomBytes(13).toString('hex'),
		provider: 'replicate',
		route: 'replicate.submit',
		model: id,
		prompt,
		parameters,
		references,
		defaultSize: parameters,
		defaultFormat: model.format,
		cost: priceImage(id, parameters, toSizes(references), parameters.go_fast !== false),
	});
	savePrediction(world, task, {
		model: id,
		input,
		isList: model.isList,
		...(deadlineSeconds !== undefined && {
			deadline: task.record.acceptedAt + deadlineSeconds * 1000,
		}),
	});
	return task;
}

/** How many seconds the call waits; undefined where it does not. */
function readPrefer(world: ReplicateWorld, call: Call): number | undefined {
	const { prefer } = call.headers;
	if (prefer === undefined) return undefined;
	const match = PREFER.exec(prefer);
	if (!match) recordUnexpected(world, call, `header prefer: ${prefer}`);
	return Number(match?.[1] ?? DEFAULT_WAIT_SECONDS);
}

function readCancelAfter({ headers }: Call): number | undefined {
	const { 'cancel-after': text } = headers;
	if (text === undefined) return undefined;
	const [, hours = 0, minutes = 0, rest = 0] = CANCEL_AFTER.exec(text) ?? [];
	const seconds = (Number(hours) * 60 + Number(minutes)) * 60 + Number(rest);
	if (seconds >= MIN_DEADLINE_SECONDS && seconds <= MAX_DEADLINE_SECONDS) return seconds;
	throw new Refusal(unprocessable('Cancel-After must be between 5s and 24h'));
}

function cancel(world: ReplicateWorld, call: Call): ApiResponse {
	const task = findTask(world, call);
	if (isRunning(task)) Object.assign(task.record, { cancelledAt: Date.now(), cost: 0 });
	else if (world.replicateLateCancel === 'refused') {
		throw new Refusal(documentedErrors['replicate.ended']);
	}
	return toResponse(200, toPredictionBody(world, task));
}

const FILTERS = ['created_after', 'created_before', 'source', 'cursor'];

/** The newest first, in pages. */
function list(world: ReplicateWorld, call: Call): ApiResponse {
	authenticate(call);
	recordUnknownQuery(world, call, FILTERS);
	const { created_after: after, created_before: before, source, cursor = '0' } = call.query;
	const isWithin = (at: number) =>
		(after === undefined || at >= Date.parse(after)) &&
		(before === undefined || at < Date.parse(before));
	const own = world.tasks.ledger.tasks
		.filter(({ provider, key }) => provider === 'replicate' && key === call.key)
		.filter(({ acceptedAt }) => isWithin(acceptedAt) && source !== 'web')
		.flatMap(({ id }) => world.tasks.find(id) ?? [])
		.filter(({ fault }) => !fault.vanish)
		.reverse();
	own.forEach(endAtDeadline);
	const [first, size] = [Number(cursor), world.replicatePageSize];
	return toResponse(200, {
		previous: first > 0 ? pageUrl(world, call, first - size) : null,
		next: first + size < own.length ? pageUrl(world, call, first + size) : null,
		results: own.slice(first, first + size).map((task) => toPredictionBody(world, task)),
	});
}

function pageUrl({ urls }: ReplicateWorld, { query }: Call, cursor: number): string {
	const search = new URLSearchParams({ ...query, cursor: String(Math.max(0, cursor)) });
	return `${urls.api}${BASE}/predictions?${search.toString()}`;
}
