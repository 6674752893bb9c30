import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { imageFields, withCustomBody } from '../shared/parameters/body';
import { generate, submit } from '../shared/operations/generate';
import {
	requestJson,
	READ_TIMEOUT_MS,
	SUBMIT_TIMEOUT_MS,
	type ApiClient,
} from '../shared/http/client';
import {
	encodeModelId,
	readChoice,
	readModelId,
	type ImageRequest,
} from '../shared/parameters/model';
import { loadReferences } from '../shared/images/references';
import type { Route, ProviderDefinition } from '../shared/node/execute';
import { isoNow, type TaskProtocol, type Task, type TaskState } from '../shared/tasks/protocol';
import { cancel, get } from '../shared/operations/task';
import { trustedUrl } from '../shared/http/urlPolicy';
import { z } from '../shared/core/vendor';
import { notFoundAsState } from '../shared/tasks/poller';
import {
	answerSchema,
	explain,
	failed,
	imagesIn,
	QUEUE_PENDING,
	queuedSchema,
	responseSchema,
	stateOf,
	statusSchema,
	submittedSchema,
	wordsOf,
} from './responses';
import { models, type TaskModel } from './models';

/** The model's parameters with the reference images as `input_image`, `input_image_2`, … */
async function parametersOf(api: ApiClient, request: ImageRequest): Promise<IDataObject> {
	const loaded = await loadReferences(api, request.references, { takesUrls: true });
	return { prompt: request.prompt, ...request.body, ...imageFields(loaded) };
}

/** POST /model/v1/generation, GET /model/v1/generation/task/{id}. */
const taskDialect = (bodyFormat: (typeof bodyFormats)[number]): TaskProtocol => ({
	async submit(api, request) {
		const params = await parametersOf(api, request);
		const model = request.model.id;
		const body = bodyFormat === 'flat' ? { model, ...params } : { model, input: [{ params }] };
		const { value, answer } = await requestJson(api, {
			method: 'POST',
			url: '/model/v1/generation',
			body: withCustomBody(body, request.settings),
			schema: submittedSchema,
			repeat: 'submit',
			timeoutMs: SUBMIT_TIMEOUT_MS,
		});
		return [stateOf(value, { id: value.id, model, submittedAt: isoNow() }, answer.json)];
	},

	async check(api, task) {
		return await notFoundAsState(task, async () => {
			const { value, answer } = await requestJson(api, {
				method: 'GET',
				url: `/model/v1/generation/task/${encodeURIComponent(task.id)}`,
				schema: answerSchema,
				repeat: 'look',
				timeoutMs: READ_TIMEOUT_MS,
			});
			return stateOf(value, { ...task, model: task.model ?? value.model }, answer.json);
		});
	},
});

/** POST /model/v1/queue/{model}, then `status`, `response` and `cancel` below the request. */
const queueDialect: TaskProtocol = {
	async submit(api, request) {
		const body = withCustomBody(await parametersOf(api, request), request.settings);
		const { value, answer } = await requestJson(api, {
			method: 'POST',
			url: `/model/v1/queue/${encodeModelId(request.model.id)}`,
			body,
			schema: queuedSchema,
			repeat: 'submit',
			timeoutMs: SUBMIT_TIMEOUT_MS,
		});
		const pollUrl = trustedUrl(api, value.status_url, value.request_id);
		const task = { id: value.request_id, model: request.model.id, pollUrl, submittedAt: isoNow() };
		return [{ status: 'pending', task, raw: answer.json }];
	},

	async check(api, task) {
		return await notFoundAsState(task, async () => {
			const { value, answer } = await requestJson(api, {
				...queueCall(task, 'status'),
				schema: statusSchema,
				repeat: 'look',
			});
			const status = value.status.toLowerCase();
			const raw = answer.json;
			if (QUEUE_PENDING.includes(status)) return { status: 'pending', task, raw };
			const { error, provider_error, error_type } = value;
			const words = [wordsOf(error) ?? wordsOf(provider_error), error_type]
				.filter(Boolean)
				.join(', ');
			if (status === 'completed' && words === '') return await responseOf(api, task);
			return failed(task, value.status, status === 'completed', words || undefined, raw);
		});
	},

	async cancel(api, task) {
		await requestJson(api, {
			...queueCall(task, 'cancel'),
			method: 'PUT',
			schema: z.unknown(),
			repeat: 'look',
		});
	},
};

/** The finished task's pictures; 202 while it still runs. */
async function responseOf(api: ApiClient, task: Task): Promise<TaskState> {
	const { value, answer } = await requestJson(api, {
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
		`/model/v1/queue/${encodeModelId(task.model ?? '')}/requests/${encodeURIComponent(task.id)}`;
	return { method: 'GET' as const, url: `${base}/${end}`, timeoutMs: READ_TIMEOUT_MS };
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
export const taskApi: ProviderDefinition<TaskModel> = {
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
