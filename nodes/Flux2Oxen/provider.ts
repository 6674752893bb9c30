import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { withCustomBody, withoutBytes } from '../shared/body';
import { generate, submit } from '../shared/engine';
import { asIs, Flux2Error } from '../shared/errors';
import { eventsOf } from '../shared/events';
import { json, LOOK_TIMEOUT_MS, SUBMIT_TIMEOUT_MS, type Api } from '../shared/http';
import { readChoice, valueOf, type Request } from '../shared/model';
import { timeout } from '../shared/options';
import { narrowed, type Param } from '../shared/params';
import { asDataUri, loadReferences } from '../shared/references';
import type { Route, Service } from '../shared/run';
import { now, type Image, type Provider, type Task, type TaskState } from '../shared/task';
import { cancel, get } from '../shared/tasks';
import { z } from '../shared/vendor';
import { notKnown } from '../shared/watch';
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
} from './answers';
import { getModels, getTasks } from './lists';
import { models, numGenerations } from './models';

/** `queue`, the default: looks at the queue. `sync`: the call waits. `events`: the queue, told by server-sent events. */
const modes = ['queue', 'sync', 'events'] as const;

/** The body of both ways to ask. */
async function bodyOf(api: Api, request: Request): Promise<IDataObject> {
	const references = await loadReferences(api, request.references, { takesUrls: true });
	const images = references.length > 0 ? { input_image: references.map(asDataUri) } : {};
	const body = { model: request.model.id, prompt: request.prompt, ...request.body, ...images };
	return withCustomBody(body, request.settings);
}

const problems: Provider['problems'] = ({ body, references }) =>
	body.aspect_ratio === 'match_input_image' && references.length === 0
		? ['Aspect Ratio: Match Input Image needs a reference image']
		: [];

/** POST /api/ai/images/edit, which all FLUX.2 pages use, also without a reference image. */
async function submitSync(api: Api, request: Request): Promise<TaskState[]> {
	const submittedAt = now();
	const { value, answer } = await json(api, {
		method: 'POST',
		url: '/api/ai/images/edit',
		body: await bodyOf(api, request),
		schema: pictures,
		repeat: 'submit',
		timeoutMs: valueOf(request.settings, timeout) * 1000,
	});
	const images = value.images.flatMap(({ url, b64_json: base64 }): Image[] =>
		url ? [{ url }] : base64 ? [{ base64 }] : [],
	);
	const raw = withoutBytes(answer.json, 'b64_json');
	if (images.length > 0) return [{ status: 'done', submittedAt, images, raw }];
	const message = 'The answer has neither "images[0].url" nor "images[0].b64_json"';
	return [{ status: 'failed', kind: 'badResponse', message, raw }];
}

/** POST /api/ai/queue; one task per picture. */
async function enqueue(api: Api, request: Request): Promise<TaskState[]> {
	const { value } = await json(api, {
		method: 'POST',
		url: '/api/ai/queue',
		body: await bodyOf(api, request),
		schema: queued,
		repeat: 'submit',
		timeoutMs: SUBMIT_TIMEOUT_MS,
	});
	const submittedAt = now();
	return value.generations.map((raw) => ({
		status: 'pending',
		task: { id: raw.generation_id, model: request.model.id, submittedAt },
		raw,
	}));
}

/** A generation leaves the queue when it has ended, says an older state of the documents: then it is in the history. */
async function check(api: Api, task: Task): Promise<TaskState> {
	const inQueue = await lookUp(api, `/api/ai/queue/${encodeURIComponent(task.id)}`, generation);
	if (inQueue) return stateOf(inQueue, task);
	const past = await historyOf(api, task);
	if (past) return stateOf({ ...past, status: past.status ?? statusOf(past) }, task);
	return notKnown(task, `Oxen.ai knows no generation ${task.id}`);
}

const historyOf = async (api: Api, task: Task): Promise<Generation | undefined> =>
	(await lookUp(api, `/api/ai/generations/${encodeURIComponent(task.id)}`, history))?.generation;

async function lookUp<T>(
	api: Api,
	url: string,
	schema: z.ZodType<T, z.ZodTypeDef, unknown>,
): Promise<T | undefined> {
	try {
		const call = {
			method: 'GET',
			url,
			schema,
			repeat: 'look',
			timeoutMs: LOOK_TIMEOUT_MS,
		} as const;
		return (await json(api, call)).value;
	} catch (error) {
		if (error instanceof Flux2Error && error.kind === 'notFound') return undefined;
		throw asIs(error);
	}
}

const subscription = (api: Api) => eventsOf(api, '/api/events', readEvent);

const queue: Provider = {
	problems,
	submit: enqueue,
	check,
	async cancel(api, { id }) {
		await json(api, {
			method: 'DELETE',
			url: `/api/ai/queue/${encodeURIComponent(id)}`,
			schema: z.unknown(),
			repeat: 'look',
			timeoutMs: LOOK_TIMEOUT_MS,
		});
	},
	async price(api, task) {
		const past = await historyOf(api, task);
		return past && priceOf(past);
	},
};

const providers: Record<(typeof modes)[number], Provider> = {
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
const one: Param = { ...narrowed(numGenerations, { min: 1, max: 1 }), goesTo: 'setting' };
const takesOne = models.map((model) => ({
	...model,
	parameters: model.parameters.map((param) => (param === numGenerations ? one : param)),
}));

function routeFor(context: IExecuteFunctions, itemIndex: number): Route {
	const mode = readChoice(context, itemIndex, 'mode', 'Mode', modes);
	return { models: mode === 'sync' ? takesOne : models, provider: providers[mode] };
}

/** FLUX.2 on Oxen.ai. */
export const oxen: Service = {
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
