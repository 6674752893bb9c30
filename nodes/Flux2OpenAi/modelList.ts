import {
	NodeOperationError,
	type ILoadOptionsFunctions,
	type INodeListSearchResult,
} from 'n8n-workflow';
import { Flux2Error, rethrow } from '../shared/core/errors';
import { createRedactor, secretsIn, toDisplayText } from '../shared/core/redact';
import { readJson } from '../shared/http/client';
import type { ReadClient } from '../shared/http/types';
import { createClient } from '../shared/node/client';
import { hostedIds } from './models';
import { openAi } from './provider';
import { modelListSchema } from './responses';
import { toServerName } from './servers';

const FLUX_2 = /flux[-_.]?2/i;

/** The models that the server itself lists, those of FLUX.2 first. */
export async function searchModels(
	this: ILoadOptionsFunctions,
	filter = '',
): Promise<INodeListSearchResult> {
	try {
		const { signal } = new AbortController();
		const facts = { cancelSignal: signal, readThrottle: async () => undefined };
		const ids = await readIds(await createClient(this, openAi, facts), signal);
		const wanted = ids.filter((id) => id.toLowerCase().includes(filter.toLowerCase()));
		const sorted = wanted.sort((a, b) => rankOf(a) - rankOf(b) || a.localeCompare(b));
		return { results: sorted.map((id) => ({ name: id, value: id })) };
	} catch (error) {
		if (!(error instanceof Flux2Error)) throw rethrow(error);
		const redact = createRedactor(secretsIn(await this.getCredentials(openAi.credentialType)));
		throw new NodeOperationError(this.getNode(), toDisplayText(redact, error.message), {
			description: toDisplayText(redact, error.description),
		});
	}
}

const rankOf = (id: string): number => (FLUX_2.test(id) ? 0 : 1);

async function readIds(client: ReadClient, signal: AbortSignal): Promise<string[]> {
	const server = toServerName(client.credentials.service);
	// it has no list
	if (server === 'azure') return hostedIds(server);
	const url = server === 'openRouter' ? '/images/models' : '/models';
	const { value } = await readJson(client, { url, schema: modelListSchema }, signal);
	return [...new Set(value.map(({ id }) => id))];
}
