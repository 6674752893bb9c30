import type { IDataObject } from 'n8n-workflow';
import { submitJson } from '../shared/http/client';
import { toForm } from '../shared/http/form';
import type { ApiClient } from '../shared/http/types';
import { loadReferences, toDataUri } from '../shared/images/references';
import { estimateCostWithoutKey } from '../shared/operations/estimate';
import { generate } from '../shared/operations/generate';
import type { ProviderDefinition } from '../shared/operations/types';
import { withCustomBody, type ImageRequest } from '../shared/parameters/imageRequest';
import { encodeModelId } from '../shared/parameters/model';
import { timeout } from '../shared/parameters/options';
import { isoNow, type FinalState, type SyncProtocol } from '../shared/tasks/protocol';
import { accountPath } from './account';
import { lookUpCost } from './gateway';
import { createCostLookUp, MAX_LOOK_UP_MS, toLogKey } from './gatewayLog';
import { models, toCustomModel, type CloudflareModel } from './models';
import { LABEL, rawOf, readError, responseSchema, selectBody, toFinalState } from './responses';

type CloudflareRequest = ImageRequest<CloudflareModel>;

const protocol: SyncProtocol<CloudflareModel> = {
	async submit(client, request, signal) {
		const submit = request.model.route === 'catalog' ? runCatalog : runWorkersAi;
		return [await submit(client, request, signal)];
	},
	price: createCostLookUp(),
	maxPriceMs: MAX_LOOK_UP_MS,
};

/** POST /accounts/{id}/ai/run with `{model, input}`; the response names the image's URL. */
async function runCatalog(
	client: ApiClient,
	request: CloudflareRequest,
	signal: AbortSignal,
): Promise<FinalState> {
	const { model, prompt, settings, headers } = request;
	const references = await loadReferences(client, request.references, { takesUrls: true }, signal);
	const input: IDataObject = { prompt, ...request.body };
	if (references.length > 0) input.input_images = references.map(toDataUri);
	const body = withCustomBody({ model: model.id, input }, settings);
	return await postRun(client, request, { url: '/ai/run', body, headers }, signal);
}

/** POST /accounts/{id}/ai/run/@cf/…: always a multipart form, and never with an AI Gateway's header. */
async function runWorkersAi(
	client: ApiClient,
	request: CloudflareRequest,
	signal: AbortSignal,
): Promise<FinalState> {
	const rules = { takesUrls: false, sidesBelow: request.model.referenceSidesBelow };
	const references = await loadReferences(client, request.references, rules, signal);
	const fields = withCustomBody({ prompt: request.prompt, ...request.body }, request.settings);
	const files = references.flatMap((reference, index) => {
		const name = `input_image_${index}`;
		return 'bytes' in reference ? [{ name, fileName: name, ...reference }] : [];
	});
	const url = `/ai/run/${encodeModelId(request.model.id)}`;
	return await postRun(client, request, { url, body: toForm(fields, files) }, signal);
}

/** @param to the URL below the account */
async function postRun(
	client: ApiClient,
	{ settings }: CloudflareRequest,
	to: { url: string; body: IDataObject | FormData; headers?: Record<string, string> },
	signal: AbortSignal,
): Promise<FinalState> {
	const submittedAt = isoNow();
	const { value, response } = await submitJson(
		client,
		{
			...to,
			url: `${accountPath(client)}${to.url}`,
			schema: responseSchema,
			selectBody,
			timeoutMs: settings.getOrDefault(timeout) * 1000,
		},
		signal,
	);
	const state = toFinalState(value, submittedAt, rawOf(response));
	const priceKey = settings.get(lookUpCost) ? toLogKey(response, to.headers ?? {}) : undefined;
	return state.status === 'done' && priceKey ? { ...state, priceKey } : state;
}

/** FLUX.2 on Cloudflare: one call makes the image, so there are no tasks. */
export const cloudflare: ProviderDefinition<CloudflareModel> = {
	name: 'cloudflare',
	label: LABEL,
	credentialType: 'flux2CloudflareApi',
	baseUrl: ({ baseUrl = '' }) => baseUrl,
	typicalSeconds: 10,
	readError,
	operations: {
		'image:generate': generate,
		'image:edit': generate,
		'image:estimateCost': estimateCostWithoutKey,
	},
	routeFor: () => ({ models, customModel: toCustomModel, protocol }),
};
