import type { IDataObject } from 'n8n-workflow';
import { omitUndefined } from '../shared/core/json';
import { z } from '../shared/core/vendor';
import { readJson, submitJson } from '../shared/http/client';
import type { ApiClient, CredentialValues, ReadClient } from '../shared/http/types';
import { loadReferences, toDataUri } from '../shared/images/references';
import { estimateCostWithoutKey } from '../shared/operations/estimate';
import { submitTask } from '../shared/operations/submit';
import { generateOrSuspend } from '../shared/operations/suspend';
import { cancelTask, getTask } from '../shared/operations/task';
import type { ProviderDefinition, Route, WebhookProtocol } from '../shared/operations/types';
import { withCustomBody, type ImageRequest } from '../shared/parameters/imageRequest';
import { customModel, encodeModelId } from '../shared/parameters/model';
import { CALLED_ITSELF, NOTIFY_URL, withModelQuery } from '../shared/parameters/notifyUrl';
import type { ParameterReader } from '../shared/parameters/reader';
import { subscribeToTaskEvents } from '../shared/tasks/eventStream';
import { isoNow, type AsyncProtocol, type Task, type TaskState } from '../shared/tasks/protocol';
import { errorCodeOf, isAbout, isStatusOf } from '../shared/tasks/statusReport';
import { notFoundAsState } from '../shared/tasks/taskErrors';
import { isFalHost } from './hosts';
import { addressIn, findRoutingProblems, isRouted } from './huggingFace';
import { candidates, mode, models, webhookUrl, type FalModel } from './models';
import { growths, outpaint } from './outpaint';
import {
	isCompleted,
	isResult,
	LABEL,
	readError,
	readEvent,
	resultSchema,
	statusSchema,
	submittedSchema,
	toResultState,
	toTaskState,
} from './responses';
import { parseWebhookPayload, signatureProblem } from './webhookPayload';

async function toBody(
	client: ApiClient,
	request: ImageRequest,
	signal: AbortSignal,
): Promise<IDataObject> {
	const { width, height, ...fields } = request.body;
	const { images } = request.model;
	const references = await loadReferences(client, request.references, { takesUrls: true }, signal);
	const uris = references.map(toDataUri);
	const body = omitUndefined({
		prompt: request.prompt || undefined,
		...fields,
		image_size: width && { width, height },
		image_urls: uris.length > 0 && !images ? uris : undefined,
		...Object.fromEntries((images ?? []).map(({ wireName }, index) => [wireName, uris[index]])),
	});
	return withCustomBody(body, request.settings);
}

/** The addresses of a request, all of which the response to the submit names. */
type Address = 'status' | 'response' | 'cancel';

/** As fal has named it. Task: Get knows the first at most: then the others follow from it, or all from the model. */
function addressOf({ id, model = '', pollUrl, data = {} }: Task, which: Address): string {
	const { responseUrl, cancelUrl } = data as Record<string, string | undefined>;
	const named = { status: pollUrl, response: responseUrl, cancel: cancelUrl }[which];
	if (named !== undefined) return named;
	const end = which === 'response' ? '' : `/${which}`;
	if (pollUrl === undefined) {
		return `/${encodeModelId(applicationOf(model))}/requests/${encodeURIComponent(id)}${end}`;
	}
	const url = new URL(pollUrl);
	url.pathname = url.pathname.replace(/\/(status\/?)?$/, '') + end;
	return url.href;
}

/** Requests lie below owner and application, whatever the endpoint's ID has behind them. */
const applicationOf = (model: string): string => model.split('/').slice(0, 2).join('/');

/** The address that fal calls when the request has ended. */
function toWebhookQuery({ callback, settings, model }: ImageRequest): string {
	const notified = settings.get(webhookUrl);
	const url = callback?.url ?? (notified && withModelQuery(notified, model.id));
	return url ? `?fal_webhook=${encodeURIComponent(url)}` : '';
}

/** Without it, an image would be paid for that is the same as before. */
const growsIn = (body: IDataObject): boolean =>
	growths.some(({ wireName }) => Number(body[wireName]) > 0);

/** POST /{endpoint}, then the three addresses of the response. */
const protocol: AsyncProtocol<FalModel> = {
	validate({ model, body, callback, settings }, reader) {
		const { width, height } = body;
		if ((width === undefined) !== (height === undefined)) {
			reader.addProblem('Width, Height', 'set both, or none');
		}
		if (model === outpaint && !growsIn(withCustomBody(body, settings))) {
			reader.addProblem(
				growths.map(({ property }) => property.displayName).join(', '),
				'set at least one',
			);
		}
		if (callback && settings.get(webhookUrl)) reader.addProblem(NOTIFY_URL, CALLED_ITSELF);
	},

	async submit(client, request, signal) {
		const { model, headers, references } = request;
		const endpoint = references.length > 0 ? model.editEndpoint : model.id;
		const { value, response } = await submitJson(
			client,
			{
				url: `/${encodeModelId(endpoint)}${toWebhookQuery(request)}`,
				headers,
				body: await toBody(client, request, signal),
				schema: submittedSchema,
			},
			signal,
		);
		const { request_id: id, queue_position: queuePosition } = value;
		const task: Task = {
			id,
			model: model.id,
			pollUrl: addressIn(client, value.status_url, id),
			submittedAt: isoNow(),
			data: omitUndefined({
				endpoint,
				responseUrl: addressIn(client, value.response_url, id),
				cancelUrl: addressIn(client, value.cancel_url, id),
			}),
		};
		return [{ status: 'pending', task, queuePosition, raw: response.json }];
	},

	async status(client, task, signal) {
		return await notFoundAsState(task, async () => {
			const { value, response } = await readJson(
				client,
				{
					url: addressOf(task, 'status'),
					schema: statusSchema,
					isResult: isStatusOf(task, 'request_id'),
				},
				signal,
			);
			const state = toTaskState(value, task, response.json, errorCodeOf(response));
			const hasResult = isCompleted(value) && isAbout(task, value.request_id);
			// the word alone says only that the result can be asked for
			if (!hasResult || state.status === 'failed') return state;
			const responseUrl = task.data?.responseUrl ?? addressIn(client, value.response_url, task.id);
			const located = { ...task, data: { ...task.data, responseUrl } };
			return await readResult(client, located, value.error, signal);
		});
	},

	async cancel(client, task, signal) {
		const url = addressOf(task, 'cancel');
		await readJson(client, { method: 'PUT', url, schema: z.unknown() }, signal);
		// a request that is processed already may still be completed
		return 'requested';
	},
};

/** The finished request's images, or its failure under the model's own HTTP status. */
async function readResult(
	client: ReadClient,
	task: Task,
	errorMessage: string | undefined,
	signal: AbortSignal,
): Promise<TaskState> {
	const { value, response } = await readJson(
		client,
		{ url: addressOf(task, 'response'), schema: resultSchema, isResult },
		signal,
	);
	return toResultState(value, task, response, errorMessage);
}

const withEvents: AsyncProtocol<FalModel> = {
	...protocol,
	events: {
		scope: 'task',
		open: (client, task, signal) =>
			subscribeToTaskEvents(
				client,
				`${addressOf(task, 'status')}/stream`,
				(event) => readEvent(event, task),
				signal,
			),
	},
};

/** Hugging Face's router, of which no more is known than that requests and polls pass it. */
const throughRouter: AsyncProtocol<FalModel> = {
	...protocol,
	cancel: undefined,
	validate(request, reader) {
		protocol.validate?.(request, reader);
		for (const [label, problem] of findRoutingProblems(request)) reader.addProblem(label, problem);
	},
};

function chooseProtocol(
	reader: ParameterReader,
	credentials: CredentialValues,
): AsyncProtocol<FalModel> {
	if (isRouted(credentials)) return throughRouter;
	return reader.option(mode) === 'events' ? withEvents : protocol;
}

const routeFor = (reader: ParameterReader, credentials: CredentialValues): Route<FalModel> => ({
	// of both kinds, so that a parameter of the other kind is refused by its label
	models: [...models, outpaint],
	chosen: reader.text('operation') === 'outpaint' ? outpaint : undefined,
	// what the user types is where the request goes, with reference images or without
	customModel: (id) => ({ ...customModel(id, candidates), editEndpoint: id }),
	protocol: chooseProtocol(reader, credentials),
	taskModel: reader.modelId(),
});

/** What the callbacks and the trigger know of fal. Anybody can put files on its hosts of images. */
export const webhook: WebhookProtocol = {
	parsePayload: parseWebhookPayload,
	signatureProblem,
	signsForAllAccounts: true,
	status: protocol.status,
};

/** FLUX.2 on fal. */
export const fal: ProviderDefinition<FalModel> = {
	name: 'fal',
	label: LABEL,
	credentialType: 'flux2FalApi',
	baseUrl: (credentials) =>
		(isRouted(credentials) ? credentials.routerUrl : credentials.baseUrl) ?? '',
	trustsHost: (host, baseHost) => isFalHost(baseHost) && isFalHost(host),
	// fal's own client polls twice a second
	minPollIntervalSeconds: 0.5,
	typicalSeconds: 8,
	// https://fal.ai/docs/documentation/model-apis/faq
	imageUrlLifetimeMs: 7 * 86_400_000,
	readError,
	options: [mode],
	operations: {
		'image:estimateCost': estimateCostWithoutKey,
		'image:generate': generateOrSuspend(mode),
		'image:edit': generateOrSuspend(mode),
		'image:outpaint': generateOrSuspend(mode),
		'task:submit': submitTask,
		'task:get': getTask,
		'task:cancel': cancelTask,
	},
	webhook,
	routeFor,
};
