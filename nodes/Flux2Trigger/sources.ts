import type { IDataObject, IExecuteFunctions, IWebhookFunctions } from 'n8n-workflow';
import { toFlux2Error } from '../shared/core/errors';
import type { ReadClient } from '../shared/http/types';
import { createClient } from '../shared/node/client';
import { processState } from '../shared/node/processState';
import { pollTask } from '../shared/node/resume';
import type { ProviderDefinition, WebhookProtocol } from '../shared/operations/types';
import { isPathSafe } from '../shared/parameters/model';
import type { FinalState, Task } from '../shared/tasks/protocol';
import { SECRET_CREDENTIAL, secretFrom, type ProviderName } from './options';

/** Where deliveries come from, and what tells a genuine one. */

type Calling = ProviderDefinition & { readonly webhook: WebhookProtocol };

/** The provider that the panel names, with what the trigger has of it. */
interface Source {
	readonly provider: ProviderDefinition;
	readonly webhook: WebhookProtocol;
	/** Of the webhook credential; empty where it is not used or cannot be read: then it proves nothing. */
	readonly secret: string;
	/** Undefined where the provider's own credential is not used. */
	readonly client?: ReadClient;
	readonly signal: AbortSignal;
}

/** What keeps a delivery from starting the workflow, with the HTTP status of the response. */
export class Refusal extends Error {
	constructor(
		readonly status: number,
		message: string,
	) {
		super(message);
	}
}

const providers: Readonly<Record<ProviderName, () => Promise<Calling>>> = {
	bfl: async () => {
		const { bfl, webhook } = await import('../Flux2Bfl/provider');
		return { ...bfl, webhook };
	},
	fal: async () => {
		const { fal, webhook } = await import('../Flux2Fal/provider');
		return { ...fal, webhook };
	},
	replicate: async () => {
		const { replicate, webhook } = await import('../Flux2Replicate/provider');
		return { ...replicate, webhook };
	},
};

const isProviderName = (name: unknown): name is ProviderName =>
	typeof name === 'string' && Object.hasOwn(providers, name);

export const loadProvider = async (name: ProviderName): Promise<Calling> => await providers[name]();

/** A parameter of the trigger; undefined where an expression yields nothing usable. */
export function parameterOf(context: IWebhookFunctions, name: string): unknown {
	try {
		return context.getNodeParameter(name, undefined);
	} catch {
		return undefined;
	}
}

/** That of workflows which know no other, where nothing is chosen. */
export function chosenProvider(context: IExecuteFunctions | IWebhookFunctions): ProviderName {
	const { provider } = context.getNode().parameters;
	return isProviderName(provider) ? provider : 'bfl';
}

/** @throws Refusal where the provider's credential is needed and cannot be used; it calls again */
export async function openSource(context: IWebhookFunctions): Promise<Source> {
	const name = chosenProvider(context);
	const provider = await loadProvider(name);
	const { webhook } = provider;
	const { signal } = new AbortController();
	if (usesSecret(context, name)) {
		return { provider, webhook, secret: await readSecret(context), signal };
	}
	const { readThrottle } = processState;
	const client = await createClient(context, provider, {
		cancelSignal: signal,
		readThrottle,
	}).catch(() => {
		throw new Refusal(503, `The credential for ${provider.label} cannot be used`);
	});
	return { provider, webhook, secret: '', client, signal };
}

/** Whether the calls prove a secret that the user has typed in. */
const usesSecret = (context: IWebhookFunctions, name: ProviderName): boolean =>
	name === 'bfl' ||
	(name === 'replicate' && parameterOf(context, secretFrom.property.name) === 'credential');

/** Empty where the credential cannot be used: then no call is genuine. */
async function readSecret(context: IWebhookFunctions): Promise<string> {
	const credential = await context.getCredentials(SECRET_CREDENTIAL).catch(() => undefined);
	return typeof credential?.secret === 'string' ? credential.secret.trim() : '';
}

/** @throws Refusal where nothing proves the delivery, with the names of the headers that came */
export async function checkSignature(
	context: IWebhookFunctions,
	{ webhook, secret, client, signal }: Source,
	body: Buffer,
): Promise<void> {
	const headers = context.getHeaderData() as IDataObject;
	const baseUrl = client?.baseUrl ?? '';
	const call = { context, body, headers, secret, baseUrl, client, signal };
	const problem = await webhook.signatureProblem(call).catch((thrown: unknown) => {
		throw new Refusal(503, toFlux2Error(thrown).message);
	});
	if (problem === undefined) return;
	throw new Refusal(401, `${problem}. Headers received: ${Object.keys(headers).sort().join(', ')}`);
}

/**
 * A signature that is the same for all accounts does not tell whose task it is: only the account's own key finds it.
 * @throws Refusal
 */
export async function pollOwnTask(source: Source, task: Task): Promise<FinalState> {
	const { client, webhook, provider, signal } = source;
	const { id, model = '' } = task;
	if (!client || model === '' || ![id, model].every(isPathSafe)) {
		throw new Refusal(400, 'The URL names no model: add "?model=" and the model ID to it');
	}
	const state = await pollTask(client, webhook, task, signal).catch(() => {
		throw new Refusal(503, `${provider.label} does not say what became of the task`);
	});
	if (state.status === 'failed' && state.lost === 'missing') {
		throw new Refusal(401, `The account of the credential has no such task`);
	}
	if (state.status === 'done' || state.status === 'failed') return state;
	throw new Refusal(503, 'The task does not confirm this yet');
}
