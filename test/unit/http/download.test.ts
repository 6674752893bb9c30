import { PassThrough } from 'node:stream';
import { AbortedError } from '../../../nodes/shared/core/errors';
import { trackIdleTime, withIdleTimeout } from '../../../nodes/shared/http/download';

const IDLE_TIMEOUT_MS = 30;
const { signal } = new AbortController();
const idleTimeout = { kind: 'timeout', message: 'The image stopped coming', transient: true };

/** Reads to the end, resting between two chunks; says whether the attempt's own signal was aborted in the end. */
async function read(stream: PassThrough, { abortSignal = signal, restMs = 0 } = {}) {
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
		IDLE_TIMEOUT_MS,
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

	await expect(read(stream)).rejects.toMatchObject(idleTimeout);
});

test('a download that does not even begin is given up', async () => {
	const never = async () => await new Promise<never>(() => {});
	await expect(withIdleTimeout(signal, never, IDLE_TIMEOUT_MS)).rejects.toMatchObject(idleTimeout);
});

test('a slow consumer is no stalled download', async () => {
	const stream = new PassThrough();
	stream.write('an ');
	setTimeout(() => stream.end('image'), IDLE_TIMEOUT_MS / 2);

	expect(await read(stream, { restMs: 2 * IDLE_TIMEOUT_MS })).toBe('an image');
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
