import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { withCustomBody } from '../shared/body';
import { generate, submit } from '../shared/engine';
import {
	asIs,
	Flux2Error,
	invalidInput,
	kindOfAnswer,
	kindOfWords,
	type FailureKind,
} from '../shared/errors';
import { eventsOf, type ServerSentEvent } from '../shared/events';
import { json, type Answer, type Api, type Complaint } from '../shared/http';
import { readChoice, valueOf, type Request } from '../shared/model';
import { timeout } from '../shared/options';
import { within, type Param } from '../shared/params';
import { asDataUri, loadReferences } from '../shared/references';
import type { Route, Service } from '../shared/run';
import { now, type Image, type Price, type Provider, type Task, type TaskState } from '../shared/task';
import { cancel, get } from '../shared/tasks';
import { z } from '../shared/vendor';
import { getModels, getTasks } from './lists';
import { models, numGenerations } from './models';

/** `queue`, the default: looks at the queue. `sync`: the call waits. `events`: the queue, told by server-sent events. */
const modes = ['queue', 'sync', 'events'] as const;

const SUBMIT_TIMEOUT_MS = 120_000;
const LOOK_TIMEOUT_MS = 30_000;

/** https://docs.oxen.ai/inference-api/reference/async_queue */
const PENDING = ['queued', 'processing'];

const text = z.string().min(1);
const optionalText = z.string().nullish().catch(undefined);
const amount = z.union([z.number(), text]).pipe(z.coerce.number());

// only what is needed is asked for: a field that looks odd must not cost a job that is paid for
const generation = z
	.object({
		status: optionalText,
		model_name: optionalText,
		result_url: optionalText,
		error_message: optionalText,
		completed_at: z.unknown(),
		cost: amount.optional().catch(undefined),
		seed: z.number().optional().catch(undefined),
	})
	.passthrough();
type Generation = z.infer<typeof generation>;

const queued = z.object({
	generations: z.array(z.object({ generation_id: text }).passthrough()).min(1),
});
const history = z.object({ generation });
const pictures = z.object({
	images: z.array(z.object({ url: optionalText, b64_json: optionalText })).min(1),
});
const finishedEvent = z.object({
	generation_id: text,
	status: text,
	url: optionalText,
	error: optionalText,
});

const complaintSchema = z.object({
	error: z.union([
		text,
		z.object({
			type: z.string().optional(),
			title: z.string().optional(),
			detail: z.string().optional(),
			message: z.string().optional(),
		}),
	]),
});

/** `{error: {type, title, detail}}` or `{error: {message}}`. */
function explain(answer: Answer): Complaint | undefined {
	const read = complaintSchema.safeParse(answer.json);
	if (!read.success) return undefined;
	const { error } = read.data;
	const message = typeof error === 'string' ? error : wordsOf(error);
	return message ? { kind: kindOfAnswer(answer.status, message), message } : undefined;
}

function wordsOf({ type, title, detail, message }: Record<string, string | undefined>): string {
	return message ?? ([title, detail].filter(Boolean).join(': ') || (type ?? ''));
}

/** The body of both ways to ask. */
async function bodyOf(api: Api, request: Request): Promise<IDataObject> {
	if (request.body.aspect_ratio === 'match_input_image' && request.references.length === 0) {
		throw invalidInput(['Aspect Ratio: Match Input Image needs a reference image']);
	}
	const references = await loadReferences(api, request.references, { takesUrls: true });
	const images = references.length > 0 ? { input_image: references.map(asDataUri) } : {};
	const body = { model: request.model.id, prompt: request.prompt, ...request.body, ...images };
	return withCustomBody(body, request.settings);
}

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
	if (images.length > 0) return [{ status: 'done', submittedAt, images, raw: answer.json }];
	const message = 'The answer has neither "images[0].url" nor "images[0].b64_json"';
	return [{ status: 'failed', kind: 'badResponse', message, raw: answer.json }];
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
	const message = `Oxen.ai knows no generation ${task.id}`;
	return { status: 'failed', task, kind: 'notFound', message, raw: undefined };
}

const historyOf = async (api: Api, task: Task): Promise<Generation | undefined> =>
	(await lookUp(api, `/api/ai/generations/${encodeURIComponent(task.id)}`, history))?.generation;

/** The history documents no status: it follows from what is there. */
function statusOf({ result_url, error_message, completed_at }: Generation): string {
	if (result_url) return 'succeeded';
	if (error_message) return 'failed';
	return completed_at ? 'cancelled' : 'processing';
}

async function lookUp<T>(
	api: Api,
	url: string,
	schema: z.ZodType<T, z.ZodTypeDef, unknown>,
): Promise<T | undefined> {
	try {
		const call = { method: 'GET', url, schema, repeat: 'look', timeoutMs: LOOK_TIMEOUT_MS } as const;
		return (await json(api, call)).value;
	} catch (error) {
		if (error instanceof Flux2Error && error.kind === 'notFound') return undefined;
		throw asIs(error);
	}
}

function stateOf(raw: Generation, task: Task): TaskState {
	const word = raw.status ?? '';
	const status = word.toLowerCase();
	const known = { ...task, model: task.model ?? raw.model_name ?? undefined };
	if (PENDING.includes(status)) return { status: 'pending', task: known, raw };
	if (status === 'succeeded' && raw.result_url) {
		const price = priceOf(raw);
		const seed = raw.seed ?? undefined;
		return { status: 'done', task: known, images: [{ url: raw.result_url }], seed, price, raw };
	}
	return failed(known, word, raw.error_message, raw);
}

function failed(
	task: Task,
	word: string,
	words: string | null | undefined,
	raw: unknown,
): TaskState {
	const documented = ['failed', 'cancelled'].includes(word.toLowerCase());
	return {
		status: 'failed',
		task,
		kind: words ? kindOfFailure(words) : documented ? 'unavailable' : 'badResponse',
		message: `The generation ended with the status "${word}"${words ? `: ${words}` : ''}`,
		raw,
	};
}

/** The queue checks parameters only when the job runs: what the user got wrong comes as a failed job. */
function kindOfFailure(words: string): FailureKind {
	if (/must be|cannot be|invalid|client error: .* for url/i.test(words)) return 'invalidInput';
	if (/not found/i.test(words)) return 'notFound';
	return kindOfWords(words, 'unavailable');
}

const priceOf = ({ cost }: Generation): Price | undefined =>
	typeof cost === 'number' ? { cost: { amount: cost, currency: 'USD' } } : undefined;

/** `media_generation_completed` tells the end of a job; other events are of no interest. */
function readEvent({ event, data }: ServerSentEvent) {
	if (event !== 'media_generation_completed') return undefined;
	const read = finishedEvent.safeParse(parsed(data));
	if (!read.success) return undefined;
	const { generation_id: id, status, url, error } = read.data;
	const state = stateOf({ status, result_url: url, error_message: error }, { id });
	// without its URL, or with a word nobody has documented, a look at the queue must tell
	const isClear = state.status === 'done' || (state.status === 'failed' && state.kind !== 'badResponse');
	return { taskId: id, state: isClear ? state : undefined };
}

function parsed(data: string): unknown {
	try {
		return JSON.parse(data);
	} catch {
		return undefined;
	}
}

const subscription = (api: Api) => eventsOf(api, '/api/events', readEvent);

const queue: Provider = {
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
const one: Param = { ...within(numGenerations, { min: 1, max: 1 }), goesTo: 'setting' };
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
