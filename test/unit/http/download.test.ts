import { PassThrough, Readable } from 'node:stream';
import type { IDataObject, IHttpRequestOptions } from 'n8n-workflow';
import { AbortedError, Flux2Error } from '../../../nodes/shared/core/errors';
import {
	download,
	readBytes,
	readChunk,
	streamFrom,
	trackIdleTime,
	withIdleTimeout,
	type DownloadContext,
} from '../../../nodes/shared/http/download';

const IDLE_TIMEOUT_MS = 30;
/** Where the time limit is not what is tested. */
const LONG_TIMEOUT_MS = 60_000;
const { signal } = new AbortController();
const idleTimeout = { kind: 'timeout', message: 'The image stopped coming', transient: true };

/** Reads to the end, resting between two chunks; says whether the attempt's own signal was aborted in the end. */
async function read(
	stream: PassThrough,
	{ abortSignal = signal, restMs = 0, idleTimeoutMs = LONG_TIMEOUT_MS } = {},
) {
	let text = '';
	let attemptSignal: AbortSignal | undefined;
	const reading = withIdleTimeout(
		abortSignal,
		async (signalOfAttempt, timer) => {
			attemptSignal = signalOfAttempt;
			for await (const chunk of trackIdleTime(stream, timer)) {
				text += chunk.toString();
				await new Promise((resolve) => setTimeout(resolve, restMs));
			}
			return text;
		},
		idleTimeoutMs,
	);
	return await reading.finally(() => expect(attemptSignal?.aborted).toBe(true));
}

test('a download yields the whole file', async () => {
	const stream = new PassThrough();
	stream.write('an ');
	stream.end('image');

	expect(await read(stream)).toBe('an image');
});

test.each(['', 'half an '])('a download that stalls after "%s" is given up', async (beginning) => {
	const stream = new PassThrough();
	stream.write(beginning);

	const reading = read(stream, { idleTimeoutMs: IDLE_TIMEOUT_MS });
	await expect(reading).rejects.toMatchObject(idleTimeout);
});

test('a download that does not even begin is given up', async () => {
	const never = async () => await new Promise<never>(() => {});
	await expect(withIdleTimeout(signal, never, IDLE_TIMEOUT_MS)).rejects.toMatchObject(idleTimeout);
});

test('a slow consumer is no stalled download', async () => {
	const stream = new PassThrough();
	stream.write('an ');
	stream.end('image');

	expect(await read(stream, { idleTimeoutMs: 400, restMs: 800 })).toBe('an image');
});

test('a download that breaks off fails with what broke it', async () => {
	const stream = new PassThrough();
	stream.on('error', () => undefined);
	const reading = read(stream);
	stream.destroy(new Error('reset'));

	await expect(reading).rejects.toThrow('reset');
});

test('an abort ends a download at once', async () => {
	const controller = new AbortController();
	const reading = read(new PassThrough(), { abortSignal: controller.signal });
	controller.abort();

	await expect(reading).rejects.toThrow(AbortedError);
});

describe('a file', () => {
	const ORIGIN = 'https://api.example';
	const URL_OF_FILE = 'https://cdn.example/1.png';
	type Hop = { status?: number; headers?: IDataObject; body?: Readable } | Error;

	/** A host that responds with these in turn; the last one goes on for ever. */
	function hostWith(hops: Hop[], { origin = ORIGIN, abortSignal = signal } = {}) {
		const requests: IHttpRequestOptions[] = [];
		const httpRequest = async (options: IHttpRequestOptions) => {
			requests.push(options);
			const hop = hops[Math.min(requests.length, hops.length) - 1]!;
			if (hop instanceof Error) throw hop;
			const { status = 200, headers = {}, body = Readable.from([Buffer.from('an image')]) } = hop;
			return { statusCode: status, headers: { 'retry-after': '0.001', ...headers }, body };
		};
		const helpers = { httpRequest } as DownloadContext['helpers'];
		const context: DownloadContext = { helpers, origin, signal: abortSignal };
		const get = async (url = URL_OF_FILE, maxBytes = 100) =>
			await download(context, url, async (file) => {
				const bytes = await readBytes(
					file,
					maxBytes,
					() => new Flux2Error('badResponse', 'too large'),
				);
				return bytes.toString();
			});
		return { requests, get, context, urls: () => requests.map(({ url }) => url) };
	}

	const redirect = (location: unknown, status = 302): Hop => ({
		status,
		headers: { location } as IDataObject,
	});

	test('is asked for without a credential, as a stream, and no redirect is followed by itself', async () => {
		const { get, requests } = hostWith([{}]);
		expect(await get()).toBe('an image');
		expect(requests).toEqual([
			{
				method: 'GET',
				url: URL_OF_FILE,
				encoding: 'stream',
				returnFullResponse: true,
				ignoreHttpStatusErrors: true,
				disableFollowRedirect: true,
				abortSignal: expect.any(AbortSignal),
			},
		]);
		// which closes its connection
		expect(requests[0]!.abortSignal!.aborted).toBe(true);
	});

	test('is followed to where it has moved, also by a relative address', async () => {
		const { get, urls } = hostWith([
			redirect('https://other.example/a/2.png', 301),
			redirect('../3.png', 399),
			{},
		]);
		expect(await get()).toBe('an image');
		expect(urls()).toEqual([
			URL_OF_FILE,
			'https://other.example/a/2.png',
			'https://other.example/3.png',
		]);
	});

	test('is followed five times, and no further', async () => {
		const five = hostWith([...Array<Hop>(5).fill(redirect('/next.png')), {}]);
		expect(await five.get()).toBe('an image');
		const six = hostWith([redirect('/next.png')]);
		await expect(six.get()).rejects.toMatchObject({
			kind: 'badResponse',
			message: "The image's URL redirects more than 5 times",
		});
		expect(six.requests).toHaveLength(6);
	});

	test('is not followed to plain http, and the error has the status of the redirect', async () => {
		const { get, requests } = hostWith([redirect('http://cdn.example/1.png', 307)]);
		await expect(get()).rejects.toMatchObject({
			kind: 'badResponse',
			message: 'The address http://cdn.example was not opened, because it is not https',
			httpCode: 307,
		});
		expect(requests).toHaveLength(1);
	});

	test.each([
		['300 without an address', redirect(undefined, 300)],
		['a redirect to what is no address', redirect('https://[', 302)],
		['a redirect to several addresses', redirect(['/a', '/b'], 302)],
		['404 with an address', redirect('/elsewhere.png', 404)],
		['204', { status: 204 }],
		['400 with an address', redirect('/elsewhere.png', 400)],
	])('is not there when its host responds with %s', async (_what, hop) => {
		const { get, requests } = hostWith([hop]);
		await expect(get()).rejects.toMatchObject({ httpCode: (hop as { status: number }).status });
		expect(requests).toHaveLength(1);
	});

	test('is asked for again after what passes, and after nothing else', async () => {
		const passing = hostWith([
			{ status: 503 },
			Object.assign(new Error('reset'), { code: 'ECONNRESET' }),
			{},
		]);
		expect(await passing.get()).toBe('an image');
		expect(passing.requests).toHaveLength(3);
		const gone = hostWith([{ status: 404 }, {}]);
		await expect(gone.get()).rejects.toMatchObject({ kind: 'expired' });
		expect(gone.requests).toHaveLength(1);
	});

	test('whose host cannot be reached is reported with its name', async () => {
		const { get } = hostWith([new Error('blocked')]);
		await expect(get()).rejects.toMatchObject({
			kind: 'unavailable',
			message: "The request to the image's host (cdn.example) failed: blocked",
		});
	});

	test('that breaks while it is read is reported as that, and asked for again', async () => {
		const broken = new PassThrough();
		broken.write('half');
		setImmediate(() => broken.destroy(Object.assign(new Error('reset'), { code: 'ECONNRESET' })));
		const { get, requests } = hostWith([{ body: broken }, {}]);
		expect(await get()).toBe('an image');
		expect(requests).toHaveLength(2);
	});

	test('whose reader fails by itself is reported in the words of the failure', async () => {
		const { context } = hostWith([{}]);
		const failing = download(context, URL_OF_FILE, async () => {
			throw new Error('the disk is full');
		});
		await expect(failing).rejects.toMatchObject({
			kind: 'unavailable',
			message: "The request to the image's host failed: the disk is full",
			maybeBilled: false,
		});
	});

	test('is read up to the most that is taken, one byte more is refused', async () => {
		const { get } = hostWith([{ body: Readable.from([Buffer.from('an '), Buffer.from('image')]) }]);
		expect(await get(URL_OF_FILE, 8)).toBe('an image');
		const large = hostWith([{}]);
		await expect(large.get(URL_OF_FILE, 7)).rejects.toThrow('too large');
		expect(large.requests).toHaveLength(1);
	});

	test('is not opened once the signal is aborted', async () => {
		const { get } = hostWith([{ body: new PassThrough() }], { abortSignal: AbortSignal.abort() });
		await expect(get()).rejects.toBeInstanceOf(AbortedError);
	});
});

describe('the next bytes of a stream', () => {
	test('are those that are there, those that come, or none at its end', async () => {
		const stream = new PassThrough();
		stream.write('one');
		expect((await readChunk(stream))!.toString()).toBe('one');
		const next = readChunk(stream);
		stream.write('two');
		expect((await next)!.toString()).toBe('two');
		const end = readChunk(stream);
		stream.end();
		expect(await end).toBeNull();
		expect(await readChunk(stream)).toBeNull();
	});

	test('never come where it has broken', async () => {
		const stream = new PassThrough();
		stream.on('error', () => undefined);
		const waiting = readChunk(stream);
		stream.destroy(new Error('reset'));
		await expect(waiting).rejects.toThrow('reset');
		await expect(readChunk(stream)).rejects.toThrow('reset');
		const closed = new PassThrough();
		closed.destroy();
		await expect(readChunk(closed)).rejects.toMatchObject({
			kind: 'unavailable',
			message: 'The image broke off before its header',
			transient: true,
		});
	});

	test('leave no listener behind', async () => {
		const stream = new PassThrough();
		const before = stream.eventNames().map((name) => [name, stream.listenerCount(name)]);
		const next = readChunk(stream);
		stream.write('one');
		await next;
		expect(stream.eventNames().map((name) => [name, stream.listenerCount(name)])).toEqual(before);
	});
});

test('a stream from a generator has its chunks, and an error that nobody reads ends no process', async () => {
	const like = new PassThrough();
	const stream = streamFrom(like, async function* () {
		yield Buffer.from('one');
		yield Buffer.from('two');
	});
	const chunks: string[] = [];
	for await (const chunk of stream) chunks.push((chunk as Buffer).toString());
	expect(chunks).toEqual(['one', 'two']);
	const failing = streamFrom(like, async function* () {
		yield await Promise.reject(new Error('nobody listens'));
	});
	failing.read();
	await new Promise((resolve) => setImmediate(resolve));
	expect(failing.errored).toEqual(new Error('nobody listens'));
});
