import { createRequire } from 'node:module';
import path from 'node:path';
import type { ICredentialType } from 'n8n-workflow';
import manifest from '../../../package.json';
import type { Emulator } from '../../emulator';
import type { CredentialStore } from '../../support/credentials';
import { emulatorCredentials } from '../../support/providers';
import type { ChatModel } from './chatModel';
import type { Rest } from './rest';

/** The reference to a credential that a node contains, by the credential's type. */
export type CredentialIds = Record<string, { id: string; name: string }>;

/** The emulator signs its webhooks with it. */
const WEBHOOK_SECRET = 'made-up-webhook-secret';

const REPOSITORY = path.resolve(__dirname, '../../..');

/** Every credential type of the built package. */
export const CREDENTIAL_TYPES: readonly ICredentialType[] = manifest.n8n.credentials.map((file) => {
	const classes = createRequire(__filename)(path.join(REPOSITORY, file)) as Record<string, unknown>;
	const Type = classes[path.basename(file, '.credentials.js')] as new () => ICredentialType;
	return new Type();
});

/** Credentials for the emulator and for the chat model of agents. */
export const localCredentials = (emulator: Emulator, chat: ChatModel): CredentialStore => ({
	...emulatorCredentials(emulator),
	flux2WebhookApi: { secret: WEBHOOK_SECRET },
	openAiApi: { apiKey: chat.key, url: chat.url },
});

export async function importCredentials(
	rest: Rest,
	store: CredentialStore,
): Promise<CredentialIds> {
	const entries = Object.entries(store).map(async ([type, data]) => {
		const name = `${displayName(type)} (local)`;
		const { id } = await rest.call<{ id: string }>('POST', '/rest/credentials', {
			name,
			type,
			data,
		});
		return [type, { id, name }] as const;
	});
	return Object.fromEntries(await Promise.all(entries));
}

const displayName = (type: string) =>
	CREDENTIAL_TYPES.find(({ name }) => name === type)?.displayName ?? type;
