import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { withCustomBody } from '../shared/body';
import { detailSchema, detailWords } from '../shared/detail';
import { generate, submit } from '../shared/engine';
import { kindOfAnswer, kindOfWords } from '../shared/errors';
import { json, type Answer, type Api, type Complaint } from '../shared/http';
import { modelPath, readChoice, readModelId, type Request } from '../shared/model';
import { asBase64, loadReferences } from '../shared/references';
import type { Route, Service } from '../shared/run';
import {
	now,
	type Failed,
	type Image,
	type Provider,
	type Task,
	type TaskState,
} from '../shared/task';
import { cancel, get } from '../shared/tasks';
import { trusted } from '../shared/urls';
import { z } from '../shared/vendor';
import { unlessNotFound } from '../shared/watch';
import { models, type TaskModel } from './models';

/** A submit carries up to eight pictures; a look is small. */
const SUBMIT_TIMEOUT_MS = 120_000;
const LOOK_TIMEOUT_MS = 30_000;

/** Vtrix documents `in_progress`; its client also knows the other two. Every other word is an end. */
const PENDING = ['in_progress', 'pending', 'processing'];
/** The queue API's documented words, and the one of fal, whose dialect it is. */
const QUEUE_PENDING = ['queued', 'in_queue', 'in_progress'];

/** https://docs.vtrix.ai gives 403 both meanings. */
const FORBIDDEN =
	"The key may lack the permission for this API or model, or the account's balance is used up.";

const text = z.string().min(1);
const optionalText = z.string().optional().catch(undefined);
const details = z.object({
	code: z.union([z.string(), z.number()]).nullish().catch(undefined),
	message: optionalText,
	error_message: optionalText,
});
/** `error` is text, or an object with `message` or `error_message`; empty ones count as none. */
const failure = z.union([z.string(), details]).nullish().catch(undefined);
const address = z.object({ url: optionalText });
const amount = z.union([z.number(), text]).pipe(z.coerce.number());

// only what is needed is asked for: a field that looks odd must not cost a task that is paid for
const answerSchema = z.object({
	id: text,
	status: text,
	model: optionalText,
	progress: z.number().optional().catch(undefined),
	output: z
		.array(z.object({ content: z.array(address).catch([]) }))
		.nullish()
		.catch(undefined),
	error: failure,
	usage: z.object({ cost: amount }).optional().catch(undefined),
});

/** An ID alone is worth looking at. */
const submittedSchema = answerSchema.extend({ status: text.catch('pending') });

const queuedSchema = z.object({
	request_id: text,
	status_url: z.string().optional().catch(undefined),
});

const statusSchema = z.object({
	status: text,
	error: failure,
	error_type: optionalText,
	provider_error: details.optional().catch(undefined),
});

const responseSchema = z.object({
	status: optionalText,
	outputs: z.array(address).nullish().catch(undefined),
	error: failure,
});

const complaintSchema = z.object({
	error: failure,
	message: optionalText,
	detail: detailSchema.optional().catch(undefined),
	status: details.optional().catch(undefined),
});

/** Reads the error bodies seen on this family of services; they differ from one to the next. */
function explain(answer: Answer): Complaint | undefined {
	const read = complaintSchema.safeParse(answer.json);
	if (!read.success) return undefined;
	const { error, message, detail, status } = read.data;
	const words = wordsOf(error) ?? message ?? (detail && detailWords(detail)) ?? wordsOf(status);
	if (!words) return undefined;
	const kind = kindOfAnswer(answer.status, words);
	return { kind, message: words, ...(answer.status === 403 && { description: FORBIDDEN }) };
}

function wordsOf(error: z.infer<typeof failure> | null | undefined): string | undefined {
	if (!error) return undefined;
	if (typeof error === 'string') return error;
	const words = error.message ?? error.error_message;
	return [error.code, words].filter(Boolean).join(': ') || undefined;
}

/** The model's parameters with the reference images as `input_image`, `input_image_2`, … */
async function parametersOf(api: Api, request: Request): Promise<IDataObject> {
	const loaded = await loadReferences(api, request.references, { takesUrls: true });
	const images = loaded.map((reference, index) => [
		index === 0 ? 'input_image' : `input_image_${index + 1}`,
		asBase64(reference),
	]);
	return { prompt: request.prompt, ...request.body, ...(Object.fromEntries(images) as IDataObject) };
}

/** POST /model/v1/generation, GET /model/v1/generation/task/{id}. */
const taskDialect = (bodyFormat: (typeof bodyFormats)[number]): Provider => ({
	async submit(api, request) {
		const params = await parametersOf(api, request);
		const model = request.model.id;
		const body = bodyFormat === 'flat' ? { model, ...params } : { model, input: [{ params }] };
		const { value, answer } = await json(api, {
			method: 'POST',
			url: '/model/v1/generation',
			body: withCustomBody(body, request.settings),
			schema: submittedSchema,
			repeat: 'submit',
			timeoutMs: SUBMIT_TIMEOUT_MS,
		});
		return [stateOf(value, { id: value.id, model, submittedAt: now() }, answer.json)];
	},

	async check(api, task) {
		return await unlessNotFound(task, async () => {
			const { value, answer } = await json(api, {
				method: 'GET',
				url: `/model/v1/generation/task/${encodeURIComponent(task.id)}`,
				schema: answerSchema,
				repeat: 'look',
				timeoutMs: LOOK_TIMEOUT_MS,
			});
			return stateOf(value, { ...task, model: task.model ?? value.model }, answer.json);
		});
	},
});

function stateOf(answer: z.infer<typeof answerSchema>, task: Task, raw: unknown): TaskState {
	const status = answer.status.toLowerCase();
	if (PENDING.includes(status)) return { status: 'pending', task, progress: answer.progress, raw };
	const images = imagesIn(answer.output?.flatMap(({ content }) => content));
	if (status === 'completed' && images.length > 0) {
		const price = answer.usage && { cost: { amount: answer.usage.cost, currency: 'USD' } };
		return { status: 'done', task, images, price, raw };
	}
	return failed(task, answer.status, status === 'failed', wordsOf(answer.error), raw);
}

const imagesIn = (entries: Array<z.infer<typeof address>> | null | undefined): Image[] =>
	entries?.flatMap(({ url }) => (url ? [{ url }] : [])) ?? [];

/** A task that ended without a picture; a status nobody documented is told under its own name. */
function failed(
	task: Task,
	status: string,
	documented: boolean,
	words: string | undefined,
	raw: unknown,
): Failed {
	const message = `The task ended with the status "${status}"${words ? `: ${words}` : ' and without a picture'}`;
	const kind = kindOfWords(words ?? '', documented ? 'unavailable' : 'badResponse');
	return { status: 'failed', task, kind, message, raw };
}

/** POST /model/v1/queue/{model}, then `status`, `response` and `cancel` below the request. */
const queueDialect: Provider = {
	async submit(api, request) {
		const body = withCustomBody(await parametersOf(api, request), request.settings);
		const { value, answer } = await json(api, {
			method: 'POST',
			url: `/model/v1/queue/${modelPath(request.model.id)}`,
			body,
			schema: queuedSchema,
			repeat: 'submit',
			timeoutMs: SUBMIT_TIMEOUT_MS,
		});
		const pollUrl = trusted(api, value.status_url);
		const task = { id: value.request_id, model: request.model.id, pollUrl, submittedAt: now() };
		return [{ status: 'pending', task, raw: answer.json }];
	},

	async check(api, task) {
		return await unlessNotFound(task, async () => {
			const { value, answer } = await json(api, {
				...queueCall(task, 'status'),
				schema: statusSchema,
				repeat: 'look',
			});
			const status = value.status.toLowerCase();
			const raw = answer.json;
			if (QUEUE_PENDING.includes(status)) return { status: 'pending', task, raw };
			const { error, provider_error, error_type } = value;
			const words = [wordsOf(error) ?? wordsOf(provider_error), error_type].filter(Boolean).join(', ');
			if (status === 'completed' && words === '') return await responseOf(api, task);
			return failed(task, value.status, status === 'completed', words || undefined, raw);
		});
	},

	async cancel(api, task) {
		await json(api, {
			...queueCall(task, 'cancel'),
			method: 'PUT',
			schema: z.unknown(),
			repeat: 'look',
		});
	},
};

/** The finished task's pictures; 202 while it still runs. */
async function responseOf(api: Api, task: Task): Promise<TaskState> {
	const { value, answer } = await json(api, {
		...queueCall(task, 'response'),
		schema: responseSchema,
		repeat: 'look',
	});
	const raw = answer.json;
	if (answer.status === 202) return { status: 'pending', task, raw };
	const images = imagesIn(value.outputs);
	if (images.length > 0) return { status: 'done', task, images, raw };
	const words = wordsOf(value.error);
	return failed(task, value.status ?? 'COMPLETED', words !== undefined, words, raw);
}

/** The address out of the submit's answer; the documented one where there is none or it is on a foreign host. */
function queueCall(task: Task, end: 'status' | 'response' | 'cancel') {
	const base =
		task.pollUrl?.replace(/\/status\/?$/, '') ??
		`/model/v1/queue/${modelPath(task.model ?? '')}/requests/${encodeURIComponent(task.id)}`;
	return { method: 'GET' as const, url: `${base}/${end}`, timeoutMs: LOOK_TIMEOUT_MS };
}

// the first is what the editor shows at first
const dialects = ['task', 'queue'] as const;
const bodyFormats = ['wrapped', 'flat'] as const;

function routeFor(context: IExecuteFunctions, itemIndex: number): Route<TaskModel> {
	const dialect = readChoice(context, itemIndex, 'dialect', 'Dialect', dialects);
	const bodyFormat = readChoice(context, itemIndex, 'bodyFormat', 'Body Format', bodyFormats);
	return {
		models: models.filter((model) => model.dialect === dialect),
		provider: dialect === 'queue' ? queueDialect : taskDialect(bodyFormat),
		// the queue's address of a task holds the model
		taskModel: dialect === 'queue' ? readModelId(context, itemIndex) : undefined,
	};
}

/** FLUX.2 behind a submit-and-poll task API: Vtrix, SeaCloud and their white labels. */
export const taskApi: Service<TaskModel> = {
	name: 'task',
	label: 'Task API',
	credentialType: 'flux2TaskApi',
	baseUrl: ({ baseUrl }) => baseUrl as string,
	// https://docs.vtrix.ai asks for a look every 3 to 5 seconds
	shortestGapSeconds: 3,
	typicalSeconds: 10,
	explain,
	operations: {
		'image:generate': generate,
		'task:submit': submit,
		'task:get': get,
		'task:cancel': cancel,
	},
	routeFor,
};
