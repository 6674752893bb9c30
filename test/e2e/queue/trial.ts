import { inParallel } from '../../bench/jobs';
import type { Host } from '../host';
import type { ImportedWorkflow } from '../host/workflows';
import { accountOf, collectInto, idsOf } from './delivered';
import { eventually } from './eventually';
import { allParked, callAll, list, OVER, promptsFor, untilOver, type Listed } from './load';
import { publish, type ShapeName } from './shapes';

/** Executions of one workflow, each with a prompt of its own, and what has come of them. */
export interface Trial {
	host: Host;
	workflow: ImportedWorkflow;
	prompts: string[];
	/** Prompts whose picture has arrived. */
	delivered: Set<string>;
	/** How long anything in it may take. */
	patience: { seconds: number; signal: AbortSignal };
	/** Ends every wait. */
	giveUp(): void;
}

/** When half of the pictures are accepted, when all executions are parked, or when half are collected. */
export type Moment = 'submitting' | 'parked' | 'collecting';

/** What there is before anybody mends anything. */
export interface Stock {
	/** Executions that n8n calls a success, and that have brought their picture. */
	finished: number;
	/** How n8n calls all of them. */
	ends: Record<string, number>;
	/** Accepted and paid, and not delivered. */
	lost: number;
	/** Never accepted, so not paid. */
	neverSubmitted: number;
}

export interface Mended {
	/** What "Retry execution" of all that did not finish has brought. */
	retry: Repair;
	/** What starting the rest again has brought. */
	startedAgain: Repair;
	/** Jobs beyond the first per picture, at the very end. */
	paidTwice: number;
}

export interface Repair {
	/** For how many it was done. */
	tried: number;
	pictures: number;
	/** Jobs that this has cost beside those that were paid already. */
	paidTwice: number;
	/** How n8n calls the new executions, and what it has said instead of starting one. */
	ends: Record<string, number>;
}

const AT_ONCE = 5;
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
		host.emulator.rule({ route: 'bfl.submit', prompt: `${path} ` }, { task: { webhook: 'late' } });
	}
	const over = new AbortController();
	return {
		host,
		workflow: await publish(host, shape, path),
		prompts: promptsFor(path, executions),
		delivered: new Set(),
		// n8n waits up to a minute and a half for a silent worker; the rest grows with the work
		patience: { seconds: 600 + executions * 4, signal: over.signal },
		giveUp: () => over.abort(),
	};
}

export const callOnceEach = async ({ host, workflow, prompts }: Trial): Promise<void> =>
	await callAll(host, workflow.slug, prompts);

export async function untilTrialOver(
	{ host, workflow, patience }: Trial,
	onLook: (parked: number) => void = () => undefined,
): Promise<void> {
	await untilOver(host.rest, workflow.id, onLook, patience);
}

export async function untilMoment(trial: Trial, moment: Moment): Promise<void> {
	const { host, workflow, prompts, patience } = trial;
	const half = prompts.length / 2;
	const { downloads } = host.emulator.ledger;
	const reached = {
		submitting: () => idsOf(host, prompts).size >= half,
		collecting: () => {
			const ids = idsOf(host, prompts);
			return downloads.filter(({ taskId: jobId }) => ids.has(jobId)).length >= half;
		},
		parked: async () => await allParked(host.rest, workflow.id, prompts.length),
	};
	await eventually(reached[moment], `the moment of the blow (${moment})`, {
		...patience,
		everyMs: moment === 'parked' ? 500 : 5,
	});
}

/** What a user can do about what has not finished: "Retry execution", then starting it again. */
export async function mend(trial: Trial): Promise<Mended> {
	const retry = await retryAll(trial);
	const startedAgain = await startAgain(trial);
	return { retry, startedAgain, paidTwice: paidTwiceIn(trial) };
}

const paidTwiceIn = ({ host, prompts }: Trial) => accountOf(host, prompts).paidTwice;

export async function takeStock(trial: Trial): Promise<Stock> {
	const { host, workflow, prompts, delivered } = trial;
	const executions = await list(host.rest, workflow.id, OVER);
	const ends: Record<string, number> = {};
	for (const { status } of executions) count(ends, status);
	const pictures = await collect(trial, executions);
	const { tasks: jobs } = host.emulator.ledger;
	const isAccepted = (prompt: string) => jobs.some((job) => job.prompt === prompt);
	const missing = prompts.filter((prompt) => !delivered.has(prompt));
	const lost = missing.filter(isAccepted).length;
	return { finished: pictures, ends, lost, neverSubmitted: missing.length - lost };
}

/** How many new pictures these executions have brought, byte for byte. */
async function collect({ host, delivered }: Trial, executions: Listed[]): Promise<number> {
	const before = delivered.size;
	await collectInto(delivered, host, executions);
	return delivered.size - before;
}

/** The editor's *Retry execution* for every execution that did not succeed. */
async function retryAll(trial: Trial): Promise<Repair> {
	const { host, workflow } = trial;
	const { rest } = host;
	const failed = (await list(rest, workflow.id, OVER)).filter(({ status }) => status !== 'success');
	const paid = paidTwiceIn(trial);
	const ends: Record<string, number> = {};
	await inParallel(failed, AT_ONCE, async ({ id }) => {
		await rest
			.call('POST', `/rest/executions/${id}/retry`, { loadWorkflow: false })
			.catch((error: Error) => count(ends, error.message.replaceAll(id, '…')));
	});
	await untilTrialOver(trial);
	const retried = (await list(rest, workflow.id, OVER)).filter(({ retryOf }) => retryOf);
	return { tried: failed.length, ...(await mended(trial, retried, paid, ends)) };
}

/** Calls the webhook again for what is still missing. */
async function startAgain(trial: Trial): Promise<Repair> {
	const { host, workflow, prompts, delivered } = trial;
	const missing = prompts.filter((prompt) => !delivered.has(prompt));
	const paid = paidTwiceIn(trial);
	const known = new Set((await list(host.rest, workflow.id, OVER)).map(({ id }) => id));
	await callAll(host, workflow.slug, missing);
	await untilTrialOver(trial);
	const anew = (await list(host.rest, workflow.id, OVER)).filter(({ id }) => !known.has(id));
	return { tried: missing.length, ...(await mended(trial, anew, paid)) };
}

async function mended(
	trial: Trial,
	executions: Listed[],
	paidBefore: number,
	ends: Record<string, number> = {},
): Promise<Omit<Repair, 'tried'>> {
	for (const { status } of executions) count(ends, status);
	const pictures = await collect(trial, executions);
	return { pictures, paidTwice: paidTwiceIn(trial) - paidBefore, ends };
}

const count = (counts: Record<string, number>, what: string) =>
	(counts[what] = (counts[what] ?? 0) + 1);
