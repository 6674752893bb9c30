import type { Keys, LedgerData, RuleJson, Tls } from '../../emulator';
import { emulatorCredentials } from '../../support/providers';
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
	/** Runs one execution with an item for each task. Throws if an item fails. */
	run: (node: NodeUnderTest, tasks: readonly TaskSpec[]) => Promise<RunResult>;
	close: () => Promise<void>;
}

/** Starts the emulator in its own process; with a certificate it uses TLS. */
export async function startEmulatorProcess(tls?: Tls): Promise<EmulatorProcess> {
	const child = startChild<EmulatorMethods>('emulator.ts');
	const { urls, keys } = await child.call('open', { tls });
	return {
		urls,
		keys,
		reset: async (rules = []) => await child.call('reset', rules),
		ledger: async () => await child.call('ledger', undefined),
		close: child.close,
	};
}

/** Starts n8n's engine in its own process, with credentials for the emulator. Its nodes know no durations yet. */
export async function startNodeProcess(
	emulator: EmulatorProcess,
	environment?: Record<string, string>,
): Promise<NodeProcess> {
	const child = startChild<NodeMethods>('node.ts', environment);
	await child.call('open', emulatorCredentials(emulator));
	return {
		run: async (node, tasks) =>
			await child.call('run', {
				workflow: workflowWith(node),
				nodeName: NODE,
				items: tasks.map(({ prompt }) => ({ json: { prompt } })),
			}),
		async close() {
			await child.call('close', undefined).finally(child.close);
		},
	};
}

/** Black Forest Labs' node, which generates an image of one megapixel for each item. */
export const createBflNode = (options: object): NodeUnderTest => ({
	type: 'flux2Bfl',
	parameters: {
		model: MODEL,
		prompt: '={{ $json.prompt }}',
		size: 'custom',
		...SIZE,
		options,
	},
});

export const MODEL = 'flux-2-pro';
export const SIZE = { width: 1024, height: 1024 };
