import { inParallel } from '../../bench/jobs';
import type { TaskRecord } from '../../emulator';
import { Claims } from '../checks/claims';
import { examine } from '../checks/evidence';
import type { Host } from '../host';
import { ended, isOurs, outputsOf, type Execution } from '../host/executions';
import type { Listed } from './load';

/** What the service has been paid for and what has arrived, for some prompts. */
export interface Account {
	/** Jobs that the service has accepted. */
	accepted: number;
	/** Jobs beyond the first for the same prompt. */
	paidTwice: number;
}

export function accountOf({ emulator }: Host, prompts: readonly string[]): Account {
	const wanted = new Set(prompts);
	const jobs = emulator.ledger.tasks.filter(({ prompt }) => wanted.has(prompt));
	return {
		accepted: jobs.length,
		paidTwice: jobs.length - new Set(jobs.map(({ prompt }) => prompt)).size,
	};
}

/** The jobs of these prompts. */
export function idsOf({ emulator }: Host, prompts: readonly string[]): Set<string> {
	const wanted = new Set(prompts);
	const jobs = emulator.ledger.tasks.filter(({ prompt }) => wanted.has(prompt));
	return new Set(jobs.map(({ id }) => id));
}

const AT_ONCE = 5;

/** Notes down the prompts whose pictures these executions have brought. */
export async function collectInto(
	delivered: Set<string>,
	host: Host,
	executions: Listed[],
): Promise<void> {
	const good = executions.filter(({ status }) => status === 'success');
	await inParallel(good, AT_ONCE, async ({ id }) => {
		const prompt = await promptOf(host, id);
		if (prompt !== undefined) delivered.add(prompt);
	});
}

/** The prompt whose picture an execution has brought, byte for byte; undefined when it has none. */
async function promptOf(host: Host, id: string): Promise<string | undefined> {
	const execution = await ended(host.rest, id);
	const jobs = jobsShown(host, execution);
	if (jobs.length === 0) return undefined;
	await examine(host, execution, new Claims(host.emulator.ledger));
	return jobs[0]?.prompt;
}

const jobsShown = ({ emulator }: Host, execution: Execution): TaskRecord[] =>
	outputsOf(execution)
		.filter((output) => isOurs(output) && output.item.binary)
		.flatMap(({ item }) => emulator.ledger.task(item.json.taskId as string) ?? []);
