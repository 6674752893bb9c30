import type { Keys, LedgerData, RuleJson, Tls } from '../../emulator';
import { emulatorCredentials } from '../../support/emulatorCredentials';
import { NODE, workflowWith, type NodeUnderTest } from '../../support/lab';
import type { Wish } from '../jobs';
import { startChild } from './child';
import type { EmulatorCalls } from './emulator';
import type { NodeCalls, Outcome } from './node';

export interface Provider {
	urls: Awaited<ReturnType<EmulatorCalls['open']>>['urls'];
	keys: Keys;
	reset: (rules?: RuleJson[]) => Promise<void>;
	ledger: () => Promise<LedgerData>;
	close: () => Promise<void>;
}

export interface NodeProcess {
	/** One execution with an item for each wish. Fails when an item does. */
	run: (node: NodeUnderTest, wishes: readonly Wish[]) => Promise<Outcome>;
	close: () => Promise<void>;
}

/** The emulator in its own process; with a certificate it speaks TLS. */
export async function startProvider(tls?: Tls): Promise<Provider> {
	const child = startChild<EmulatorCalls>('emulator.ts');
	const { urls, keys } = await child.ask('open', { tls });
	return {
		urls,
		keys,
		reset: async (rules = []) => await child.ask('reset', rules),
		ledger: async () => await child.ask('ledger', undefined),
		close: child.close,
	};
}

/** n8n's engine in its own process, with credentials for the provider. It has learnt nothing yet. */
export async function startNodeProcess(
	provider: Provider,
	environment?: Record<string, string>,
): Promise<NodeProcess> {
	const child = startChild<NodeCalls>('node.ts', environment);
	await child.ask('open', emulatorCredentials(provider));
	return {
		run: async (node, wishes) =>
			await child.ask('run', {
				workflow: workflowWith(node),
				nodeName: NODE,
				items: wishes.map(({ prompt }) => ({ json: { prompt } })),
			}),
		async close() {
			await child.ask('close', undefined).finally(child.close);
		},
	};
}

/** Black Forest Labs' node, making a picture of one megapixel for each item. */
export const bflNode = (options: object): NodeUnderTest => ({
	type: 'flux2Bfl',
	parameters: {
		model: MODEL,
		prompt: '={{ $json.prompt }}',
		options: { ...SIZE, ...options },
	},
});

export const MODEL = 'flux-2-pro';
export const SIZE = { width: 1024, height: 1024 };
