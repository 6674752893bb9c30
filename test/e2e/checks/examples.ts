import { deepEqual, equal, ok } from 'node:assert/strict';
import { sha256 } from '../../emulator/images';
import type { Host } from '../host';
import {
	waitForEnd,
	listExecutionIds,
	isOurs,
	listOutputs,
	startManually,
	type Execution,
} from '../host/executions';
import {
	FORM,
	MANUAL,
	TRIGGER,
	WEBHOOK,
	type ImportedWorkflow,
	type WorkflowNode,
} from '../host/workflows';
import { waitUntil } from './check';
import { fillInForm } from './form';
import type { PaidTasks } from './paidTasks';
import { examine } from './evidence';

/** A line of the table at the end. */
export interface Row {
	version: string;
	binaryMode: string;
	workflow: string;
	items: number;
	seconds: number;
	images: number;
	submissions: number;
}

/** The kinds of errors that belong to an example; all others have none. */
const ERRORS: Record<string, string[]> = { 'prompt-list': ['moderated'] };

/** They collect only what another workflow has left behind. */
const COLLECTORS: readonly string[] = ['task-table-collect'];

/** Executes the example by each of its triggers, and examines the output. */
export async function runExample(
	host: Host,
	example: ImportedWorkflow,
	paidTasks: PaidTasks,
): Promise<Row[]> {
	const starters = example.nodes.filter(
		({ type, disabled }) => !disabled && [MANUAL, WEBHOOK, FORM].includes(type),
	);
	ok(starters.length > 0, `${example.slug} can be started by hand, by a webhook or by a form`);
	const rows: Row[] = [];
	for (const starter of starters) rows.push(await runOnce(host, example, starter, paidTasks));
	return rows;
}

async function runOnce(
	host: Host,
	example: ImportedWorkflow,
	starter: WorkflowNode,
	paidTasks: PaidTasks,
): Promise<Row> {
	const started = Date.now();
	const { execution, body } = await STARTS[starter.type]!(host, example, starter);
	const executions = [execution, ...(await waitForTriggered(host, example, execution))];
	const seconds = (Date.now() - started) / 1000;
	const evidence = [];
	for (const one of executions) {
		equal(one.status, 'success', one.error);
		evidence.push(await examine(host, one, paidTasks));
	}
	const images = evidence.flatMap((one) => one.images);
	if (COLLECTORS.includes(example.slug)) equal(images.length, 0, 'nothing was left over');
	else ok(images.length > 0, 'an image comes out');
	const errors = evidence.flatMap((one) => one.errors);
	deepEqual(errors, ERRORS[example.slug] ?? [], 'no other errors come out');
	if (body) ok(images.includes(sha256(body)), 'the response is the image');
	return {
		version: host.n8n.release.version,
		binaryMode: host.environment.N8N_DEFAULT_BINARY_DATA_MODE ?? '',
		workflow: starter.type === WEBHOOK ? `${example.slug} (webhook)` : example.slug,
		items: sum(evidence.map(({ items }) => items)),
		seconds,
		images: images.length,
		submissions: evidence[0]?.submissions ?? 0,
	};
}

const sum = (numbers: number[]) => numbers.reduce((all, one) => all + one, 0);

interface Started {
	execution: Execution;
	/** The image that whoever started it has got. */
	body?: Buffer;
}

type Start = (host: Host, example: ImportedWorkflow, starter: WorkflowNode) => Promise<Started>;

const runManually: Start = async ({ rest }, { id }, { name }) => ({
	execution: await waitForEnd(rest, await startManually(rest, id, name)),
});

const callWebhook: Start = async (host, { id }, { parameters }) => {
	const { path, httpMethod = 'GET' } = parameters as { path: string; httpMethod?: string };
	const response = await fetch(`${host.url}/webhook/${path}`, { method: httpMethod });
	const body = Buffer.from(await response.arrayBuffer());
	equal(response.status, 200, `the webhook responds ${body.toString('utf8', 0, 300)}`);
	return { execution: await waitForNewest(host, id), body };
};

const waitForNewest = async ({ rest }: Host, workflowId: string) => {
	const [newest = ''] = await listExecutionIds(rest, workflowId);
	return await waitForEnd(rest, newest);
};

/** The starts by the type of the node that is started. */
const STARTS: Record<string, Start> = {
	[MANUAL]: runManually,
	[WEBHOOK]: callWebhook,
	[FORM]: async (host, example, starter) => {
		const body = await fillInForm(host, starter);
		return { execution: await waitForNewest(host, example.id), body };
	},
};

/** Waits for the executions that our trigger starts when the submitted tasks are done. */
async function waitForTriggered(
	{ rest }: Host,
	{ id, nodes }: ImportedWorkflow,
	execution: Execution,
): Promise<Execution[]> {
	if (!nodes.some(({ type }) => type === TRIGGER)) return [];
	const tasks = listOutputs(execution).filter(isOurs).length;
	let started: string[] = [];
	await waitUntil(async () => {
		const all = await listExecutionIds(rest, id);
		started = all.filter((one) => Number(one) > Number(execution.id));
		return started.length >= tasks;
	}, 'the executions that the trigger starts');
	return await Promise.all(started.map(async (one) => await waitForEnd(rest, one)));
}
