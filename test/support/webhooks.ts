import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parse, stringify } from 'flatted';
import type { WebhookContext } from 'n8n-core';
import type {
	IDataObject,
	INode,
	INodeExecutionData,
	IRun,
	IRunExecutionData,
	IWebhookResponseData,
	IWorkflowBase,
	IWorkflowExecuteAdditionalData,
	Workflow,
	WorkflowExecuteMode,
} from 'n8n-workflow';
import { complete, firstNode, toRun, type Engine, type Run, type WorkflowJson } from './engine';

/**
 * What a whole n8n does about webhooks, and its engine alone does not: it starts a workflow for a call of its
 * trigger, and lets a suspended execution go on for a call of its resume URL. On a server of its own, with n8n's
 * own webhook context, and with what n8n keeps in its database kept as text.
 */
export interface Webhooks {
	/** Beginning of every address. */
	url: string;
	/** Listens for the workflow's trigger, as a published workflow does, or as the editor's test does once. */
	publish(json: WorkflowJson, mode?: 'webhook' | 'manual'): string;
	/** What n8n keeps with a published workflow. */
	staticDataOf(url: string): IDataObject;
	/** The next workflow that a call would start cannot be started: the database is away, for instance. */
	failNext(): void;
	/** The executions that calls of triggers have started, in order. */
	started: Array<Promise<Run>>;
	/** Runs a workflow until it has ended or is suspended. */
	run(json: WorkflowJson, items: INodeExecutionData[]): Promise<Suspended>;
	/** What n8n does when nobody has called in time. */
	resumeByTimer(suspended: Suspended): Promise<Run>;
	close(): Promise<void>;
}

export interface Suspended {
	id: string;
	/** Until it was suspended, or to its end. */
	first: Run;
	/** After a call of the resume URL. */
	resumed: Promise<Run>;
}

/** An execution as n8n's database has it. */
interface Execution {
	saved: IWorkflowBase;
	status: 'running' | 'waiting' | 'ended';
	/** As text, so that nothing of the running process is left in it. */
	data: string;
	resumed: (run: Run) => void;
}

interface Listener {
	saved: IWorkflowBase;
	mode: 'webhook' | 'manual';
}

type Refused = [status: number, body: object];

export async function openWebhooks(engine: Engine): Promise<Webhooks> {
	const host = new Host(engine);
	const server = createServer((request, response) => void host.handle(request, response));
	await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
	host.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	return Object.assign(host, {
		close: async () => {
			server.closeAllConnections();
			await new Promise((closed) => server.close(closed));
		},
	});
}

class Host {
	url = '';

	started: Array<Promise<Run>> = [];

	private isBroken = false;

	private listeners = new Map<string, Listener>();

	private executions = new Map<string, Execution>();

	constructor(private readonly engine: Engine) {}

	publish(json: WorkflowJson, mode: 'webhook' | 'manual' = 'webhook'): string {
		const path = `/webhook${mode === 'manual' ? '-test' : ''}/${this.listeners.size + 1}`;
		this.listeners.set(path, { saved: complete(json), mode });
		return this.url + path;
	}

	staticDataOf(url: string): IDataObject {
		return this.listeners.get(new URL(url).pathname)!.saved.staticData ?? {};
	}

	failNext(): void {
		this.isBroken = true;
	}

	async run(json: WorkflowJson, items: INodeExecutionData[]): Promise<Suspended> {
		const saved = complete(json);
		const workflow = this.engine.workflow(saved, items);
		const startNode = workflow.getNode(firstNode(saved).name) ?? undefined;
		const additionalData = this.additionalData(saved, 'manual');
		const { WorkflowExecute } = this.engine.n8n.core;
		const id = additionalData.executionId!;
		let done: (run: Run) => void = () => {};
		const resumed = new Promise<Run>((resolve) => (done = resolve));
		const execution: Execution = { saved, status: 'running', data: '', resumed: done };
		this.executions.set(id, execution);
		const execute = new WorkflowExecute(additionalData, 'manual');
		// a call during the run finds the token, as it would in the database
		execution.data = stringify(execute['runExecutionData']);
		const raw = await execute.run({ workflow, startNode });
		execution.status = raw.waitTill ? 'waiting' : 'ended';
		execution.data = stringify(raw.data);
		return { id, first: toRun(raw), resumed };
	}

	async resumeByTimer({ id }: Suspended): Promise<Run> {
		const execution = this.executions.get(id)!;
		execution.status = 'running';
		return await this.goOn(execution, id, parse(execution.data) as IRunExecutionData);
	}

	async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const { pathname, searchParams } = new URL(request.url ?? '', this.url);
		const asExpress = dressed(request, response, await read(request), searchParams);
		const listener = this.listeners.get(pathname);
		const [, id] = /^\/webhook-waiting\/(\d+)$/.exec(pathname) ?? [];
		const refused: Refused | undefined = listener
			? await this.startFor(listener, asExpress)
			: id === undefined
				? [404, { message: 'not registered' }]
				: await this.resume(id, searchParams.get('signature'), asExpress);
		if (refused && !response.headersSent)
			asExpress.httpResponse.status(refused[0]).json(refused[1]);
	}

	private async startFor(listener: Listener, http: Http): Promise<Refused | undefined> {
		const { saved, mode } = listener;
		// as loaded from the database, and shared by the webhook and the execution
		const loaded = { ...saved, staticData: saved.staticData && structuredClone(saved.staticData) };
		const workflow = this.engine.workflow(loaded);
		const node = workflow.getNode(firstNode(saved).name)!;
		const additionalData = withHttp(this.additionalData(saved, mode), http);
		const { workflowData } = await this.call(workflow, node, additionalData, mode);
		if (!workflowData) return undefined;
		const { isBroken } = this;
		this.isBroken = false;
		if (isBroken) return [500, { message: 'The workflow could not be started' }];
		const { createRunExecutionData } = this.engine.n8n.workflow;
		const data = createRunExecutionData({
			executionData: { nodeExecutionStack: [{ node, data: { main: workflowData }, source: null }] },
		});
		const running = this.engine.workflow(loaded);
		const execute = new this.engine.n8n.core.WorkflowExecute(additionalData, mode, data);
		const run = execute.processRunExecutionData(running).then((raw) => {
			keepStaticData(listener, running);
			return toRun(raw);
		});
		this.started.push(run);
		keepStaticData(listener, workflow);
		return [200, { message: 'Workflow was started' }];
	}

	private async resume(id: string, token: string | null, http: Http): Promise<Refused | undefined> {
		const execution = this.executions.get(id);
		if (!execution) return [404, { message: 'no such execution' }];
		const data = parse(execution.data) as IRunExecutionData;
		if (token !== data.resumeToken) return [401, { message: 'Invalid token' }];
		if (execution.status !== 'waiting') return [409, { message: `is ${execution.status}` }];
		const entry = data.executionData!.nodeExecutionStack[0]!;
		entry.node.disabled = true;
		data.waitTill = undefined;
		const workflow = this.engine.workflow(execution.saved);
		const node = workflow.getNode(data.resultData.lastNodeExecuted!)!;
		const additionalData = withHttp(this.additionalData(execution.saved, 'manual', id), http);
		const { workflowData } = await this.call(workflow, node, additionalData, 'manual', data);
		if (!workflowData) return undefined;
		entry.data.main = workflowData;
		entry.metadata = { ...entry.metadata, forwardAllOutputs: true };
		execution.status = 'running';
		void this.goOn(execution, id, data).then(execution.resumed);
		return [200, { message: 'Workflow was started' }];
	}

	private async goOn(execution: Execution, id: string, data: IRunExecutionData): Promise<Run> {
		const additionalData = this.additionalData(execution.saved, 'manual', id);
		const execute = new this.engine.n8n.core.WorkflowExecute(additionalData, 'manual', data);
		const raw: IRun = await execute.processRunExecutionData(this.engine.workflow(execution.saved));
		execution.status = 'ended';
		return toRun(raw);
	}

	private async call(
		workflow: Workflow,
		node: INode,
		additionalData: IWorkflowExecuteAdditionalData,
		mode: WorkflowExecuteMode,
		data: IRunExecutionData | null = null,
	): Promise<IWebhookResponseData> {
		const type = workflow.nodeTypes.getByNameAndVersion(node.type, node.typeVersion);
		const [webhookDescription] = type.description.webhooks!;
		const webhookData = { webhookDescription } as ConstructorParameters<typeof WebhookContext>[4];
		const { WebhookContext: Context } = this.engine.n8n.core;
		const context = new Context(workflow, node, additionalData, mode, webhookData, [], data);
		return await type.webhook!.call(context);
	}

	private additionalData(
		saved: IWorkflowBase,
		mode: WorkflowExecuteMode,
		executionId?: string,
	): IWorkflowExecuteAdditionalData {
		const base = this.engine.context(saved, mode);
		return {
			...base,
			executionId: executionId ?? base.executionId,
			webhookWaitingBaseUrl: `${this.url}/webhook-waiting`,
		};
	}
}

/** n8n saves what has changed, and nothing of a test. */
function keepStaticData({ saved, mode }: Listener, { staticData }: Workflow): void {
	if (mode === 'manual' || staticData.__dataChanged !== true) return;
	saved.staticData = JSON.parse(JSON.stringify(staticData)) as IDataObject;
}

interface Http {
	httpRequest: object;
	httpResponse: { status(code: number): { json(body: object): void } };
}

const withHttp = (data: IWorkflowExecuteAdditionalData, http: Http) =>
	({ ...data, ...http }) as unknown as IWorkflowExecuteAdditionalData;

/** As much of express's request and response as nodes may use. */
function dressed(
	request: IncomingMessage,
	response: ServerResponse,
	rawBody: Buffer,
	query: URLSearchParams,
): Http {
	const json = (body: object) => {
		response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
	};
	const status = (code: number) => Object.assign(response, { statusCode: code });
	const httpResponse = Object.assign(response, { json, status });
	const httpRequest = Object.assign(request, {
		rawBody,
		query: Object.fromEntries(query),
		params: {},
	});
	return { httpRequest, httpResponse } as unknown as Http;
}

async function read(request: IncomingMessage): Promise<Buffer> {
	const chunks: Buffer[] = [];
	for await (const chunk of request) chunks.push(chunk as Buffer);
	return Buffer.concat(chunks);
}
