import { PassThrough } from 'node:stream';
import type { IDataObject } from 'n8n-workflow';
import {
	openEventSource,
	parseEvents,
	type ServerSentEvent,
} from '../../../nodes/shared/http/eventSource';
import type { ApiClient } from '../../../nodes/shared/http/types';

/** https://html.spec.whatwg.org/multipage/server-sent-events.html, as far as it is used. */

async function read(...chunks: string[]) {
	const events: ServerSentEvent[] = [];
	let signs = 0;
	const stream = (async function* () {
		yield* chunks.map((chunk) => Buffer.from(chunk));
	})();
	for await (const event of parseEvents(stream, () => signs++)) events.push(event);
	return { events, signs };
}

test.each<[string, string, ServerSentEvent[]]>([
	['a name and data', 'event: end\ndata: 1\n\n', [{ event: 'end', data: '1' }]],
	['no name', 'data: 1\n\n', [{ event: 'message', data: '1' }]],
	['the last of two names', 'event: a\nevent: b\ndata: 1\n\n', [{ event: 'b', data: '1' }]],
	[
		'data on several lines',
		'data: 1\ndata:2\ndata:  3\n\n',
		[{ event: 'message', data: '1\n2\n 3' }],
	],
	['empty data', 'data:\n\n', [{ event: 'message', data: '' }]],
	['no data', 'event: end\n\n', []],
	['an ID and a retry time', 'id: 7\nretry: 10\ndata: 1\n\n', [{ event: 'message', data: '1' }]],
	['a field that only ends like data', 'metadata: 1\n\n', []],
	['a comment', ': keep-alive\n\n', []],
	['no end', 'data: 1\n', []],
	[
		'carriage returns',
		'event: a\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n',
		[
			{ event: 'a', data: '1' },
			{ event: 'message', data: '2' },
		],
	],
])('a block with %s is read', async (_what, text, expected) => {
	expect((await read(text)).events).toEqual(expected);
});

test('every piece is a sign of life, whatever is in it', async () => {
	expect(await read(': a', '\n\n', 'data: 1\n')).toEqual({ events: [], signs: 3 });
});

test('an event of up to a megabyte is read, a larger one is refused', async () => {
	const length = 1024 * 1024;
	const [event] = (await read(`data: ${'x'.repeat(length - 6)}`, '\n\n')).events;
	expect(event!.data).toHaveLength(length - 6);
	await expect(read(`data: ${'x'.repeat(length - 5)}`, '\n\n')).rejects.toMatchObject({
		kind: 'badResponse',
		message: 'An event of the stream is too large',
	});
});

describe('a stream of events', () => {
	const { signal } = new AbortController();

	function clientWith(respond: () => Promise<unknown>) {
		const sent: Array<{ options: IDataObject; signal: AbortSignal }> = [];
		const context = {
			helpers: {
				async httpRequestWithAuthentication(
					this: { getExecutionCancelSignal(): AbortSignal },
					_type: string,
					options: IDataObject,
				) {
					sent.push({ options, signal: this.getExecutionCancelSignal() });
					return await respond();
				},
			},
		};
		const facts = { label: 'The provider', baseUrl: 'https://api.example/v1' };
		return {
			sent,
			client: { context, credentialType: 'anyApi', ...facts } as unknown as ApiClient,
		};
	}

	const responding = (status: number, body = new PassThrough()) => ({
		body,
		...clientWith(async () => ({ statusCode: status, headers: {}, body })),
	});

	test('is opened once, with the credential and under its own signal', async () => {
		const { client, sent, body } = responding(200);
		const stream = await openEventSource(client, '/events', signal);

		expect(stream).toBe(body);
		expect(sent).toEqual([
			{
				signal,
				options: {
					encoding: 'stream',
					returnFullResponse: true,
					ignoreHttpStatusErrors: true,
					disableFollowRedirect: true,
					method: 'GET',
					url: 'https://api.example/v1/events',
					headers: { accept: 'text/event-stream' },
					timeout: 10_000,
				},
			},
		]);
	});

	const notOpened = { kind: 'unavailable', message: 'The provider opened no stream of events' };

	test.each([201, 302, 404, 500])('is none under the status %i', async (status) => {
		const { client, sent } = responding(status);
		await expect(openEventSource(client, '/events', signal)).rejects.toMatchObject(notOpened);
		expect(sent).toHaveLength(1);
	});

	test('is none without a connection', async () => {
		const { client } = clientWith(async () => await Promise.reject(new Error('reset')));
		await expect(openEventSource(client, '/events', signal)).rejects.toMatchObject(notOpened);
	});

	test('is none when it takes more than ten seconds', async () => {
		jest.useFakeTimers();
		const { client } = clientWith(async () => await new Promise(() => {}));
		const opening = openEventSource(client, '/events', signal).catch((error: unknown) => error);
		await jest.advanceTimersByTimeAsync(9999);
		expect(await Promise.race([opening, Promise.resolve('waiting')])).toBe('waiting');
		await jest.advanceTimersByTimeAsync(1);
		expect(await opening).toMatchObject(notOpened);
		jest.useRealTimers();
	});

	test('ends with its signal, also when it opens only then', async () => {
		const controller = new AbortController();
		const open = responding(200);
		await openEventSource(open.client, '/events', controller.signal);
		expect(open.body.destroyed).toBe(false);
		controller.abort();
		expect(open.body.destroyed).toBe(true);
		const late = responding(200);
		await openEventSource(late.client, '/events', AbortSignal.abort()).catch(() => undefined);
		expect(late.body.destroyed).toBe(true);
	});

	test('that breaks while nobody reads it ends no process', async () => {
		const { client, body } = responding(200);
		await openEventSource(client, '/events', signal);
		body.destroy(new Error('reset'));
		await new Promise((resolve) => setImmediate(resolve));
		expect(body.errored).toEqual(new Error('reset'));
	});
});
