import { randomUUID } from 'node:crypto';
import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020';
import type { ReferenceImage } from '../images';
import { sha256 } from '../images';
import { BadReference, readUri } from '../images/references';
import { toSizes } from '../prices';
import type { Task } from '../tasks';
import { toState } from '../tasks';
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
import { recordUnexpected, refuseOverLimit } from '../world';
import { authorize } from './access';
import catalogue from './contract.json';
import { documentedErrors, failedState, v4Error, workersAiError } from './documentedErrors';
import { writeLog } from './gatewayLogs';
import { readGatewayHeaders, type GatewaySettings } from './gatewayHeaders';
import { priceCatalogueModel } from './prices';
import type { CloudflareWorld } from './world';

/**
 * Cloudflare's catalogue models: `POST /accounts/{id}/ai/run` with `{model, input}`.
 */

const ajv = new Ajv2020({ allErrors: true });
const schemas = new Map<string, ValidateFunction>(
	Object.entries(catalogue.input).map(([model, schema]) => [model, ajv.compile(schema)]),
);

/** The models' page states 4 MP; a megapixel is 1024 × 1024, as in the price list. */
const MAX_PIXELS = 4 * 1024 * 1024;
const DEFAULT_SIZE = { width: 1024, height: 1024 };

interface Input extends JsonObject {
	prompt: string;
	width?: number;
	height?: number;
	input_images?: string[];
}

interface RunRequest {
	model: string;
	input: Input;
	settings: GatewaySettings;
}

export function createCatalogueRoutes(world: CloudflareWorld): Route[] {
	return [
		{
			name: 'cloudflare.run',
			method: 'POST',
			path: '/client/v4/accounts/:account/ai/run',
			kind: 'submission',
			prompt: readPrompt,
			handle: (call, effect) => run(world, call, effect),
		},
	];
}

function readPrompt(call: Call): string | undefined {
	const body = call.body.kind === 'json' ? call.body.value : undefined;
	const input = isObject(body) ? body.input : undefined;
	return isObject(input) && typeof input.prompt === 'string' ? input.prompt : undefined;
}

async function run(world: CloudflareWorld, call: Call, effect: Effect): Promise<ApiResponse> {
	const { credits } = authorize(call, ['gateway', 'workersAi']);
	const settings = readSettings(world, call);
	const request: RunRequest = { ...readBody(call), settings };
	if (call.submission) call.submission.model = request.model;
	const references = await readReferences(request.input.input_images ?? []);
	if (!credits) throw new Refusal(documentedErrors['cloudflare.credits']);
	const cached = findCached(world, call, request);
	if (cached)
		return withEnvelope(world, effect, toCompleted(cached), {
			task: cached,
			request,
			cacheStatus: 'HIT',
		});
	refuseOverLimit(world, call, documentedErrors['cloudflare.rateLimit']);
	return runModel(world, call, effect, request, references);
}

function readSettings(world: CloudflareWorld, call: Call): GatewaySettings {
	const { settings, invalid, unknown } = readGatewayHeaders(call.headers);
	unknown.forEach((name) => recordUnexpected(world, call, `header ${name}`));
	if (invalid.length > 0)
		throw new Refusal(v4Error(400, 6003, `Invalid request headers: ${invalid.join(', ')}`));
	if (!world.gateways.includes(settings.gateway))
		throw new Refusal(documentedErrors['cloudflare.gateway']);
	// No provider key is stored in these gateways.
	if (settings.ownKeyOnly) throw new Refusal(documentedErrors['cloudflare.ownKeyRequired']);
	return settings;
}

/** The code of an invalid input is not documented here; Workers AI's is used. */
function inputError(reason: string): Refusal {
	return new Refusal(workersAiError(400, 5006, `Bad input: Error: ${reason}`));
}

function readBody(call: Call): { model: string; input: Input } {
	if (call.body.kind !== 'json') {
		throw inputError(
			call.body.kind === 'unreadable' ? call.body.reason : 'the body is not application/json',
		);
	}
	const body = call.body.value;
	if (!isObject(body)) throw inputError('the body is not an object');
	const unexpected = Object.keys(body).filter((name) => name !== 'model' && name !== 'input');
	if (unexpected.length > 0) throw inputError(`additional properties: ${unexpected.join(', ')}`);
	const { model, input } = body;
	if (typeof model !== 'string') throw inputError("required properties at '/' are 'model'");
	// Hosted models take multipart, which this route cannot carry.
	if (model.startsWith('@cf/')) throw new Refusal(documentedErrors['workersAi.5006']);
	const validate = schemas.get(model);
	if (!validate) throw new Refusal(documentedErrors['cloudflare.model']);
	if (!validate(input)) throw inputError(ajv.errorsText(validate.errors, { dataVar: 'input' }));
	return { model, input: checkSize(input as Input) };
}

function checkSize(input: Input): Input {
	const { width, height } = toSize(input);
	if (width * height > MAX_PIXELS) throw inputError(`${width}x${height} is more than 4 MP`);
	return input;
}

function toSize({ width, height }: Input): { width: number; height: number } {
	return { width: width ?? DEFAULT_SIZE.width, height: height ?? DEFAULT_SIZE.height };
}

async function readReferences(images: readonly string[]): Promise<ReferenceImage[]> {
	const reading = images.map(async (image, index) => {
		try {
			return await readUri(image);
		} catch (error) {
			if (error instanceof BadReference) throw inputError(`input_images/${index} ${error.message}`);
			throw error;
		}
	});
	return Promise.all(reading);
}

function toCacheKey(call: Call, { model, input, settings }: RunRequest): string {
	const request = settings.cacheKey ?? sha256(JSON.stringify([model, input]));
	return [call.params.account, settings.gateway, request].join(' ');
}

function findCached(world: CloudflareWorld, call: Call, request: RunRequest): Task | undefined {
	const { settings } = request;
	if (settings.skipCache || settings.cacheTtl === undefined) return undefined;
	const cached = world.gatewayCache.get(toCacheKey(call, request));
	const task =
		cached && cached.expiresAt > Date.now() ? world.tasks.find(cached.taskId) : undefined;
	if (task && call.submission)
		Object.assign(call.submission, { accepted: true, cached: true, taskId: task.record.id });
	return task;
}

function saveToCache(world: CloudflareWorld, call: Call, request: RunRequest, task: Task): void {
	const { skipCache, cacheTtl } = request.settings;
	if (skipCache || cacheTtl === undefined) return;
	const expiresAt = Date.now() + cacheTtl * 1000;
	world.gatewayCache.set(toCacheKey(call, request), { taskId: task.record.id, expiresAt });
}

async function runModel(
	world: CloudflareWorld,
	call: Call,
	effect: Effect,
	request: RunRequest,
	references: ReferenceImage[],
): Promise<ApiResponse> {
	const { model, input, settings } = request;
	const task = world.tasks.accept(call, effect, {
		id: randomUUID(),
		provider: 'cloudflare',
		route: 'cloudflare.run',
		model,
		prompt: input.prompt,
		parameters: { ...input, input_images: undefined },
		references,
		defaultSize: DEFAULT_SIZE,
		cost: priceCatalogueModel(model, toSize(input), toSizes(references)),
	});
	const ms = task.record.seconds * 1000;
	const limit = settings.requestTimeout ?? Infinity;
	await world.wait(Math.min(ms, limit));
	if (ms > limit) return documentedErrors['cloudflare.timeout'];
	const response = toOutcome(task);
	if (toState(task).phase === 'completed') saveToCache(world, call, request, task);
	return withEnvelope(world, effect, response, { task, request, cacheStatus: 'MISS' });
}

function toCompleted(task: Task): ApiResponse {
	return toResponse(200, {
		state: 'Completed',
		result: { image: task.record.url },
		gatewayMetadata: { keySource: 'Unified' },
	});
}

function toOutcome(task: Task): ApiResponse {
	const { model } = task.record;
	const { fail, status } = task.fault;
	if (fail) {
		const code = fail.code ?? 'provider_error';
		if (fail.style === 'string') return failedState(model, fail.message);
		if (fail.style === 'error_message')
			return failedState(model, { code, error_message: fail.message });
		return failedState(model, { code, message: fail.message });
	}
	if (status !== undefined) return toResponse(200, { state: status, model });
	return toCompleted(task);
}

/** Whether the public API wraps its responses is not documented: both forms exist here. */
function withEnvelope(
	world: CloudflareWorld,
	effect: Effect,
	response: ApiResponse,
	{ task, request, cacheStatus }: { task: Task; request: RunRequest; cacheStatus: 'HIT' | 'MISS' },
): ApiResponse {
	const wrapped = (effect.envelope ?? world.envelope) === 'wrapped';
	const body = wrapped
		? { result: response.body, success: true, errors: [], messages: [] }
		: response.body;
	const headers = {
		...response.headers,
		'cf-aig-log-id': writeLog(world, task, request.settings, cacheStatus === 'HIT'),
		'cf-aig-cache-status': cacheStatus,
	};
	return { ...response, body, headers };
}
