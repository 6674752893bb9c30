import type { Keys, LedgerData, RuleJson } from '../../emulator';
import { emulatorCredentials } from '../../support/providers';
import type { WorkflowJson } from '../../support/engine';
import { NODE, workflowWith, type NodeUnderTest } from '../../support/lab';
import type { TaskSpec } from '../tasks';
import { startChild } from './child';
import type { EmulatorMethods, EmulatorSettings } from './emulator';
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
	/** The same with another workflow, whose node has the same name. */
	runWorkflow: (workflow: WorkflowJson, tasks: readonly TaskSpec[]) => Promise<RunResult>;
	close: () => Promise<void>;
}

/** Starts the emulator in its own process; with a certificate it uses TLS. */
export async function startEmulatorProcess(
	settings: EmulatorSettings = {},
): Promise<EmulatorProcess> {
	const child = startChild<EmulatorMethods>('emulator.ts');
	const { urls, keys } = await child.call('open', settings);
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
	const runWorkflow: NodeProcess['runWorkflow'] = async (workflow, tasks) =>
		await child.call('run', {
			workflow,
			nodeName: NODE,
			items: tasks.map(({ prompt }) => ({ json: { prompt } })),
		});
	return {
		run: async (node, tasks) => await runWorkflow(workflowWith(node), tasks),
		runWorkflow,
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
