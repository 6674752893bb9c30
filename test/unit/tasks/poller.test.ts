import { throttle } from '../../../nodes/shared/core/async';
import { AbortedError, Flux2Error } from '../../../nodes/shared/core/errors';
import type { ApiClient } from '../../../nodes/shared/http/types';
import {
	DurationEstimator,
	TaskPoller,
	type PollerOptions,
} from '../../../nodes/shared/tasks/poller';
import { initialEstimate, updateEstimate } from '../../../nodes/shared/tasks/pollSchedule';
import type {
	Done,
	Failed,
	Pending,
	Task,
	TaskEvents,
	TaskState,
	Unclear,
} from '../../../nodes/shared/tasks/protocol';

/** How a task is followed, with a provider that counts how often it is polled. */

const KEY = 'made-up';
/** No test follows a task for longer. */
const MAX_POLLS = 1000;
// the poller hands the client on, and shows its label
const client = { label: 'The provider' } as ApiClient;
const { signal } = new AbortController();

const taskOfNow = (): Task => ({ id: 'made-up', submittedAt: new Date().toISOString() });
const task = taskOfNow();
const done: Done = {
	status: 'done',
	task,
	readyAt: new Date().toISOString(),
	images: [{ url: 'https://images.example/1.png' }],
	raw: {},
};
const pending: Pending = { status: 'pending', task, raw: {} };
const unclear: Unclear = {
	status: 'unclear',
	task,
	message: 'the provider\'s last status was "archived", which no document explains',
	providerStatus: 'archived',
	raw: {},
};
const failed: Failed = {
	status: 'failed',
	task,
	kind: 'notFound',
	message: 'Model not found',
	raw: {},
};
const missing: Failed = { ...failed, message: 'Task not found', lost: 'missing' };

type Options = Partial<Omit<PollerOptions, 'protocol'>>;

const optionsOf = (more: Options) => ({
	client,
	signal,
	timeoutSeconds: 60,
	minPollIntervalSeconds: 0.2,
	estimator: new DurationEstimator(new Map(), KEY, 10),
	submittedByThisRun: true,
	...more,
});

const pollerOf = (status: () => Promise<TaskState>, more: Options = {}): TaskPoller =>
	new TaskPoller({ ...optionsOf(more), protocol: { status } });

/** Follows a task on a fake clock. An error stands for a poll that fails. The last of these goes on for ever. */
async function follow(
	states: Array<TaskState | Flux2Error>,
	{ seconds = 8, ...more }: Options & { seconds?: number } = {},
) {
	const startedAt = Date.now();
	const polledAt: number[] = [];
	const poller = pollerOf(async () => {
		const state = states[Math.min(polledAt.length, states.length - 1)]!;
		polledAt.push((Date.now() - startedAt) / 1000);
		// polls without a pause would go on before the clock does
		if (polledAt.length > MAX_POLLS) throw new Error('The task is polled without a pause');
		if (state instanceof Flux2Error) throw state;
		return state;
	}, more);
	const end: { state?: TaskState; error?: unknown } = {};
	void poller.waitUntilFinal(taskOfNow()).then(
		(state) => (end.state = state),
		(error: unknown) => (end.error = error),
	);
	await jest.advanceTimersByTimeAsync(seconds * 1000);
	return { ...end, polledAt, polls: poller.polls };
}

const gapsOf = (times: number[]) =>
	times.slice(1).map((time, index) => Math.round((time - times[index]!) * 10) / 10);

afterEach(() => jest.useRealTimers());

function eventsWith(next: TaskEvents['next']): TaskEvents {
	return { ready: Promise.resolve(), isConnected: true, next, close: () => undefined };
}

describe('an event', () => {
	test('with the end of the task is believed, whatever its message, and nothing is polled', async () => {
		const next = jest.fn(async () => failed);
		const status = jest.fn(async () => pending);
		const poller = pollerOf(status, { events: eventsWith(next) });

		expect(await poller.waitUntilFinal(task)).toEqual(failed);
		expect(next).toHaveBeenCalledTimes(1);
		expect(status).not.toHaveBeenCalled();
	});

	test('that does not say enough leads to a poll at once', async () => {
		const poller = pollerOf(async () => done, { events: eventsWith(async () => undefined) });
		expect(await poller.waitUntilFinal(task)).toEqual(done);
		expect(poller.polls).toBe(1);
	});

	test('that never comes is made up for by a poll every 20 seconds', async () => {
		jest.useFakeTimers();
		const events = eventsWith(async () => await new Promise<undefined>(() => {}));
		const { polledAt } = await follow([pending], { events, seconds: 59 });
		expect(polledAt).toEqual([20, 40]);
	});
});

describe('a stream of events', () => {
	/** Falls silent or breaks after so many seconds. */
	function breakingAfter(seconds: number): TaskEvents {
		const brokenAt = Date.now() + seconds * 1000;
		return {
			ready: Promise.resolve(),
			get isConnected() {
				return Date.now() < brokenAt;
			},
			next: async () =>
				await new Promise((resolve) => setTimeout(resolve, brokenAt - Date.now(), undefined)),
			close: () => undefined,
		};
	}

	test('that breaks is followed by a poll at once, and by as many as without events', async () => {
		jest.useFakeTimers();
		const { polledAt } = await follow([pending], { events: breakingAfter(4), seconds: 20 });

		expect(polledAt[0]).toBe(4);
		expect(gapsOf(polledAt).every((seconds) => seconds > 0 && seconds <= 2)).toBe(true);
	});

	test('that broke before the submit is not waited for', async () => {
		jest.useFakeTimers();
		const without = await follow([pending], { seconds: 20 });
		const broken = await follow([pending], { events: breakingAfter(0), seconds: 20 });
		expect(broken.polledAt).toEqual(without.polledAt.filter((seconds) => seconds <= 20));
	});

	test('tells when the task ended more exactly than polls do', async () => {
		jest.useFakeTimers();
		const estimator = new DurationEstimator(new Map(), KEY, 10);
		const learn = jest.spyOn(estimator, 'learn');
		const events = eventsWith(
			async () => await new Promise((resolve) => setTimeout(resolve, 7000, done)),
		);
		await follow([pending], { events, estimator, seconds: 8 });
		expect(learn.mock.calls).toEqual([[7]]);
	});
});

test('polls that run out of time give back their turns', async () => {
	jest.useFakeTimers();
	const takeTurn = throttle(1000);
	const pollers = Array.from({ length: 50 }, () => {
		const options = { timeoutSeconds: 5, pollIntervalSeconds: 1 };
		return new TaskPoller({
			...optionsOf(options),
			protocol: {
				status: async (_client, _task, callSignal) => {
					await takeTurn('host', callSignal);
					return pending;
				},
			},
		});
	});
	const ends = pollers.map(async (poller) => await poller.waitUntilFinal(taskOfNow()));
	const settled = Promise.allSettled(ends);
	await jest.advanceTimersByTimeAsync(8000);
	expect((await settled).map(({ status }) => status)).toEqual(pollers.map(() => 'rejected'));
	const next = jest.fn();
	void takeTurn('host', signal).then(next);
	await jest.advanceTimersByTimeAsync(1000);

	expect(next).toHaveBeenCalledTimes(1);
});

describe('a failure', () => {
	test('is the end of a task', async () => {
		jest.useFakeTimers();
		expect(await follow([failed, done])).toMatchObject({ state: failed, polls: 1 });
	});

	test('that only says "not found" right after the submit is none', async () => {
		jest.useFakeTimers();
		expect(await follow([missing, done])).toMatchObject({ state: done, polls: 2 });
	});
});

describe('a task that is missing', () => {
	const pollIntervalSeconds = 1;

	test('three times within ten seconds is not believed to be lost, a fourth time is', async () => {
		jest.useFakeTimers();
		expect(await follow([missing, missing, missing, done], { pollIntervalSeconds })).toMatchObject({
			state: done,
			polls: 4,
		});
		expect(await follow([missing], { pollIntervalSeconds })).toMatchObject({
			state: missing,
			polls: 4,
		});
	});

	test('for more than ten seconds is lost, however rarely it was polled', async () => {
		jest.useFakeTimers();
		const rarely = await follow([missing], { pollIntervalSeconds: 11, seconds: 50 });
		expect(rarely).toMatchObject({ state: missing, polls: 2 });
	});

	test('and then found is counted from the beginning', async () => {
		jest.useFakeTimers();
		const states = [missing, missing, missing, pending, missing, missing, missing, done];
		expect(await follow(states, { pollIntervalSeconds, seconds: 20 })).toMatchObject({
			state: done,
			polls: 8,
		});
	});

	test('and was submitted elsewhere is believed to be lost at once', async () => {
		const poller = pollerOf(async () => missing, { submittedByThisRun: false });
		expect(await poller.waitUntilFinal({ id: 'elsewhere' })).toEqual(missing);
		expect(poller.polls).toBe(1);
	});
});

describe('a task whose state stays unclear', () => {
	test('is polled ever more rarely, once a minute in the end, until its timeout', async () => {
		jest.useFakeTimers();
		const { polledAt, error } = await follow([unclear], { timeoutSeconds: 400, seconds: 401 });
		const gaps = gapsOf(polledAt);

		// the schedule's own gaps count as long as they are longer
		expect(Math.max(...gaps.slice(0, -10))).toBeLessThanOrEqual(2);
		expect(gaps.slice(-10, -1)).toEqual([3.2, 6.4, 12.8, 25.6, 51.2, 60, 60, 60, 60]);
		expect(polledAt.at(-1)).toBe(400);
		expect(error).toBeInstanceOf(Flux2Error);
	});

	test('ends at the timeout with a message that names the word, and the way to collect it', async () => {
		jest.useFakeTimers();
		const { error } = await follow([unclear], { timeoutSeconds: 5 });
		expect(error).toMatchObject({
			kind: 'timeout',
			message:
				'The image was not ready after 5 s: the provider\'s last status was "archived", which no document explains',
			taskId: 'made-up',
			description: expect.stringContaining('resource Task, operation Get'),
		});
	});

	test('and clears up is polled as often as any other from then on', async () => {
		jest.useFakeTimers();
		const states = [...Array<TaskState>(6).fill(unclear), pending];
		const { polledAt } = await follow(states, { seconds: 40 });
		const gaps = gapsOf(polledAt);
		expect(Math.max(...gaps)).toBe(12.8);
		expect(Math.max(...gaps.slice(gaps.indexOf(12.8) + 1))).toBeLessThanOrEqual(2);
	});

	test('and becomes done is done', async () => {
		jest.useFakeTimers();
		expect(await follow([unclear, unclear, done])).toMatchObject({ state: done, polls: 3 });
	});

	test('backs off from the interval that the user has set', async () => {
		jest.useFakeTimers();
		const { polledAt } = await follow([unclear], { pollIntervalSeconds: 3, seconds: 59 });
		expect(gapsOf(polledAt)).toEqual([6, 12, 24]);
	});
});

describe('a poll that fails', () => {
	const outage = new Flux2Error('unavailable', 'The provider responded with 503', {
		transient: true,
	});
	const odd = new Flux2Error('badResponse', 'The provider responded with 418');

	test('is no end of the task, however often it fails', async () => {
		jest.useFakeTimers();
		const states = [...Array<Flux2Error>(9).fill(outage), pending, done];
		expect(await follow(states, { seconds: 400, timeoutSeconds: 400 })).toMatchObject({
			state: done,
			polls: 11,
		});
	});

	test('is repeated ever more rarely, and the timeout names the last failure', async () => {
		jest.useFakeTimers();
		const { polledAt, error } = await follow([outage], { pollIntervalSeconds: 1, seconds: 61 });
		expect(gapsOf(polledAt).slice(0, 4)).toEqual([2, 4, 8, 16]);
		expect(error).toMatchObject({
			kind: 'timeout',
			message:
				'The image was not ready after 60 s: the last poll failed: The provider responded with 503',
			taskId: 'made-up',
		});
	});

	test('waits as long as the provider asks, at most half of the time that is left', async () => {
		jest.useFakeTimers();
		const busy = (retryAfterMs: number) =>
			new Flux2Error('rateLimited', 'busy', { transient: true, retryAfterMs });
		const options = { pollIntervalSeconds: 1, seconds: 61 };
		expect((await follow([busy(20_000), done], options)).polledAt).toEqual([1, 21]);
		expect((await follow([busy(3_600_000), done], options)).polledAt).toEqual([1, 30.5]);
	});

	test('with a status that nobody documents is believed at the fourth time in a row', async () => {
		jest.useFakeTimers();
		const options = { pollIntervalSeconds: 1, seconds: 61 };
		expect(await follow([odd, odd, odd, pending, odd, odd, odd, done], options)).toMatchObject({
			state: done,
			polls: 8,
		});
		const { error, polls } = await follow([odd], options);
		expect([polls, (error as Flux2Error).message]).toEqual([4, odd.message]);
	});

	test.each(['auth', 'credits', 'invalidInput', 'expired'] as const)(
		'for a reason of the kind %s ends the wait at once',
		async (kind) => {
			jest.useFakeTimers();
			const { error, polls } = await follow([new Flux2Error(kind, 'no')]);
			expect([polls, (error as Flux2Error).kind]).toEqual([1, kind]);
		},
	);

	test('is not taken for a sign that the task still ran then', async () => {
		jest.useFakeTimers();
		const estimator = new DurationEstimator(new Map(), KEY, 10);
		const learn = jest.spyOn(estimator, 'learn');
		await follow([outage, outage, done], { estimator, pollIntervalSeconds: 2, seconds: 61 });
		expect(learn.mock.calls[0]![0]).toBeCloseTo(7);
	});
});

test('a pending task that takes too long ends at the timeout without a word of its state', async () => {
	jest.useFakeTimers();
	const { error } = await follow([pending], { timeoutSeconds: 5 });
	expect((error as Flux2Error).message).toBe('The image was not ready after 5 s');
});

test('a resumed task is polled at once, and then as often as its age asks for', async () => {
	jest.useFakeTimers();
	const estimate = Array<number>(30).fill(60).reduce(updateEstimate, initialEstimate(60));
	const status = jest.fn(async () => pending);
	const poller = pollerOf(status, {
		submittedByThisRun: false,
		estimator: new DurationEstimator(new Map([[KEY, estimate]]), KEY, 60),
	});
	const submittedAt = new Date(Date.now() - 60_000).toISOString();
	void poller.waitUntilFinal({ ...task, submittedAt }).catch(() => undefined);

	await jest.advanceTimersByTimeAsync(0);
	expect(status).toHaveBeenCalledTimes(1);
	await jest.advanceTimersByTimeAsync(4900);
	expect(status.mock.calls.length).toBeGreaterThan(3);
});

test('the last poll, at the deadline, has time for its response', async () => {
	const status = async () =>
		await new Promise<Done>((resolve) => setTimeout(() => resolve(done), 50));

	expect(await pollerOf(status, { timeoutSeconds: 0.02 }).waitUntilFinal(task)).toEqual(done);
});

test('a task that seems to come from the future is not polled more often for that', async () => {
	jest.useFakeTimers();
	const status = jest.fn(async () => pending);
	const submittedAt = new Date(Date.now() + 3_600_000).toISOString();
	const poller = pollerOf(status, { submittedByThisRun: false });
	void poller.waitUntilFinal({ ...task, submittedAt }).catch(() => undefined);

	await jest.advanceTimersByTimeAsync(4900);
	expect(status.mock.calls.length).toBeGreaterThan(0);
	expect(status.mock.calls.length).toBeLessThan(6);
});

test('a poll that goes wrong says how to collect the task later', async () => {
	const poller = pollerOf(async () => {
		throw new Flux2Error('unavailable', 'out of order');
	});
	await expect(
		poller.poll({ ...task, pollUrl: 'https://api.example.com/t1' }),
	).rejects.toMatchObject({
		message: 'out of order',
		taskId: 'made-up',
		description: expect.stringContaining(
			'The task ID is made-up, its poll URL "https://api.example.com/t1". The image is paid for and may still come',
		),
	});
});

test('an abort ends the wait at once', async () => {
	const controller = new AbortController();
	const waiting = pollerOf(async () => pending, { signal: controller.signal }).waitUntilFinal(task);
	controller.abort();
	await expect(waiting).rejects.toBeInstanceOf(AbortedError);
});

describe('how long a task took is learnt', () => {
	test.each([
		['from a task that this run has submitted', true, [pending, done], 1],
		['from no task that an earlier run has submitted', false, [pending, done], 0],
		['from no task that has failed', true, [pending, failed], 0],
	])('%s', async (_what, submittedByThisRun, states, count) => {
		jest.useFakeTimers();
		const estimator = new DurationEstimator(new Map(), KEY, 10);
		await follow(states, { submittedByThisRun, estimator });
		expect(estimator.estimate.count).toBe(count);
	});
});
