import sharp from 'sharp';
import { readImageInfo, trackCompleteness } from '../../../nodes/shared/images/format';

const canvas = () => sharp({ create: { width: 40, height: 30, channels: 3, background: 'teal' } });

const pictures = [
	['png', { mimeType: 'image/png', extension: 'png' }],
	['jpeg', { mimeType: 'image/jpeg', extension: 'jpg' }],
	['webp', { mimeType: 'image/webp', extension: 'webp' }],
] as const;

function isWhole(mimeType: string, bytes: Buffer, pieces: number): boolean {
	const whole = trackCompleteness(mimeType);
	for (let start = 0; start < bytes.length; start += pieces)
		whole.add(bytes.subarray(start, start + pieces));
	expect(whole.fileSize).toBe(bytes.length);
	return whole.isWhole;
}

describe.each(pictures)('%s', (format, type) => {
	let bytes: Buffer;
	beforeAll(async () => {
		bytes = await canvas().toFormat(format).toBuffer();
	});

	test('tells type and size by its header', () => {
		expect(readImageInfo(bytes)).toEqual({ ...type, width: 40, height: 30 });
	});

	test.each([1, 3, 7, 100_000])('is whole to the last byte, in pieces of %d', (pieces) => {
		expect(isWhole(type.mimeType, bytes, pieces)).toBe(true);
		for (const missing of [12, 30, Math.floor(bytes.length / 2)]) {
			expect(isWhole(type.mimeType, bytes.subarray(0, -missing), pieces)).toBe(false);
		}
	});

	test('is whole with a little padding behind it', () => {
		expect(isWhole(type.mimeType, Buffer.concat([bytes, Buffer.alloc(16)]), 5)).toBe(true);
	});
});

test.each([
	['nothing', ''],
	['a page', '<!doctype html><h1>Sign in</h1>'],
	['JSON', '{"error":"expired"}'],
	['the beginning of a PNG', '\x89PNG\r\n\x1a\n'],
	['an SVG', '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'],
])('%s is no picture', (_name, text) => {
	expect(readImageInfo(Buffer.from(text, 'latin1'))).toBeUndefined();
});

test('a GIF is no picture of ours', async () => {
	expect(readImageInfo(await canvas().gif().toBuffer())).toBeUndefined();
});
