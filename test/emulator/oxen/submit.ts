import { randomUUID } from 'node:crypto';
import type { TaskFault } from '../faults';
import type { Task } from '../tasks';
import {
	isObject,
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
import { documentedErrors, oxenError, oxenMessage } from './documentedErrors';
import { OxenEvents } from './events';
import type { Grant } from './keys';
import {
	BadParameters,
	OXEN_MODELS,
	readParameters,
	type OxenModel,
	type OxenParameters,
} from './parameters';
import { priceImage } from './prices';
import { authenticate, saveRequest, type OxenRequest } from './tasks';
import type { OxenWorld } from './world';

/**
 * How Oxen.ai generates images: by a synchronous call, or by its queue, whose tasks are polled
 * (`history.ts`) or announced by events (`events.ts`).
 */

export function createSubmitRoutes(world: OxenWorld): Route[] {
	const events = new OxenEvents(world);
	const createSubmitRoute = (
		name: Route['name'],
		path: string,
		handle: (call: Call, effect: Effect) => Promise<ApiResponse>,
	): Route => ({
		name,
		method: 'POST',
		path,
		kind: 'submission',
		prompt: readPrompt,
		handle,
	});
	return [
		createSubmitRoute('oxen.sync', '/api/ai/images/edit', (call, effect) =>
			generate(world, call, effect),
		),
		createSubmitRoute('oxen.sync', '/api/ai/images/generate', (call, effect) =>
			generate(world, call, effect),
		),
		createSubmitRoute('oxen.enqueue', '/api/ai/queue', (call, effect) =>
			enqueue(world, events, call, effect),
		),
		{
			name: 'oxen.events',
			method: 'GET',
			path: '/api/events',
			kind: 'account',
			handle: (call, effect) => subscribe(events, call, effect),
		},
	];
}

function parametersError(detail: string): Refusal {
	return new Refusal(oxenError(400, 'invalid_params', 'The parameters are invalid', detail));
}

interface ModelRequest {
	body: JsonObject;
	model: string;
	definition: OxenModel;
}

/** What every mode checks at once. */
function readBody(call: Call): ModelRequest {
	if (call.body.kind === 'unreadable') {
		const { reason } = call.body;
		throw new Refusal(oxenError(415, 'unsupported_media_type', 'Unsupported media type', reason));
	}
	if (call.body.kind !== 'json' || !isObject(call.body.value))
		throw parametersError('the body is not a JSON object');
	const body = call.body.value;
	const model = String(body.model);
	if (call.submission) call.submission.model = model;
	const definition = OXEN_MODELS.get(model);
	if (!definition) throw new Refusal(oxenMessage(404, `Model not found: ${model}`));
	return { body, model, definition };
}

async function generate(world: World, call: Call, effect: Effect): Promise<ApiResponse> {
	const grant = authenticate(call);
	const { body, model, definition } = readBody(call);
	const read = await readParameters(body, definition).catch((error: unknown) => {
		throw error instanceof BadParameters ? parametersError(error.message) : error;
	});
	if (!grant.credits) throw new Refusal(documentedErrors['oxen.credits']);
	refuseOverLimit(world, call, documentedErrors['oxen.rateLimit']);
	const request = { ...read, model, body, namespace: toNamespace(body, grant) };
	const task = accept(world, call, effect, 'oxen.sync', request);
	await world.wait(task.record.seconds * 1000);
	const { fail } = task.fault;
	if (fail) return oxenError(500, 'unknown_error', fail.message);
	const created = Math.floor(task.record.acceptedAt / 1000);
	return toResponse(200, { model, created, images: [await toImage(task, body)] });
}

async function toImage(task: Task, { response_format }: JsonObject): Promise<JsonObject> {
	if (response_format !== 'b64_json') return { url: task.record.url };
	return { b64_json: (await task.image()).bytes.toString('base64') };
}

const toNamespace = ({ target_namespace }: JsonObject, { namespace }: Grant) =>
	typeof target_namespace === 'string' ? target_namespace : namespace;

/** The parameters are checked when the task runs: an invalid one makes it fail. */
async function enqueue(
	world: World,
	events: OxenEvents,
	call: Call,
	effect: Effect,
): Promise<ApiResponse> {
	const grant = authenticate(call);
	const modelRequest = readBody(call);
	const { num_generations: count = 1, ...body } = modelRequest.body;
	if (!Number.isInteger(count) || (count as number) < 1 || (count as number) > 4)
		throw parametersError('num_generations must be an integer between 1 and 4');
	refuseOverLimit(world, call, documentedErrors['oxen.rateLimit']);
	const { read, problem } = await readParametersOfTask(body, modelRequest.definition, grant);
	const tasks = Array.from({ length: count as number }, (_, index) => {
		const parameters = toImageParameters(read, index);
		const { model } = modelRequest;
		const request = { ...read, parameters, model, body, namespace: toNamespace(body, grant) };
		const task = toFault(effect.task ?? {}, index, problem);
		return accept(world, call, { ...effect, task }, 'oxen.enqueue', request);
	});
	if (call.submission) {
		const cost = tasks.reduce((sum, { record }) => sum + record.cost, 0);
		Object.assign(call.submission, { taskId: tasks[0]?.record.id, cost });
	}
	tasks.forEach((task) => events.announce(task));
	const generations = tasks.map(({ record }) => ({ generation_id: record.id, status: 'queued' }));
	return toResponse(200, { generations });
}

async function readParametersOfTask(
	body: JsonObject,
	definition: OxenModel,
	{ credits }: Grant,
): Promise<{ read: OxenParameters; problem?: string }> {
	try {
		const read = await readParameters(body, definition);
		return { read, problem: credits ? undefined : 'Insufficient credits' };
	} catch (error) {
		if (!(error instanceof BadParameters)) throw error;
		const prompt = typeof body.prompt === 'string' ? body.prompt : '';
		const parameters = { width: 1, height: 1 };
		return { read: { prompt, parameters, references: [] }, problem: error.message };
	}
}

/** Each image of one request differs from the others; the first is the same as a single one. */
function toImageParameters(
	{ parameters }: OxenParameters,
	index: number,
): OxenParameters['parameters'] {
	const { seed } = parameters;
	if (index === 0) return parameters;
	return { ...parameters, ...(typeof seed === 'number' ? { seed: seed + index } : { index }) };
}

function toFault(fault: TaskFault, index: number, problem: string | undefined): TaskFault {
	const own = fault.only === undefined || fault.only === index ? fault : {};
	return problem === undefined ? own : { ...own, fail: { message: problem } };
}

function accept(
	world: World,
	call: Call,
	effect: Effect,
	route: 'oxen.sync' | 'oxen.enqueue',
	request: OxenRequest,
): Task {
	const { model, prompt, parameters, references } = request;
	const task = world.tasks.accept(call, effect, {
		id: randomUUID(),
		provider: 'oxen',
		route,
		model,
		prompt,
		parameters,
		references,
		defaultSize: parameters,
		cost: priceImage(model, parameters),
	});
	saveRequest(task, request);
	return task;
}

function subscribe(events: OxenEvents, call: Call, effect: Effect): ApiResponse {
	authenticate(call);
	const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' };
	return { status: 200, headers, body: events.subscribe(call, effect) };
}
