import { Flux2Error } from './errors';
import { calm, type DownloadBody } from './http';
import { within } from './wait';

/** A host from which nothing comes for so long is asked anew. */
const LONGEST_SILENCE_MS = 20_000;

/**
 * The stream's chunks.
 * @throws Flux2Error `timeout` (passing) when nothing comes for too long; `Stopped`; or what broke the stream
 */
export async function* flowing(
	body: DownloadBody,
	signal: AbortSignal,
	longestSilenceMs = LONGEST_SILENCE_MS,
): AsyncGenerator<Buffer> {
	const chunks = (body as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
	try {
		for (;;) {
			const next = await within(chunks.next(), longestSilenceMs, signal);
			if (!next) throw silent();
			if (next.done) return;
			yield next.value;
		}
	} finally {
		body.destroy();
	}
}

/** The stream's next bytes, or null at its end; throws as `flowing` does. */
export async function nextChunk(
	body: DownloadBody,
	signal: AbortSignal,
	longestSilenceMs = LONGEST_SILENCE_MS,
): Promise<Buffer | null> {
	if (body.destroyed && !body.readableEnded) throw body.errored ?? broken();
	const chunk = body.read() as Buffer | null;
	if (chunk !== null || body.readableEnded) return chunk;
	const next = await within(readable(body), longestSilenceMs, signal);
	if (next === undefined) throw silent();
	return next;
}

const readable = async (body: DownloadBody): Promise<Buffer | null> =>
	await new Promise((resolve, reject) => {
		const settle = () => {
			body.off('readable', settle).off('end', settle).off('error', reject).off('close', settle);
			resolve(body.read() as Buffer | null);
		};
		body.once('readable', settle).once('end', settle).once('error', reject).once('close', settle);
	});

/**
 * A stream out of a generator. A package may not import node:stream, but every stream's class inherits its `from`;
 * `compose` would do, if its inner stream did not throw the error of a broken connection at the whole process.
 */
export function passingThrough(
	body: DownloadBody,
	chunks: () => AsyncGenerator<Buffer>,
): DownloadBody {
	const { from } = body.constructor as unknown as {
		from(this: void, chunks: AsyncIterable<Buffer>): DownloadBody;
	};
	return calm(from(chunks()));
}

const broken = () =>
	new Flux2Error('unavailable', 'The image broke off before its header', { passing: true });

const silent = () =>
	new Flux2Error('timeout', 'The image stopped coming', {
		description: "The image's host has fallen silent.",
		passing: true,
	});
