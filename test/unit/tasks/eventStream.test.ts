import { PassThrough } from 'node:stream';
import type { ReadClient } from '../../../nodes/shared/http/types';
import { RunEvents, subscribeToTaskEvents } from '../../../nodes/shared/tasks/eventStream';
import type { Done, FinalState, Task, TaskEvents } from '../../../nodes/shared/tasks/protocol';

/** Ends of tasks that the provider pushes, over a stream that a test holds in its hands. */

interface Subscribed {
	events: TaskEvents;
	stream: PassThrough;
	/** As often as the stream was opened. */
	opened: () => number;
	abort: () => void;
}

const { signal } = new AbortController();

const endOf = (taskId: string): Done => ({
	status: 'done',
	task: { id: taskId },
	readyAt: '2026-11-21T12:00:00.000Z',
	images: [{ url: `https://images.example/${taskId}.png` }],
	raw: {},
});

/** An event names its task in its data, and says whether that is its end. */
const read = ({ event, data }: { event: string; data: string }) => {
	if (event === 'foreign') return undefined;
	return { taskId: data, state: event === 'end' ? endOf(data) : undefined };
};

function clientWith(open: () => Promise<unknown>): ReadClient {
	const context = { helpers: { httpRequestWithAuthentication: open } };
	return {
		context,
		credentialType: 'anyApi',
		label: 'The provider',
		baseUrl: 'https://api.example',
	} as unknown as ReadClient;
}

function subscribe({ status = 200, fails = false } = {}): Subscribed {
	const stream = new PassThrough();
	const controller = new AbortController();
	const open = jest.fn(async () => {
		if (fails) throw new Error('no connection');
		return { statusCode: status, headers: {}, body: stream };
	});
	const events = subscribeToTaskEvents(clientWith(open), '/events', read, controller.signal);
	const abort = () => controller.abort();
	return { events, stream, opened: () => open.mock.calls.length, abort };
}

const send = ({ stream }: Subscribed, event: string, taskId: string) =>
	stream.write(`event: ${event}\ndata: ${taskId}\n\n`);

/** Lets what was written arrive. */
const arrive = async () => {
	for (let turn = 0; turn < 20; turn++) await new Promise((next) => setImmediate(next));
};

/** What the promise has come to by now. */
async function stateOf(promise: Promise<FinalState | undefined>) {
	const waiting = arrive().then(() => 'waiting' as const);
	return await Promise.race([promise, waiting]);
}

describe('the end of a task', () => {
	test('comes to whoever waits for it, and to whoever asks later', async () => {
		const subscribed = subscribe();
		const { events } = subscribed;
		await events.ready;
		const waiting = [events.next('t1', signal), events.next('t1', signal)];
		expect(await stateOf(events.next('t1', signal))).toBe('waiting');
		send(subscribed, 'end', 't1');

		expect(await Promise.all([...waiting, events.next('t1', signal)])).toEqual(
			Array(3).fill(endOf('t1')),
		);
		expect(events.isConnected).toBe(true);
	});

	test('of another task wakes nobody', async () => {
		const subscribed = subscribe();
		const waiting = subscribed.events.next('t1', signal);
		send(subscribed, 'end', 't2');
		send(subscribed, 'foreign', 't1');
		expect(await stateOf(waiting)).toBe('waiting');
	});

	test('may come before anybody waits for it, and among a thousand others', async () => {
		const subscribed = subscribe();
		const { events } = subscribed;
		send(subscribed, 'end', 'first');
		for (let number = 1; number < 1000; number++) send(subscribed, 'end', `other ${number}`);
		await arrive();
		expect(await stateOf(events.next('first', signal))).toEqual(endOf('first'));
		send(subscribed, 'end', 'one more');
		await arrive();
		// the oldest is given up
		expect(await stateOf(events.next('first', signal))).toBe('waiting');
		expect(await stateOf(events.next('other 1', signal))).toEqual(endOf('other 1'));
	});
});

test('a wait that has ended leaves nothing behind that an event would wake', async () => {
	const subscribed = subscribe();
	const { events } = subscribed;
	const ended = new AbortController();
	const over = events.next('t1', ended.signal);
	ended.abort();
	const waiting = events.next('t1', signal);
	send(subscribed, 'end', 't1');

	expect(await waiting).toEqual(endOf('t1'));
	expect(await stateOf(over)).toBe('waiting');
});

test('an event that does not say enough asks for a poll once, and nothing is kept of it', async () => {
	const subscribed = subscribe();
	const { events } = subscribed;
	const waiting = events.next('t1', signal);
	send(subscribed, 'news', 't1');
	expect(await waiting).toBeUndefined();
	expect(await stateOf(events.next('t1', signal))).toBe('waiting');
});

describe('a stream', () => {
	test('that ends asks for polls of everything that is waited for, now and later', async () => {
		const subscribed = subscribe();
		const { events, stream } = subscribed;
		const waiting = [events.next('t1', signal), events.next('t2', signal)];
		send(subscribed, 'end', 't3');
		stream.end();

		expect(await Promise.all([...waiting, events.next('t1', signal)])).toEqual(
			Array(3).fill(undefined),
		);
		expect(events.isConnected).toBe(false);
		// what had come is not lost
		expect(await events.next('t3', signal)).toEqual(endOf('t3'));
	});

	test('that breaks does too', async () => {
		const { events, stream } = subscribe();
		const waiting = events.next('t1', signal);
		stream.destroy(new Error('reset'));
		expect(await waiting).toBeUndefined();
		expect(events.isConnected).toBe(false);
	});

	test.each([
		['with another status', { status: 404 }],
		['with no connection', { fails: true }],
	])('that is not opened (%s) is no failure: there are polls', async (_how, options) => {
		const { events, opened } = subscribe(options);
		await events.ready;
		expect(events.isConnected).toBe(false);
		expect(await events.next('t1', signal)).toBeUndefined();
		expect(opened()).toBe(1);
	});

	test('is closed by its run, and by an abort', async () => {
		const closed = subscribe();
		await closed.events.ready;
		closed.events.close();
		expect([closed.stream.destroyed, closed.events.isConnected]).toEqual([true, false]);
		const aborted = subscribe();
		await aborted.events.ready;
		aborted.abort();
		expect(aborted.stream.destroyed).toBe(true);
	});

	test('that is silent for 40 seconds counts as broken, until it is active again', async () => {
		jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] });
		const { events, stream } = subscribe();
		await events.ready;
		jest.advanceTimersByTime(39_999);
		expect(events.isConnected).toBe(true);
		jest.advanceTimersByTime(1);
		expect(events.isConnected).toBe(false);
		stream.write(': keep-alive\n\n');
		await arrive();
		expect(events.isConnected).toBe(true);
		jest.useRealTimers();
	});

	test('that took long to open is not silent from then on', async () => {
		jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] });
		let open = (_response: unknown) => {};
		const opening = new Promise((resolve) => (open = resolve));
		const events = subscribeToTaskEvents(
			clientWith(async () => await opening),
			'/events',
			read,
			signal,
		);
		jest.setSystemTime(Date.now() + 60_000);
		open({ statusCode: 200, headers: {}, body: new PassThrough() });
		await arrive();
		expect(events.isConnected).toBe(true);
		jest.useRealTimers();
	});
});

describe('the streams of a run', () => {
	const client = {} as ReadClient;
	const task = (id: string): Task => ({ id });

	function eventsOf(scope: 'run' | 'task') {
		const close = jest.fn();
		const open = jest.fn(
			(): TaskEvents => ({
				ready: Promise.resolve(),
				isConnected: true,
				next: async () => await Promise.resolve(undefined),
				close,
			}),
		);
		return { events: { scope, open }, open, close };
	}

	test('are none where the provider has none', () => {
		const run = new RunEvents(signal);
		expect(run.beforeSubmit({}, client)).toBeUndefined();
		expect(run.of({}, client, task('t1'))).toBeUndefined();
		run.close(task('t1'));
		run.closeAll();
	});

	test('are one for all tasks, opened once, and open until the run ends', () => {
		const run = new RunEvents(signal);
		const { open, close, ...protocol } = eventsOf('run');
		const stream = run.beforeSubmit(protocol, client);
		expect(stream).toBeDefined();
		expect(run.of(protocol, client, task('t1'))).toBe(stream);
		expect(run.of(protocol, client, task('t2'))).toBe(stream);
		expect(open.mock.calls).toEqual([[client, signal]]);
		run.close(task('t1'));
		expect(close).not.toHaveBeenCalled();
		run.closeAll();
		expect(close).toHaveBeenCalledTimes(1);
	});

	test('are one for each task, opened with it and closed with it', () => {
		const run = new RunEvents(signal);
		const { open, close, ...protocol } = eventsOf('task');
		expect(run.beforeSubmit(protocol, client)).toBeUndefined();
		const first = run.of(protocol, client, task('t1'));
		expect(run.of(protocol, client, task('t1'))).toBe(first);
		expect(run.of(protocol, client, task('t2'))).not.toBe(first);
		expect(open.mock.calls).toEqual([
			[client, task('t1'), signal],
			[client, task('t2'), signal],
		]);
		run.close(task('t1'));
		expect(close).toHaveBeenCalledTimes(1);
		run.closeAll();
		expect(close).toHaveBeenCalledTimes(3);
	});
});
