import { Flux2Error } from '../shared/core/errors';
import { submitJson } from '../shared/http/client';
import type { CredentialValues } from '../shared/http/types';
import { loadReferences } from '../shared/images/references';
import { estimateCost } from '../shared/operations/estimate';
import { generate } from '../shared/operations/generate';
import type { ProviderDefinition, Route } from '../shared/operations/types';
import type { ImageRequest } from '../shared/parameters/imageRequest';
import { timeout } from '../shared/parameters/options';
import type { ParameterReader } from '../shared/parameters/reader';
import { isoNow, type SyncProtocol } from '../shared/tasks/protocol';
import { DIALECTS, refuseTag } from './dialects';
import { hostedIds, models, toModel, type OpenAiModel } from './models';
import { imagesSchema, LABEL, readError, selectBody, toDone } from './responses';
import { EXPOSED, isExposed, SERVERS, toServerName, type ServerName } from './servers';

const createProtocol = (server: ServerName): SyncProtocol<OpenAiModel> => {
	const { takesUrls, toCall, validate } = DIALECTS[server];
	return {
		validate(request, reader) {
			checkSize(request, reader);
			refuseTag(request, reader);
			validate?.(request, reader);
		},

		async submit(client, request, signal) {
			const references = await loadReferences(client, request.references, { takesUrls }, signal);
			const submittedAt = isoNow();
			const { value, response } = await submitJson(
				client,
				{
					...toCall(request, references),
					schema: imagesSchema,
					selectBody,
					timeoutMs: request.settings.getOrDefault(timeout) * 1000,
				},
				signal,
			);
			return [toDone(value, submittedAt, response)];
		},
	};
};

function checkSize(
	{ body: { width, height } }: ImageRequest,
	reader: Pick<ParameterReader, 'addProblem'>,
): void {
	if ((width === undefined) === (height === undefined)) return;
	reader.addProblem('Width, Height', 'set both, or none');
}

/** What the editor offers and the server lacks is known all the same, to be refused by its label. */
function routeFor(
	_reader: ParameterReader,
	{ service }: CredentialValues,
): Route<OpenAiModel, SyncProtocol<OpenAiModel>> {
	const server = toServerName(service);
	const ids = [...models.map(({ id }) => id), ...hostedIds(server)];
	const offered = toModel('generic', '');
	return {
		models: [...ids.map((id) => toModel(server, id)), offered],
		customModel: (id) => toModel(server, id),
		isOpen: true,
		protocol: createProtocol(server),
	};
}

/**
 * As the credential says it, or where the server usually is.
 * @throws Flux2Error `invalidInput` for plain http to a public address
 */
function baseUrlOf({ service, baseUrl = '' }: CredentialValues): string {
	const url = baseUrl === '' ? SERVERS[toServerName(service)].baseUrl : baseUrl;
	if (!isExposed(url)) return url;
	const description = 'Correct the Base URL in the credential: give the server https.';
	throw new Flux2Error('invalidInput', `The base URL ${url} ${EXPOSED}`, { description });
}

/** FLUX.2 on any server that speaks OpenAI's API for images: one call makes the image, so there are no tasks. */
export const openAi: ProviderDefinition<OpenAiModel> = {
	name: 'openai',
	label: LABEL,
	credentialType: 'flux2OpenAiApi',
	baseUrl: baseUrlOf,
	typicalSeconds: 20,
	readError,
	operations: {
		'image:estimateCost': estimateCost,
		'image:generate': generate,
		'image:edit': generate,
	},
	routeFor,
};
