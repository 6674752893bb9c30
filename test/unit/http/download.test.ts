import { PassThrough } from 'node:stream';
import { AbortedError } from '../../../nodes/shared/core/errors';
import { trackIdleTime, withIdleTimeout } from '../../../nodes/shared/http/download';

/** A download's bytes, for a host that may fall silent. */

const SILENCE_MS = 30;
const { signal } = new AbortController();
const silent = { kind: 'timeout', message: 'The image stopped coming', passing: true };

/** Reads to the end, resting between two chunks; says whether the attempt's own signal was aborted in the end. */
async function read(stream: PassThrough, { until = signal, restMs = 0 } = {}) {
	let text = '';
	let own: AbortSignal | undefined;
	const whole = withIdleTimeout(
		until,
		async (attempt, waiting) => {
			own = attempt;
			for await (const chunk of trackIdleTime(stream, waiting)) {
				text += chunk.toString();
				await new Promise((resolve) => setTimeout(resolve, restMs));
			}
			return text;
		},
		SILENCE_MS,
	);
	return await whole.finally(() => expect(own?.aborted).toBe(true));
}

test('comes whole', async () => {
	const stream = new PassThrough();
	stream.write('an ');
	stream.end('image');

	expect(await read(stream)).toBe('an image');
});

test.each(['', 'half an '])('that stops coming after "%s" is given up', async (beginning) => {
	const stream = new PassThrough();
	stream.write(beginning);

	await expect(read(stream)).rejects.toMatchObject(silent);
});

test('that does not even begin is given up', async () => {
	const never = async () => await new Promise<never>(() => {});
	await expect(withIdleTimeout(signal, never, SILENCE_MS)).rejects.toMatchObject(silent);
});

test('that is taken slowly is not given up', async () => {
	const stream = new PassThrough();
	stream.write('an ');
	setTimeout(() => stream.end('image'), SILENCE_MS / 2);

	expect(await read(stream, { restMs: 2 * SILENCE_MS })).toBe('an image');
});

test('that breaks off says what broke it', async () => {
	const stream = new PassThrough();
	stream.on('error', () => undefined);
	const reading = read(stream);
	stream.destroy(new Error('reset'));

	await expect(reading).rejects.toThrow('reset');
});

test('is left alone once the execution is stopped', async () => {
	const stop = new AbortController();
	const reading = read(new PassThrough(), { until: stop.signal });
	stop.abort();

	await expect(reading).rejects.toThrow(AbortedError);
});
