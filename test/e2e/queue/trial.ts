import { mapConcurrently } from '../../bench/tasks';
import type { Host } from '../host';
import type { ImportedWorkflow } from '../host/workflows';
import { countPayments, collectDelivered, findTaskIds } from './delivered';
import { waitFor } from './waitFor';
import {
	areAllSuspended,
	callAll,
	listExecutions,
	FINAL_STATUSES,
	createPrompts,
	waitUntilFinished,
	type ListedExecution,
} from './load';
import { publish, type ShapeName } from './shapes';

/** Executions of one workflow, each with its own prompt, and their results. */
export interface Trial {
	host: Host;
	workflow: ImportedWorkflow;
	prompts: string[];
	/** Prompts whose image was delivered. */
	delivered: Set<string>;
	/** Limits of every wait. */
	waitOptions: { seconds: number; signal: AbortSignal };
	/** Ends every wait. */
	abort(): void;
}

/** When half of the tasks are accepted, when all executions are suspended, or when half of the images are downloaded. */
export type Moment = 'submitting' | 'suspended' | 'collecting';

/** The results before any recovery. */
export interface TrialOutcome {
	/** Successful executions that have delivered their image. */
	finished: number;
	/** Number of executions by status. */
	statuses: Record<string, number>;
	/** Accepted and paid, and not delivered. */
	lost: number;
	/** Never accepted, so not paid. */
	neverSubmitted: number;
}

export interface Recovery {
	/** After *Retry execution* of all that did not finish. */
	retry: RecoveryStep;
	/** After new executions for the rest. */
	startedAgain: RecoveryStep;
	/** Tasks beyond the first per prompt, at the very end. */
	paidTwice: number;
}

export interface RecoveryStep {
	/** Number of executions that were retried or started. */
	tried: number;
	images: number;
	/** Further tasks for prompts that were already paid for. */
	paidTwice: number;
	/** Number of new executions by status, and n8n's messages where it has not started one. */
	statuses: Record<string, number>;
}

const CONCURRENCY = 5;
let trials = 0;

/** Publishes a workflow of that shape and creates prompts for it; nothing runs yet. */
export async function prepareTrial(
	host: Host,
	shape: ShapeName,
	executions: number,
	lateCallbacks = false,
): Promise<Trial> {
	const path = `queue-${++trials}`;
	if (lateCallbacks) {
		host.emulator.rule({ route: 'bfl.submit', prompt: `${path} ` }, { task: { webhook: 'late' } });
	}
	const abortController = new AbortController();
	return {
		host,
		workflow: await publish(host, shape, path),
		prompts: createPrompts(path, executions),
		delivered: new Set(),
		// n8n waits up to a minute and a half for a silent worker; the rest grows with the work
		waitOptions: { seconds: 600 + executions * 4, signal: abortController.signal },
		abort: () => abortController.abort(),
	};
}

export const callOncePerPrompt = async ({ host, workflow, prompts }: Trial): Promise<void> =>
	await callAll(host, workflow.slug, prompts);

export async function waitUntilTrialFinished(
	{ host, workflow, waitOptions }: Trial,
	onPoll: (suspended: number) => void = () => undefined,
): Promise<void> {
	await waitUntilFinished(host.rest, workflow.id, onPoll, waitOptions);
}

export async function waitForMoment(trial: Trial, moment: Moment): Promise<void> {
	const { host, workflow, prompts, waitOptions } = trial;
	const half = prompts.length / 2;
	const { downloads } = host.emulator.ledger;
	const reached = {
		submitting: () => findTaskIds(host, prompts).size >= half,
		collecting: () => {
			const ids = findTaskIds(host, prompts);
			return downloads.filter(({ taskId }) => ids.has(taskId)).length >= half;
		},
		suspended: async () => await areAllSuspended(host.rest, workflow.id, prompts.length),
	};
	await waitFor(reached[moment], `the moment to terminate (${moment})`, {
		...waitOptions,
		intervalMs: moment === 'suspended' ? 500 : 5,
	});
}

/** What a user can do about unfinished executions: *Retry execution*, then new ones. */
export async function recover(trial: Trial): Promise<Recovery> {
	const retry = await retryAll(trial);
	const startedAgain = await startAgain(trial);
	return { retry, startedAgain, paidTwice: countPaidTwice(trial) };
}

const countPaidTwice = ({ host, prompts }: Trial) => countPayments(host, prompts).paidTwice;

export async function countOutcome(trial: Trial): Promise<TrialOutcome> {
	const { host, workflow, prompts, delivered } = trial;
	const executions = await listExecutions(host.rest, workflow.id, FINAL_STATUSES);
	const statuses: Record<string, number> = {};
	for (const { status } of executions) increment(statuses, status);
	const images = await collect(trial, executions);
	const { tasks } = host.emulator.ledger;
	const isAccepted = (prompt: string) => tasks.some((task) => task.prompt === prompt);
	const missing = prompts.filter((prompt) => !delivered.has(prompt));
	const lost = missing.filter(isAccepted).length;
	return { finished: images, statuses, lost, neverSubmitted: missing.length - lost };
}

/** Counts the new images that these executions have delivered, byte for byte. */
async function collect({ host, delivered }: Trial, executions: ListedExecution[]): Promise<number> {
	const before = delivered.size;
	await collectDelivered(delivered, host, executions);
	return delivered.size - before;
}

/** The editor's *Retry execution* for every execution that did not succeed. */
async function retryAll(trial: Trial): Promise<RecoveryStep> {
	const { host, workflow } = trial;
	const { rest } = host;
	const failed = (await listExecutions(rest, workflow.id, FINAL_STATUSES)).filter(
		({ status }) => status !== 'success',
	);
	const paidBefore = countPaidTwice(trial);
	const statuses: Record<string, number> = {};
	await mapConcurrently(failed, CONCURRENCY, async ({ id }) => {
		await rest
			.call('POST', `/rest/executions/${id}/retry`, { loadWorkflow: false })
			.catch((error: Error) => increment(statuses, error.message.replaceAll(id, '…')));
	});
	await waitUntilTrialFinished(trial);
	const retried = (await listExecutions(rest, workflow.id, FINAL_STATUSES)).filter(
		({ retryOf }) => retryOf,
	);
	return { tried: failed.length, ...(await countRecovered(trial, retried, paidBefore, statuses)) };
}

/** Calls the webhook again for the missing images. */
async function startAgain(trial: Trial): Promise<RecoveryStep> {
	const { host, workflow, prompts, delivered } = trial;
	const missing = prompts.filter((prompt) => !delivered.has(prompt));
	const paidBefore = countPaidTwice(trial);
	const known = new Set(
		(await listExecutions(host.rest, workflow.id, FINAL_STATUSES)).map(({ id }) => id),
	);
	await callAll(host, workflow.slug, missing);
	await waitUntilTrialFinished(trial);
	const started = (await listExecutions(host.rest, workflow.id, FINAL_STATUSES)).filter(
		({ id }) => !known.has(id),
	);
	return { tried: missing.length, ...(await countRecovered(trial, started, paidBefore)) };
}

async function countRecovered(
	trial: Trial,
	executions: ListedExecution[],
	paidBefore: number,
	statuses: Record<string, number> = {},
): Promise<Omit<RecoveryStep, 'tried'>> {
	for (const { status } of executions) increment(statuses, status);
	const images = await collect(trial, executions);
	return { images, paidTwice: countPaidTwice(trial) - paidBefore, statuses };
}

const increment = (counts: Record<string, number>, what: string) =>
	(counts[what] = (counts[what] ?? 0) + 1);
