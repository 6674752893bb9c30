import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
	abortable,
	delay,
	onAbort,
	raceTimeout,
	throttle,
	withTimeout,
} from '../../../nodes/shared/core/async';
import { AbortedError } from '../../../nodes/shared/core/errors';

/** How long each sleep was asked for, and the signal that ends it. */
const mockSleeps: Array<{ ms: number; signal: AbortSignal }> = [];

/** n8n before 2.34: its sleep runs on, whatever the signal says. */
jest.mock('n8n-workflow', () => ({
	...jest.requireActual<object>('n8n-workflow'),
	sleep: async (ms: number, signal: AbortSignal) => {
		mockSleeps.push({ ms, signal });
		await new Promise<void>((resolve) => void setTimeout(resolve, ms).unref());
	},
}));

beforeEach(() => mockSleeps.splice(0));

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const { signal } = new AbortController();
const late = () => 'late';
const never = async () => await new Promise<never>(() => {});

describe('a race with a timeout', () => {
	test('lets go of what it has yielded while its timer still runs', async () => {
		let chunk: Buffer | undefined = Buffer.alloc(1000);
		const seen = new WeakRef(chunk);
		expect(await raceTimeout(Promise.resolve(chunk), 60_000, signal, late)).toBe(chunk);
		chunk = undefined;
		await new Promise((resolve) => setTimeout(resolve, 10));
		collectGarbage();

		expect(seen.deref()).toBeUndefined();
	});

	test('yields what is returned at the timeout, or fails with what is thrown there', async () => {
		expect(await raceTimeout(never(), 5, signal, late)).toBe('late');
		const fail = () => {
			throw new Error('too late');
		};
		await expect(raceTimeout(never(), 5, signal, fail)).rejects.toThrow('too late');
	});

	test('fails as the work does', async () => {
		const failing = Promise.reject(new Error('no'));
		await expect(raceTimeout(failing, 60_000, signal, late)).rejects.toThrow('no');
	});

	test('yields undefined where the work does, instead of timing out', async () => {
		expect(await raceTimeout(Promise.resolve(undefined), 60_000, signal, late)).toBeUndefined();
	});

	test('ends its sleep with the work', async () => {
		await raceTimeout(Promise.resolve(), 60_000, signal, late);
		expect(mockSleeps.map((sleep) => [sleep.ms, sleep.signal.aborted])).toEqual([[60_000, true]]);
	});

	test('ends at once with an abort', async () => {
		const controller = new AbortController();
		const racing = raceTimeout(never(), 60_000, controller.signal, late);
		controller.abort();
		await expect(racing).rejects.toBeInstanceOf(AbortedError);
		await expect(raceTimeout(never(), 60_000, controller.signal, late)).rejects.toBeInstanceOf(
			AbortedError,
		);
	});
});

test.each([
	['succeeds', async () => await Promise.resolve('done')],
	['fails', async () => await Promise.reject(new Error('no'))],
	['takes too long', never],
])('the signal of work that %s is aborted in the end', async (_how, work) => {
	let workSignal: AbortSignal | undefined;
	const ended = withTimeout(
		5,
		signal,
		async (own) => {
			workSignal = own;
			return await work();
		},
		late,
	);
	await ended.catch(() => undefined);
	expect(workSignal?.aborted).toBe(true);
});

test('a signal gets one listener, however many wait for it, and nothing is kept of those that have ended', async () => {
	const controller = new AbortController();
	const waits = Array.from({ length: 20 }, async () => await delay(5, controller.signal));
	expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
	await Promise.all(waits);
	await abortable(Promise.resolve(), controller.signal);
	expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
	controller.abort();
	expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
});

describe('what is called back by an abort', () => {
	test('is each callback once, but for those that were taken back', () => {
		const controller = new AbortController();
		const calls: string[] = [];
		onAbort(controller.signal, () => calls.push('first'));
		onAbort(controller.signal, () => calls.push('taken back'))();
		onAbort(controller.signal, () => calls.push('third'));
		expect(calls).toEqual([]);
		controller.abort();
		expect(calls).toEqual(['first', 'third']);
	});

	test('holds nothing of a wait that has ended', async () => {
		const added = jest.spyOn(Set.prototype, 'add');
		await abortable(Promise.resolve(), new AbortController().signal);
		const callbacks = added.mock.contexts[0] as Set<() => void>;
		added.mockRestore();
		expect(callbacks).toEqual(new Set());
	});
});

describe('a throttle', () => {
	afterEach(() => jest.useRealTimers());

	const GAP_MS = 40;

	test('gives turns in order of arrival, one in each gap', async () => {
		jest.useFakeTimers();
		const takeTurn = throttle(GAP_MS);
		const startedAt = Date.now();
		const turns: Array<[number, number]> = [];
		const taken = Promise.all(
			[0, 1, 2].map(async (index) => {
				await takeTurn('host', signal);
				turns.push([index, Date.now() - startedAt]);
			}),
		);
		await jest.advanceTimersByTimeAsync(2 * GAP_MS);
		await taken;

		expect(turns).toEqual([
			[0, 0],
			[1, GAP_MS],
			[2, 2 * GAP_MS],
		]);
	});

	test('lets the callers of one key not wait for those of another', async () => {
		const takeTurn = throttle(60_000);
		await takeTurn('host', signal);
		await takeTurn('another host', signal);
	});

	test('gives a turn at once where nobody waits, also after an aborted caller', async () => {
		const takeTurn = throttle(60_000);
		const aborted = takeTurn('host', AbortSignal.abort());
		await expect(aborted).rejects.toBeInstanceOf(AbortedError);
		await takeTurn('host', signal);
		expect(mockSleeps).toEqual([]);
	});

	test('ten aborted waiters do not delay the next', async () => {
		jest.useFakeTimers();
		const takeTurn = throttle(GAP_MS);
		const controller = new AbortController();
		await takeTurn('host', signal);
		const aborted = Array.from({ length: 10 }, async () => {
			await expect(takeTurn('host', controller.signal)).rejects.toBeInstanceOf(AbortedError);
		});
		const next = takeTurn('host', signal);
		controller.abort();
		await Promise.all(aborted);
		let hasTurn = false;
		void next.then(() => (hasTurn = true));

		await jest.advanceTimersByTimeAsync(GAP_MS - 1);
		expect(hasTurn).toBe(false);
		// eleven turns would take eleven gaps
		await jest.advanceTimersByTimeAsync(1);
		expect(hasTurn).toBe(true);
	});
});
