import { setTimeout as delay } from 'node:timers/promises';
import { parse } from 'flatted';
import type { IBinaryData, INodeExecutionData, IRunExecutionData } from 'n8n-workflow';
import type { Rest } from './rest';
import { OURS, type WorkflowNode } from './workflows';

export interface Execution {
	id: string;
	status: string;
	/** The message if the execution failed as a whole. */
	error?: string;
	nodes: WorkflowNode[];
	data: IRunExecutionData;
}

export interface Output {
	node: WorkflowNode;
	item: INodeExecutionData;
	/** Whether an agent gets the item, not the next node. */
	isForAgent: boolean;
}

interface Stored {
	id: string;
	status: string;
	workflowData: { nodes: WorkflowNode[] };
	/** JSON in the format of the package `flatted`. */
	data: string;
}

const FINAL_STATUSES = ['success', 'error', 'crashed', 'canceled'];
const TIMEOUT_MS = 120_000;

/** The editor's *Execute workflow* with this trigger; returns the execution's ID. */
export async function startManually(rest: Rest, workflowId: string, trigger: string) {
	const workflowData = await rest.call('GET', `/rest/workflows/${workflowId}`);
	const body = { workflowData, triggerToStartFrom: { name: trigger } };
	const path = `/rest/workflows/${workflowId}/run`;
	const response = await rest.call<{ executionId?: string }>('POST', path, body);
	if (!response.executionId)
		throw new Error(`"${trigger}" did not start: ${JSON.stringify(response)}`);
	return response.executionId;
}

/** Waits until the execution has any final status. */
export async function waitForEnd(rest: Rest, id: string): Promise<Execution> {
	const deadline = Date.now() + TIMEOUT_MS;
	for (;;) {
		const stored = await rest.call<Stored>('GET', `/rest/executions/${id}`);
		if (FINAL_STATUSES.includes(stored.status)) return toExecution(stored);
		if (Date.now() > deadline) throw new Error(`execution ${id} is still ${stored.status}`);
		await delay(100);
	}
}

function toExecution({ id, status, workflowData, data }: Stored): Execution {
	const unfolded = parse(data) as IRunExecutionData;
	const { error } = unfolded.resultData;
	return { id, status, error: error?.message, nodes: workflowData.nodes, data: unfolded };
}

interface Listed {
	id: string;
	/** How it was started: `manual` by the editor. */
	mode: string;
}

async function listExecutions(rest: Rest, workflowId?: string): Promise<Listed[]> {
	const filter = encodeURIComponent(JSON.stringify({ workflowId }));
	const path = `/rest/executions?filter=${filter}`;
	return (await rest.call<{ results: Listed[] }>('GET', path)).results;
}

const toId = ({ id }: Listed) => id;

/** The IDs of one workflow's executions, the newest first. */
export const listExecutionIds = async (rest: Rest, workflowId: string): Promise<string[]> =>
	(await listExecutions(rest, workflowId)).map(toId);

/** The IDs of the executions that the editor has started, the newest first. */
export const listManualIds = async (rest: Rest): Promise<string[]> =>
	(await listExecutions(rest)).filter(({ mode }) => mode === 'manual').map(toId);

/** The editor's *Retry execution* with the original workflow; waits until the new execution has ended. */
export async function retry(rest: Rest, id: string): Promise<Execution> {
	const path = `/rest/executions/${id}/retry`;
	const retried = await rest.call<{ id: string }>('POST', path, { loadWorkflow: false });
	return await waitForEnd(rest, retried.id);
}

export const stop = async (rest: Rest, id: string): Promise<unknown> =>
	await rest.call('POST', `/rest/executions/${id}/stop`);

/** Lists all items of all nodes, on all of their outputs. */
export function listOutputs({ nodes, data }: Execution): Output[] {
	const runs = Object.entries(data.resultData.runData);
	return runs.flatMap(([name, tasks]) => {
		const node = nodes.find((one) => one.name === name);
		if (!node) return [];
		return tasks.flatMap((task) =>
			Object.entries(task.data ?? {}).flatMap(([connection, branches]) =>
				branches.flatMap((items) =>
					(items ?? []).map((item) => ({ node, item, isForAgent: connection !== 'main' })),
				),
			),
		);
	});
}

export const isOurs = ({ node }: Output): boolean => node.type.startsWith(OURS);

/** Downloads an item's file as the editor's *Download* does. */
export async function download(rest: Rest, binary: IBinaryData): Promise<Buffer> {
	if (!binary.id) return Buffer.from(binary.data, 'base64');
	const query = new URLSearchParams({
		action: 'download',
		id: binary.id,
		fileName: binary.fileName ?? 'image',
		mimeType: binary.mimeType,
	});
	const response = await rest.get(`/rest/binary-data?${query.toString()}`);
	if (!response.ok) throw new Error(`binary data ${binary.id}: ${response.status}`);
	return Buffer.from(await response.arrayBuffer());
}
