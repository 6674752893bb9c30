import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import type { CredentialStore } from '../../support/credentials';
import { startEngine, type Engine, type WorkflowJson } from '../../support/engine';
import { BARE_NODE_TYPE, bareNode } from '../clients/bare';
import { serveParent } from './child';

/** n8n's engine with our nodes in its own process, so that only n8n and our node are measured. */

export interface RunRequest {
	workflow: WorkflowJson;
	/** The node whose output is returned. */
	nodeName: string;
	items: INodeExecutionData[];
}

export interface RunResult {
	/** The items' JSON, in order. */
	items: IDataObject[];
	seconds: number;
	/** Processor time of the whole process during the run. */
	cpuMs: number;
	/** The process's maximum resident memory so far. */
	peakMb: number;
}

const RUN_TIMEOUT_MS = 300_000;

let engine: Engine | undefined;

const methods = {
	async open(credentials: CredentialStore): Promise<void> {
		engine = await startEngine({ credentials, nodeTypes: { [BARE_NODE_TYPE]: bareNode } });
	},

	async run({ workflow, nodeName, items }: RunRequest): Promise<RunResult> {
		if (!engine) throw new Error('the engine is not open yet');
		const started = performance.now();
		const cpu = process.cpuUsage();
		const run = await engine.run(workflow, { items, limitMs: RUN_TIMEOUT_MS });
		const used = process.cpuUsage(cpu);
		const seconds = (performance.now() - started) / 1000;
		if (run.status !== 'success') throw run.error ?? new Error(`the run ended as ${run.status}`);
		return {
			items: run.items(nodeName).map(({ json }) => json),
			seconds,
			cpuMs: (used.user + used.system) / 1000,
			peakMb: process.resourceUsage().maxRSS / 1024,
		};
	},

	/** Removes what the executions have stored. */
	async close(_argument: undefined): Promise<void> {
		await engine?.close();
	},
};

export type NodeMethods = typeof methods;

serveParent(methods);
