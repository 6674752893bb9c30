/**
 * When to poll a task next. A task's duration is taken as log-normal: its logarithm has a mean and a
 * variance, kept per provider, model and size. Polls are spread with the square root of the hazard (the
 * chance that the task ends in the next moment, given that it still runs), which minimizes lateness times polls.
 */
export interface DurationEstimate {
	/** Mean of the natural logarithm of the duration in seconds. */
	mean: number;
	variance: number;
	/** How many tasks it was learnt from. */
	count: number;
}

/** What earlier tasks took, by provider, model and size; kept as long as the process lives. */
export type Durations = Map<string, DurationEstimate>;

/** √seconds of integrated √hazard between two polls: more means fewer polls and more lateness. */
const SPACING = 0.165;
const MAX_GAP_SECONDS = 5;
const MAX_UNLEARNT_GAP_SECONDS = 2;
const FIRST_UNLEARNT_POLL_SECONDS = 1.5;
/** How uncertain a model's typical seconds are, as a standard deviation of the logarithm. */
const UNLEARNT_DEVIATION = 0.6;
/** A guess weighs as much as this many tasks, so that one odd task does not mislead. */
const GUESS_WEIGHT = 2;
/** Older tasks count less: the weight of the past never exceeds this many tasks. */
const MEMORY = 50;
/** Below this, a schedule would stare at one moment and be far off when the provider's speed changes. */
const MIN_DEVIATION = 0.08;
const STEPS_PER_DEVIATION = 50;

/** What is assumed of a model before any of its tasks was seen. */
export const initialEstimate = (typicalSeconds: number): DurationEstimate => ({
	mean: Math.log(typicalSeconds),
	variance: UNLEARNT_DEVIATION ** 2,
	count: 0,
});

/** The duration as known after one more task took that many seconds. */
export function updateEstimate(known: DurationEstimate, seconds: number): DurationEstimate {
	const weight = Math.min(known.count, MEMORY) + GUESS_WEIGHT;
	const distance = Math.log(Math.max(seconds, 0.01)) - known.mean;
	return {
		mean: known.mean + distance / (weight + 1),
		variance: (weight / (weight + 1)) * (known.variance + distance ** 2 / (weight + 1)),
		count: known.count + 1,
	};
}

/**
 * Seconds to wait until the next poll of a task that has run for `age` seconds.
 * @param minGap seconds the provider wants between two polls
 */
export function nextPollDelay(age: number, known: DurationEstimate, minGap: number): number {
	const unlearnt = known.count === 0;
	const maxGap = unlearnt ? MAX_UNLEARNT_GAP_SECONDS : MAX_GAP_SECONDS;
	const ideal = gapOfEqualHazard(
		age,
		known,
		unlearnt && age === 0 ? FIRST_UNLEARNT_POLL_SECONDS : maxGap,
	);
	return Math.max(minGap, ideal);
}

/** Walks on from `age` until the integral of √hazard reaches the spacing, at most `maxGap` seconds. */
function gapOfEqualHazard(
	age: number,
	{ mean, variance }: DurationEstimate,
	maxGap: number,
): number {
	const deviation = Math.max(Math.sqrt(variance), MIN_DEVIATION);
	const step = (Math.exp(mean) * deviation) / STEPS_PER_DEVIATION;
	let integral = 0;
	let gap = 0;
	while (integral < SPACING && gap < maxGap) {
		gap += step;
		integral += Math.sqrt(hazard(age + gap, mean, deviation)) * step;
	}
	return Math.min(gap, maxGap);
}

/** Hazard of a log-normal duration, per second. */
function hazard(seconds: number, mean: number, deviation: number): number {
	const z = (Math.log(seconds) - mean) / deviation;
	return inverseMillsRatio(z) / (seconds * deviation);
}

/** Density over upper tail of the standard normal distribution; the asymptote where the tail underflows. */
function inverseMillsRatio(z: number): number {
	if (z > 6) return z + 1 / z;
	const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
	return density / upperTail(z);
}

/** Abramowitz and Stegun, Handbook of Mathematical Functions, 26.2.17; error below 7.5e-8. */
function upperTail(z: number): number {
	if (z < 0) return 1 - upperTail(-z);
	const t = 1 / (1 + 0.2316419 * z);
	const coefficients = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429];
	const series = coefficients.reduce((sum, c, power) => sum + c * t ** (power + 1), 0);
	return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
}
