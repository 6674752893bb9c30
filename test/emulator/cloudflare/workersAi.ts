import { randomUUID } from 'node:crypto';
import { BadReference, decode, type DecodedImage } from '../images/references';
import {
	Refusal,
	toResponse,
	type ApiResponse,
	type Call,
	type Effect,
	type FormPart,
	type JsonObject,
	type Route,
} from '../types';
import { refuseOverLimit, type World } from '../world';
import { authorize } from './access';
import { documentedErrors, v4Error, workersAiError } from './documentedErrors';
import { priceWorkersAiModel } from './prices';

/**
 * Workers AI's hosted models: `POST /accounts/{id}/ai/run/@cf/black-forest-labs/{model}`, multipart only.
 */

const MODELS = [
	'@cf/black-forest-labs/flux-2-dev',
	'@cf/black-forest-labs/flux-2-klein-4b',
	'@cf/black-forest-labs/flux-2-klein-9b',
] as const;

const DEFAULT_SIZE = { width: 1024, height: 768 };
const REFERENCE_FIELDS = ['input_image_0', 'input_image_1', 'input_image_2', 'input_image_3'];
/** References must be smaller than this in both directions, in pixels. */
const REFERENCE_LIMIT = 512;
/** The default is not documented; the examples' value counts for the price. */
const DEFAULT_STEPS = 25;

interface NumberField {
	integer: boolean;
	min: number;
	max: number;
}

const SIDE: NumberField = { integer: true, min: 256, max: 1920 };
const NUMBERS: Record<string, NumberField> = {
	width: SIDE,
	height: SIDE,
	steps: { integer: true, min: 1, max: Infinity },
	guidance: { integer: false, min: 0, max: Infinity },
	seed: { integer: true, min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER },
};

interface FormRequest {
	prompt: string;
	parameters: JsonObject & { width?: number; height?: number; steps?: number };
	references: DecodedImage[];
}

export function createWorkersAiRoutes(world: World): Route[] {
	return [
		{
			name: 'cloudflare.workersAi',
			method: 'POST',
			// A wildcard: Cloudflare's own client sends the model's slashes encoded.
			path: '/client/v4/accounts/:account/ai/run/*',
			kind: 'submission',
			prompt: (call) => getParts(call).find((part) => part.name === 'prompt')?.value,
			handle: (call, effect) => run(world, call, effect),
		},
	];
}

function getParts(call: Call): FormPart[] {
	return call.body.kind === 'form' ? call.body.parts : [];
}

async function run(world: World, call: Call, effect: Effect): Promise<ApiResponse> {
	const { credits } = authorize(call, ['workersAi']);
	const model = readModel(call);
	if (call.submission) call.submission.model = model;
	// Seen in reports: a gateway cannot pass multipart on.
	if (call.headers['cf-aig-gateway-id'] !== undefined)
		throw new Refusal(documentedErrors['workersAi.7000']);
	const { prompt, parameters, references } = await readForm(call, model);
	if (!credits) throw new Refusal(documentedErrors['workersAi.3036']);
	refuseOverLimit(world, call, documentedErrors['workersAi.3040']);
	const size = {
		width: parameters.width ?? DEFAULT_SIZE.width,
		height: parameters.height ?? DEFAULT_SIZE.height,
	};
	const task = world.tasks.accept(call, effect, {
		id: randomUUID(),
		provider: 'cloudflare',
		route: 'cloudflare.workersAi',
		model,
		prompt,
		parameters,
		references,
		defaultSize: DEFAULT_SIZE,
		cost: priceWorkersAiModel(model, size, references, parameters.steps ?? DEFAULT_STEPS),
	});
	await world.wait(task.record.seconds * 1000);
	const { fail } = task.fault;
	if (fail) return workersAiError(400, Number(fail.code ?? 3030), fail.message);
	const image = await task.image();
	return toResponse(200, {
		result: { image: image.bytes.toString('base64') },
		success: true,
		errors: [],
		messages: [],
	});
}

function readModel(call: Call): string {
	const model = call.params['*'] ?? '';
	if (!model.startsWith('@cf/')) {
		throw new Refusal(
			v4Error(
				404,
				7003,
				`Could not route to ${call.url}, perhaps your object identifier is invalid?`,
			),
		);
	}
	if (!MODELS.some((known) => known === model)) {
		throw new Refusal(workersAiError(400, 5007, `No such model ${model} or task`));
	}
	return model;
}

function inputError(reason: string): Refusal {
	return new Refusal(workersAiError(400, 5006, `Error: ${reason}`));
}

async function readForm(call: Call, model: string): Promise<FormRequest> {
	if (call.body.kind === 'unreadable') throw inputError(call.body.reason);
	if (call.body.kind !== 'form') throw new Refusal(documentedErrors['workersAi.5006']);
	const { parts } = call.body;
	const names = parts.map((part) => part.name);
	const repeated = names.find((name, index) => names.indexOf(name) !== index);
	if (repeated !== undefined) throw inputError(`${repeated} was sent twice`);
	const request: FormRequest = { prompt: '', parameters: {}, references: [] };
	for (const part of parts) await readPart(part, model, request);
	if (request.prompt === '') throw inputError("required properties at '/multipart' are 'prompt'");
	return request;
}

async function readPart(part: FormPart, model: string, request: FormRequest): Promise<void> {
	const { name } = part;
	if (REFERENCE_FIELDS.includes(name)) {
		request.references.push(await readReference(part));
		return;
	}
	if (part.value === undefined) throw inputError(`${name} is a file and should be text`);
	if (name === 'prompt') {
		request.prompt = part.value;
		return;
	}
	const field = NUMBERS[name];
	if (!field) throw inputError(`unknown field ${name}`);
	// The distilled models always take four steps.
	if (name === 'steps' && model.includes('klein')) throw inputError(`${model} has fixed steps`);
	request.parameters[name] = readNumber(name, part.value, field);
}

function readNumber(name: string, text: string, { integer, min, max }: NumberField): number {
	const value = Number(text);
	const isNumber =
		text.trim() !== '' && Number.isFinite(value) && (!integer || Number.isInteger(value));
	if (!isNumber) throw inputError(`${name} must be ${integer ? 'an integer' : 'a number'}`);
	if (value < min || value > max) throw inputError(`${name} must be between ${min} and ${max}`);
	return value;
}

async function readReference(part: FormPart): Promise<DecodedImage> {
	if (!part.file) throw inputError(`${part.name} is text and should be a file`);
	const image = await decode(part.file.data).catch((error: unknown) => {
		throw error instanceof BadReference ? inputError(`${part.name} ${error.message}`) : error;
	});
	if (image.width >= REFERENCE_LIMIT || image.height >= REFERENCE_LIMIT) {
		throw inputError(
			`${part.name} is ${image.width}x${image.height} and must be smaller than 512x512`,
		);
	}
	return image;
}
