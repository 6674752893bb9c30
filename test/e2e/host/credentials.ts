import { createRequire } from 'node:module';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type {
	ICredentialType,
	IDisplayOptions,
	INodeCredentialDescription,
	INodeType,
} from 'n8n-workflow';
import manifest from '../../../package.json';
import type { Emulator } from '../../emulator';
import type { CredentialStore } from '../../support/credentials';
import { emulatorCredentials } from '../../support/providers';
import type { ChatModel } from './chatModel';
import type { Rest } from './rest';
import type { WorkflowNode } from './workflows';

/** The reference to a credential that a node contains, by the credential's type. */
export type CredentialIds = Record<string, { id: string; name: string }>;

/** The emulator signs its webhooks with it. */
const WEBHOOK_SECRET = 'made-up-webhook-secret';

const REPOSITORY = path.resolve(__dirname, '../../..');

function createBuilt<Instance>(file: string): Instance {
	const classes = createRequire(__filename)(path.join(REPOSITORY, file)) as Record<string, unknown>;
	const Type = classes[path.basename(file).split('.')[0]!] as new () => Instance;
	return new Type();
}

/** Every credential type of the built package. */
export const CREDENTIAL_TYPES: readonly ICredentialType[] = manifest.n8n.credentials.map((file) =>
	createBuilt<ICredentialType>(file),
);

/** The credentials that nodes have, by the node's type. */
const CREDENTIALS: ReadonlyMap<string, readonly INodeCredentialDescription[]> = new Map([
	...manifest.n8n.nodes.map((file): [string, INodeCredentialDescription[]] => {
		const { name, credentials = [] } = createBuilt<INodeType>(file).description;
		return [`${manifest.name}.${name}`, credentials];
	}),
	['@n8n/n8n-nodes-langchain.lmChatOpenAi', [{ name: 'openAiApi', required: true }]],
]);

/** Selects a node's credentials, as the notes of the examples ask for: an agent's tool needs those of its node. */
export function selectCredentials(
	{ type, parameters }: Pick<WorkflowNode, 'type' | 'parameters'>,
	ids: CredentialIds,
): CredentialIds {
	const selected = (CREDENTIALS.get(type.replace(/Tool$/, '')) ?? []).filter(
		(one) => one.required || isShown(one, parameters),
	);
	return Object.fromEntries(selected.flatMap(({ name }) => (ids[name] ? [[name, ids[name]]] : [])));
}

/** Whether the editor shows an optional credential. Its conditions are on parameters that the file has if they hold. */
const isShown = (
	{ displayOptions: { show = {} } = {} }: INodeCredentialDescription,
	parameters: WorkflowNode['parameters'],
) => Object.entries(show).every(([path, wanted = []]) => hasWanted(read(parameters, path), wanted));

const read = (values: unknown, path: string) =>
	path.split('.').reduce((value, key) => (value as Record<string, unknown>)?.[key], values);

/** Of n8n's conditions only the one that is used. */
const hasWanted = (value: unknown, wanted: NonNullable<IDisplayOptions['show']>[string] = []) =>
	wanted.some((one) => (isDeepStrictEqual(one, EXISTS) ? value !== undefined : one === value));

const EXISTS = { _cnd: { exists: true } };

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
