import { randomUUID } from 'node:crypto';
import { toSizes } from '../prices';
import { BadReference } from '../images/references';
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
import { recordUnexpected, recordUnknownQuery, refuseOverLimit, type World } from '../world';
import { DIALECTS, type OpenAiDialect } from './dialects';
import { documentedErrors } from './errors';
import { splitPrompt } from './extraArgs';
import { BadInput, readEdit, readInput, type OpenAiInput } from './inputs';
import { GRANTS, type Grant } from './keys';
import { priceImage } from './prices';

/** OpenAI's API for images in the dialect of each server. One call makes the images; there are no tasks. */

type Read = (call: Call, dialect: OpenAiDialect) => Promise<OpenAiInput>;

const BASE = '/openai';

export const createRoutes = (world: World): Route[] =>
	Object.entries(DIALECTS).flatMap(([server, dialect]) =>
		basesOf(server).flatMap((base) => routesOf(world, server, dialect, base)),
	);

/** Without a name it is what the credential says when nobody has chosen. */
const basesOf = (server: string): string[] => [
	`${BASE}/${server}`,
	...(server === 'vllm' ? [BASE] : []),
];

function routesOf(world: World, server: string, dialect: OpenAiDialect, base: string): Route[] {
	const hasOwnPath = server.includes('/');
	const generations = server === 'openRouter' ? '/images' : '/images/generations';
	const list = server === 'openRouter' ? '/images/models' : '/models';
	const path = base + (hasOwnPath ? '' : generations);
	return [
		submitRoute(world, server, 'openai.generate', path, readInput),
		...(dialect.edit
			? [submitRoute(world, server, 'openai.edit', `${base}/images/edits`, readEdit)]
			: []),
		...(dialect.hasList ? [listRoute(world, server, base + list)] : []),
	];
}

const submitRoute = (
	world: World,
	server: string,
	name: 'openai.generate' | 'openai.edit',
	path: string,
	read: Read,
): Route => ({
	name,
	method: 'POST',
	path,
	kind: 'submission',
	prompt: (call) => {
		const prompt = readPrompt(call) ?? promptOfForm(call);
		return prompt === undefined ? undefined : readableOf(server, prompt);
	},
	handle: async (call, effect) => await submit(world, server, name, read, call, effect),
});

/** As people wrote it. */
const readableOf = (server: string, prompt: string): string =>
	server === 'sdCpp' ? splitPrompt(prompt).prompt : prompt;

const promptOfForm = ({ body }: Call): string | undefined =>
	body.kind === 'form' ? body.parts.find(({ name }) => name === 'prompt')?.value : undefined;

const listRoute = (world: World, server: string, path: string): Route => ({
	name: 'openai.models',
	method: 'GET',
	path,
	kind: 'account',
	handle: (call) => {
		const dialect = DIALECTS[server]!;
		authorize(call, dialect);
		recordUnknownQuery(world, call, []);
		return listModels(server, dialect);
	},
});

const OPEN_MODELS = [
	'black-forest-labs/FLUX.2-klein-4B',
	'black-forest-labs/FLUX.2-klein-9B',
	'black-forest-labs/FLUX.2-dev',
];

function listModels(server: string, { models = OPEN_MODELS }: OpenAiDialect): ApiResponse {
	const ids = server === 'sdCpp' ? ['sd-cpp-local'] : ['another/model', ...models];
	const list = ids.map((id) => ({ id, object: 'model', created: 1, owned_by: 'somebody' }));
	// Together's is bare
	return toResponse(200, server === 'together' ? list : { object: 'list', data: list });
}

/** Servers of one's own take any key, unless they were started with one. */
function authorize(call: Call, { keyIn, toError }: OpenAiDialect): Grant {
	const grant = GRANTS.get(call.key ?? '');
	const scheme = keyIn === 'api-key' ? 'api-key' : 'Bearer';
	if (!keyIn && call.key === undefined) return { permission: true, credits: true };
	if (!grant || call.scheme !== scheme) {
		throw new Refusal(keyIn ? toError(401, 'Invalid API key') : documentedErrors['openai.key']);
	}
	if (!grant.permission) throw new Refusal(toError(403, 'This key may not use the API'));
	return grant;
}

async function submit(
	world: World,
	server: string,
	route: 'openai.generate' | 'openai.edit',
	read: Read,
	call: Call,
	effect: Effect,
): Promise<ApiResponse> {
	const dialect = DIALECTS[server]!;
	const { toError } = dialect;
	const { credits } = authorize(call, dialect);
	checkLine(world, server, call, toError);
	const input = await read(call, dialect).catch((error: unknown) => {
		const isBad = error instanceof BadInput || error instanceof BadReference;
		throw isBad ? new Refusal(toError(400, error.message)) : error;
	});
	const { model, images } = input;
	if (call.submission) call.submission.model = model;
	if (dialect.models && !dialect.models.includes(model)) {
		throw new Refusal(toError(404, `The model ${model} does not exist`, 'model_not_found'));
	}
	if (!credits) throw new Refusal(toError(402, 'Insufficient credits'));
	refuseOverLimit(world, call, toError(429, 'Rate limit reached'));
	const tasks = Array.from({ length: images }, () =>
		accept(world, server, route, input, call, effect),
	);
	const [first] = tasks as [Task, ...Task[]];
	await world.wait(first.record.seconds * 1000);
	const { fail } = first.fault;
	if (fail) return toError(fail.code === undefined ? 500 : 400, fail.message, String(fail.code));
	return await toResult(server, dialect, input, tasks);
}

/** Azure's addresses have a version, and its routes want to know how long the body is. */
function checkLine(
	world: World,
	server: string,
	call: Call,
	toError: OpenAiDialect['toError'],
): void {
	const isAzure = server.startsWith('azure/');
	recordUnknownQuery(world, call, isAzure ? ['api-version'] : []);
	if (!isAzure) return;
	if (call.query['api-version'] !== 'preview') {
		recordUnexpected(world, call, 'no api-version');
		throw new Refusal(toError(404, 'Resource not found'));
	}
	if (call.headers['content-length'] === undefined) {
		throw new Refusal(documentedErrors['openai.noLength']);
	}
}

const DEFAULT_SIZE = { width: 1024, height: 1024 };

function accept(
	world: World,
	server: string,
	route: 'openai.generate' | 'openai.edit',
	{ prompt, model, parameters, references }: OpenAiInput,
	call: Call,
	effect: Effect,
): Task {
	const split = server === 'sdCpp' ? splitPrompt(prompt) : { prompt };
	const [reference] = toSizes(references);
	const defaultSize =
		route === 'openai.edit' && reference
			? { width: reference.width, height: reference.height }
			: DEFAULT_SIZE;
	const size = { ...defaultSize, ...parameters };
	return world.tasks.accept(call, effect, {
		id: randomUUID(),
		provider: 'openai',
		route,
		model,
		prompt: split.prompt,
		parameters: { ...parameters, ...split.settings },
		references,
		defaultSize,
		defaultFormat: DIALECTS[server]!.defaultFormat,
		cost: priceImage(server, model, size, toSizes(references)),
	});
}

async function toResult(
	server: string,
	{ base64, defaultFormat }: OpenAiDialect,
	{ responseFormat, parameters }: OpenAiInput,
	tasks: readonly Task[],
): Promise<ApiResponse> {
	const isBase64 =
		responseFormat === undefined ? base64?.isDefault : responseFormat === base64?.name;
	const data = await Promise.all(
		tasks.map(async (task, index) => ({
			...(server === 'localAi' || server === 'together' ? { index } : {}),
			...(server === 'vllm' && { url: null, revised_prompt: null }),
			...(isBase64
				? { b64_json: (await task.image()).bytes.toString('base64') }
				: { url: task.record.url }),
		})),
	);
	const created = Math.floor(Date.now() / 1000);
	return toResponse(200, { created, data, ...factsOf(server, parameters, defaultFormat, tasks) });
}

function factsOf(
	server: string,
	{ output_format: format }: JsonObject,
	defaultFormat: string,
	tasks: readonly Task[],
): JsonObject {
	if (server === 'openRouter') {
		const cost = tasks.reduce((sum, { record }) => sum + record.cost, 0);
		return { usage: { prompt_tokens: 0, completion_tokens: 4175, total_tokens: 4175, cost } };
	}
	if (server !== 'vllm') return {};
	const [{ record }] = tasks as [Task, ...Task[]];
	return { output_format: format ?? defaultFormat, size: `${record.width}x${record.height}` };
}
