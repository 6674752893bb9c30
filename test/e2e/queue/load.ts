import { inParallel, wishes } from '../../bench/jobs';
import { between, randomFrom } from '../../emulator/images/random';
import type { Host } from '../host';
import type { Rest } from '../host/rest';
import { eventually, type Patience } from './eventually';

/** An execution as n8n's list shows it. */
export interface Listed {
	id: string;
	status: string;
	startedAt?: string | null;
	/** The execution that it repeats. */
	retryOf?: string | null;
}

const BUSY = ['new', 'running', 'unknown'];
const PARKED = ['waiting'];
export const OVER = ['success', 'error', 'crashed', 'canceled'];

const CALLERS = 8;
const SHORTEST_SECONDS = 1;
const LONGEST_SECONDS = 4;

/** Prompts of pictures that take between 1 and 4 s, the same for the same name. */
export function promptsFor(name: string, count: number): string[] {
	// every name the same durations, so that its figures can be compared with another's
	const random = randomFrom('queue');
	const seconds = Array.from({ length: count }, () =>
		Number(between(random, SHORTEST_SECONDS, LONGEST_SECONDS).toFixed(1)),
	);
	return wishes(name, seconds).map(({ prompt }) => prompt);
}

/** Has the webhook's workflow executed once for each prompt. */
export async function callAll({ url }: Host, path: string, prompts: string[]): Promise<void> {
	const call = async (prompt: string) =>
		await fetch(`${url}/webhook/${path}`, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ prompt }),
		});
	await inParallel(prompts, CALLERS, async (prompt) => {
		// not registered yet, some time after n8n has called it published; or without its database
		const known = async () => {
			const response = await call(prompt);
			return ![404, 503].includes(response.status) && response;
		};
		const response = await eventually(known, `the webhook ${path}`);
		if (!response.ok) throw new Error(`The webhook answered ${response.status}`);
	});
}

const MOST_IN_A_PAGE = 100;

/** All executions of the workflow in these states; those that were never started are left out. */
export async function list(rest: Rest, workflowId: string, status: string[]): Promise<Listed[]> {
	const found = new Map<string, Listed>();
	let startedBefore: string | undefined;
	for (;;) {
		const page = await pageOf(rest, { workflowId, status, startedBefore }, MOST_IN_A_PAGE);
		const before = found.size;
		page.forEach((one) => found.set(one.id, one));
		if (page.length < MOST_IN_A_PAGE || found.size === before) return [...found.values()];
		// n8n's own cursor goes by ID, and its order by time: it loses some
		startedBefore = page.at(-1)?.startedAt ?? undefined;
	}
}

async function pageOf(rest: Rest, filter: object, most: number): Promise<Listed[]> {
	const query = new URLSearchParams({ limit: String(most), filter: JSON.stringify(filter) });
	const page = await rest.call<{ results: Listed[] }>(
		'GET',
		`/rest/executions?${query.toString()}`,
	);
	return page.results;
}

const isNone = async (rest: Rest, workflowId: string, status: string[]) =>
	(await pageOf(rest, { workflowId, status }, 1)).length === 0;

export async function allParked(rest: Rest, workflowId: string, count: number): Promise<boolean> {
	const parked = await list(rest, workflowId, PARKED);
	return parked.length === count && (await isNone(rest, workflowId, BUSY));
}

/** Waits until none is open any more; `onLook` hears how many wait in n8n's database. */
export async function untilOver(
	rest: Rest,
	workflowId: string,
	onLook: (parked: number) => void,
	patience: Patience,
): Promise<void> {
	const isOver = async () => {
		onLook((await list(rest, workflowId, PARKED)).length);
		return await isNone(rest, workflowId, [...BUSY, ...PARKED]);
	};
	await eventually(isOver, 'the end of all executions', { everyMs: 1000, ...patience });
}
