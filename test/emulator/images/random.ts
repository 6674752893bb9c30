import { createHash } from 'node:crypto';

/** A number in 0 … 1 (1 excluded); the same sequence for the same seed text. */
export type Random = () => number;

/** Mulberry32, seeded with a hash of the text. */
export function randomFrom(text: string): Random {
	let state = createHash('sha256').update(text).digest().readUInt32LE(0);
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
	};
}

export function between(random: Random, low: number, high: number): number {
	return low + random() * (high - low);
}

export function pickOne<T>(random: Random, list: readonly T[]): T {
	return list[Math.floor(random() * list.length)] as T;
}
