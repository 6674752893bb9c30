import { deepEqual, equal, ok } from 'node:assert/strict';
import { sha256 } from '../../emulator/images';
import type { Host } from '../host';
import {
	ended,
	executionsOf,
	isOurs,
	outputsOf,
	startManually,
	type Execution,
} from '../host/executions';
import {
	MANUAL,
	TRIGGER,
	WEBHOOK,
	type ImportedWorkflow,
	type WorkflowNode,
} from '../host/workflows';
import { until } from './check';
import type { Claims } from './claims';
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

/** Executes the example in every way in which it can be started, and examines what comes out. */
export async function runExample(
	host: Host,
	example: ImportedWorkflow,
	claims: Claims,
): Promise<Row[]> {
	const starters = example.nodes.filter(
		({ type, disabled }) => !disabled && [MANUAL, WEBHOOK].includes(type),
	);
	ok(starters.length > 0, `${example.slug} can be started by hand or by a webhook`);
	const rows: Row[] = [];
	for (const starter of starters) rows.push(await runOnce(host, example, starter, claims));
	return rows;
}

async function runOnce(
	host: Host,
	example: ImportedWorkflow,
	starter: WorkflowNode,
	claims: Claims,
): Promise<Row> {
	const started = Date.now();
	const byWebhook = starter.type === WEBHOOK;
	const { execution, answer } = byWebhook
		? await call(host, example, starter)
		: { execution: await byHand(host, example, starter), answer: undefined };
	const executions = [execution, ...(await followers(host, example, execution))];
	const seconds = (Date.now() - started) / 1000;
	const found = [];
	for (const one of executions) {
		equal(one.status, 'success', one.error);
		found.push(await examine(host, one, claims));
	}
	const pictures = found.flatMap((evidence) => evidence.pictures);
	ok(pictures.length > 0, 'a picture comes out');
	const errors = found.flatMap((evidence) => evidence.errors);
	deepEqual(errors, ERRORS[example.slug] ?? [], 'no other errors come out');
	if (answer) ok(pictures.includes(sha256(answer)), 'the webhook answers with the picture');
	return {
		version: host.n8n.of.version,
		binaryMode: host.environment.N8N_DEFAULT_BINARY_DATA_MODE ?? '',
		workflow: byWebhook ? `${example.slug} (webhook)` : example.slug,
		items: sum(found.map(({ items }) => items)),
		seconds,
		images: pictures.length,
		submissions: found[0]?.submissions ?? 0,
	};
}

const sum = (numbers: number[]) => numbers.reduce((all, one) => all + one, 0);

const byHand = async ({ rest }: Host, { id }: ImportedWorkflow, { name }: WorkflowNode) =>
	await ended(rest, await startManually(rest, id, name));

async function call(
	{ url, rest }: Host,
	{ id }: ImportedWorkflow,
	{ parameters }: WorkflowNode,
): Promise<{ execution: Execution; answer: Buffer }> {
	const { path, httpMethod = 'GET' } = parameters as { path: string; httpMethod?: string };
	const response = await fetch(`${url}/webhook/${path}`, { method: httpMethod });
	const answer = Buffer.from(await response.arrayBuffer());
	equal(response.status, 200, `the webhook answers ${answer.toString('utf8', 0, 300)}`);
	const [newest = ''] = await executionsOf(rest, id);
	return { execution: await ended(rest, newest), answer };
}

/** What our trigger starts when the tasks that the execution has submitted are done. */
async function followers(
	{ rest }: Host,
	{ id, nodes }: ImportedWorkflow,
	execution: Execution,
): Promise<Execution[]> {
	if (!nodes.some(({ type }) => type === TRIGGER)) return [];
	const tasks = outputsOf(execution).filter(isOurs).length;
	let started: string[] = [];
	await until(async () => {
		const all = await executionsOf(rest, id);
		started = all.filter((one) => Number(one) > Number(execution.id));
		return started.length >= tasks;
	}, 'the executions that the trigger starts');
	return await Promise.all(started.map(async (one) => await ended(rest, one)));
}
