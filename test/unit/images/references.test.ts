import { PassThrough, Readable } from 'node:stream';
import type { IBinaryData, IHttpRequestOptions } from 'n8n-workflow';
import sharp from 'sharp';
import { AbortedError } from '../../../nodes/shared/core/errors';
import {
	fingerprintReferences,
	imageField,
	imageFields,
	loadReferences,
	toDataUri,
	type ReferenceRules,
} from '../../../nodes/shared/images/references';
import type { ReferenceInput } from '../../../nodes/shared/parameters/referenceImages';

/** Reference images from wherever the user has them, checked before anything is sent. */

const IMAGE_URL = 'https://cdn.example/1.png';
const { signal } = new AbortController();
const anyRules: ReferenceRules = { takesUrls: false };

let png: Buffer;
beforeAll(async () => {
	const canvas = { width: 40, height: 30, channels: 3, background: 'teal' } as const;
	png = await sharp({ create: canvas }).png().toBuffer();
});

const ofUrl = (url = IMAGE_URL): ReferenceInput => ({ from: 'url', url, label: url });
const ofData = (bytes: Buffer): ReferenceInput => ({
	from: 'dataUri',
	dataUri: `data:image/png;base64,${bytes.toString('base64')}`,
	label: 'a data URI',
});
const ofBinary = (binary: Partial<IBinaryData> = {}): ReferenceInput => ({
	from: 'binary',
	field: 'data',
	itemIndex: 3,
	binary: { data: 'as text', mimeType: 'image/png', ...binary },
	label: 'field "data"',
});

/** An item whose binary fields have these bytes, and a host that responds with this body. */
function clientWith(bytes?: Buffer, body: () => Readable = () => Readable.from([png])) {
	const asked: unknown[] = [];
	const context = {
		helpers: {
			getBinaryDataBuffer: async (itemIndex: number, field: string) => {
				asked.push([itemIndex, field]);
				if (!bytes) throw new Error('no such file');
				return await Promise.resolve(bytes);
			},
			httpRequest: async ({ url }: IHttpRequestOptions) => {
				asked.push(url);
				return { statusCode: 200, headers: {}, body: body() };
			},
		},
	};
	const client = { context, baseUrl: 'https://api.example' };
	const load = async (references: ReferenceInput[], rules = anyRules, abortSignal = signal) =>
		await loadReferences(client as never, references, rules, abortSignal);
	return { load, asked };
}

test('are identified by what they are, without being read', () => {
	const binaries = [ofBinary({ id: 'filesystem:1' }), ofBinary()];
	expect(fingerprintReferences([ofUrl(), ofData(Buffer.from('a')), ...binaries])).toEqual([
		IMAGE_URL,
		'data:image/png;base64,YQ==',
		'filesystem:1',
		'as text',
	]);
});

describe('are loaded', () => {
	const loaded = () => ({ bytes: png, mimeType: 'image/png' });

	test('from a field of the item', async () => {
		const { load, asked } = clientWith(png);
		expect(await load([ofBinary()])).toEqual([loaded()]);
		expect(asked).toEqual([[3, 'data']]);
	});

	test('from a data URI, and from a URL', async () => {
		const { load, asked } = clientWith();
		expect(await load([ofData(png), ofUrl()])).toEqual([loaded(), loaded()]);
		expect(asked).toEqual([IMAGE_URL]);
	});

	test('by the provider itself where it takes URLs', async () => {
		const { load, asked } = clientWith(png);
		const references = [ofUrl(), ofBinary()];
		expect(await load(references, { takesUrls: true })).toEqual([{ url: IMAGE_URL }, loaded()]);
		expect(asked).toEqual([[3, 'data']]);
	});

	test('up to the sides that the model takes, and not beyond', async () => {
		const { load } = clientWith(png);
		const taking = async (sidesBelow: number) =>
			await load([ofBinary()], { ...anyRules, sidesBelow });
		expect(await taking(41)).toHaveLength(1);
		for (const sidesBelow of [40, 31, 30]) {
			await expect(taking(sidesBelow)).rejects.toThrow(
				`Reference image 1 (field "data"): is 40 × 30 pixels, but this model takes references below ${sidesBelow} × ${sidesBelow} only.`,
			);
		}
		const tall = await sharp(png).rotate(90).toBuffer();
		const { load: loadTall } = clientWith(tall);
		await expect(loadTall([ofBinary()], { ...anyRules, sidesBelow: 40 })).rejects.toThrow(
			'is 30 × 40',
		);
	});
});

describe('are refused', () => {
	test('all at once, each by its number and where it comes from', async () => {
		const { load } = clientWith(Buffer.from('no image'));
		const references = [ofBinary(), ofData(png), ofData(Buffer.from('x'.repeat(50)))];
		await expect(load(references)).rejects.toMatchObject({
			kind: 'invalidInput',
			message:
				'Reference image 1 (field "data"): is not a PNG, JPEG or WebP image; Reference image 3 (a data URI): is not a PNG, JPEG or WebP image',
		});
	});

	test('with at most 200 characters of a long label', async () => {
		const { load } = clientWith();
		const reference = { ...ofData(Buffer.from('no')), label: 'x'.repeat(300) };
		await expect(load([reference])).rejects.toThrow(`(${'x'.repeat(200)}): is not`);
	});

	test('when their file cannot be read', async () => {
		const { load } = clientWith();
		await expect(load([ofBinary()])).rejects.toThrow('its binary data could not be read');
	});

	test('when their URL is plain http, also where the provider would fetch it', async () => {
		const { load, asked } = clientWith();
		for (const takesUrls of [true, false]) {
			await expect(load([ofUrl('http://cdn.example/1.png')], { takesUrls })).rejects.toThrow(
				'because it is not https',
			);
		}
		expect(asked).toEqual([]);
	});

	test('when they are larger than 64 MB', async () => {
		const megabyte = Buffer.alloc(1024 * 1024);
		const pieces = (count: number, last: number) => () =>
			Readable.from([...Array<Buffer>(count).fill(megabyte), Buffer.alloc(last)]);
		const whole = clientWith(undefined, pieces(64, 0));
		await expect(whole.load([ofUrl()])).rejects.toThrow('is not a PNG');
		const larger = clientWith(undefined, pieces(64, 1));
		await expect(larger.load([ofUrl()])).rejects.toThrow('is larger than 64 MB');
		expect(larger.asked).toHaveLength(1);
	});

	test('when they do not come within a minute', async () => {
		jest.useFakeTimers();
		const trickle = () => {
			const stream = new PassThrough();
			setInterval(() => stream.write('x'), 10_000);
			return stream;
		};
		const { load } = clientWith(undefined, trickle);
		const ended = jest.fn();
		const loading = load([ofUrl()]).catch(ended);
		await jest.advanceTimersByTimeAsync(59_999);
		expect(ended).not.toHaveBeenCalled();
		await jest.advanceTimersByTimeAsync(1);
		await loading;
		expect(ended.mock.calls).toMatchObject([
			[{ message: `Reference image 1 (${IMAGE_URL}): could not be fetched within 60 s` }],
		]);
		jest.useRealTimers();
	});

	test('not when the run is stopped: that is no failure', async () => {
		const controller = new AbortController();
		const { load } = clientWith(undefined, () => new PassThrough());
		const loading = load([ofUrl()], anyRules, controller.signal);
		setImmediate(() => controller.abort());
		await expect(loading).rejects.toBeInstanceOf(AbortedError);
	});
});

test('are written as the provider takes them', () => {
	const bytes = { bytes: Buffer.from('a'), mimeType: 'image/webp' };
	const url = { url: IMAGE_URL };
	expect([bytes, url].map(toDataUri)).toEqual(['data:image/webp;base64,YQ==', IMAGE_URL]);
	expect([0, 1, 9].map(imageField)).toEqual(['input_image', 'input_image_2', 'input_image_10']);
	expect(imageFields([bytes, url])).toEqual({ input_image: 'YQ==', input_image_2: IMAGE_URL });
	expect(imageFields([])).toEqual({});
});
