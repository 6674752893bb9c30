import {
	initialEstimate,
	updateEstimate,
	nextPollDelay,
	type DurationEstimate,
} from '../../../nodes/shared/tasks/pollSchedule';

const TYPICAL_SECONDS = 8;
const SIGMA = 0.3;
const MIN_INTERVAL = 0.2;
const WARM = 100;

/** Mulberry32: the same numbers in every run. */
function seeded(seed: number) {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}

/** Durations in seconds, log-normal around the typical ones. */
function durations(count: number, seed = 1): number[] {
	const random = seeded(seed);
	return Array.from({ length: count }, () => {
		const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
		return TYPICAL_SECONDS * Math.exp(SIGMA * normal);
	});
}

/** When one task is polled, from the first poll to the one that finds it done. */
function pollTimes(seconds: number, delay: (age: number) => number): number[] {
	const polls: number[] = [];
	for (let age = delay(0); ; age += delay(age)) {
		polls.push(age);
		if (age >= seconds) return polls;
	}
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function measure(tasks: Array<{ seconds: number; polls: number[] }>) {
	return {
		polls: mean(tasks.map(({ polls }) => polls.length)),
		lateness: mean(tasks.map(({ seconds, polls }) => polls.at(-1)! - seconds)),
	};
}

/** As the node learns: the moment between the last two polls. */
function run(all: number[], minInterval = MIN_INTERVAL) {
	let estimate: DurationEstimate = initialEstimate(TYPICAL_SECONDS);
	return all.map((seconds) => {
		const before = estimate;
		const polls = pollTimes(seconds, (age) => nextPollDelay(age, before, minInterval));
		estimate = updateEstimate(estimate, ((polls.at(-2) ?? 0) + polls.at(-1)!) / 2);
		return { seconds, polls };
	});
}

const gapsOf = (polls: number[]) => polls.map((poll, index) => poll - (polls[index - 1] ?? 0));

test('fixed polls every half second cost about 17 polls and a quarter of a second', () => {
	const fixed = measure(
		durations(2000).map((seconds) => ({ seconds, polls: pollTimes(seconds, () => 0.5) })),
	);

	expect(fixed.polls).toBeGreaterThan(16);
	expect(fixed.polls).toBeLessThan(18);
	expect(fixed.lateness).toBeCloseTo(0.25, 1);
});

test('a warm schedule costs at most 13 polls and 0.2 s', () => {
	const warm = measure(run(durations(2000)).slice(WARM));

	expect(warm.polls).toBeLessThanOrEqual(13);
	expect(warm.lateness).toBeLessThanOrEqual(0.2);
});

test('delays are never below the least that the provider wants and never above 5 s', () => {
	for (const minInterval of [0.2, 2, 3]) {
		const gaps = run(durations(300), minInterval).flatMap(({ polls }) => gapsOf(polls));
		expect(Math.min(...gaps)).toBeGreaterThanOrEqual(minInterval - 1e-9);
		expect(Math.max(...gaps)).toBeLessThanOrEqual(5 + 1e-9);
	}
});

test('a provider that wants more than 5 s between two polls gets it', () => {
	expect(nextPollDelay(20, updateEstimate(initialEstimate(8), 8), 10)).toBe(10);
});

test.each([1, 3, 8, 30, 120])(
	'before anything is learnt, a model of %d s is polled by 1.5 s and then every 2 s at most',
	(typicalSeconds) => {
		const estimate = initialEstimate(typicalSeconds);
		const gaps = gapsOf(pollTimes(600, (age) => nextPollDelay(age, estimate, MIN_INTERVAL)));

		expect(gaps[0]).toBeLessThanOrEqual(1.5);
		expect(Math.max(...gaps)).toBeLessThanOrEqual(2 + 1e-9);
		expect(Math.min(...gaps)).toBeGreaterThanOrEqual(MIN_INTERVAL - 1e-9);
	},
);

test('learns the mean and the spread, whatever the guess was', () => {
	const estimate = durations(500).reduce(updateEstimate, initialEstimate(60));

	expect(Math.exp(estimate.mean)).toBeCloseTo(TYPICAL_SECONDS, 0);
	expect(Math.sqrt(estimate.variance)).toBeGreaterThan(0.2);
	expect(Math.sqrt(estimate.variance)).toBeLessThan(0.4);
	expect(estimate.count).toBe(500);
});

test('follows a provider that has become twice as slow', () => {
	const slower = durations(200, 2).map((seconds) => seconds * 2);
	const estimate = [...durations(300), ...slower].reduce(
		updateEstimate,
		initialEstimate(TYPICAL_SECONDS),
	);

	expect(Math.exp(estimate.mean)).toBeGreaterThan(TYPICAL_SECONDS * 1.8);
});

test('does not stare at one moment after tasks that all took the same', () => {
	const estimate = Array<number>(200).fill(8).reduce(updateEstimate, initialEstimate(8));

	expect(pollTimes(8, (age) => nextPollDelay(age, estimate, MIN_INTERVAL)).length).toBeLessThan(13);
	expect(pollTimes(24, (age) => nextPollDelay(age, estimate, MIN_INTERVAL)).length).toBeLessThan(
		100,
	);
});

test('gives a number for any age', () => {
	const estimate = durations(50).reduce(updateEstimate, initialEstimate(8));
	const gaps = [0, 1e-9, 0.01, 8, 100, 600, 1e6].map((age) =>
		nextPollDelay(age, estimate, MIN_INTERVAL),
	);

	expect(gaps.every((gap) => Number.isFinite(gap) && gap >= MIN_INTERVAL && gap <= 5)).toBe(true);
});
