import type { IDataObject } from 'n8n-workflow';
import { Flux2Error, rethrow } from '../shared/core/errors';
import { z } from '../shared/core/vendor';
import { readJson, submitJson } from '../shared/http/client';
import type { ApiClient, ApiResponse, ReadClient } from '../shared/http/types';
import { loadReferences, toDataUri } from '../shared/images/references';
import { estimateCost } from '../shared/operations/estimate';
import { generate } from '../shared/operations/generate';
import { submitTask } from '../shared/operations/submit';
import { cancelTask, getTask } from '../shared/operations/task';
import type { ProviderDefinition, Route } from '../shared/operations/types';
import { withCustomBody, type ImageRequest } from '../shared/parameters/imageRequest';
import { customModel, type Model } from '../shared/parameters/model';
import { timeout } from '../shared/parameters/options';
import { roundUsd } from '../shared/parameters/price';
import type { ParameterReader } from '../shared/parameters/reader';
import { subscribeToTaskEvents } from '../shared/tasks/eventStream';
import { isoNow, type AsyncProtocol, type Task, type TaskState } from '../shared/tasks/protocol';
import { errorCodeOf, isAbout, isStatusOf } from '../shared/tasks/statusReport';
import { taskNotFound } from '../shared/tasks/taskErrors';
import { getModels, getTasks } from './lists';
import { mode, models } from './models';
import {
	generationSchema,
	historySchema,
	imagesSchema,
	isHistoryOf,
	LABEL,
	modelPriceSchema,
	priceOf,
	queuedSchema,
	readError,
	readEvent,
	toSyncState,
	toTaskState,
} from './responses';

/** The body of both ways to ask. */
async function toBody(
	client: ApiClient,
	request: ImageRequest,
	signal: AbortSignal,
): Promise<IDataObject> {
	const { model, prompt, settings } = request;
	const references = await loadReferences(client, request.references, { takesUrls: true }, signal);
	const images = references.length > 0 ? { input_image: references.map(toDataUri) } : {};
	return withCustomBody({ model: model.id, prompt, ...request.body, ...images }, settings);
}

const validate: AsyncProtocol['validate'] = ({ body, references }, reader) => {
	if (body.aspect_ratio !== 'match_input_image' || references.length > 0) return;
	reader.addProblem('Aspect Ratio', 'Match Input Image needs a reference image');
};

/** POST /api/ai/images/edit, which all FLUX.2 pages use, also without a reference image. */
const submitSync: AsyncProtocol['submit'] = async (client, request, signal) => {
	const submittedAt = isoNow();
	const { value, response } = await submitJson(
		client,
		{
			url: '/api/ai/images/edit',
			body: await toBody(client, request, signal),
			schema: imagesSchema,
			timeoutMs: request.settings.getOrDefault(timeout) * 1000,
		},
		signal,
	);
	return [toSyncState(value, submittedAt, response)];
};

/** POST /api/ai/queue; one task per image. */
const enqueue: AsyncProtocol['submit'] = async (client, request, signal) => {
	const { value } = await submitJson(
		client,
		{
			url: '/api/ai/queue',
			body: await toBody(client, request, signal),
			schema: queuedSchema,
		},
		signal,
	);
	const submittedAt = isoNow();
	const model = request.model.id;
	return value.generations.map((raw) => ({
		status: 'pending',
		task: { id: raw.generation_id, model, submittedAt },
		raw,
	}));
};

/** A generation leaves the queue when it has ended, says an older state of the documents: then it is in the history. */
async function readStatus(client: ReadClient, task: Task, signal: AbortSignal): Promise<TaskState> {
	const queueEntry = await getOrUndefined(
		client,
		{
			url: `/api/ai/queue/${encodeURIComponent(task.id)}`,
			schema: generationSchema,
			isResult: isStatusOf(task, 'generation_id'),
		},
		signal,
	);
	const entry = queueEntry ?? (await readHistory(client, task, signal));
	if (!entry) return taskNotFound(task, `${LABEL} knows no generation ${task.id}`);
	return toTaskState(entry.value, task, errorCodeOf(entry.response));
}

const readHistory = async (client: ReadClient, task: Task, signal: AbortSignal) =>
	await getOrUndefined(
		client,
		{
			url: `/api/ai/generations/${encodeURIComponent(task.id)}`,
			schema: historySchema,
			isResult: isHistoryOf(task),
		},
		signal,
	);

/** Undefined where there is no such resource. */
async function getOrUndefined<T>(
	client: ReadClient,
	request: {
		url: string;
		schema: z.ZodType<T, z.ZodTypeDef, unknown>;
		isResult?(response: ApiResponse): boolean;
	},
	signal: AbortSignal,
): Promise<{ value: T; response: ApiResponse } | undefined> {
	try {
		return await readJson(client, request, signal);
	} catch (error) {
		if (error instanceof Flux2Error && error.kind === 'notFound') return undefined;
		throw rethrow(error);
	}
}

/** What an image costs is published; whether a larger one costs more is not, so that it counts as it does elsewhere. */
const quote: AsyncProtocol['quote'] = async (client, { model, body }, { images }, signal) => {
	const url = `/api/ai/models/${encodeURIComponent(model.id)}`;
	const { value } = await readJson(client, { url, schema: modelPriceSchema }, signal);
	const megapixels = Math.ceil(parseFloat(`${(body.resolution as string | undefined) ?? 1}`));
	const amount = roundUsd(value * Math.max(1, megapixels) * images);
	return { amount, currency: 'USD', exact: false, basis: 'pricing API' };
};

const queue: AsyncProtocol = {
	validate,
	quote,
	submit: enqueue,
	status: readStatus,
	async cancel(client, { id }, signal) {
		await readJson(
			client,
			{
				method: 'DELETE',
				url: `/api/ai/queue/${encodeURIComponent(id)}`,
				schema: z.unknown(),
			},
			signal,
		);
		return 'cancelled';
	},
	async price(client, { task }, signal) {
		if (!task) return undefined;
		const { value } = (await readHistory(client, task, signal)) ?? {};
		return value && isAbout(task, value.generation_id) ? priceOf(value) : undefined;
	},
};

/** `queue`, the default: polls the queue. `sync`: the call waits. `events`: the queue, with server-sent events. */
const protocols: Record<typeof mode.default, AsyncProtocol> = {
	sync: { ...queue, submit: submitSync },
	queue,
	events: {
		...queue,
		events: {
			scope: 'run',
			open: (client, signal) => subscribeToTaskEvents(client, '/api/events', readEvent, signal),
		},
	},
};

/** The call that waits makes one image, and does not know the field. */
const syncModels: readonly Model[] = models.map(
	({ imagesPerRequest: _unknown, ...model }) => model,
);

function routeFor(reader: ParameterReader): Route {
	const chosen = reader.option(mode);
	const choice = chosen === 'sync' ? syncModels : models;
	return {
		models: choice,
		customModel: (id) => customModel(id, choice),
		protocol: protocols[chosen],
	};
}

/** FLUX.2 on Oxen.ai. */
export const oxen: ProviderDefinition = {
	name: 'oxen',
	label: LABEL,
	credentialType: 'flux2OxenApi',
	baseUrl: ({ baseUrl = '' }) => baseUrl,
	// https://docs.oxen.ai/inference-api/reference/async_queue: polls every 2 to 5 seconds
	minPollIntervalSeconds: 2,
	typicalSeconds: 12,
	readError,
	options: [mode],
	operations: {
		'image:estimateCost': estimateCost,
		'image:generate': generate,
		'image:edit': generate,
		'task:submit': submitTask,
		'task:get': getTask,
		'task:getMany': getTasks,
		'task:cancel': cancelTask,
		'model:getMany': getModels,
	},
	routeFor,
};
