import { between, randomFrom } from '../emulator/images/random';

export const sum = (numbers: readonly number[]): number =>
	numbers.reduce((total, one) => total + one, 0);

export function mean(numbers: readonly number[]): number {
	if (numbers.length === 0) throw new RangeError('nothing was measured');
	return sum(numbers) / numbers.length;
}

/** The smallest number that at least `percent` per cent of the numbers do not exceed. */
export function percentile(numbers: readonly number[], percent: number): number {
	const sorted = [...numbers].sort((a, b) => a - b);
	const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
	const found = sorted[rank - 1];
	if (found === undefined) throw new RangeError('nothing was measured');
	return found;
}

export const median = (numbers: readonly number[]): number => percentile(numbers, 50);

/** Rounds to this many digits after the decimal point. */
export const round = (number: number, digits = 1): number => Number(number.toFixed(digits));

/** Log-normal durations of tasks in seconds, rounded to milliseconds; a seed always gives the same ones. */
export function generateDurations(
	seed: string,
	count: number,
	{ medianSeconds, sigma }: { medianSeconds: number; sigma: number },
): number[] {
	const random = randomFrom(seed);
	return Array.from({ length: count }, () => {
		// the Box-Muller transform: two uniform numbers give a normal one
		const radius = Math.sqrt(-2 * Math.log(1 - random()));
		const normal = radius * Math.cos(between(random, 0, 2 * Math.PI));
		return round(medianSeconds * Math.exp(sigma * normal), 3);
	});
}

/** When the last task ends if each starts, in this order, as soon as one of the machines is free. */
export function simulateListSchedule(durations: readonly number[], machines: number): number {
	const freeAt = Array.from({ length: machines }, () => 0);
	for (const seconds of durations) {
		const next = freeAt.indexOf(Math.min(...freeAt));
		freeAt[next]! += seconds;
	}
	return Math.max(...freeAt);
}
