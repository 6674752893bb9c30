import type { IDataObject } from 'n8n-workflow';
import { readJson, submitJson } from '../shared/http/client';
import type { ReadClient } from '../shared/http/types';
import { trustedUrl } from '../shared/http/urlPolicy';
import { imageFields, loadReferences } from '../shared/images/references';
import { estimateCost } from '../shared/operations/estimate';
import { generate } from '../shared/operations/generate';
import { submitTask } from '../shared/operations/submit';
import { cancelTask, getTask } from '../shared/operations/task';
import type { ProviderDefinition, Route } from '../shared/operations/types';
import { withCustomBody, type ImageRequest } from '../shared/parameters/imageRequest';
import { encodeModelId } from '../shared/parameters/model';
import { roundUsd } from '../shared/parameters/price';
import type { ParameterReader } from '../shared/parameters/reader';
import { isoNow, type AsyncProtocol, type Task, type TaskState } from '../shared/tasks/protocol';
import { errorCodeOf, isAbout, isStatusOf } from '../shared/tasks/statusReport';
import { notFoundAsState } from '../shared/tasks/taskErrors';
import { bodyFormat, dialects, models, toCustomModel } from './models';
import {
	generationSchema,
	isCancelled,
	LABEL,
	prechargeSchema,
	queueCancelSchema,
	queuedSchema,
	queueResultSchema,
	queueStatusSchema,
	readError,
	submittedSchema,
	toQueueResult,
	toQueueState,
	toTaskState,
} from './responses';

/** The model's parameters with the reference images as `input_image`, `input_image_2`, … */
async function toParameters(
	client: ReadClient,
	request: ImageRequest,
	signal: AbortSignal,
): Promise<IDataObject> {
	const references = await loadReferences(client, request.references, { takesUrls: true }, signal);
	return { prompt: request.prompt, ...request.body, ...imageFields(references) };
}

type BodyFormat = typeof bodyFormat.default;

/** The body of a submit, and of the question what it would cost. */
async function toTaskBody(
	client: ReadClient,
	request: ImageRequest,
	format: BodyFormat,
	signal: AbortSignal,
): Promise<IDataObject> {
	const params = await toParameters(client, request, signal);
	const model = request.model.id;
	const body = format === 'flat' ? { model, ...params } : { model, input: [{ params }] };
	return withCustomBody(body, request.settings);
}

/** GET /model/v1/generation/task/{id}. */
const readGeneration: AsyncProtocol['status'] = async (client, task, signal) =>
	await notFoundAsState(task, async () => {
		const { value, response } = await readJson(
			client,
			{
				url: `/model/v1/generation/task/${encodeURIComponent(task.id)}`,
				schema: generationSchema,
				isResult: isStatusOf(task, 'id'),
			},
			signal,
		);
		const withModel = { ...task, model: task.model ?? value.model };
		return toTaskState(value, withModel, response.json, errorCodeOf(response));
	});

/** POST /model/v1/generation, then `readGeneration`. */
const taskProtocol = (format: BodyFormat): AsyncProtocol => ({
	// what earlier calls of the same shape have cost on average; the clients of SeaArt have it, Vtrix need not
	async quote(client, request, _facts, signal) {
		const { value: amount } = await readJson(
			client,
			{
				method: 'POST',
				url: '/model/v1/generation/precharge',
				body: await toTaskBody(client, request, format, signal),
				schema: prechargeSchema,
			},
			signal,
		);
		return { amount: roundUsd(amount), currency: 'USD', exact: false, basis: 'precharge' };
	},

	async submit(client, request, signal) {
		const { value, response } = await submitJson(
			client,
			{
				url: '/model/v1/generation',
				body: await toTaskBody(client, request, format, signal),
				schema: submittedSchema,
			},
			signal,
		);
		const task = { id: value.id, model: request.model.id, submittedAt: isoNow() };
		return [toTaskState(value, task, response.json)];
	},

	status: readGeneration,
});

/** POST /model/v1/queue/{model}, then `status`, `response` and `cancel` below the request. */
const queueProtocol: AsyncProtocol = {
	async submit(client, request, signal) {
		const parameters = await toParameters(client, request, signal);
		const { value, response } = await submitJson(
			client,
			{
				url: `/model/v1/queue/${encodeModelId(request.model.id)}`,
				body: withCustomBody(parameters, request.settings),
				schema: queuedSchema,
			},
			signal,
		);
		const { request_id: id, status_url: url, queue_position: queuePosition } = value;
		const pollUrl = trustedUrl(client, url, id);
		const task = { id, model: request.model.id, pollUrl, submittedAt: isoNow() };
		return [{ status: 'pending', task, queuePosition, raw: response.json }];
	},

	async status(client, task, signal) {
		return await notFoundAsState(task, async () => {
			const { value, response } = await readJson(
				client,
				{
					url: queueUrl(task, 'status'),
					schema: queueStatusSchema,
					isResult: isStatusOf(task, 'request_id'),
				},
				signal,
			);
			const state = toQueueState(value, task, response.json, errorCodeOf(response));
			const isCompleted =
				isAbout(task, value.request_id) && value.status.toLowerCase() === 'completed';
			// the word alone says only that the result can be asked for
			return isCompleted && state.status === 'unclear'
				? await readResult(client, task, signal)
				: state;
		});
	},

	async cancel(client, task, signal) {
		const { value } = await readJson(
			client,
			{ url: queueUrl(task, 'cancel'), method: 'PUT', schema: queueCancelSchema },
			signal,
		);
		return isCancelled(value.status) ? 'cancelled' : 'requested';
	},
};

/** The finished task's images; 202 while it still runs. */
async function readResult(client: ReadClient, task: Task, signal: AbortSignal): Promise<TaskState> {
	const { value, response } = await readJson(
		client,
		{
			url: queueUrl(task, 'response'),
			schema: queueResultSchema,
			isResult: isStatusOf(task, 'request_id'),
		},
		signal,
	);
	const raw = response.json;
	return response.status === 202 && isAbout(task, value.request_id)
		? { status: 'pending', task, raw }
		: toQueueResult(value, task, raw);
}

/**
 * The address from the submit's response, with its query; the documented one where there is none or it is on a foreign
 * host.
 */
function queueUrl(
	{ id, model = '', pollUrl }: Task,
	end: 'status' | 'response' | 'cancel',
): string {
	if (pollUrl === undefined) {
		return `/model/v1/queue/${encodeModelId(model)}/requests/${encodeURIComponent(id)}/${end}`;
	}
	const url = new URL(pollUrl);
	url.pathname = `${url.pathname.replace(/\/(status\/?)?$/, '')}/${end}`;
	return url.href;
}

function routeFor(reader: ParameterReader): Route {
	const dialect = reader.choice('dialect', 'Service', dialects);
	const ofDialect = models.filter((model) => model.dialect === dialect);
	return {
		models: ofDialect,
		customModel: (id) => toCustomModel(id, ofDialect),
		protocol: dialect === 'queue' ? queueProtocol : taskProtocol(reader.option(bodyFormat)),
		// the queue's address of a task holds the model
		taskModel: dialect === 'queue' ? reader.modelId() : undefined,
	};
}

/** FLUX.2 behind a submit-and-poll task API: Vtrix, SeaCloud, SeaArt and others. */
export const taskApi: ProviderDefinition = {
	name: 'task',
	label: LABEL,
	credentialType: 'flux2TaskApi',
	baseUrl: ({ baseUrl = '' }) => baseUrl,
	// https://docs.vtrix.ai asks for a poll every 3 to 5 seconds
	minPollIntervalSeconds: 3,
	typicalSeconds: 10,
	readError,
	options: [bodyFormat],
	operations: {
		'image:estimateCost': estimateCost,
		'image:generate': generate,
		'image:edit': generate,
		'task:submit': submitTask,
		'task:get': getTask,
		'task:cancel': cancelTask,
	},
	routeFor,
};
