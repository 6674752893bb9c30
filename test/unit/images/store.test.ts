import { PassThrough, Readable } from 'node:stream';
import type { IBinaryData, IDataObject, IHttpRequestOptions } from 'n8n-workflow';
import sharp from 'sharp';
import { AbortedError } from '../../../nodes/shared/core/errors';
import { storeImage, type ImageTarget } from '../../../nodes/shared/images/store';

/** Images on their way into n8n's binary store, which is a list here. */

const IMAGE_URL = 'https://cdn.example/1.png';
const canvas = () => sharp({ create: { width: 40, height: 30, channels: 3, background: 'teal' } });

let png: Buffer;
let webp: Buffer;
beforeAll(async () => {
	png = await canvas().png().toBuffer();
	webp = await canvas().webp().toBuffer();
});

interface Stored {
	bytes: Buffer;
	fileName?: string;
	mimeType?: string;
}

/** A store and a host that responds with these bodies in turn; the last one goes on for ever. */
function targetWith(bodies: Array<() => Readable> = [], more: Partial<ImageTarget> = {}) {
	const stored: Stored[] = [];
	let requests = 0;
	const signals: AbortSignal[] = [];
	const target: ImageTarget = {
		origin: 'https://api.example',
		signal: new AbortController().signal,
		deadline: Date.now() + 20_000,
		helpers: {
			httpRequest: async ({ abortSignal }: IHttpRequestOptions) => {
				const body = bodies[Math.min(requests++, bodies.length - 1)]!;
				signals.push(abortSignal as AbortSignal);
				return { statusCode: 200, headers: {} as IDataObject, body: body() } as unknown;
			},
			async prepareBinaryData(content, fileName, mimeType): Promise<IBinaryData> {
				const chunks: Buffer[] = [];
				if (Buffer.isBuffer(content)) chunks.push(content);
				else for await (const chunk of content) chunks.push(chunk as Buffer);
				stored.push({ bytes: Buffer.concat(chunks), fileName, mimeType });
				return { data: '', mimeType: mimeType ?? '' };
			},
		},
		...more,
	};
	return { target, stored, requests: () => requests, signals };
}

const inPieces = (bytes: Buffer, length: number) =>
	Readable.from(
		Array.from({ length: Math.ceil(bytes.length / length) }, (_piece, index) =>
			bytes.subarray(index * length, (index + 1) * length),
		),
	);

const facts = { width: 40, height: 30, mimeType: 'image/png', extension: 'png' };

describe('an image in base64', () => {
	test('is stored with the type, the size and the name that its bytes give it', async () => {
		const { target, stored } = targetWith();
		const image = { base64: png.toString('base64') };
		expect(await storeImage(target, image, 'a-fox')).toEqual({
			...facts,
			fileSize: png.length,
			binary: { data: '', mimeType: 'image/png' },
		});
		expect(stored).toEqual([{ bytes: png, fileName: 'a-fox.png', mimeType: 'image/png' }]);
	});

	test.each([
		['nothing', '', 'The result is empty instead of an image'],
		[
			'a page',
			'<html>\n\u0000é no</html>',
			'The result is not a PNG, JPEG or WebP image; it begins with "<html>  no</html>"',
		],
		[
			'more of a page',
			'x'.repeat(100),
			`The result is not a PNG, JPEG or WebP image; it begins with "${'x'.repeat(80)}"`,
		],
	])('that is %s is none', async (_what, text, message) => {
		const { target, stored } = targetWith();
		const image = { base64: Buffer.from(text).toString('base64') };
		await expect(storeImage(target, image, 'a-fox')).rejects.toMatchObject({
			kind: 'badResponse',
			message,
			transient: true,
		});
		expect(stored).toEqual([]);
	});

	test('that ends too early is reported with its length', async () => {
		const { target, stored } = targetWith();
		const image = { base64: png.subarray(0, 60).toString('base64') };
		await expect(storeImage(target, image, 'a-fox')).rejects.toMatchObject({
			kind: 'badResponse',
			message: 'The image is truncated after 60 bytes',
			transient: true,
		});
		expect(stored).toEqual([]);
	});
});

describe('an image behind a URL', () => {
	test.each([1, 7, 100_000])(
		'is stored as it comes, in pieces of %d bytes, with the type and size of its header',
		async (length) => {
			const { target, stored } = targetWith([() => inPieces(png, length)]);
			expect(await storeImage(target, { url: IMAGE_URL }, 'a-fox')).toEqual({
				...facts,
				fileSize: png.length,
				binary: { data: '', mimeType: 'image/png' },
			});
			expect(stored).toEqual([{ bytes: png, fileName: 'a-fox.png', mimeType: 'image/png' }]);
		},
	);

	test('of another format has the name of that format', async () => {
		const { target, stored } = targetWith([() => inPieces(webp, 50)]);
		await storeImage(target, { url: IMAGE_URL }, 'a-fox');
		expect(stored).toMatchObject([{ fileName: 'a-fox.webp', mimeType: 'image/webp' }]);
	});

	test('that is cut short, or is none, is fetched anew', async () => {
		const { target, stored, requests } = targetWith([
			() => inPieces(png.subarray(0, -20), 50),
			() => inPieces(Buffer.from('<html>busy</html>'), 50),
			() => inPieces(png, 50),
		]);
		await storeImage(target, { url: IMAGE_URL }, 'a-fox');
		expect(requests()).toBe(3);
		expect(stored.map(({ bytes }) => bytes.length)).toEqual([png.length]);
	}, 20_000);

	test('that never begins within a megabyte is none', async () => {
		let sent = 0;
		const endless = () =>
			Readable.from(
				(function* () {
					for (;;) {
						sent += 64 * 1024;
						yield Buffer.alloc(64 * 1024, 'x');
					}
				})(),
			);
		jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
		const { target, requests } = targetWith([endless]);
		const storing = storeImage(target, { url: IMAGE_URL }, 'a-fox').catch(
			(error: unknown) => error,
		);
		while (requests() < 4) {
			await jest.advanceTimersByTimeAsync(100);
			await new Promise((next) => setImmediate(next));
		}
		expect(await storing).toMatchObject({ kind: 'badResponse' });
		jest.useRealTimers();
		expect(sent / 4).toBeGreaterThanOrEqual(1024 * 1024);
		expect(sent / 4).toBeLessThan(2 * 1024 * 1024);
	}, 20_000);

	test('has until its deadline, and at least two seconds', async () => {
		jest.useFakeTimers();
		const tooLate = {
			kind: 'timeout',
			message: 'The image was ready, but its download took too long',
		};
		for (const [ms, expected] of [
			[-5000, 2000],
			[8000, 8000],
		] as const) {
			const deadline = Date.now() + ms;
			const { target, signals } = targetWith([() => new PassThrough()], { deadline });
			const ended = jest.fn();
			const storing = storeImage(target, { url: IMAGE_URL }, 'a-fox').catch(ended);
			await jest.advanceTimersByTimeAsync(expected - 1);
			expect(ended).not.toHaveBeenCalled();
			await jest.advanceTimersByTimeAsync(1);
			await storing;
			expect(ended).toHaveBeenCalledWith(expect.objectContaining(tooLate));
			expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
		}
		jest.useRealTimers();
	});

	test('whose host falls silent before its header is given up after 20 seconds, and fetched anew', async () => {
		jest.useFakeTimers();
		const { target, stored, requests } = targetWith(
			[() => new PassThrough(), () => inPieces(png, 50)],
			{ deadline: Date.now() + 60_000 },
		);
		const storing = storeImage(target, { url: IMAGE_URL }, 'a-fox');
		await jest.advanceTimersByTimeAsync(19_999);
		expect(requests()).toBe(1);
		await jest.advanceTimersByTimeAsync(5000);
		await storing;
		expect([requests(), stored.length]).toEqual([2, 1]);
		jest.useRealTimers();
	});

	test('is given up at once by an abort', async () => {
		const controller = new AbortController();
		const { target, stored } = targetWith([() => new PassThrough()], { signal: controller.signal });
		const storing = storeImage(target, { url: IMAGE_URL }, 'a-fox');
		setImmediate(() => controller.abort());
		await expect(storing).rejects.toBeInstanceOf(AbortedError);
		expect(stored).toEqual([]);
	});
});
