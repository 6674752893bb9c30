import { readFile, writeFile } from 'node:fs/promises';

/** What a process has used; undefined where the system does not tell (it is Linux that does). */
export interface Usage {
	/** Most memory it had at once since the measurement began. */
	peakMegabytes: number;
	/** Processor time since the measurement began. */
	processorSeconds: number;
}

/** Linux counts in these, on every architecture that n8n runs on. */
const TICKS_PER_SECOND = 100;

/** Begins to measure a process; the function returned says what it has used until then. */
export async function measureUsage(pid: number): Promise<() => Promise<Usage | undefined>> {
	const before = await readProcessorSeconds(pid);
	// forgets the peak so far
	await writeFile(`/proc/${pid}/clear_refs`, '5').catch(() => undefined);
	return async () => {
		const [after, peak] = [await readProcessorSeconds(pid), await readPeakMegabytes(pid)];
		if (before === undefined || after === undefined || peak === undefined) return undefined;
		return { peakMegabytes: peak, processorSeconds: after - before };
	};
}

async function readProcessorSeconds(pid: number): Promise<number | undefined> {
	const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
	// the program's name, in brackets, may hold spaces
	const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
	return fields && (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

async function readPeakMegabytes(pid: number): Promise<number | undefined> {
	const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
	const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
	return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
}
