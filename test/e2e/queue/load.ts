import { mapConcurrently, createTasks } from '../../bench/tasks';
import { between, randomFrom } from '../../emulator/images/random';
import type { Host } from '../host';
import type { Rest } from '../host/rest';
import { waitFor, type WaitOptions } from './waitFor';

/** An execution in n8n's list. */
export interface ListedExecution {
	id: string;
	status: string;
	startedAt?: string | null;
	/** The execution that it retries. */
	retryOf?: string | null;
}

const ACTIVE_STATUSES = ['new', 'running', 'unknown'];
const WAITING_STATUSES = ['waiting'];
export const FINAL_STATUSES = ['success', 'error', 'crashed', 'canceled'];

const MAX_CONCURRENT_CALLS = 8;
const MIN_SECONDS = 1;
const MAX_SECONDS = 4;

/** Prompts of images that take between 1 and 4 s, the same for the same name. */
export function createPrompts(name: string, count: number): string[] {
	// all names get the same durations, so that their figures can be compared
	const random = randomFrom('queue');
	const seconds = Array.from({ length: count }, () =>
		Number(between(random, MIN_SECONDS, MAX_SECONDS).toFixed(1)),
	);
	return createTasks(name, seconds).map(({ prompt }) => prompt);
}

/** Calls the webhook once for each prompt. */
export async function callAll({ url }: Host, path: string, prompts: string[]): Promise<void> {
	const call = async (prompt: string) =>
		await fetch(`${url}/webhook/${path}`, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ prompt }),
		});
	await mapConcurrently(prompts, MAX_CONCURRENT_CALLS, async (prompt) => {
		// 404 until n8n has registered the published webhook, 503 while it has no database connection
		const callWhenRegistered = async () => {
			const response = await call(prompt);
			return ![404, 503].includes(response.status) && response;
		};
		const response = await waitFor(callWhenRegistered, `the webhook ${path}`);
		if (!response.ok) throw new Error(`The webhook responded ${response.status}`);
	});
}

const MAX_PAGE_SIZE = 100;

/** Lists the workflow's executions with these statuses, without those that were never started. */
export async function listExecutions(
	rest: Rest,
	workflowId: string,
	status: string[],
): Promise<ListedExecution[]> {
	const found = new Map<string, ListedExecution>();
	let startedBefore: string | undefined;
	for (;;) {
		const page = await readPage(rest, { workflowId, status, startedBefore }, MAX_PAGE_SIZE);
		const before = found.size;
		page.forEach((one) => found.set(one.id, one));
		if (page.length < MAX_PAGE_SIZE || found.size === before) return [...found.values()];
		// n8n's cursor goes by ID and its order by time, so its cursor would skip some
		startedBefore = page.at(-1)?.startedAt ?? undefined;
	}
}

async function readPage(rest: Rest, filter: object, limit: number): Promise<ListedExecution[]> {
	const query = new URLSearchParams({ limit: String(limit), filter: JSON.stringify(filter) });
	const page = await rest.call<{ results: ListedExecution[] }>(
		'GET',
		`/rest/executions?${query.toString()}`,
	);
	return page.results;
}

const isNone = async (rest: Rest, workflowId: string, status: string[]) =>
	(await readPage(rest, { workflowId, status }, 1)).length === 0;

export async function areAllSuspended(
	rest: Rest,
	workflowId: string,
	count: number,
): Promise<boolean> {
	const suspended = await listExecutions(rest, workflowId, WAITING_STATUSES);
	return suspended.length === count && (await isNone(rest, workflowId, ACTIVE_STATUSES));
}

/** Waits until no execution is active or suspended; `onPoll` gets the number of suspended ones. */
export async function waitUntilFinished(
	rest: Rest,
	workflowId: string,
	onPoll: (suspended: number) => void,
	waitOptions: WaitOptions,
): Promise<void> {
	const areFinished = async () => {
		onPoll((await listExecutions(rest, workflowId, WAITING_STATUSES)).length);
		return await isNone(rest, workflowId, [...ACTIVE_STATUSES, ...WAITING_STATUSES]);
	};
	await waitFor(areFinished, 'the end of all executions', { intervalMs: 1000, ...waitOptions });
}
