import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'flatted';
import type { PackageDirectoryLoader } from 'n8n-core';
import type {
	ExecutionError,
	ExecutionStatus,
	IBinaryData,
	INode,
	INodeExecutionData,
	INodeType,
	IRun,
	IRunData,
	IRunExecutionData,
	ITaskData,
	IWorkflowBase,
	IWorkflowExecuteAdditionalData,
	Workflow,
	WorkflowExecuteMode,
} from 'n8n-workflow';
import { type CredentialStore, credentialsHelper } from './credentials';
import { type BinaryMode, loadN8n, type N8n, openBinaryStore } from './n8n';
import { nodeTypes, type StandIns } from './nodeTypes';

export interface EngineOptions {
	/** A built package; this repository when left out. */
	packageDir?: string;
	credentials?: CredentialStore;
	binaryMode?: BinaryMode;
	nodeTypes?: StandIns;
}

export interface RunOptions {
	/** What the trigger emits. */
	items?: INodeExecutionData[];
	mode?: WorkflowExecuteMode;
	onNodeDone?: (nodeName: string, task: ITaskData) => void;
	/** A run that takes longer is stopped, and its promise is rejected. */
	limitMs?: number;
}

/** A workflow as a file has it; what the editor fills in by itself may be missing. */
export interface WorkflowJson {
	id?: string;
	name?: string;
	nodes: Array<{ name: string; type: string; [field: string]: unknown }>;
	connections: object;
	settings?: object;
	pinData?: object;
}

export interface Run {
	status: ExecutionStatus;
	error?: ExecutionError;
	runData: IRunData;
	/** What the node's last run put out; nothing where it did not run. */
	items(nodeName: string, outputIndex?: number): INodeExecutionData[];
	raw: IRun;
}

export interface RunningWorkflow {
	done: Promise<Run>;
	stop: () => void;
}

type Execution = Promise<IRun> & { cancel(): void };

const DEFAULT_LIMIT_MS = 25_000;
const REPOSITORY = path.resolve(__dirname, '../..');
const BASE_URL = 'http://127.0.0.1';

let isOpen = false;

/** Loads the built package into n8n's own engine. One at a time: n8n keeps one store per process. */
export async function startEngine(options: EngineOptions = {}): Promise<Engine> {
	if (isOpen) throw new Error('Close the other engine first: n8n keeps one store per process');
	const home = mkdtempSync(path.join(tmpdir(), 'flux2-engine-'));
	isOpen = true;
	try {
		const n8n = loadN8n(home);
		await openBinaryStore(n8n, home, options.binaryMode ?? 'filesystem');
		const loader = new n8n.core.PackageDirectoryLoader(options.packageDir ?? REPOSITORY);
		await loader.loadAll();
		return new Engine(n8n, loader, home, options);
	} catch (error) {
		dispose(home);
		throw error;
	}
}

function dispose(home: string) {
	rmSync(home, { recursive: true, force: true });
	isOpen = false;
}

export class Engine {
	private executions = 0;

	constructor(
		readonly n8n: N8n,
		readonly loader: PackageDirectoryLoader,
		private readonly home: string,
		private readonly options: EngineOptions,
	) {}

	async run(json: WorkflowJson, options: RunOptions = {}): Promise<Run> {
		return await this.start(json, options).done;
	}

	start(json: WorkflowJson, options: RunOptions = {}): RunningWorkflow {
		const saved = complete(json);
		const workflow = this.workflow(saved, options.items);
		const mode = options.mode ?? 'manual';
		const execute = new this.n8n.core.WorkflowExecute(this.context(saved, mode, options), mode);
		const startNode = workflow.getNode(firstNode(saved).name) ?? undefined;
		return watch(execute.run({ workflow, startNode, pinData: saved.pinData }), options.limitMs);
	}

	/** The editor's *Retry execution*, with the workflow as it is now. */
	async retry(
		failed: Run | IRunExecutionData,
		json: WorkflowJson,
		options: Omit<RunOptions, 'items' | 'mode'> = {},
	): Promise<Run> {
		const saved = complete(json);
		const workflow = this.workflow(saved);
		const data = forRetry('raw' in failed ? failed.raw.data : failed, workflow);
		const additionalData = this.context(saved, 'retry', options);
		const execute = new this.n8n.core.WorkflowExecute(additionalData, 'retry', data);
		return await watch(execute.processRunExecutionData(workflow), options.limitMs).done;
	}

	/** The bytes behind a binary property. */
	async binary(data: IBinaryData): Promise<Buffer> {
		return await this.n8n.container.get(this.n8n.core.BinaryDataService).getAsBuffer(data);
	}

	/** Stores a file as an earlier node of the workflow would have. */
	async store(content: Buffer, mimeType: string, fileName: string): Promise<IBinaryData> {
		const service = this.n8n.container.get(this.n8n.core.BinaryDataService);
		const location = { type: 'execution', workflowId: 'earlier', executionId: '0' } as const;
		return await service.store(location, content, { data: '', mimeType, fileName });
	}

	async close(): Promise<void> {
		dispose(this.home);
	}

	workflow(saved: IWorkflowBase, items: INodeExecutionData[] = [{ json: {} }]): Workflow {
		const { n8n, loader, options } = this;
		return new n8n.workflow.Workflow({
			...saved,
			nodes: saved.nodes.map((node) => this.selectCredentials(node)),
			nodeTypes: nodeTypes(n8n, loader, options.nodeTypes ?? {}, items),
		});
	}

	/** The editor selects the user's credential by itself in a node that comes without one. */
	private selectCredentials(node: INode): INode {
		const [packageName, name = ''] = node.type.split('.');
		if (node.credentials || packageName !== this.loader.packageName) return node;
		const { description } = this.loader.getNode(name).type as INodeType;
		const { credentials = [] } = description;
		const stored = credentials.filter(
			(wanted) => wanted.required && this.options.credentials?.[wanted.name],
		);
		const selected = stored.map(({ name: id }) => [id, { id, name: id }] as const);
		return { ...node, credentials: Object.fromEntries(selected) };
	}

	context(
		saved: IWorkflowBase,
		mode: WorkflowExecuteMode,
		{ onNodeDone }: RunOptions = {},
	): IWorkflowExecuteAdditionalData {
		const { n8n, loader, options } = this;
		const executionId = String(++this.executions);
		const hooks = new n8n.core.ExecutionLifecycleHooks(mode, executionId, saved);
		hooks.addHandler('nodeExecuteAfter', (name, task) => onNodeDone?.(name, task));
		const context = {
			hooks,
			executionId,
			credentialsHelper: credentialsHelper(n8n, loader, options.credentials ?? {}),
			externalSecretsProxy: n8n.container.get(n8n.core.ExternalSecretsProxy),
			currentNodeExecutionIndex: 0,
			variables: {},
			...urls(),
			setExecutionStatus: () => {},
			sendDataToUI: () => {},
			logAiEvent: () => {},
		};
		// The rest serves sub-workflows, agents and task runners, which no test of ours starts.
		return context as unknown as IWorkflowExecuteAdditionalData;
	}
}

/** Every one must be a valid URL: n8n builds resume links for each parameter it reads. */
function urls() {
	return {
		restApiUrl: `${BASE_URL}/rest`,
		instanceBaseUrl: `${BASE_URL}/`,
		formWaitingBaseUrl: `${BASE_URL}/form-waiting`,
		webhookBaseUrl: `${BASE_URL}/webhook`,
		webhookWaitingBaseUrl: `${BASE_URL}/webhook-waiting`,
		webhookTestBaseUrl: `${BASE_URL}/webhook-test`,
	};
}

/** A copy, because n8n writes into the nodes it runs. */
export function complete(json: WorkflowJson): IWorkflowBase {
	const { id = 'test', name = 'Test', settings, ...rest } = structuredClone(json);
	const nodes = rest.nodes.map((node) => ({
		id: node.name,
		typeVersion: 1,
		position: [0, 0],
		parameters: {},
		...node,
	}));
	const saved = {
		...rest,
		id,
		name,
		nodes,
		active: false,
		settings: { executionOrder: 'v1', ...settings },
	};
	return saved as unknown as IWorkflowBase;
}

export function firstNode({ nodes }: IWorkflowBase): INode {
	const first = nodes.find(({ type, disabled }) => type.endsWith('Trigger') && !disabled);
	const node = first ?? nodes[0];
	if (!node) throw new Error('The workflow has no nodes');
	return node;
}

/** What n8n does with a saved execution before it runs it again. */
function forRetry(failed: IRunExecutionData, workflow: Workflow): IRunExecutionData {
	const data = parse(stringify(failed)) as IRunExecutionData;
	const { lastNodeExecuted, runData } = data.resultData;
	delete data.resultData.error;
	const tasks = lastNodeExecuted === undefined ? undefined : runData[lastNodeExecuted];
	// Only a failure is taken back; the engine had put the node's input on the stack again.
	if (tasks?.at(-1)?.error !== undefined) tasks.pop();
	for (const entry of data.executionData?.nodeExecutionStack ?? []) {
		entry.node = workflow.getNode(entry.node.name) ?? entry.node;
	}
	return data;
}

function watch(execution: Execution, limitMs = DEFAULT_LIMIT_MS): RunningWorkflow {
	const stop = () => execution.cancel();
	let timer: NodeJS.Timeout;
	const limit = new Promise<never>((_resolve, reject) => {
		timer = setTimeout(() => {
			stop();
			reject(new Error(`The workflow was still running after ${limitMs / 1000} s`));
		}, limitMs);
	});
	const done = Promise.race([execution.then(toRun), limit]).finally(() => clearTimeout(timer));
	return { done, stop };
}

export function toRun(raw: IRun): Run {
	const { error, runData } = raw.data.resultData;
	return {
		status: raw.status,
		error,
		runData,
		items: (nodeName, outputIndex = 0) =>
			runData[nodeName]?.at(-1)?.data?.main?.[outputIndex] ?? [],
		raw,
	};
}
