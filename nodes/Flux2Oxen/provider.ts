import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { withCustomBody, withoutBytes } from '../shared/parameters/body';
import { generate, submit } from '../shared/operations/generate';
import { rethrow, Flux2Error } from '../shared/core/errors';
import { eventsOf } from '../shared/tasks/eventStream';
import {
	requestJson,
	READ_TIMEOUT_MS,
	SUBMIT_TIMEOUT_MS,
	type ApiClient,
} from '../shared/http/client';
import { readChoice, valueOf, type ImageRequest } from '../shared/parameters/model';
import { timeout } from '../shared/parameters/options';
import { withRange, type Param } from '../shared/parameters/param';
import { toDataUri, loadReferences } from '../shared/images/references';
import type { Route, ProviderDefinition } from '../shared/node/execute';
import {
	isoNow,
	type ImageSource,
	type TaskProtocol,
	type Task,
	type TaskState,
} from '../shared/tasks/protocol';
import { cancel, get } from '../shared/operations/task';
import { z } from '../shared/core/vendor';
import { taskNotFound } from '../shared/tasks/poller';
import {
	explain,
	generation,
	history,
	pictures,
	priceOf,
	queued,
	readEvent,
	stateOf,
	statusOf,
	type Generation,
} from './responses';
import { getModels, getTasks } from './lists';
import { models, numGenerations } from './models';

/** `queue`, the default: looks at the queue. `sync`: the call waits. `events`: the queue, told by server-sent events. */
const modes = ['queue', 'sync', 'events'] as const;

/** The body of both ways to ask. */
async function bodyOf(api: ApiClient, request: ImageRequest): Promise<IDataObject> {
	const references = await loadReferences(api, request.references, { takesUrls: true });
	const images = references.length > 0 ? { input_image: references.map(toDataUri) } : {};
	const body = { model: request.model.id, prompt: request.prompt, ...request.body, ...images };
	return withCustomBody(body, request.settings);
}

const problems: TaskProtocol['problems'] = ({ body, references }) =>
	body.aspect_ratio === 'match_input_image' && references.length === 0
		? ['Aspect Ratio: Match Input Image needs a reference image']
		: [];

/** POST /api/ai/images/edit, which all FLUX.2 pages use, also without a reference image. */
async function submitSync(api: ApiClient, request: ImageRequest): Promise<TaskState[]> {
	const submittedAt = isoNow();
	const { value, answer } = await requestJson(api, {
		method: 'POST',
		url: '/api/ai/images/edit',
		body: await bodyOf(api, request),
		schema: pictures,
		repeat: 'submit',
		timeoutMs: valueOf(request.settings, timeout) * 1000,
	});
	const images = value.images.flatMap(({ url, b64_json: base64 }): ImageSource[] =>
		url ? [{ url }] : base64 ? [{ base64 }] : [],
	);
	const raw = withoutBytes(answer.json, 'b64_json');
	if (images.length > 0) return [{ status: 'done', submittedAt, images, raw }];
	const message = 'The answer has neither "images[0].url" nor "images[0].b64_json"';
	return [{ status: 'failed', kind: 'badResponse', message, raw }];
}

/** POST /api/ai/queue; one task per picture. */
async function enqueue(api: ApiClient, request: ImageRequest): Promise<TaskState[]> {
	const { value } = await requestJson(api, {
		method: 'POST',
		url: '/api/ai/queue',
		body: await bodyOf(api, request),
		schema: queued,
		repeat: 'submit',
		timeoutMs: SUBMIT_TIMEOUT_MS,
	});
	const submittedAt = isoNow();
	return value.generations.map((raw) => ({
		status: 'pending',
		task: { id: raw.generation_id, model: request.model.id, submittedAt },
		raw,
	}));
}

/** A generation leaves the queue when it has ended, says an older state of the documents: then it is in the history. */
async function check(api: ApiClient, task: Task): Promise<TaskState> {
	const inQueue = await lookUp(api, `/api/ai/queue/${encodeURIComponent(task.id)}`, generation);
	if (inQueue) return stateOf(inQueue, task);
	const past = await historyOf(api, task);
	if (past) return stateOf({ ...past, status: past.status ?? statusOf(past) }, task);
	return taskNotFound(task, `Oxen.ai knows no generation ${task.id}`);
}

const historyOf = async (api: ApiClient, task: Task): Promise<Generation | undefined> =>
	(await lookUp(api, `/api/ai/generations/${encodeURIComponent(task.id)}`, history))?.generation;

async function lookUp<T>(
	api: ApiClient,
	url: string,
	schema: z.ZodType<T, z.ZodTypeDef, unknown>,
): Promise<T | undefined> {
	try {
		const call = {
			method: 'GET',
			url,
			schema,
			repeat: 'look',
			timeoutMs: READ_TIMEOUT_MS,
		} as const;
		return (await requestJson(api, call)).value;
	} catch (error) {
		if (error instanceof Flux2Error && error.kind === 'notFound') return undefined;
		throw rethrow(error);
	}
}

const subscription = (api: ApiClient) => eventsOf(api, '/api/events', readEvent);

const queue: TaskProtocol = {
	problems,
	submit: enqueue,
	check,
	async cancel(api, { id }) {
		await requestJson(api, {
			method: 'DELETE',
			url: `/api/ai/queue/${encodeURIComponent(id)}`,
			schema: z.unknown(),
			repeat: 'look',
			timeoutMs: READ_TIMEOUT_MS,
		});
	},
	async price(api, task) {
		const past = await historyOf(api, task);
		return past && priceOf(past);
	},
};

const providers: Record<(typeof modes)[number], TaskProtocol> = {
	sync: { ...queue, submit: submitSync },
	queue,
	events: {
		...queue,
		async submit(api, request) {
			// nothing is buffered for late listeners
			await subscription(api).opened;
			return await enqueue(api, request);
		},
		events: subscription,
	},
};

/** The call that waits makes one picture, and does not know the field. */
const one: Param = { ...withRange(numGenerations, { min: 1, max: 1 }), goesTo: 'setting' };
const takesOne = models.map((model) => ({
	...model,
	parameters: model.parameters.map((param) => (param === numGenerations ? one : param)),
}));

function routeFor(context: IExecuteFunctions, itemIndex: number): Route {
	const mode = readChoice(context, itemIndex, 'mode', 'Mode', modes);
	return { models: mode === 'sync' ? takesOne : models, provider: providers[mode] };
}

/** FLUX.2 on Oxen.ai. */
export const oxen: ProviderDefinition = {
	name: 'oxen',
	label: 'Oxen.ai',
	credentialType: 'flux2OxenApi',
	baseUrl: ({ baseUrl }) => baseUrl as string,
	// https://docs.oxen.ai/inference-api/reference/async_queue: pictures every 2 to 5 seconds
	shortestGapSeconds: 2,
	typicalSeconds: 12,
	explain,
	operations: {
		'image:generate': generate,
		'task:submit': submit,
		'task:get': get,
		'task:getMany': getTasks,
		'task:cancel': cancel,
		'model:getMany': getModels,
	},
	routeFor,
};
