import type { Benchmark, Row } from './benchmark';
import { cpu } from './benchmarks/cpu';
import { download } from './benchmarks/download';
import { events } from './benchmarks/events';
import { lateness } from './benchmarks/lateness';
import { load } from './benchmarks/load';
import { makespan } from './benchmarks/makespan';
import { memory } from './benchmarks/memory';
import { refusals } from './benchmarks/refusals';
import { tarballKb } from './benchmarks/tarballKb';
import type { Sizes } from './sizes';
import { withContext, type BenchmarkContext } from './context';

/** Every benchmark by its key in the JSON, in running order. A new one takes a file and a line here. */
export const benchmarks = {
	lateness,
	makespan,
	refusals,
	download,
	events,
	memory,
	load,
	cpu,
	tarballKb,
};

export type Name = keyof typeof benchmarks;

export type Figures = {
	[N in Name]?: (typeof benchmarks)[N] extends Benchmark<infer F> ? F : never;
};

export const NAMES = Object.keys(benchmarks) as Name[];

/** Runs the benchmarks one after the other. */
export async function measure(
	names: readonly Name[],
	sizes: Sizes,
	log: (text: string) => void,
): Promise<Figures> {
	return await withContext(sizes, log, async (context: BenchmarkContext) => {
		const figures: Record<string, unknown> = {};
		for (const name of names) figures[name] = await benchmarks[name].measure(context);
		return figures;
	});
}

export const toRows = (figures: Figures): Row[] =>
	NAMES.filter((name) => figures[name] !== undefined).flatMap((name) =>
		(benchmarks[name] as Benchmark<unknown>).rows(figures[name]),
	);
