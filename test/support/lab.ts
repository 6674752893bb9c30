import type { INode, INodeExecutionData } from 'n8n-workflow';
import { startEmulator, type Emulator, type EmulatorOptions } from '../emulator';
import { startEngine, type Engine, type Run, type RunOptions, type WorkflowJson } from './engine';
import type { BinaryMode } from './n8n';

/** The node under test stands under this name in every workflow of the lab. */
export const NODE = 'FLUX.2';

export type NodeType = 'flux2Cloudflare' | 'flux2Task';

export interface NodeUnderTest {
	type: NodeType;
	parameters: Record<string, unknown>;
	/** Retry On Fail, On Error and the like, as n8n stores them beside the parameters. */
	settings?: Partial<INode>;
}

/** The emulator and n8n's engine with credentials for it: what a test of a node needs. */
export interface Lab {
	emulator: Emulator;
	engine: Engine;
	run(node: NodeUnderTest, options?: RunOptions): Promise<Run>;
	/** Closes both; fails when the emulator has seen a route nobody knows or a key where it must not be. */
	close(): Promise<void>;
}

export interface LabOptions {
	emulator?: EmulatorOptions;
	binaryMode?: BinaryMode;
	/** Changes to the credentials, which otherwise work. */
	credentials?: Partial<Record<'flux2CloudflareApi' | 'flux2TaskApi', Record<string, string>>>;
}

export async function openLab(options: LabOptions = {}): Promise<Lab> {
	const emulator = await startEmulator({ seconds: 0.03, ...options.emulator });
	const engine = await startEngine({
		binaryMode: options.binaryMode,
		credentials: {
			flux2CloudflareApi: {
				accountId: emulator.keys.accountId,
				apiToken: emulator.keys.cloudflareToken,
				baseUrl: emulator.urls.cloudflare,
				...options.credentials?.flux2CloudflareApi,
			},
			flux2TaskApi: {
				apiKey: emulator.keys.taskKey,
				baseUrl: emulator.urls.task,
				...options.credentials?.flux2TaskApi,
			},
		},
	});
	return {
		emulator,
		engine,
		run: async (node, runOptions) => await engine.run(workflowWith(node), runOptions),
		async close() {
			await engine.close();
			await emulator.close();
			const { unexpected, leaks } = emulator.ledger;
			expect({ unexpected, leaks }).toEqual({ unexpected: [], leaks: [] });
		},
	};
}

/** A manual trigger and the node behind it. */
export function workflowWith({ type, parameters, settings }: NodeUnderTest): WorkflowJson {
	const credential = `${type}Api`;
	return {
		nodes: [
			{ name: 'Start', type: 'n8n-nodes-base.manualTrigger' },
			{
				name: NODE,
				type: `n8n-nodes-flux2.${type}`,
				parameters,
				credentials: { [credential]: { id: credential, name: credential } },
				...settings,
			},
		],
		connections: { Start: { main: [[{ node: NODE, type: 'main', index: 0 }]] } },
	};
}

/** Looks every few milliseconds: tests do not wait for a provider's pace. */
export const QUICK = { pollInterval: 0.02 };

export const items = (...jsons: Array<INodeExecutionData['json']>): INodeExecutionData[] =>
	jsons.map((json) => ({ json }));
