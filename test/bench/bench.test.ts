import { X509Certificate } from 'node:crypto';
import { measure, NAMES, toRows, type Figures } from './bench';
import { createSelfSignedCertificate } from './certificate';
import { parseSeconds, createTasks } from './tasks';
import { toLateness } from './polls';
import type { LedgerData } from '../emulator';
import { QUICK } from './sizes';
import {
	generateDurations,
	simulateListSchedule,
	mean,
	median,
	percentile,
	round,
} from './statistics';

describe('the statistics', () => {
	const numbers = [40, 10, 30, 20];

	test('compute the mean, the median and percentiles of numbers in any order', () => {
		expect(mean(numbers)).toBe(25);
		expect(median(numbers)).toBe(20);
		expect(percentile(numbers, 0)).toBe(10);
		expect(percentile(numbers, 75)).toBe(30);
		expect(percentile(numbers, 76)).toBe(40);
		expect(percentile(numbers, 100)).toBe(40);
		expect(round(12.3456)).toBe(12.3);
		expect(round(12.3456, 3)).toBe(12.346);
	});

	test('throw when nothing was measured', () => {
		expect(() => mean([])).toThrow(RangeError);
		expect(() => percentile([], 50)).toThrow(RangeError);
	});

	test('generate the same log-normal durations for the same seed', () => {
		const shape = { medianSeconds: 8, sigma: 0.3 };
		const made = generateDurations('a', 5000, shape);
		const logs = made.map(Math.log);
		const deviation = Math.sqrt(mean(logs.map((one) => (one - mean(logs)) ** 2)));

		expect(generateDurations('a', 5000, shape)).toEqual(made);
		expect(generateDurations('b', 5, shape)).not.toEqual(made.slice(0, 5));
		expect(Math.exp(mean(logs))).toBeCloseTo(8, 0);
		expect(deviation).toBeCloseTo(0.3, 1);
	});

	test('schedule tasks in their order on the machine that is free first', () => {
		expect(simulateListSchedule([3, 1, 1, 4], 2)).toBe(6);
		expect(simulateListSchedule([4, 3, 1, 1], 2)).toBe(5);
		expect(simulateListSchedule([2, 5], 3)).toBe(5);
	});
});

test('a prompt says how long its task takes', () => {
	const all = createTasks('lateness', [8.214, 0.05]);
	expect(all.map(({ prompt }) => parseSeconds(prompt))).toEqual([8.214, 0.05]);
	expect(() => parseSeconds('a cat')).toThrow('does not say how long');
});

test('lateness counts from ready to the first poll that finds it ready', () => {
	const poll = (taskId: string, at: number, state: string) => ({ taskId, at, state });
	const ledger = (polls: object[]) =>
		({
			tasks: [
				{ id: 'a', readyAt: 100 },
				{ id: 'b', readyAt: 200 },
			],
			polls,
		}) as LedgerData;
	const polls = [
		poll('a', 90, 'Pending'),
		poll('a', 110, 'Ready'),
		poll('b', 230, 'Ready'),
		poll('a', 400, 'Ready'),
	];

	expect(toLateness(ledger(polls))).toEqual({ meanMs: 20, p95Ms: 30, polls: 2 });
	expect(() => toLateness(ledger(polls.slice(0, 2)))).toThrow('1 tasks were never seen ready');
});

test('the certificate is for 127.0.0.1 and signed by itself', () => {
	const certificate = new X509Certificate(createSelfSignedCertificate().cert);

	expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
	expect(certificate.checkIP('127.0.0.2')).toBeUndefined();
	expect(certificate.verify(certificate.publicKey)).toBe(true);
	expect(Date.parse(certificate.validTo)).toBeGreaterThan(Date.now());
});

/** The shape of the JSON: `number` stands for a finite number. */
function toShape(value: unknown): unknown {
	if (typeof value === 'number') return Number.isFinite(value) ? 'number' : value;
	if (typeof value !== 'object' || value === null) return value;
	return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, toShape(part)]));
}

test('every benchmark measures numbers, and every row of the table has one', async () => {
	const figures: Figures = await measure(NAMES, QUICK, () => undefined);
	const late = { meanMs: 'number', p95Ms: 'number', polls: 'number' };

	expect(toShape(figures)).toEqual({
		lateness: { ours: late, aiSdk: late, allowed: late, ideal: late, tls: late },
		download: { meanMs: 'number', idealMs: 'number' },
		events: late,
		makespan: { ratio: 'number', seconds: 'number', idealSeconds: 'number' },
		refusals: {
			perImage: 'number',
			images: 'number',
			seconds: 'number',
			idealSeconds: 'number',
		},
		memory: { growthMb: 'number', slopeMb: 'number', peakMb: 'number' },
		load: { ms: 'number' },
		cpu: { msPerTask: 'number', msPerPoll: 'number', bareMsPerPoll: 'number' },
		tarballKb: 'number',
	});
	expect(toRows(figures).map(({ value }) => value)).toEqual(
		toRows(figures).map(() => expect.stringMatching(/\d/)),
	);
}, 1_200_000);
