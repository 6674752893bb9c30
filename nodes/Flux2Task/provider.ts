import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { withCustomBody } from '../shared/body';
import { detailSchema, detailWords } from '../shared/detail';
import { generate, submit } from '../shared/engine';
import { kindOfStatus, kindOfWords } from '../shared/errors';
import { json, type Answer, type Api, type Complaint } from '../shared/http';
import { modelPath, readModelId, type Request } from '../shared/model';
import { asBase64, loadReferences } from '../shared/references';
import type { Route, Service } from '../shared/run';
import { now, type Failed, type Provider, type Task, type TaskState } from '../shared/task';
import { cancel, get } from '../shared/tasks';
import { trusted } from '../shared/urls';
import { z } from '../shared/vendor';
import { unlessNotFound } from '../shared/watch';
import { models, type Dialect, type TaskModel } from './models';

/** A submit carries up to eight pictures; a look is small. */
const SUBMIT_TIMEOUT_MS = 120_000;
const LOOK_TIMEOUT_MS = 30_000;

/** Vtrix documents `in_progress`; its client also knows the other two. Every other word is an end. */
const PENDING = ['in_progress', 'pending', 'processing'];
/** The queue API's documented words. */
const QUEUE_PENDING = ['queued', 'in_progress'];

/** https://docs.vtrix.ai gives 403 both meanings. */
const FORBIDDEN =
	"The key may lack the permission for this API or model, or the account's balance is used up.";

const text = z.string().min(1);
const details = z.object({
	code: z.coerce.string().optional(),
	message: text.optional(),
	error_message: text.optional(),
});
/** `error` is text, or an object with `message` or `error_message`. */
const failure = z.union([text, details]);

const answerSchema = z.object({
	id: text,
	status: text,
	model: z.string().optional(),
	progress: z.number().nullish(),
	output: z
		.array(z.object({ content: z.array(z.object({ type: z.string().optional(), url: text })) }))
		.nullish(),
	error: failure.nullish(),
	usage: z.object({ cost: z.coerce.number() }).nullish().catch(undefined),
});

const queuedSchema = z.object({
	request_id: text,
	status_url: z.string().optional().catch(undefined),
});

const statusSchema = z.object({
	status: text,
	error: failure.nullish(),
	error_type: z.string().nullish(),
	provider_error: details.nullish(),
});

const responseSchema = z.object({
	status: z.string().optional(),
	outputs: z.array(z.object({ type: z.string().optional(), url: text })).nullish(),
	error: failure.nullish(),
});

const complaintSchema = z.object({
	error: failure.optional(),
	message: text.optional(),
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
	const kind = kindOfWords(words, kindOfStatus(answer.status));
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
const taskDialect = (bodyFormat: string): Provider => ({
	async submit(api, request) {
		const params = await parametersOf(api, request);
		const model = request.model.id;
		const body = bodyFormat === 'flat' ? { model, ...params } : { model, input: [{ params }] };
		const { value } = await json(api, {
			method: 'POST',
			url: '/model/v1/generation',
			body: withCustomBody(body, request.settings),
			schema: answerSchema,
			repeat: 'submit',
			timeoutMs: SUBMIT_TIMEOUT_MS,
		});
		return [stateOf(value, { id: value.id, model, submittedAt: now() })];
	},

	async check(api, task) {
		return await unlessNotFound(task, async () => {
			const { value } = await json(api, {
				method: 'GET',
				url: `/model/v1/generation/task/${encodeURIComponent(task.id)}`,
				schema: answerSchema,
				repeat: 'look',
				timeoutMs: LOOK_TIMEOUT_MS,
			});
			return stateOf(value, { ...task, model: task.model ?? value.model });
		});
	},
});

function stateOf(answer: z.infer<typeof answerSchema>, task: Task): TaskState {
	const status = answer.status.toLowerCase();
	if (PENDING.includes(status)) {
		return { status: 'pending', task, progress: answer.progress ?? undefined, raw: answer };
	}
	const images = answer.output?.flatMap(({ content }) => content.map(({ url }) => ({ url }))) ?? [];
	if (status === 'completed' && images.length > 0) {
		const price = answer.usage && { cost: { amount: answer.usage.cost, currency: 'USD' } };
		return { status: 'done', task, images, price: price ?? undefined, raw: answer };
	}
	return failed(task, answer.status, status === 'failed', wordsOf(answer.error), answer);
}

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
		const { value } = await json(api, {
			method: 'POST',
			url: `/model/v1/queue/${modelPath(request.model.id)}`,
			body,
			schema: queuedSchema,
			repeat: 'submit',
			timeoutMs: SUBMIT_TIMEOUT_MS,
		});
		const pollUrl = trusted(api, value.status_url);
		const task = { id: value.request_id, model: request.model.id, pollUrl, submittedAt: now() };
		return [{ status: 'pending', task, raw: value }];
	},

	async check(api, task) {
		return await unlessNotFound(task, async () => {
			const { value } = await json(api, {
				...queueCall(task, 'status'),
				schema: statusSchema,
				repeat: 'look',
			});
			const status = value.status.toLowerCase();
			if (QUEUE_PENDING.includes(status)) return { status: 'pending', task, raw: value };
			const words = wordsOf(value.error) ?? wordsOf(value.provider_error) ?? value.error_type;
			if (status === 'completed' && !words) return await responseOf(api, task);
			return failed(task, value.status, status === 'completed', words ?? undefined, value);
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
	if (answer.status === 202) return { status: 'pending', task, raw: value };
	const images = value.outputs?.map(({ url }) => ({ url })) ?? [];
	if (images.length > 0) return { status: 'done', task, images, raw: value };
	const words = wordsOf(value.error);
	return failed(task, value.status ?? 'COMPLETED', words !== undefined, words, value);
}

/** The address out of the submit's answer; the documented one where there is none or it is on a foreign host. */
function queueCall(task: Task, end: 'status' | 'response' | 'cancel') {
	const base =
		task.pollUrl?.replace(/\/status\/?$/, '') ??
		`/model/v1/queue/${modelPath(task.model ?? '')}/requests/${encodeURIComponent(task.id)}`;
	return { method: 'GET' as const, url: `${base}/${end}`, timeoutMs: LOOK_TIMEOUT_MS };
}

function routeFor(context: IExecuteFunctions, itemIndex: number): Route<TaskModel> {
	const dialect = context.getNodeParameter('dialect', itemIndex, 'task') as Dialect;
	const bodyFormat = context.getNodeParameter('bodyFormat', itemIndex, 'wrapped') as string;
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
