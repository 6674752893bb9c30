import { PassThrough } from 'node:stream';
import { Stopped } from '../../nodes/shared/errors';
import type { DownloadBody } from '../../nodes/shared/http';
import { flowing, nextChunk } from '../../nodes/shared/stream';

/** A download's bytes, for a host that may fall silent. */

const SILENCE_MS = 30;
const { signal } = new AbortController();
const silent = { kind: 'timeout', message: 'The image stopped coming', passing: true };

async function read(stream: PassThrough, until = signal): Promise<string> {
	let text = '';
	for await (const chunk of flowing(stream, until, SILENCE_MS)) {
		text += chunk.toString();
	}
	return text;
}

test('comes whole, and the stream is closed', async () => {
	const stream = new PassThrough();
	stream.write('an ');
	stream.end('image');

	expect(await read(stream)).toBe('an image');
	expect(stream.destroyed).toBe(true);
});

test.each(['', 'half an '])(
	'that stop coming after "%s" are given up, and the stream is closed',
	async (beginning) => {
		const stream = new PassThrough();
		stream.write(beginning);

		await expect(read(stream)).rejects.toMatchObject(silent);
		expect(stream.destroyed).toBe(true);
	},
);

test('that are taken slowly are not given up', async () => {
	const stream = new PassThrough();
	stream.write('an ');
	const chunks = flowing(stream, signal, SILENCE_MS);
	await chunks.next();
	stream.end('image');
	await new Promise((resolve) => setTimeout(resolve, 2 * SILENCE_MS));

	expect((await chunks.next()).value?.toString()).toBe('image');
});

test('that break off say what broke them', async () => {
	const stream = new PassThrough();
	stream.on('error', () => undefined);
	const reading = read(stream);
	stream.destroy(new Error('reset'));

	await expect(reading).rejects.toThrow('reset');
});

test('are left alone once the execution is stopped', async () => {
	const stop = new AbortController();
	const reading = read(new PassThrough(), stop.signal);
	stop.abort();

	await expect(reading).rejects.toThrow(Stopped);
});

test('of the header are waited for no longer either', async () => {
	const stream = new PassThrough() as unknown as DownloadBody;
	await expect(nextChunk(stream, signal, SILENCE_MS)).rejects.toMatchObject(silent);
});
