import { setTimeout as delay } from 'node:timers/promises';
import { between, randomFrom } from '../../emulator/images/random';
import type { Host } from '../host';
import type { Rest } from '../host/rest';
import {
	importWorkflow,
	readExample,
	WEBHOOK,
	withCredentials,
	type ImportedWorkflow,
	type WorkflowFile,
	type WorkflowNode,
} from '../host/workflows';
import { startWorkers, type Cluster, type Workers } from './cluster';
import { countPayments } from './delivered';
import { callAll, createPrompts, waitUntilFinished } from './load';

/** The examples that keep every task in a table, with workers that are killed at any moment. */
export interface TablePlan {
	executions: number;
	workers: number;
	concurrency: number;
	/** How many workers are killed while the first workflow runs. One more is killed while the second collects. */
	kills: number;
}

export interface TableResult {
	name: string;
	plan: TablePlan;
	/** Tasks that the provider has accepted, before anything is started again. */
	accepted: number;
	/** Rows whose image was passed on, by the first workflow or by the collector. */
	collected: number;
	/** The part of them that the collector has passed on. */
	leftOver: number;
	/** Rows of which nobody knows whether they were paid for: the worker was killed in the moment of the request. */
	unclear: number;
	/** Unclear rows whose task the provider has accepted. */
	unclearAccepted: number;
	/** Prompts without a row: never requested. */
	notRequested: number;
	/** Accepted tasks of which no row knows anything. */
	lost: number;
	/** Collected rows after the prompts without a row were started again. */
	collectedInTheEnd: number;
	/** Tasks beyond the first per prompt, at the very end. */
	paidTwice: number;
}

interface TaskRow {
	prompt: string;
	state: string;
	taskId: string | null;
}

interface TableTrial {
	host: Host;
	submitting: ImportedWorkflow;
	collecting: ImportedWorkflow;
	prompts: string[];
}

const TABLE = 'FLUX.2 tasks';
const START = 'Start';
/** The examples' collector leaves younger rows alone. Here it is called when all other executions have ended. */
const AGE = { minutes: 'minutes: 3', seconds: 'seconds: 2' };
const AGE_MS = 3000;
const MAX_ROUNDS = 10;
const MAX_PAGE_SIZE = 250;
const MIN_SECONDS = 1;
const MAX_SECONDS = 4;
const WAIT_SECONDS = 900;

export const toTableName = ({ workers, concurrency, kills }: TablePlan): string =>
	`Every task in a table: ${workers} workers of ${concurrency}, ${kills + 1} get SIGKILL at any moment`;

export async function runTablePlan(cluster: Cluster, plan: TablePlan): Promise<TableResult> {
	const workers = await startWorkers(cluster, plan.workers, plan.concurrency);
	const all = [workers];
	try {
		const trial = await prepare(cluster.host, plan);
		// creates the table, so that no two executions do it at once
		await collectOnce(trial);
		await Promise.all([
			callAll(trial.host, trial.submitting.slug, trial.prompts),
			killWorkers(cluster, plan, all),
		]);
		await waitUntilEnded(trial, trial.submitting);
		return await countResult(cluster, plan, trial, all);
	} finally {
		for (const each of all) await each.stop();
	}
}

async function prepare(host: Host, { executions }: TablePlan): Promise<TableTrial> {
	const read = (slug: string) => readExample(slug, { n8nUrl: host.url, references: '' });
	const publish = async (path: string, file: WorkflowFile) =>
		await importWorkflow(host.rest, path, withCredentials(startedBy(path, file), host.credentials));
	const collector = JSON.stringify(read('task-table-collect')).replaceAll(AGE.minutes, AGE.seconds);
	return {
		host,
		submitting: await publish('queue-table', withCalledPrompt(read('task-table'))),
		collecting: await publish('queue-collect', JSON.parse(collector) as WorkflowFile),
		prompts: createPrompts('queue-table', executions),
	};
}

/** The example with a webhook in place of its manual trigger and its schedule: then it runs on a worker. */
function startedBy(path: string, file: WorkflowFile): WorkflowFile {
	const parameters = { httpMethod: 'POST', path, responseMode: 'onReceived', options: {} };
	const webhook = { type: WEBHOOK, typeVersion: 2, webhookId: path, parameters };
	const nodes = file.nodes
		.filter(({ type }) => !type.endsWith('.scheduleTrigger'))
		.map((node) => (node.name === START ? { ...node, ...webhook } : node));
	const names = nodes.map(({ name }) => name);
	const connections = Object.fromEntries(
		Object.entries(file.connections).filter(([name]) => names.includes(name)),
	);
	return { ...file, name: path, nodes, connections };
}

/** The prompt of the call in place of the example's own list. */
function withCalledPrompt(file: WorkflowFile): WorkflowFile {
	const jsonOutput = `={{ { prompts: [{ prompt: $('${START}').first().json.body.prompt }] } }}`;
	const call = (node: WorkflowNode): WorkflowNode =>
		node.name === 'Prompts' ? { ...node, parameters: { ...node.parameters, jsonOutput } } : node;
	return { ...file, nodes: file.nodes.map(call) };
}

/** One worker after the other, each at another moment; a new one takes its place. */
async function killWorkers(cluster: Cluster, plan: TablePlan, all: Workers[]): Promise<void> {
	const random = randomFrom('kills');
	for (let kill = 0; kill < plan.kills; kill++) {
		await delay(between(random, MIN_SECONDS, MAX_SECONDS) * 1000);
		await killOne(cluster, plan, all);
	}
}

async function killOne(
	cluster: Cluster,
	{ concurrency }: Pick<TablePlan, 'concurrency'>,
	all: Workers[],
): Promise<void> {
	const worker = all.flatMap((each) => each.all).find((each) => !each.hasEnded());
	if (!worker) throw new Error('No worker is left to be killed');
	cluster.log('  SIGKILL');
	process.kill(worker.pid, 'SIGKILL');
	await worker.ended;
	all.push(await startWorkers(cluster, 1, concurrency));
}

const waitUntilEnded = async ({ host }: TableTrial, { id }: ImportedWorkflow): Promise<void> =>
	await waitUntilFinished(host.rest, id, () => undefined, { seconds: WAIT_SECONDS });

async function collectOnce(trial: TableTrial): Promise<void> {
	await callAll(trial.host, trial.collecting.slug, ['']);
	await waitUntilEnded(trial, trial.collecting);
}

/** Lets the collector come round until no row is left over. */
async function collectAll(trial: TableTrial): Promise<TaskRow[]> {
	for (let round = 0; round < MAX_ROUNDS; round++) {
		const rows = await readRows(trial.host.rest);
		if (rows.every(({ state }) => !['submitted', 'submitting'].includes(state))) return rows;
		await delay(AGE_MS);
		await collectOnce(trial);
	}
	return await readRows(trial.host.rest);
}

async function countResult(
	cluster: Cluster,
	plan: TablePlan,
	trial: TableTrial,
	all: Workers[],
): Promise<TableResult> {
	const before = await readRows(trial.host.rest);
	await delay(AGE_MS);
	// killed while it collects; the next round goes on
	await Promise.all([collectOnce(trial), delay(500).then(() => killOne(cluster, plan, all))]);
	const rows = await collectAll(trial);
	const counted = countRows(trial, rows);
	await callAll(trial.host, trial.submitting.slug, missingIn(rows, trial.prompts));
	await waitUntilEnded(trial, trial.submitting);
	return {
		name: toTableName(plan),
		plan,
		...counted,
		leftOver: counted.collected - count(before, 'collected'),
		collectedInTheEnd: count(await collectAll(trial), 'collected'),
		paidTwice: countPayments(trial.host, trial.prompts).paidTwice,
	};
}

const count = (rows: readonly TaskRow[], state: string): number =>
	rows.filter((row) => row.state === state).length;

const missingIn = (rows: readonly TaskRow[], prompts: readonly string[]): string[] => {
	const known = new Set(rows.map(({ prompt }) => prompt));
	return prompts.filter((prompt) => !known.has(prompt));
};

function countRows({ host, prompts }: TableTrial, rows: readonly TaskRow[]) {
	const wanted = new Set(prompts);
	const { downloads, tasks: allTasks } = host.emulator.ledger;
	const tasks = allTasks.filter(({ prompt }) => wanted.has(prompt));
	const downloaded = new Set(downloads.map(({ taskId }) => taskId));
	const promptsOf = (state: string) =>
		new Set(rows.filter((row) => row.state === state).map(({ prompt }) => prompt));
	const unclear = promptsOf('unclear');
	const collected = rows.filter(
		({ state, taskId }) => state === 'collected' && taskId !== null && downloaded.has(taskId),
	);
	const known = new Set(collected.map(({ taskId }) => taskId));
	return {
		accepted: tasks.length,
		collected: collected.length,
		unclear: unclear.size,
		unclearAccepted: tasks.filter(({ prompt }) => unclear.has(prompt)).length,
		notRequested: missingIn(rows, prompts).length,
		lost: tasks.filter(({ id, prompt }) => !known.has(id) && !unclear.has(prompt)).length,
	};
}

/** The rows of the table, as the editor shows them. */
async function readRows(rest: Rest): Promise<TaskRow[]> {
	const filter = new URLSearchParams({ filter: JSON.stringify({ name: TABLE }) });
	const tables = await rest.call<{ data: Array<{ id: string; projectId: string }> }>(
		'GET',
		`/rest/data-tables-global?${filter.toString()}`,
	);
	const [table] = tables.data;
	if (!table) return [];
	const rows: TaskRow[] = [];
	for (;;) {
		const page = await rest.call<{ data: TaskRow[] }>(
			'GET',
			`/rest/projects/${table.projectId}/data-tables/${table.id}/rows?take=${MAX_PAGE_SIZE}&skip=${rows.length}`,
		);
		rows.push(...page.data);
		if (page.data.length < MAX_PAGE_SIZE) return rows;
	}
}
