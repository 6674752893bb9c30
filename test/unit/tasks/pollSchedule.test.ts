import {
	initialEstimate,
	updateEstimate,
	nextPollDelay,
	type DurationEstimate,
} from '../../../nodes/shared/tasks/pollSchedule';

const TYPICAL_SECONDS = 8;
const SIGMA = 0.3;
const SHORTEST_GAP = 0.2;
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

/** When one job is looked at, from the first look to the one that finds it done. */
function looksAt(seconds: number, gap: (age: number) => number): number[] {
	const looks: number[] = [];
	for (let age = gap(0); ; age += gap(age)) {
		looks.push(age);
		if (age >= seconds) return looks;
	}
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function measure(jobs: Array<{ seconds: number; looks: number[] }>) {
	return {
		looks: mean(jobs.map(({ looks }) => looks.length)),
		lateness: mean(jobs.map(({ seconds, looks }) => looks.at(-1)! - seconds)),
	};
}

/** As the node learns: the moment between the last two looks. */
function run(all: number[], shortestGap = SHORTEST_GAP) {
	let known: DurationEstimate = initialEstimate(TYPICAL_SECONDS);
	return all.map((seconds) => {
		const before = known;
		const looks = looksAt(seconds, (age) => nextPollDelay(age, before, shortestGap));
		known = updateEstimate(known, ((looks.at(-2) ?? 0) + looks.at(-1)!) / 2);
		return { seconds, looks };
	});
}

const gapsOf = (looks: number[]) => looks.map((look, index) => look - (looks[index - 1] ?? 0));

test('fixed looks every half second cost about 17 looks and a quarter of a second', () => {
	const fixed = measure(
		durations(2000).map((seconds) => ({ seconds, looks: looksAt(seconds, () => 0.5) })),
	);

	expect(fixed.looks).toBeGreaterThan(16);
	expect(fixed.looks).toBeLessThan(18);
	expect(fixed.lateness).toBeCloseTo(0.25, 1);
});

test('a warm schedule costs at most 13 looks and 0.2 s', () => {
	const warm = measure(run(durations(2000)).slice(WARM));

	expect(warm.looks).toBeLessThanOrEqual(13);
	expect(warm.lateness).toBeLessThanOrEqual(0.2);
});

test('gaps are never below the shortest and never above 5 s', () => {
	for (const shortestGap of [0.2, 2, 3]) {
		const gaps = run(durations(300), shortestGap).flatMap(({ looks }) => gapsOf(looks));
		expect(Math.min(...gaps)).toBeGreaterThanOrEqual(shortestGap - 1e-9);
		expect(Math.max(...gaps)).toBeLessThanOrEqual(5 + 1e-9);
	}
});

test('a provider whose shortest gap is above 5 s gets its own', () => {
	expect(nextPollDelay(20, updateEstimate(initialEstimate(8), 8), 10)).toBe(10);
});

test.each([1, 3, 8, 30, 120])(
	'before anything is learnt, a model of %d s is looked at by 1.5 s and then every 2 s at most',
	(typicalSeconds) => {
		const known = initialEstimate(typicalSeconds);
		const gaps = gapsOf(looksAt(600, (age) => nextPollDelay(age, known, SHORTEST_GAP)));

		expect(gaps[0]).toBeLessThanOrEqual(1.5);
		expect(Math.max(...gaps)).toBeLessThanOrEqual(2 + 1e-9);
		expect(Math.min(...gaps)).toBeGreaterThanOrEqual(SHORTEST_GAP - 1e-9);
	},
);

test('learns the mean and the spread, whatever the guess was', () => {
	const known = durations(500).reduce(updateEstimate, initialEstimate(60));

	expect(Math.exp(known.mean)).toBeCloseTo(TYPICAL_SECONDS, 0);
	expect(Math.sqrt(known.variance)).toBeGreaterThan(0.2);
	expect(Math.sqrt(known.variance)).toBeLessThan(0.4);
	expect(known.count).toBe(500);
});

test('follows a provider that has become twice as slow', () => {
	const slower = durations(200, 2).map((seconds) => seconds * 2);
	const known = [...durations(300), ...slower].reduce(
		updateEstimate,
		initialEstimate(TYPICAL_SECONDS),
	);

	expect(Math.exp(known.mean)).toBeGreaterThan(TYPICAL_SECONDS * 1.8);
});

test('does not stare at one moment after jobs that all took the same', () => {
	const known = Array<number>(200).fill(8).reduce(updateEstimate, initialEstimate(8));

	expect(looksAt(8, (age) => nextPollDelay(age, known, SHORTEST_GAP)).length).toBeLessThan(13);
	expect(looksAt(24, (age) => nextPollDelay(age, known, SHORTEST_GAP)).length).toBeLessThan(100);
});

test('gives a number for any age', () => {
	const known = durations(50).reduce(updateEstimate, initialEstimate(8));
	const gaps = [0, 1e-9, 0.01, 8, 100, 600, 1e6].map((age) =>
		nextPollDelay(age, known, SHORTEST_GAP),
	);

	expect(gaps.every((gap) => Number.isFinite(gap) && gap >= SHORTEST_GAP && gap <= 5)).toBe(true);
});
