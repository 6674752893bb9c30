import type { Keys, LedgerData, RuleJson, Tls } from '../../emulator';
import { emulatorCredentials } from '../../support/emulatorCredentials';
import { NODE, workflowWith, type NodeUnderTest } from '../../support/lab';
import type { TaskSpec } from '../tasks';
import { startChild } from './child';
import type { EmulatorMethods } from './emulator';
import type { NodeMethods, RunResult } from './node';

export interface EmulatorProcess {
	urls: Awaited<ReturnType<EmulatorMethods['open']>>['urls'];
	keys: Keys;
	reset: (rules?: RuleJson[]) => Promise<void>;
	ledger: () => Promise<LedgerData>;
	close: () => Promise<void>;
}

export interface NodeProcess {
	/** One execution with an item for each wish. Fails when an item does. */
	run: (node: NodeUnderTest, tasks: readonly TaskSpec[]) => Promise<RunResult>;
	close: () => Promise<void>;
}

/** The emulator in its own process; with a certificate it speaks TLS. */
export async function startEmulatorProcess(tls?: Tls): Promise<EmulatorProcess> {
	const child = startChild<EmulatorMethods>('emulator.ts');
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
	emulator: EmulatorProcess,
	environment?: Record<string, string>,
): Promise<NodeProcess> {
	const child = startChild<NodeMethods>('node.ts', environment);
	await child.ask('open', emulatorCredentials(emulator));
	return {
		run: async (node, tasks) =>
			await child.ask('run', {
				workflow: workflowWith(node),
				nodeName: NODE,
				items: tasks.map(({ prompt }) => ({ json: { prompt } })),
			}),
		async close() {
			await child.ask('close', undefined).finally(child.close);
		},
	};
}

/** Black Forest Labs' node, making a picture of one megapixel for each item. */
export const createBflNode = (options: object): NodeUnderTest => ({
	type: 'flux2Bfl',
	parameters: {
		model: MODEL,
		prompt: '={{ $json.prompt }}',
		options: { ...SIZE, ...options },
	},
});

export const MODEL = 'flux-2-pro';
export const SIZE = { width: 1024, height: 1024 };
