import type { Run, RunningWorkflow } from './engine';
import { until } from './lab';

export interface Stopped {
	run: Run;
	/** From n8n's cancel to the end of the execution. */
	returnedMs: number;
	/** From n8n's cancel until no connection and no timer of the execution was left. */
	quietMs: number;
}

const WATCHED = /^(Timeout|TCP|TLS|Pipe|GetAddrInfo)/;

/** How many connections and timers this process holds, the emulator's included. */
export function openHandles(): Record<string, number> {
	const counts: Record<string, number> = {};
	for (const kind of process.getActiveResourcesInfo()) {
		if (WATCHED.test(kind)) counts[kind] = (counts[kind] ?? 0) + 1;
	}
	return counts;
}

/**
 * Stops an execution and waits until nothing of it is left.
 * @param before `openHandles()` before it was started
 * @param isOver whatever else shall have been seen, like the provider's cancelled tasks
 */
export async function stopAndSettle(
	{ done, stop }: RunningWorkflow,
	before: Record<string, number>,
	isOver: () => boolean = () => true,
): Promise<Stopped> {
	const stoppedAt = performance.now();
	stop();
	const run = await done;
	const returnedMs = performance.now() - stoppedAt;
	await until(isOver);
	const left = () =>
		Object.entries(openHandles()).filter(([kind, count]) => count > (before[kind] ?? 0));
	await until(() => left().length === 0).catch(() => {
		throw new Error(`Still open after 10 s: ${JSON.stringify(left())}`);
	});
	return { run, returnedMs, quietMs: performance.now() - stoppedAt };
}

/** One line per situation, in milliseconds. */
export function stopTable(
	rows: ReadonlyMap<string, Pick<Stopped, 'returnedMs' | 'quietMs'>>,
): string {
	const width = Math.max(...[...rows.keys()].map(({ length }) => length));
	const line = (name: string, ...cells: string[]) =>
		[name.padEnd(width), ...cells.map((cell) => cell.padStart(11))].join('');
	return [
		line('stopped in the middle of', 'returned', 'quiet'),
		...[...rows].map(([name, { returnedMs, quietMs }]) =>
			line(name, ...[returnedMs, quietMs].map((ms) => `${ms.toFixed(1)} ms`)),
		),
	].join('\n');
}
