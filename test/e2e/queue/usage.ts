import { readFile, writeFile } from 'node:fs/promises';

/** What a process has used. Only Linux provides these figures. */
export interface Usage {
	/** Maximum memory since the measurement began. */
	peakMegabytes: number;
	/** Processor time since the measurement began. */
	processorSeconds: number;
}

/** Linux's unit of processor time, on every architecture that n8n runs on. */
const TICKS_PER_SECOND = 100;

/** Starts to measure a process; the returned function reads what it has used since. */
export async function measureUsage(pid: number): Promise<() => Promise<Usage | undefined>> {
	const before = await readProcessorSeconds(pid);
	// resets the peak
	await writeFile(`/proc/${pid}/clear_refs`, '5').catch(() => undefined);
	return async () => {
		const [after, peak] = [await readProcessorSeconds(pid), await readPeakMegabytes(pid)];
		if (before === undefined || after === undefined || peak === undefined) return undefined;
		return { peakMegabytes: peak, processorSeconds: after - before };
	};
}

async function readProcessorSeconds(pid: number): Promise<number | undefined> {
	const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
	// the program's name, in brackets, may contain spaces
	const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
	return fields && (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

async function readPeakMegabytes(pid: number): Promise<number | undefined> {
	const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
	const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
	return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
}
