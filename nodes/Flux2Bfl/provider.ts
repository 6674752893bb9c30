import type { IDataObject } from 'n8n-workflow';
import {
	flux2ErrorOrThrow,
	Flux2Error,
	invalidInput,
	toFlux2Error,
	withTexts,
} from '../shared/core/errors';
import { createRedactor, redactJson } from '../shared/core/redact';
import { readJson, submitJson } from '../shared/http/client';
import type { ApiClient, ReadClient } from '../shared/http/types';
import { trustedUrl } from '../shared/http/urlPolicy';
import { imageFields, loadReferences } from '../shared/images/references';
import { estimateCostWithoutKey } from '../shared/operations/estimate';
import { generate } from '../shared/operations/generate';
import { submitTask } from '../shared/operations/submit';
import { generateOrSuspend } from '../shared/operations/suspend';
import { getTask } from '../shared/operations/task';
import type {
	ItemContext,
	PreparedOperation,
	ProviderDefinition,
	WebhookProtocol,
} from '../shared/operations/types';
import { withCustomBody, type ImageRequest } from '../shared/parameters/imageRequest';
import { customModel, encodeModelId } from '../shared/parameters/model';
import { CALLED_ITSELF, NOTIFY_URL, withModelQuery } from '../shared/parameters/notifyUrl';
import {
	ASSUMED_SIDE,
	leavesPriceOpen,
	roundUsd,
	type PriceFacts,
} from '../shared/parameters/price';
import { isoNow, type AsyncProtocol, type Task } from '../shared/tasks/protocol';
import { errorCodeOf, isStatusOf } from '../shared/tasks/statusReport';
import { notFoundAsState } from '../shared/tasks/taskErrors';
import { baseUrlOf, isBflHost, withoutSecrets } from './hosts';
import { completion, models } from './models';
import {
	creditsSchema,
	creditsToUsd,
	LABEL,
	priceOf,
	pricingSchema,
	readError,
	statusSchema,
	submittedSchema,
	toTaskState,
} from './responses';
import { tools, type BflModel } from './tools';
import { checkCanvas, toolImageFields, toolOf } from './toolRequest';
import { isLongEnough, TOO_SHORT } from './secretTest';
import { ownsImageUrl, parseWebhookPayload, signatureProblem } from './webhookPayload';

const SECRET_CREDENTIAL = 'flux2WebhookApi';

async function toBody(
	client: ApiClient,
	request: ImageRequest<BflModel>,
	signal: AbortSignal,
): Promise<IDataObject> {
	const { prompt, settings, callback, model } = request;
	const references = await loadReferences(client, request.references, { takesUrls: true }, signal);
	const images = model.images
		? toolImageFields(model, references, withCustomBody(request.body, settings))
		: imageFields(references);
	const fields = { ...(prompt && { prompt }), ...request.body, ...images };
	const body = withCustomBody(fields, settings);
	if (callback) return { ...body, webhook_url: callback.url, webhook_secret: callback.secret };
	if (typeof body.webhook_url !== 'string') return body;
	const secret = body.webhook_secret ?? (await readNotifySecret(client));
	const url = withModelQuery(body.webhook_url, model.id);
	return { ...body, webhook_url: url, ...(secret !== undefined && { webhook_secret: secret }) };
}

/**
 * From the trigger's credential, where the node has it.
 * @throws Flux2Error `auth` or `invalidInput`: without the secret, the trigger would refuse the delivery of what is paid
 */
async function readNotifySecret({ context }: ReadClient): Promise<string | undefined> {
	const { credentials, parameters } = context.getNode();
	// n8n hides it from every other operation, which may have kept it
	const isOffered = parameters.resource === 'task';
	if (!isOffered || !credentials?.[SECRET_CREDENTIAL]) return undefined;
	const { secret } = await context.getCredentials(SECRET_CREDENTIAL).catch((thrown: unknown) => {
		const { message } = toFlux2Error(thrown);
		throw new Flux2Error('auth', `Notify Secret: the credential cannot be read: ${message}`);
	});
	if (isLongEnough(secret)) return secret.trim();
	throw invalidInput([`Notify Secret: the credential is too short. ${TOO_SHORT}`]);
}

/** POST /v1/{model}, then the `polling_url` of the response, which is on a regional host. */
const protocol: AsyncProtocol<BflModel> = {
	validate({ model, body, settings, callback }, reader) {
		const fields = withCustomBody(body, settings);
		checkCanvas(model, fields, reader);
		if (!callback || typeof fields.webhook_url !== 'string') return;
		reader.addProblem(NOTIFY_URL, CALLED_ITSELF);
	},

	// https://github.com/black-forest-labs/blackforest has the call; not every region may have it
	async quote(client, { model }, facts, signal) {
		// it is about references, which tools do not have
		if (model.images) return undefined;
		const { value } = await readJson(
			client,
			{
				method: 'POST',
				url: '/v1/pricing',
				body: toPricingBody(model.id, facts),
				schema: pricingSchema,
			},
			signal,
		);
		const isOpen = leavesPriceOpen(model, facts);
		return {
			amount: roundUsd(value * facts.images),
			currency: 'USD',
			exact: !isOpen,
			basis: 'pricing API',
			...(isOpen && { atLeast: isOpen }),
		};
	},

	async submit(client, request, signal) {
		const body = await toBody(client, request, signal);
		const redact = createRedactor([body.webhook_secret]);
		const { value, response } = await submitJson(
			client,
			{
				url: `/v1/${encodeModelId(request.model.id)}`,
				body,
				schema: submittedSchema,
			},
			signal,
		).catch((thrown: unknown) => {
			// the API repeats what it refuses, the secret of a webhook included
			throw withTexts(flux2ErrorOrThrow(thrown), redact);
		});
		const task: Task = {
			id: value.id,
			model: request.model.id,
			pollUrl: trustedUrl(client, value.polling_url, value.id),
			submittedAt: isoNow(),
			price: priceOf(value),
		};
		const raw = redactJson(withoutSecrets(response.json), redact);
		return [{ status: 'pending', task, raw }];
	},

	async status(client, task, signal) {
		return await notFoundAsState(task, async () => {
			const { value, response } = await readJson(
				client,
				{
					url: task.pollUrl ?? `/v1/get_result?id=${encodeURIComponent(task.id)}`,
					schema: statusSchema,
					isResult: isStatusOf(task, 'id'),
				},
				signal,
			);
			return toTaskState(value, task, withoutSecrets(response.json), errorCodeOf(response));
		});
	},
};

const toPricingBody = (model: string, { width, height, references }: PriceFacts): IDataObject => ({
	model,
	...(width && { width }),
	...(height && { height }),
	...(references.length > 0 && {
		input_images: references.map((size) => ({
			width: size?.width ?? ASSUMED_SIDE,
			height: size?.height ?? ASSUMED_SIDE,
		})),
	}),
});

/** Account: Get Credits. */
const getCredits = ({ client, signal }: ItemContext): PreparedOperation => ({
	async run() {
		const request = { url: '/v1/credits', schema: creditsSchema };
		const { value } = await readJson(client, request, signal);
		const { credits } = value;
		const worth = { amount: creditsToUsd(credits), currency: 'USD' };
		return [{ item: { json: { credits, worth, provider: bfl.name } } }];
	},
});

/** What the callbacks and the trigger know of Black Forest Labs. */
export const webhook: WebhookProtocol = {
	parsePayload: parseWebhookPayload,
	signatureProblem,
	ownsImageUrl,
	status: protocol.status,
};

/** FLUX.2 at Black Forest Labs. */
export const bfl: ProviderDefinition<BflModel> = {
	name: 'bfl',
	label: LABEL,
	credentialType: 'flux2BflApi',
	baseUrl: ({ region = '', baseUrl = '' }) => baseUrlOf(region, baseUrl),
	trustsHost: (host, baseHost) => isBflHost(baseHost) && isBflHost(host),
	// the clients of the field poll twice a second; polls are rarer before an image is due
	minPollIntervalSeconds: 0.2,
	typicalSeconds: 8,
	// https://docs.bfl.ai/api_integration/integration_guidelines
	imageUrlLifetimeMs: 600_000,
	readError,
	options: [completion],
	operations: {
		'image:estimateCost': estimateCostWithoutKey,
		'image:generate': generateOrSuspend(completion),
		'image:edit': generateOrSuspend(completion),
		...Object.fromEntries(
			tools.map(({ operation, callsBack = true }) => [
				`image:${operation}`,
				callsBack ? generateOrSuspend(completion) : generate,
			]),
		),
		'task:submit': submitTask,
		'task:get': getTask,
		'account:getCredits': getCredits,
	},
	webhook,
	routeFor: (reader) => ({
		// of both kinds, so that a parameter of the other kind is refused by its label
		models: [...models, ...tools],
		chosen: toolOf(reader),
		customModel: (id) => customModel(id, models),
		protocol,
	}),
};
