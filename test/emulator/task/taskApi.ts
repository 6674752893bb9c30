import { randomBytes } from 'node:crypto';
import type { TaskFailure } from '../faults';
import { toState, type Task } from '../tasks';
import {
	isObject,
	Refusal,
	toResponse,
	type ApiResponse,
	type Call,
	type Effect,
	type JsonObject,
	type Route,
} from '../types';
import { refuseOverLimit, type World } from '../world';
import { documentedErrors, taskError } from './documentedErrors';
import { GRANTS, type Grant } from './keys';
import { BadParameters, readParameters, TASK_MODELS, type TaskParameters } from './parameters';
import { PRICE } from './prices';

/**
 * The task API: `POST /model/v1/generation`, then `GET /model/v1/generation/task/{id}`.
 */

/** Beside the parameters of a flat body, and beside `input` of a wrapped one. */
const TOP_LEVEL = ['model', 'moderation', 'metadata'];

export function createTaskRoutes(world: World): Route[] {
	return [
		{
			name: 'task.submit',
			method: 'POST',
			path: '/model/v1/generation',
			kind: 'submission',
			prompt: readPrompt,
			handle: (call, effect) => submit(world, call, effect),
		},
		{
			name: 'task.precharge',
			method: 'POST',
			path: '/model/v1/generation/precharge',
			kind: 'account',
			handle: precharge,
		},
		{
			name: 'task.status',
			method: 'GET',
			path: '/model/v1/generation/task/:id',
			kind: 'poll',
			task: (call) => world.tasks.find(call.params.id),
			handle: (call) => getStatus(world, call),
		},
	];
}

/** Where the parameters of either body stand. */
function locateParameters(body: JsonObject): { form: 'wrapped' | 'flat'; params: unknown } {
	if (!('input' in body)) {
		const params = Object.fromEntries(
			Object.entries(body).filter(([name]) => !TOP_LEVEL.includes(name)),
		);
		return { form: 'flat', params };
	}
	const { input } = body;
	const first: unknown = Array.isArray(input) ? input[0] : undefined;
	return { form: 'wrapped', params: isObject(first) ? first.params : undefined };
}

function readPrompt(call: Call): string | undefined {
	if (call.body.kind !== 'json' || !isObject(call.body.value)) return undefined;
	const { params } = locateParameters(call.body.value);
	return isObject(params) && typeof params.prompt === 'string' ? params.prompt : undefined;
}

export function authenticate(call: Call, schemes: readonly string[], refusal: ApiResponse): Grant {
	const grant = schemes.includes(call.scheme ?? '') ? GRANTS.get(call.key ?? '') : undefined;
	if (!grant) throw new Refusal(refusal);
	return grant;
}

function badRequestError(reason: string): Refusal {
	return new Refusal(taskError(400, reason));
}

async function submit(world: World, call: Call, effect: Effect): Promise<ApiResponse> {
	const grant = authenticate(call, ['Bearer'], documentedErrors['task.key']);
	if (!grant.permission) throw new Refusal(documentedErrors['task.permission']);
	const { model, parameters } = await readBody(call);
	if (!grant.credits) throw new Refusal(documentedErrors['task.credits']);
	refuseOverLimit(world, call, documentedErrors['task.rateLimit']);
	const task = world.tasks.accept(call, effect, {
		id: `d${randomBytes(10).toString('hex')}`,
		provider: 'task',
		route: 'task.submit',
		model,
		...parameters,
		defaultSize: { width: 1024, height: 1024 },
		cost: PRICE,
	});
	if (task.fault.immediate) return toResponse(200, toTaskBody(task));
	return toResponse(200, { ...toHeader(task), status: 'pending', progress: 0 });
}

/** What earlier calls of this shape have cost on average, as the clients of SeaArt know it. Nothing is generated. */
async function precharge(call: Call): Promise<ApiResponse> {
	authenticate(call, ['Bearer'], documentedErrors['task.key']);
	const { model } = await readBody(call);
	const data = {
		billing_model: model,
		cost: PRICE.toFixed(12),
		currency: 'USD',
		discount: 1,
		hash: 'v1:made-up',
		model,
		original_model: model,
		sample_count: 4,
		updated_at: Date.now(),
	};
	return toResponse(200, { data, status: 'success' });
}

async function readBody(call: Call): Promise<{ model: string; parameters: TaskParameters }> {
	if (call.body.kind !== 'json' || !isObject(call.body.value))
		throw badRequestError('the body is not a JSON object');
	const body = call.body.value;
	const { form, params } = locateParameters(body);
	if (call.submission) call.submission.bodyForm = form;
	if (form === 'wrapped') checkWrapping(body);
	const { model } = body;
	if (call.submission && typeof model === 'string') call.submission.model = model;
	if (typeof model !== 'string' || !TASK_MODELS.includes(model))
		throw badRequestError(`model not found: ${String(model)}`);
	checkTopLevel(body);
	try {
		return { model, parameters: await readParameters(params, 'task') };
	} catch (error) {
		throw error instanceof BadParameters ? badRequestError(error.message) : error;
	}
}

function checkTopLevel({ moderation, metadata }: JsonObject): void {
	if (moderation !== undefined && typeof moderation !== 'boolean')
		throw badRequestError('moderation must be boolean');
	if (metadata !== undefined && !isObject(metadata))
		throw badRequestError('metadata must be object');
}

function checkWrapping(body: JsonObject): void {
	const unexpected = Object.keys(body).filter(
		(name) => name !== 'input' && !TOP_LEVEL.includes(name),
	);
	if (unexpected.length > 0)
		throw badRequestError(`unknown beside input: ${unexpected.join(', ')}`);
	const { input } = body;
	const entry: unknown = Array.isArray(input) && input.length === 1 ? input[0] : undefined;
	if (!isObject(entry)) throw badRequestError('input must be a list of one object');
	if (Object.keys(entry).join() !== 'params')
		throw badRequestError('input[0] must have params and nothing else');
}

function getStatus(world: World, call: Call): ApiResponse {
	authenticate(call, ['Bearer'], documentedErrors['task.key']);
	const task = world.tasks.find(call.params.id);
	if (task?.record.route !== 'task.submit' || task.record.key !== call.key || task.fault.vanish) {
		throw new Refusal(documentedErrors['task.notFound']);
	}
	return toResponse(200, toTaskBody(task));
}

function toHeader({ record }: Task): JsonObject {
	return { id: record.id, created_at: Math.floor(record.acceptedAt / 1000), model: record.model };
}

function toTaskBody(task: Task): JsonObject {
	const state = toState(task);
	switch (state.phase) {
		case 'pending':
			return { ...toHeader(task), status: 'pending', progress: 0 };
		case 'running':
			return { ...toHeader(task), status: state.status ?? 'in_progress', progress: state.progress };
		case 'failed':
			return { ...toHeader(task), status: 'failed', ...toFailureBody(state.failure) };
		case 'other':
			return { ...toHeader(task), status: state.status };
		case 'cancelled':
			return { ...toHeader(task), status: 'cancelled' };
		case 'completed':
			return { ...toHeader(task), status: 'completed', progress: 1, ...toResultBody(task) };
	}
}

function toFailureBody({
	code = '002014001',
	message,
	style = 'message',
}: TaskFailure): JsonObject {
	if (style === 'state') return {};
	if (style === 'string') return { error: message };
	return { error: { code, [style]: message } };
}

function toResultBody({ record }: Task): JsonObject {
	const cost = String(record.cost);
	return {
		output: [{ content: [{ type: 'image', url: record.url, jobId: record.id }] }],
		usage: { cost, discount: 1, quantity: 1, unit_price: cost, extra_info: {} },
		metadata: {},
	};
}
