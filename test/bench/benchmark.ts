import type { BenchmarkContext } from './context';

/** A line of the printed table. */
export interface Row {
	figure: string;
	value: string;
	/** What the value is compared with, and the ratio of the two. */
	comparison?: string;
	meaning: string;
}

/** One file in benchmarks/: what it measures, as JSON, and its lines in the table. */
export interface Benchmark<Figures> {
	measure: (context: BenchmarkContext) => Promise<Figures>;
	rows: (figures: Figures) => Row[];
}

/** Another client's value, and ours as a ratio of it. */
export function compareWith(name: string, ours: number, theirs: number, unit: string): string {
	return `${name}: ${theirs} ${unit}, ours is ${(ours / theirs).toFixed(2)} of it`;
}
