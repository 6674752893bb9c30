import type { IDataObject } from 'n8n-workflow';
import { omitUndefined } from '../shared/core/json';
import { readJson, submitJson } from '../shared/http/client';
import type { ApiClient, ReadClient } from '../shared/http/types';
import { trustedUrl } from '../shared/http/urlPolicy';
import { loadReferences, toDataUri, type LoadedReference } from '../shared/images/references';
import { estimateCostWithoutKey } from '../shared/operations/estimate';
import { submitTask } from '../shared/operations/submit';
import { generateOrSuspend } from '../shared/operations/suspend';
import { cancelTask, getTask } from '../shared/operations/task';
import type { ProviderDefinition, WebhookProtocol } from '../shared/operations/types';
import { withCustomBody, type ImageRequest } from '../shared/parameters/imageRequest';
import { customModel, encodeModelId } from '../shared/parameters/model';
import { CALLED_ITSELF, NOTIFY_URL } from '../shared/parameters/notifyUrl';
import { isoNow, type AsyncProtocol, type Task } from '../shared/tasks/protocol';
import { errorCodeOf, isStatusOf } from '../shared/tasks/statusReport';
import { notFoundAsState } from '../shared/tasks/taskErrors';
import { getTasks } from './lists';
import {
	candidates,
	completion,
	LIKE_REFERENCE,
	loras,
	models,
	webhookUrl,
	type ReplicateModel,
} from './models';
import {
	fileSchema,
	isCancelled,
	LABEL,
	predictionSchema,
	readError,
	submittedSchema,
	toTaskState,
} from './responses';
import { parseWebhookPayload, signatureProblem } from './webhookPayload';

/** Larger files are uploaded: https://replicate.com/docs/topics/predictions/input-files. */
const MAX_DATA_URI_LENGTH = 256_000;
const UPLOAD_TIMEOUT_MS = 120_000;

async function toBody(
	client: ApiClient,
	request: ImageRequest<ReplicateModel>,
	signal: AbortSignal,
): Promise<IDataObject> {
	const { model, prompt, settings } = request;
	const references = await loadReferences(client, request.references, { takesUrls: true }, signal);
	const images: string[] = [];
	for (const reference of references) images.push(await toInputUrl(client, reference, signal));
	const input = { prompt, ...toFields(request.body) };
	const withImages = images.length > 0 ? { ...input, [model.referencesField]: images } : input;
	return withCustomBody({ input: withImages, ...toWebhookFields(request) }, settings);
}

/** Replicate calls once the prediction has ended, not at each step. */
function toWebhookFields({ callback, settings }: ImageRequest): IDataObject {
	const url = callback?.url ?? settings.get(webhookUrl);
	return url === undefined ? {} : { webhook: url, webhook_events_filter: ['completed'] };
}

/** The parameters as the API takes them: a width and a height are a custom aspect ratio, LoRAs are two lists. */
function toFields({ [loras.wireName]: list, ...body }: IDataObject): IDataObject {
	const { aspect_ratio: _ratio, output_megapixels: _megapixels, ...others } = body;
	const sized = body.width === undefined ? body : { ...others, aspect_ratio: 'custom' };
	if (!list) return sized;
	const entries = list as Array<{ path: string; scale?: number }>;
	return {
		...sized,
		lora_weights: entries.map(({ path }) => path),
		lora_scales: entries.map(({ scale = 1 }) => scale),
	};
}

/** A URL as it is, a small file as a data URI, any other by the address that it has been uploaded to. */
async function toInputUrl(
	client: ApiClient,
	reference: LoadedReference,
	signal: AbortSignal,
): Promise<string> {
	const uri = toDataUri(reference);
	if ('url' in reference || uri.length <= MAX_DATA_URI_LENGTH) return uri;
	const { bytes, mimeType: type } = reference;
	const form = new FormData();
	form.append('content', new Blob([Uint8Array.from(bytes)], { type }), type.replace('/', '.'));
	const { value } = await readJson(
		client,
		{
			method: 'POST',
			url: '/files',
			body: form,
			schema: fileSchema,
			timeoutMs: UPLOAD_TIMEOUT_MS,
		},
		signal,
	);
	return value.urls.get;
}

const predictionPath = ({ id }: Task): string => `/predictions/${encodeURIComponent(id)}`;

/** POST /models/{owner}/{name}/predictions, then the two addresses of the response. */
const protocol: AsyncProtocol<ReplicateModel> = {
	validate({ body, references, callback, settings }, reader) {
		if (callback && settings.get(webhookUrl)) reader.addProblem(NOTIFY_URL, CALLED_ITSELF);
		if ((body.width === undefined) !== (body.height === undefined)) {
			reader.addProblem('Width, Height', 'set both, or none');
		}
		if (body.aspect_ratio === LIKE_REFERENCE && references.length === 0) {
			reader.addProblem('Aspect Ratio', 'Match Input Image needs a reference image');
		}
	},

	async submit(client, request, signal) {
		const { model, headers } = request;
		const { value, response } = await submitJson(
			client,
			{
				url: `/models/${encodeModelId(model.id)}/predictions`,
				headers,
				body: await toBody(client, request, signal),
				schema: submittedSchema,
			},
			signal,
		);
		const { id, urls } = value;
		const task: Task = {
			id,
			model: model.id,
			pollUrl: trustedUrl(client, urls.get, id),
			submittedAt: isoNow(),
			data: omitUndefined({ cancelUrl: trustedUrl(client, urls.cancel, id) }),
		};
		const state = toTaskState(value, { task, json: response.json });
		// a new prediction has hardly ended: whether it has failed, its status says
		return [state.status === 'done' ? state : { status: 'pending', task, raw: state.raw }];
	},

	async status(client, task, signal) {
		return await notFoundAsState(task, async () => {
			const url = task.pollUrl ?? predictionPath(task);
			const { value, response } = await readJson(
				client,
				{ url, schema: predictionSchema, isResult: isStatusOf(task, 'id') },
				signal,
			);
			const httpCode = errorCodeOf(response);
			return toTaskState(value, { task, json: response.json, httpCode });
		});
	},

	async cancel(client: ReadClient, task, signal) {
		const { cancelUrl } = (task.data ?? {}) as { cancelUrl?: string };
		const url = cancelUrl ?? `${predictionPath(task)}/cancel`;
		const { value } = await readJson(
			client,
			{ method: 'POST', url, schema: predictionSchema },
			signal,
		);
		return isCancelled(value) ? 'cancelled' : 'requested';
	},
};

/** What the callbacks and the trigger know of Replicate. Anybody's predictions put files on its hosts of images. */
export const webhook: WebhookProtocol = {
	parsePayload: parseWebhookPayload,
	signatureProblem,
	status: protocol.status,
};

/** FLUX.2 on Replicate. */
export const replicate: ProviderDefinition<ReplicateModel> = {
	name: 'replicate',
	label: LABEL,
	credentialType: 'flux2ReplicateApi',
	baseUrl: ({ baseUrl = '' }) => baseUrl,
	// Replicate's own client polls twice a second
	minPollIntervalSeconds: 0.5,
	typicalSeconds: 10,
	// https://replicate.com/docs/topics/predictions/data-retention
	imageUrlLifetimeMs: 3_600_000,
	readError,
	options: [completion],
	operations: {
		'image:estimateCost': estimateCostWithoutKey,
		'image:generate': generateOrSuspend(completion),
		'image:edit': generateOrSuspend(completion),
		'task:submit': submitTask,
		'task:get': getTask,
		'task:getMany': getTasks,
		'task:cancel': cancelTask,
	},
	webhook,
	routeFor: () => ({
		models,
		customModel: (id) => ({
			...customModel(id, candidates),
			referencesField: 'input_images',
		}),
		protocol,
	}),
};
