import { randomUUID } from 'node:crypto';
import { countMegapixels, measureMegapixels, toSizes, USD_PER_CREDIT } from '../prices';
import type { Task } from '../tasks';
import {
	Refusal,
	readPrompt,
	toResponse,
	type ApiResponse,
	type Call,
	type Effect,
	type Route,
} from '../types';
import { scheduleWebhook } from '../webhooks';
import { refuseOverLimit, type World } from '../world';
import { bflError, documentedErrors } from './documentedErrors';
import type { BflInput } from './family';
import { findIgnoredFields, MODELS, readInput, type BflRequest } from './inputs';
import { GRANTS, type Grant } from './keys';
import { priceInCredits } from './prices';
import { quote } from './pricing';
import { revisePrompt } from './prompts';
import { toBody, toResultResponse } from './results';
import { toWebhook } from './webhooks';
import { withOptions, type BflOptions, type BflWorld } from './world';

/**
 * Black Forest Labs: `POST /v1/{model}`, then the response's `polling_url`, which is on another server.
 * A finished image has a URL that is valid for a while only.
 */

/** The documents: 24 unfinished tasks at a time. */
const MAX_RUNNING = 24;

export function createRoutes(sharedWorld: World, options: BflOptions): Route[] {
	const world = withOptions(sharedWorld, options);
	const resultRoute = createResultRoute(world);
	return [
		...[...MODELS.keys()].map(
			(model): Route => ({
				name: 'bfl.submit',
				method: 'POST',
				path: `/v1/${model}`,
				kind: 'submission',
				prompt: readPrompt,
				handle: (call, effect) => submit(world, call, effect, model),
			}),
		),
		resultRoute,
		// the only route of the regional server
		{ ...resultRoute, port: 'polling' },
		{
			name: 'bfl.credits',
			method: 'GET',
			path: '/v1/credits',
			kind: 'account',
			handle: (call) => toResponse(200, { credits: countCredits(world, call) }),
		},
		{
			name: 'bfl.pricing',
			method: 'POST',
			path: '/v1/pricing',
			kind: 'account',
			handle: (call) => {
				authenticate(call);
				return quote(call.body);
			},
		},
	];
}

function createResultRoute(world: BflWorld): Route {
	return {
		name: 'bfl.result',
		method: 'GET',
		path: '/v1/get_result',
		kind: 'poll',
		task: (call) => world.tasks.find(call.query.id),
		handle: (call) => getResult(world, call),
	};
}

function authenticate(call: Call): Grant {
	const grant = call.scheme === 'x-key' ? GRANTS.get(call.key ?? '') : undefined;
	if (!grant) throw new Refusal(documentedErrors['bfl.key']);
	return grant;
}

function countCredits(world: BflWorld, call: Call): number {
	const spent = world.tasks.ledger.paidBy(call.key ?? '').amount / USD_PER_CREDIT;
	return Number((authenticate(call).credits - spent).toFixed(4));
}

async function submit(
	world: BflWorld,
	call: Call,
	effect: Effect,
	model: string,
): Promise<ApiResponse> {
	authenticate(call);
	const schema = MODELS.get(model)!;
	if (call.submission)
		Object.assign(call.submission, { model, ignored: findIgnoredFields(call.body, schema) });
	const request = await readInput(call.body, schema);
	const bill = toBill(model, request);
	if (countCredits(world, call) < (bill.cost ?? 0))
		throw new Refusal(documentedErrors['bfl.credits']);
	refuseOverLimit(world, call, documentedErrors['bfl.rateLimit'], MAX_RUNNING);
	const { input, parameters, references, size, format } = request;
	const task = world.tasks.accept(call, effect, {
		id: randomUUID(),
		provider: 'bfl',
		route: 'bfl.submit',
		model,
		prompt: input.prompt ?? '',
		parameters,
		references,
		defaultSize: size,
		defaultFormat: format,
		cost: (bill.cost ?? 0) * USD_PER_CREDIT,
	});
	task.record.revisedPrompt = revisePrompt(input.prompt ?? '', schema, parameters);
	settle(call, task);
	return await toSubmitResponse(world, task, input, bill);
}

/** What a rule says about the settled cost is what the key pays. */
function settle({ submission }: Call, { fault: { settledCost }, record }: Task): void {
	if (typeof settledCost !== 'number') return;
	const cost = Number((settledCost * USD_PER_CREDIT).toFixed(6));
	for (const paid of [record, submission]) if (paid) paid.cost = cost;
}

async function toSubmitResponse(
	world: BflWorld,
	task: Task,
	{ webhook_url: url, webhook_secret: secret }: BflInput,
	bill: Bill,
): Promise<ApiResponse> {
	const { id } = task.record;
	if (typeof url === 'string') {
		const webhook = toWebhook(world, task, { url, secret: secret ?? undefined });
		await scheduleWebhook(world, task, webhook);
		return toResponse(200, { id, status: 'Pending', webhook_url: url, ...bill });
	}
	const base = task.fault.pollingUrl ?? `${world.urls.polling}/v1/get_result`;
	return toResponse(200, { id, polling_url: `${base}?id=${id}`, ...bill });
}

interface Bill {
	/** In credits; null where the price is not known. */
	cost: number | null;
	input_mp: number;
	output_mp: number;
}

function toBill(model: string, { parameters, references, size }: BflRequest): Bill {
	const sizes = toSizes(references);
	return {
		cost: priceInCredits(model, parameters, size, sizes) ?? null,
		input_mp: countMegapixels(...sizes),
		output_mp: measureMegapixels([size]),
	};
}

function getResult(world: BflWorld, call: Call): ApiResponse {
	authenticate(call);
	const { id } = call.query;
	if (id === undefined)
		return bflError(422, [{ loc: ['query', 'id'], msg: 'Field required', type: 'missing' }]);
	const task = world.tasks.find(id);
	const isOwn = task?.record.provider === 'bfl' && task.record.key === call.key;
	if (!isOwn || task.fault.vanish || isNotFoundYet(world, task))
		return toResponse(200, toBody(id, 'Task not found'));
	return toResultResponse(world, task);
}

/** The ledger records a poll after its response. */
function isNotFoundYet(world: BflWorld, { record, fault }: Task): boolean {
	const polls = world.tasks.ledger.polls.filter(({ taskId }) => taskId === record.id).length;
	return polls < (fault.unknownPolls ?? 0);
}
