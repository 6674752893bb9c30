import type { IExecuteFunctions, IN8nHttpFullResponse } from 'n8n-workflow';
import { raceTimeout } from '../core/async';
import { Flux2Error, flux2ErrorOrThrow } from '../core/errors';
import { downloadStatusError, networkError } from './errors';
import { retry } from './retry';
import { toStream, type DownloadStream } from './types';
import { resolveDownloadUrl } from './urlPolicy';

/** From where files are downloaded, and until when. */
export interface DownloadContext {
	readonly helpers: Pick<IExecuteFunctions['helpers'], 'httpRequest'>;
	/** Plain http is opened on this URL's host only, and only if this URL is plain http itself. */
	readonly origin: string;
	readonly signal: AbortSignal;
}

/** When we began to wait for the next chunk. Undefined while the consumer works on one: a slow consumer is not a stalled download. */
export interface IdleTimer {
	waitingSince?: number;
}

/** A file on its way. */
export interface Download {
	readonly stream: DownloadStream;
	readonly timer: IdleTimer;
	/** Aborted when this attempt ends. */
	readonly signal: AbortSignal;
}

const DOWNLOAD = { idempotent: true };
const MAX_REDIRECTS = 5;
/** A host that sends nothing for so long is asked anew. */
const DOWNLOAD_IDLE_TIMEOUT_MS = 20_000;

/**
 * Downloads a file without any credential: checks each redirect, ends an attempt that stalls, retries what is transient.
 * @param read takes the file of one attempt. It is called again for the next attempt.
 * @throws Flux2Error `expired` for 401, 403, 404 and 410, `timeout`, `unavailable`, or what `read` throws
 */
export async function download<T>(
	context: DownloadContext,
	url: string,
	read: (download: Download) => Promise<T>,
): Promise<T> {
	const { signal } = context;
	return await retry({ idempotent: true, signal }, async () => {
		return await withIdleTimeout(signal, async (attemptSignal, timer) => {
			const attempt = { ...context, signal: attemptSignal };
			const stream = await openDownload(attempt, url);
			try {
				return await read({ stream, timer, signal: attemptSignal });
			} catch (error) {
				throw error instanceof Flux2Error
					? error
					: networkError(
							{ idempotent: true, peer: "the image's host", signal: attemptSignal },
							error,
						);
			}
		});
	});
}

/**
 * What one attempt at a download yields. Its signal is aborted in the end in every case, which closes its connection.
 * @throws Flux2Error `timeout` (transient) when nothing comes for too long; AbortedError; or what `work` throws
 */
export async function withIdleTimeout<T>(
	signal: AbortSignal,
	work: (signal: AbortSignal, timer: IdleTimer) => Promise<T>,
	idleTimeoutMs = DOWNLOAD_IDLE_TIMEOUT_MS,
): Promise<T> {
	const attempt = new AbortController();
	const timer: IdleTimer = { waitingSince: Date.now() };
	const working = work(attempt.signal, timer).then((value) => ({ value }));
	try {
		for (;;) {
			const idleMs = Date.now() - (timer.waitingSince ?? Date.now());
			if (idleMs >= idleTimeoutMs) throw idleTimeoutError();
			const finished = await raceTimeout(working, idleTimeoutMs - idleMs, signal, () => undefined);
			if (finished) return finished.value;
		}
	} finally {
		attempt.abort();
	}
}

/** The stream's chunks, with the timer running while we wait for the next one. */
export async function* trackIdleTime(
	stream: DownloadStream,
	timer: IdleTimer,
): AsyncGenerator<Buffer> {
	timer.waitingSince = Date.now();
	for await (const chunk of stream as AsyncIterable<Buffer>) {
		timer.waitingSince = undefined;
		yield chunk;
		timer.waitingSince = Date.now();
	}
	timer.waitingSince = undefined;
}

/**
 * The whole file.
 * @param tooLargeError thrown when there are more bytes than that
 */
export async function readBytes(
	{ stream, timer }: Omit<Download, 'signal'>,
	maxBytes: number,
	tooLargeError: () => Error,
): Promise<Buffer> {
	const chunks: Buffer[] = [];
	let length = 0;
	for await (const chunk of trackIdleTime(stream, timer)) {
		chunks.push(chunk);
		length += chunk.length;
		if (length > maxBytes) throw tooLargeError();
	}
	return Buffer.concat(chunks);
}

/** The stream's next bytes, or null at its end. What is read may be put back with `unshift`. */
export async function readChunk(stream: DownloadStream): Promise<Buffer | null> {
	if (stream.destroyed && !stream.readableEnded) throw stream.errored ?? brokenError();
	const chunk = stream.read() as Buffer | null;
	if (chunk !== null || stream.readableEnded) return chunk;
	return await new Promise((resolve, reject) => {
		const settle = () => {
			stream.off('readable', settle).off('end', settle).off('error', reject).off('close', settle);
			resolve(stream.read() as Buffer | null);
		};
		stream.once('readable', settle).once('end', settle).once('error', reject).once('close', settle);
	});
}

/**
 * A stream from a generator. A package may not import node:stream, but every stream's class inherits its `from`.
 * `compose` would do, if its inner stream did not throw the error of a broken connection at the whole process.
 */
export function streamFrom(
	like: DownloadStream,
	chunks: () => AsyncGenerator<Buffer>,
): DownloadStream {
	const { from } = like.constructor as unknown as {
		from(this: void, chunks: AsyncIterable<Buffer>): DownloadStream;
	};
	return ignoreLateErrors(from(chunks()));
}

/** A stream that breaks while nobody listens would end n8n's process. Its reader gets the error all the same. */
export function ignoreLateErrors(stream: DownloadStream): DownloadStream {
	stream.on('error', () => undefined);
	return stream;
}

/**
 * Opens a URL without any credential, following redirects by hand so that each hop is checked.
 * The connection lasts until the stream is read or the signal is aborted: n8n's axios wraps the stream, and to destroy
 * the wrapper before it was read would leave the connection open for ever.
 */
async function openDownload(context: DownloadContext, url: string): Promise<DownloadStream> {
	const { helpers, origin, signal } = context;
	let target = resolveDownloadUrl(origin, url);
	for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
		const request = helpers.httpRequest({
			method: 'GET',
			url: target.href,
			encoding: 'stream',
			returnFullResponse: true,
			ignoreHttpStatusErrors: true,
			disableFollowRedirect: true,
			abortSignal: signal,
		}) as Promise<IN8nHttpFullResponse>;
		const response = await request.catch((error: unknown) => {
			throw networkError({ ...DOWNLOAD, peer: `the image's host (${target.host})`, signal }, error);
		});
		const stream = ignoreLateErrors(toStream(response));
		const { statusCode, headers } = response;
		if (statusCode === 200) return stream;
		const location = statusCode >= 300 && statusCode < 400 ? headers.location : undefined;
		if (typeof location !== 'string' || !URL.canParse(location, target.href)) {
			throw downloadStatusError(statusCode, headers);
		}
		target = resolveRedirect(origin, new URL(location, target), statusCode);
	}
	throw new Flux2Error('badResponse', `The image's URL redirects more than ${MAX_REDIRECTS} times`);
}

function resolveRedirect(origin: string, location: URL, httpCode: number): URL {
	try {
		return resolveDownloadUrl(origin, location.href);
	} catch (thrown) {
		throw redirectError(flux2ErrorOrThrow(thrown), httpCode);
	}
}

/** It has the redirect's status: a host that redirects to what is not opened may have the file a moment later. */
const redirectError = ({ kind, message }: Flux2Error, httpCode: number) =>
	new Flux2Error(kind, message, { httpCode });

const brokenError = () =>
	new Flux2Error('unavailable', 'The image broke off before its header', { transient: true });

const idleTimeoutError = () =>
	new Flux2Error('timeout', 'The image stopped coming', {
		description: "The image's host sends nothing more.",
		transient: true,
	});
