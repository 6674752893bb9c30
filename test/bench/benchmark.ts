import type { BenchmarkContext } from './context';

/** A line of the table that people read. */
export interface Row {
	figure: string;
	value: string;
	/** What the value is compared with, and how it relates to that. */
	comparison?: string;
	meaning: string;
}

/** One file in benchmarks/: what it measures, as JSON, and how people read it. */
export interface Benchmark<Figures> {
	measure: (context: BenchmarkContext) => Promise<Figures>;
	rows: (figures: Figures) => Row[];
}

/** The other one's value, and ours in relation to it. */
export function compareWith(name: string, ours: number, theirs: number, unit: string): string {
	return `${name}: ${theirs} ${unit}, ours is ${(ours / theirs).toFixed(2)} of it`;
}
