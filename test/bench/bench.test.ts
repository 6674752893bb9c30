import { X509Certificate } from 'node:crypto';
import { measure, NAMES, rowsOf, type Figures } from './bench';
import { selfSigned } from './certificate';
import { secondsOf, wishes } from './jobs';
import { latenessOf } from './looks';
import type { LedgerData } from '../emulator';
import { QUICK } from './sizes';
import { durations, listSchedule, mean, median, percentile, rounded } from './statistics';

describe('the statistics', () => {
	const numbers = [40, 10, 30, 20];

	test('know the mean, the middle and the ends of numbers in any order', () => {
		expect(mean(numbers)).toBe(25);
		expect(median(numbers)).toBe(20);
		expect(percentile(numbers, 0)).toBe(10);
		expect(percentile(numbers, 75)).toBe(30);
		expect(percentile(numbers, 76)).toBe(40);
		expect(percentile(numbers, 100)).toBe(40);
		expect(rounded(12.3456)).toBe(12.3);
		expect(rounded(12.3456, 3)).toBe(12.346);
	});

	test('refuse to speak about nothing', () => {
		expect(() => mean([])).toThrow(RangeError);
		expect(() => percentile([], 50)).toThrow(RangeError);
	});

	test('make the same log-normal durations for the same seed', () => {
		const shape = { medianSeconds: 8, sigma: 0.3 };
		const made = durations('a', 5000, shape);
		const logs = made.map(Math.log);
		const deviation = Math.sqrt(mean(logs.map((one) => (one - mean(logs)) ** 2)));

		expect(durations('a', 5000, shape)).toEqual(made);
		expect(durations('b', 5, shape)).not.toEqual(made.slice(0, 5));
		expect(Math.exp(mean(logs))).toBeCloseTo(8, 0);
		expect(deviation).toBeCloseTo(0.3, 1);
	});

	test('schedule jobs in their order on the machine that is free first', () => {
		expect(listSchedule([3, 1, 1, 4], 2)).toBe(6);
		expect(listSchedule([4, 3, 1, 1], 2)).toBe(5);
		expect(listSchedule([2, 5], 3)).toBe(5);
	});
});

test('a prompt says how long its picture takes', () => {
	const all = wishes('lateness', [8.214, 0.05]);
	expect(all.map(({ prompt }) => secondsOf(prompt))).toEqual([8.214, 0.05]);
	expect(() => secondsOf('a cat')).toThrow('does not say how long');
});

test('lateness counts from ready to the first look that was told so', () => {
	const look = (jobId: string, at: number, state: string) => ({ taskId: jobId, at, state });
	const ledger = (polls: object[]) =>
		({
			tasks: [
				{ id: 'a', readyAt: 100 },
				{ id: 'b', readyAt: 200 },
			],
			polls,
		}) as LedgerData;
	const polls = [
		look('a', 90, 'Pending'),
		look('a', 110, 'Ready'),
		look('b', 230, 'Ready'),
		look('a', 400, 'Ready'),
	];

	expect(latenessOf(ledger(polls))).toEqual({ meanMs: 20, p95Ms: 30, polls: 2 });
	expect(() => latenessOf(ledger(polls.slice(0, 2)))).toThrow('1 jobs were never seen ready');
});

test('the certificate is for this computer and signed by itself', () => {
	const certificate = new X509Certificate(selfSigned().cert);

	expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
	expect(certificate.checkIP('127.0.0.2')).toBeUndefined();
	expect(certificate.verify(certificate.publicKey)).toBe(true);
	expect(Date.parse(certificate.validTo)).toBeGreaterThan(Date.now());
});

/** The shape of the JSON: `number` stands for a finite one. */
function shapeOf(value: unknown): unknown {
	if (typeof value === 'number') return Number.isFinite(value) ? 'number' : value;
	if (typeof value !== 'object' || value === null) return value;
	return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, shapeOf(part)]));
}

test('every benchmark measures: its figures are numbers, and a table tells them', async () => {
	const figures: Figures = await measure(NAMES, QUICK, () => undefined);
	const late = { meanMs: 'number', p95Ms: 'number', polls: 'number' };

	expect(shapeOf(figures)).toEqual({
		lateness: { ours: late, aiSdk: late, allowed: late, ideal: late, tls: late },
		download: { meanMs: 'number', idealMs: 'number' },
		events: late,
		makespan: { ratio: 'number', seconds: 'number', idealSeconds: 'number' },
		memory: { growthMb: 'number', slopeMb: 'number', peakMb: 'number' },
		load: { ms: 'number' },
		cpu: { msPerJob: 'number', msPerPoll: 'number' },
		tarballKb: 'number',
	});
	expect(rowsOf(figures).map(({ value }) => value)).toEqual(
		rowsOf(figures).map(() => expect.stringMatching(/\d/)),
	);
}, 300_000);
