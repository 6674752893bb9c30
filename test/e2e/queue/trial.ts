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

/** Executions of one workflow, each with a prompt of its own, and what has come of them. */
export interface Trial {
	host: Host;
	workflow: ImportedWorkflow;
	prompts: string[];
	/** Prompts whose picture has arrived. */
	delivered: Set<string>;
	/** How long anything in it may take. */
	waitOptions: { seconds: number; signal: AbortSignal };
	/** Ends every wait. */
	abort(): void;
}

/** When half of the pictures are accepted, when all executions are parked, or when half are collected. */
export type Moment = 'submitting' | 'suspended' | 'collecting';

/** What there is before anybody mends anything. */
export interface TrialOutcome {
	/** Executions that n8n calls a success, and that have brought their picture. */
	finished: number;
	/** How n8n calls all of them. */
	statuses: Record<string, number>;
	/** Accepted and paid, and not delivered. */
	lost: number;
	/** Never accepted, so not paid. */
	neverSubmitted: number;
}

export interface Recovery {
	/** What "Retry execution" of all that did not finish has brought. */
	retry: RecoveryStep;
	/** What starting the rest again has brought. */
	startedAgain: RecoveryStep;
	/** Jobs beyond the first per picture, at the very end. */
	paidTwice: number;
}

export interface RecoveryStep {
	/** For how many it was done. */
	tried: number;
	images: number;
	/** Jobs that this has cost beside those that were paid already. */
	paidTwice: number;
	/** How n8n calls the new executions, and what it has said instead of starting one. */
	statuses: Record<string, number>;
}

const CONCURRENCY = 5;
let trials = 0;

/** A workflow of that shape, published, and prompts for it; nothing runs yet. */
export async function prepareTrial(
	host: Host,
	shape: ShapeName,
	executions: number,
	lateCallbacks = false,
): Promise<Trial> {
	const path = `queue-${++trials}`;
	if (lateCallbacks) {
		host.emulator.rule({ route: 'bfl.submit', prompt: `${path} ` }, { job: { webhook: 'late' } });
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
			return downloads.filter(({ jobId }) => ids.has(jobId)).length >= half;
		},
		suspended: async () => await areAllSuspended(host.rest, workflow.id, prompts.length),
	};
	await waitFor(reached[moment], `the moment of the blow (${moment})`, {
		...waitOptions,
		intervalMs: moment === 'suspended' ? 500 : 5,
	});
}

/** What a user can do about what has not finished: "Retry execution", then starting it again. */
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
	const { jobs } = host.emulator.ledger;
	const isAccepted = (prompt: string) => jobs.some((job) => job.prompt === prompt);
	const missing = prompts.filter((prompt) => !delivered.has(prompt));
	const lost = missing.filter(isAccepted).length;
	return { finished: images, statuses, lost, neverSubmitted: missing.length - lost };
}

/** How many new pictures these executions have brought, byte for byte. */
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

/** Calls the webhook again for what is still missing. */
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
