import type { INode, INodeExecutionData } from 'n8n-workflow';
import { startEmulator, type Emulator, type EmulatorOptions } from '../emulator';
import { sha256 } from '../emulator/images';
import type { CredentialStore } from './credentials';
import {
	startEngine,
	type Engine,
	type Run,
	type RunningWorkflow,
	type RunOptions,
	type WorkflowJson,
} from './engine';
import type { Checkpoint } from '../../nodes/shared/tasks/checkpoints';
import type { BinaryMode } from './n8n';
import type { StandIns } from './nodeTypes';
import { placed } from './placed';
import { emulatorCredentials, ROUTES, type NodeType, type Route } from './providers';

export { ROUTES, type NodeType, type Route };

/** The node under test stands under this name in every workflow of the lab. */
export const NODE = 'FLUX.2';

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
	/** What the next run finds in n8n's credential store. */
	credentials: CredentialStore;
	run(node: NodeUnderTest, options?: RunOptions): Promise<Run>;
	start(node: NodeUnderTest, options?: RunOptions): RunningWorkflow;
	/** The editor's *Retry execution*, with the node as it is now. */
	retry(failed: Run, node: NodeUnderTest): Promise<Run>;
	/** Closes both; fails when the emulator has seen a route nobody knows or a key where it must not be. */
	close(): Promise<void>;
}

export interface LabOptions {
	emulator?: EmulatorOptions;
	binaryMode?: BinaryMode;
	/** Changes to the credentials, which otherwise work. */
	credentials?: Partial<Record<`${NodeType}Api`, Record<string, string>>>;
	nodeTypes?: StandIns;
}

export async function openLab(options: LabOptions = {}): Promise<Lab> {
	const emulator = await startEmulator({ seconds: 0.03, ...options.emulator });
	const credentials: CredentialStore = Object.fromEntries(
		Object.entries(emulatorCredentials(emulator)).map(([type, working]) => [
			type,
			{ ...working, ...options.credentials?.[type as `${NodeType}Api`] },
		]),
	);
	const { binaryMode, nodeTypes } = options;
	const engine = await startEngine({ binaryMode, credentials, nodeTypes });
	return {
		emulator,
		engine,
		credentials,
		run: async (node, runOptions) => await engine.run(workflowWith(node), runOptions),
		start: (node, runOptions) => engine.start(workflowWith(node), runOptions),
		retry: async (failed, node) => await engine.retry(failed, workflowWith(node)),
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

/** Polls every few milliseconds: tests do not wait for a provider's pace. */
export const QUICK = { pollInterval: 0.02 };

export const items = (...jsons: Array<INodeExecutionData['json']>): INodeExecutionData[] =>
	jsons.map((json) => ({ json }));

const GIVE_UP_MS = 60_000;

/** A stopped execution returns long before the minute that it would otherwise have waited for, on any machine. */
export const PROMPTLY_MS = 20_000;

/** Waits for what the emulator is to see; fails when it does not come. */
export async function until(seen: () => boolean, what = String(seen)): Promise<void> {
	const deadline = Date.now() + GIVE_UP_MS;
	while (!seen()) {
		if (Date.now() > deadline) throw new Error(`Waited ${GIVE_UP_MS / 1000} s in vain for ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 2));
	}
}

/** Generates a small image for each item's own prompt, all at once. */
export const generating = (
	route: Route,
	settings: NodeUnderTest['settings'] = {},
	options: object = {},
): NodeUnderTest => ({
	type: ROUTES[route].type,
	parameters: {
		...ROUTES[route].parameters,
		prompt: '={{ $json.prompt }}',
		...placed(ROUTES[route].type, {
			width: 256,
			height: 256,
			maxConcurrent: 20,
			...QUICK,
			...options,
		}),
	},
	settings,
});

/** Items with the prompts "item 1", "item 2" and so on. */
export const prompts = (count: number): INodeExecutionData[] =>
	Array.from({ length: count }, (_, index) => ({ json: { prompt: `item ${index + 1}` } }));

/** The part of a task's ID that its image's file name ends in. */
export const shortId = (id = ''): string => id.replace(/[^a-z0-9]/gi, '').slice(-8);

/** Prompt and image of each item that came out. */
export async function imagesIn({ engine }: Lab, run: Run): Promise<Array<[unknown, string]>> {
	const pairs = run.items(NODE).map(async ({ json, binary }): Promise<[unknown, string]> => {
		const bytes = binary?.data && (await engine.binary(binary.data));
		return [json.prompt, bytes ? sha256(bytes) : 'no image'];
	});
	return await Promise.all(pairs);
}

/** Prompt and image of each prompt's last task, as the provider has made it. */
export async function imagesOf({ emulator }: Lab, given: INodeExecutionData[]) {
	const { ledger } = emulator;
	const pairs = given.map(async ({ json: { prompt } }): Promise<[unknown, string]> => {
		const task = ledger.tasks.filter((one) => one.prompt === prompt).at(-1);
		return [prompt, task ? (await ledger.image(task.id)).sha256 : 'no task'];
	});
	return await Promise.all(pairs);
}

/** Everything that was sent, in order; polls that follow one another count as one. */
export function traffic({ emulator }: Lab, from = 0): string[] {
	const kinds = emulator.ledger.requests.slice(from).map(({ method, path }) => {
		if (path.startsWith('/results/')) return 'download';
		if (path.startsWith('/references/')) return 'reference';
		return { POST: 'submit', PUT: 'cancel', DELETE: 'cancel', GET: 'poll' }[method] ?? method;
	});
	return kinds.filter((kind, index) => kind !== 'poll' || kinds[index - 1] !== 'poll');
}

/** What the node has saved for a later run, by the place of the item. */
export function checkpointsOf({ raw }: Run): Record<string, Checkpoint[]> {
	const context = raw.data.executionData?.contextData[`node:${NODE}`] ?? {};
	return (context as SavedContext).flux2Checkpoints?.places ?? {};
}

interface SavedContext {
	flux2Checkpoints?: { places: Record<string, Checkpoint[]> };
}
