import { between, randomFrom } from '../emulator/images/random';

export const sum = (numbers: readonly number[]): number =>
	numbers.reduce((total, one) => total + one, 0);

export function mean(numbers: readonly number[]): number {
	if (numbers.length === 0) throw new RangeError('nothing was measured');
	return sum(numbers) / numbers.length;
}

/** The smallest of the numbers that so many per cent of them do not exceed. */
export function percentile(numbers: readonly number[], percent: number): number {
	const sorted = [...numbers].sort((a, b) => a - b);
	const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
	const found = sorted[rank - 1];
	if (found === undefined) throw new RangeError('nothing was measured');
	return found;
}

export const median = (numbers: readonly number[]): number => percentile(numbers, 50);

/** With so many digits after the point. */
export const rounded = (number: number, digits = 1): number => Number(number.toFixed(digits));

/** How long jobs take, in seconds: log-normal, the same for the same seed, in whole milliseconds. */
export function durations(
	seed: string,
	count: number,
	{ medianSeconds, sigma }: { medianSeconds: number; sigma: number },
): number[] {
	const random = randomFrom(seed);
	return Array.from({ length: count }, () => {
		// Box and Muller's way from two uniform numbers to a normal one
		const radius = Math.sqrt(-2 * Math.log(1 - random()));
		const normal = radius * Math.cos(between(random, 0, 2 * Math.PI));
		return rounded(medianSeconds * Math.exp(sigma * normal), 3);
	});
}

/** When the last job ends, if each starts, in this order, as soon as one of the machines is free. */
export function listSchedule(jobs: readonly number[], machines: number): number {
	const freeAt = Array.from({ length: machines }, () => 0);
	for (const seconds of jobs) {
		const next = freeAt.indexOf(Math.min(...freeAt));
		freeAt[next]! += seconds;
	}
	return Math.max(...freeAt);
}
