import { randomUUID } from 'node:crypto';
import type { Task } from '../tasks';
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
import { scheduleWebhook } from '../webhooks';
import { recordUnexpected, recordUnknownQuery, refuseOverLimit } from '../world';
import { documentedErrors, falError, modelError } from './documentedErrors';
import { streamStatus } from './events';
import { BadInput, measureAll, readInput, type FalInput } from './inputs';
import { ENDPOINTS, type FalEndpoint } from './models';
import { countUnits, priceImage } from './prices';
import { authenticate, findRequest, saveRequest, type FalRequest } from './requests';
import { toCancelResponse, toQueuePosition, toResult, toStatusBody } from './results';
import { createKeysRoute, readWebhookUrl, toWebhook } from './webhooks';
import type { FalWorld } from './world';

/**
 * fal's queue, `queue.fal.run`: `POST /{endpoint}`, then status, result and cancel below owner and application alone.
 * `POST /run/{endpoint}` stands for `fal.run`, whose calls wait.
 */

export const BASE = '/fal';
const REQUEST = `${BASE}/:owner/:alias/requests/:id`;

export function createQueueRoutes(world: FalWorld): Route[] {
	const about = { task: (call: Call) => world.tasks.find(call.params.id) };
	const resultRoute = (path: string): Route => ({
		name: 'fal.result',
		method: 'GET',
		path,
		kind: 'poll',
		...about,
		handle: (call) => {
			const { task, request } = findRequest(world, call);
			return toResult(world, task, request);
		},
	});
	return [
		...[...ENDPOINTS.keys()].flatMap((id) => createSubmitRoutes(world, id)),
		createKeysRoute(world),
		...createUnknownRoutes(),
		{
			name: 'fal.status',
			method: 'GET',
			path: `${REQUEST}/status`,
			kind: 'poll',
			...about,
			handle: (call) => getStatus(world, call),
		},
		{
			name: 'fal.events',
			method: 'GET',
			path: `${REQUEST}/status/stream`,
			kind: 'account',
			...about,
			handle: (call, effect) => openStream(world, call, effect),
		},
		resultRoute(REQUEST),
		resultRoute(`${REQUEST}/response`),
		{
			name: 'fal.cancel',
			method: 'PUT',
			path: `${REQUEST}/cancel`,
			kind: 'cancel',
			...about,
			handle: (call) => cancel(world, call),
		},
	];
}

function createSubmitRoutes(world: FalWorld, id: string): Route[] {
	const submission = { method: 'POST', kind: 'submission', prompt: readPrompt } as const;
	return [
		{
			...submission,
			name: 'fal.submit',
			path: `${BASE}/${id}`,
			handle: (call, effect) => submit(world, call, effect, id),
		},
		{
			...submission,
			name: 'fal.run',
			path: `${BASE}/run/${id}`,
			handle: (call, effect) => run(world, call, effect, id),
		},
	];
}

/** Any other application. */
const createUnknownRoutes = (): Route[] =>
	['/:owner/:alias', '/:owner/:alias/*'].map((path) => ({
		name: 'fal.submit',
		method: 'POST',
		path: BASE + path,
		kind: 'submission',
		prompt: readPrompt,
		handle: (call) => {
			authenticate(call);
			return falError(404, `Application '${call.params.alias}' not found`);
		},
	}));

export async function submit(
	world: FalWorld,
	call: Call,
	effect: Effect,
	id: string,
): Promise<ApiResponse> {
	recordUnknownQuery(world, call, ['fal_webhook']);
	const webhookUrl = readWebhookUrl(world, call);
	const request = await accept(world, call, effect, 'fal.submit', id);
	const [task] = request.images as [Task];
	if (webhookUrl !== undefined) {
		await scheduleWebhook(world, task, toWebhook(world, task, request, webhookUrl));
	}
	const address = addressOf(world, request);
	return toResponse(200, {
		request_id: request.id,
		response_url: toResponseUrl(world, request),
		status_url: `${address}/status`,
		cancel_url: `${address}/cancel`,
		status: 'IN_QUEUE',
		queue_position: toQueuePosition(task),
		gateway_request_id: request.id,
	});
}

/** The call that waits. */
async function run(world: FalWorld, call: Call, effect: Effect, id: string): Promise<ApiResponse> {
	recordUnknownQuery(world, call, []);
	refuseOverLimit(world, call, documentedErrors['fal.rateLimit']);
	const request = await accept(world, call, effect, 'fal.run', id);
	const [task] = request.images as [Task];
	await world.wait(task.record.seconds * 1000);
	return await toResult(world, task, request);
}

const HEADERS: Record<string, RegExp> = {
	'x-fal-queue-priority': /^(normal|low)$/,
	'x-fal-request-timeout': /^([2-9]|[1-9]\d+)(\.\d+)?$/,
	'x-fal-object-lifecycle-preference': /^\{"expiration_duration_seconds":\d+\}$/,
	'x-fal-no-retry': /^(1|true|yes)$/,
};

function checkHeaders(world: FalWorld, call: Call): void {
	for (const [name, value] of Object.entries(call.headers)) {
		if (!name.startsWith('x-fal-') || HEADERS[name]?.test(value)) continue;
		recordUnexpected(world, call, `header ${name}: ${value}`);
	}
}

async function accept(
	world: FalWorld,
	call: Call,
	effect: Effect,
	route: 'fal.submit' | 'fal.run',
	model: string,
): Promise<FalRequest> {
	const grant = authenticate(call);
	if (call.submission) call.submission.model = model;
	checkHeaders(world, call);
	if (call.body.kind === 'unreadable') throw new Refusal(falError(400, call.body.reason));
	const endpoint = ENDPOINTS.get(model)!;
	const { input, problems } = await readInputOfTask(call, endpoint);
	const isRefusedAtOnce = world.falValidates === 'submit' || route === 'fal.run';
	if (problems.length > 0 && isRefusedAtOnce) throw new Refusal(modelError(422, problems));
	if (!grant.credits) throw new Refusal(documentedErrors['fal.credits']);
	if (route === 'fal.submit') refuseOverLimit(world, call, documentedErrors['fal.rateLimit']);
	const failing: Effect =
		problems.length > 0
			? { ...effect, task: { ...effect.task, fail: { message: 'Input is not valid' } } }
			: effect;
	return await createTasks(world, call, failing, { route, model, endpoint, input, problems });
}

async function readInputOfTask(
	call: Call,
	endpoint: FalEndpoint,
): Promise<{ input: FalInput; problems: BadInput['problems'] }> {
	try {
		return { input: await readInput(call.body, endpoint), problems: [] };
	} catch (error) {
		if (!(error instanceof BadInput)) throw error;
		const parameters = { width: 1, height: 1 };
		const input = { prompt: readPrompt(call) ?? '', parameters, references: [], images: 1 };
		return { input, problems: error.problems };
	}
}

interface Order extends Pick<FalRequest, 'endpoint' | 'problems'> {
	route: 'fal.submit' | 'fal.run';
	model: string;
	input: FalInput;
}

/** One task for each image; they differ by their seeds. */
async function createTasks(
	world: FalWorld,
	call: Call,
	effect: Effect,
	order: Order,
): Promise<FalRequest> {
	const { route, model, endpoint, input, problems } = order;
	const { prompt, parameters, references } = input;
	const units = countUnits(model, parameters, await measureAll(references));
	const images = Array.from({ length: input.images }, (_, index) =>
		world.tasks.accept(call, effect, {
			id: randomUUID(),
			provider: 'fal',
			route,
			model,
			prompt,
			parameters: toImageParameters(parameters, index),
			references,
			defaultSize: parameters,
			defaultFormat: endpoint.format,
			cost: priceImage(model, units),
		}),
	);
	const [first] = images as [Task];
	const { id } = first.record;
	if (call.submission) {
		const cost = images.reduce((sum, { record }) => sum + record.cost, 0);
		Object.assign(call.submission, { taskId: id, cost: Number(cost.toFixed(6)) });
	}
	const { billableUnits = units * images.length } = first.fault;
	const request = { id, endpoint, prompt, images, units: billableUnits, problems };
	saveRequest(first, request);
	return request;
}

function toImageParameters(parameters: JsonObject, index: number): JsonObject {
	const { seed } = parameters;
	if (index === 0) return parameters;
	return { ...parameters, ...(typeof seed === 'number' ? { seed: seed + index } : { index }) };
}

export function getStatus(world: FalWorld, call: Call): ApiResponse {
	recordUnknownQuery(world, call, ['logs']);
	const { task, request } = findRequest(world, call);
	const body = toStatusBody(task, request, toResponseUrl(world, request));
	return toResponse(body.status === 'COMPLETED' ? 200 : world.falWaitingStatus, body);
}

const addressOf = ({ urls }: FalWorld, { endpoint, id }: FalRequest) =>
	`${urls.api}${BASE}/${endpoint.application}/requests/${id}`;

const toResponseUrl = (world: FalWorld, request: FalRequest) =>
	addressOf(world, request) + (world.falResponseUrl === 'response' ? '/response' : '');

function openStream(world: FalWorld, call: Call, effect: Effect): ApiResponse {
	recordUnknownQuery(world, call, ['logs']);
	const { task, request } = findRequest(world, call);
	const readStatus = () => toStatusBody(task, request, toResponseUrl(world, request));
	const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' };
	return { status: 200, headers, body: streamStatus(world, call, task, effect, readStatus) };
}

function cancel(world: FalWorld, call: Call): ApiResponse {
	const { task, request } = findRequest(world, call, toResponse(404, { status: 'NOT_FOUND' }));
	return toCancelResponse(task, request);
}
