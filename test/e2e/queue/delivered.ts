import { mapConcurrently } from '../../bench/tasks';
import type { TaskRecord } from '../../emulator';
import { PaidTasks } from '../checks/paidTasks';
import { examine } from '../checks/evidence';
import type { Host } from '../host';
import { waitForEnd, isOurs, listOutputs, type Execution } from '../host/executions';
import type { ListedExecution } from './load';

/** The payments for some prompts. */
export interface Account {
	/** Tasks that the provider has accepted. */
	accepted: number;
	/** Tasks beyond the first for the same prompt. */
	paidTwice: number;
}

export function countPayments({ emulator }: Host, prompts: readonly string[]): Account {
	const wanted = new Set(prompts);
	const tasks = emulator.ledger.tasks.filter(({ prompt }) => wanted.has(prompt));
	return {
		accepted: tasks.length,
		paidTwice: tasks.length - new Set(tasks.map(({ prompt }) => prompt)).size,
	};
}

/** The IDs of these prompts' tasks. */
export function findTaskIds({ emulator }: Host, prompts: readonly string[]): Set<string> {
	const wanted = new Set(prompts);
	const tasks = emulator.ledger.tasks.filter(({ prompt }) => wanted.has(prompt));
	return new Set(tasks.map(({ id }) => id));
}

const CONCURRENCY = 5;

/** Adds the prompts whose images these executions have delivered. */
export async function collectDelivered(
	delivered: Set<string>,
	host: Host,
	executions: ListedExecution[],
): Promise<void> {
	const good = executions.filter(({ status }) => status === 'success');
	await mapConcurrently(good, CONCURRENCY, async ({ id }) => {
		const prompt = await findDeliveredPrompt(host, id);
		if (prompt !== undefined) delivered.add(prompt);
	});
}

/** Finds the prompt whose image an execution has delivered, byte for byte. */
async function findDeliveredPrompt(host: Host, id: string): Promise<string | undefined> {
	const execution = await waitForEnd(host.rest, id);
	const tasks = findShownTasks(host, execution);
	if (tasks.length === 0) return undefined;
	await examine(host, execution, new PaidTasks(host.emulator.ledger));
	return tasks[0]?.prompt;
}

const findShownTasks = ({ emulator }: Host, execution: Execution): TaskRecord[] =>
	listOutputs(execution)
		.filter((output) => isOurs(output) && output.item.binary)
		.flatMap(({ item }) => emulator.ledger.task(item.json.taskId as string) ?? []);
