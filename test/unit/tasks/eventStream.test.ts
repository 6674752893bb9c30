import { PassThrough } from 'node:stream';
import type { IExecuteFunctions } from 'n8n-workflow';
import { throttle } from '../../../nodes/shared/core/async';
import { createRedactor } from '../../../nodes/shared/core/redact';
import type { ReadClient } from '../../../nodes/shared/http/types';
import { subscribeToTaskEvents } from '../../../nodes/shared/tasks/eventStream';
import type { FinalState } from '../../../nodes/shared/tasks/protocol';

/** Who is woken by an event, where it cannot be seen in n8n's engine. */

const { signal } = new AbortController();
const redact = createRedactor([]);

const endOf = (id: string): FinalState => ({
	status: 'done',
	task: { id },
	readyAt: '2026-01-01T00:00:00.000Z',
	images: [],
	raw: undefined,
});

async function openEvents() {
	const stream = new PassThrough();
	const helpers = {
		httpRequestWithAuthentication: async () => ({ statusCode: 200, headers: {}, body: stream }),
	};
	const client: ReadClient = {
		context: { helpers } as unknown as IExecuteFunctions,
		credentialType: 'madeUpApi',
		label: 'Made-up',
		baseUrl: 'https://api.example',
		credentials: {},
		cancelSignal: signal,
		redact,
		redactItem: redact,
		readError: () => undefined,
		readThrottle: throttle(0),
	};
	const events = subscribeToTaskEvents(
		client,
		'/events',
		({ data }) => ({ taskId: data, state: endOf(data) }),
		signal,
	);
	await events.ready;
	return { events, end: (taskId: string) => stream.write(`data: ${taskId}\n\n`) };
}

test('an event wakes everybody who waits for its task, and is kept for who comes later', async () => {
	const { events, end } = await openEvents();
	const waiting = [events.next('one', signal), events.next('one', signal)];
	end('one');

	expect(await Promise.all(waiting)).toEqual([endOf('one'), endOf('one')]);
	expect(await events.next('one', signal)).toEqual(endOf('one'));
	events.close();
});

test('a wait that has ended leaves nothing behind that an event would wake', async () => {
	const { events, end } = await openEvents();
	const ended = new AbortController();
	let isWoken = false;
	void events.next('one', ended.signal).then(() => (isWoken = true));
	ended.abort();
	const waiting = events.next('one', signal);
	end('one');

	expect(await waiting).toEqual(endOf('one'));
	expect(isWoken).toBe(false);
	events.close();
});

test('the end of the stream wakes everybody, and nobody waits afterwards', async () => {
	const { events } = await openEvents();
	const waiting = events.next('one', signal);
	events.close();

	expect(await waiting).toBeUndefined();
	expect(events.isConnected).toBe(false);
	expect(await events.next('one', signal)).toBeUndefined();
});
