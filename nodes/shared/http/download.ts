import { Flux2Error } from '../core/errors';
import { ignoreLateErrors, type DownloadStream } from './client';
import { raceTimeout } from '../core/async';

/** A host from which nothing comes for so long is asked anew. */
const LONGEST_SILENCE_MS = 20_000;

/** Since when the next bytes are waited for; undefined while a reader has them, who may take his time. */
export interface Waiting {
	since?: number;
}

/**
 * What one attempt at a download yields. Its signal is aborted in the end in every case, which closes its connection.
 * @throws Flux2Error `timeout` (passing) when nothing comes for too long; `Stopped`; or what `work` has met
 */
export async function withIdleTimeout<T>(
	signal: AbortSignal,
	work: (until: AbortSignal, waiting: Waiting) => Promise<T>,
	longestSilenceMs = LONGEST_SILENCE_MS,
): Promise<T> {
	const until = new AbortController();
	const waiting: Waiting = { since: Date.now() };
	const working = work(until.signal, waiting);
	try {
		for (;;) {
			const silentMs = Date.now() - (waiting.since ?? Date.now());
			if (silentMs >= longestSilenceMs) throw silent();
			const ended = working.then((value) => ({ value }));
			const end = await raceTimeout(ended, longestSilenceMs - silentMs, signal);
			if (end) return end.value;
		}
	} finally {
		until.abort();
	}
}

/** The stream's chunks, as `unlessSilent` wants to hear of them. */
export async function* trackIdleTime(
	body: DownloadStream,
	waiting: Waiting,
): AsyncGenerator<Buffer> {
	waiting.since = Date.now();
	for await (const chunk of body as AsyncIterable<Buffer>) {
		waiting.since = undefined;
		yield chunk;
		waiting.since = Date.now();
	}
	waiting.since = undefined;
}

/** The stream's next bytes, or null at its end. */
export async function readChunk(body: DownloadStream): Promise<Buffer | null> {
	if (body.destroyed && !body.readableEnded) throw body.errored ?? broken();
	const chunk = body.read() as Buffer | null;
	if (chunk !== null || body.readableEnded) return chunk;
	return await new Promise((resolve, reject) => {
		const settle = () => {
			body.off('readable', settle).off('end', settle).off('error', reject).off('close', settle);
			resolve(body.read() as Buffer | null);
		};
		body.once('readable', settle).once('end', settle).once('error', reject).once('close', settle);
	});
}

/**
 * A stream out of a generator. A package may not import node:stream, but every stream's class inherits its `from`;
 * `compose` would do, if its inner stream did not throw the error of a broken connection at the whole process.
 */
export function streamFrom(
	body: DownloadStream,
	chunks: () => AsyncGenerator<Buffer>,
): DownloadStream {
	const { from } = body.constructor as unknown as {
		from(this: void, chunks: AsyncIterable<Buffer>): DownloadStream;
	};
	return ignoreLateErrors(from(chunks()));
}

const broken = () =>
	new Flux2Error('unavailable', 'The image broke off before its header', { passing: true });

const silent = () =>
	new Flux2Error('timeout', 'The image stopped coming', {
		description: "The image's host has fallen silent.",
		passing: true,
	});
