import sharp from 'sharp';
import { CompletenessCheck, readImageInfo } from '../../../nodes/shared/images/format';

const canvas = () => sharp({ create: { width: 40, height: 30, channels: 3, background: 'teal' } });

const formats = [
	['png', { mimeType: 'image/png', extension: 'png' }],
	['jpeg', { mimeType: 'image/jpeg', extension: 'jpg' }],
	['webp', { mimeType: 'image/webp', extension: 'webp' }],
] as const;

function isComplete(mimeType: string, bytes: Buffer, pieceLength: number): boolean {
	const completeness = new CompletenessCheck(mimeType);
	for (let start = 0; start < bytes.length; start += pieceLength)
		completeness.add(bytes.subarray(start, start + pieceLength));
	expect(completeness.fileSize).toBe(bytes.length);
	return completeness.isComplete;
}

describe.each(formats)('%s', (format, type) => {
	let bytes: Buffer;
	beforeAll(async () => {
		bytes = await canvas().toFormat(format).toBuffer();
	});

	test('has the type and size that its header says', () => {
		expect(readImageInfo(bytes)).toEqual({ ...type, width: 40, height: 30 });
	});

	test.each([1, 3, 7, 100_000])(
		'is complete with its last byte only, in pieces of %d',
		(pieceLength) => {
			expect(isComplete(type.mimeType, bytes, pieceLength)).toBe(true);
			for (const missing of [12, 30, Math.floor(bytes.length / 2)]) {
				expect(isComplete(type.mimeType, bytes.subarray(0, -missing), pieceLength)).toBe(false);
			}
		},
	);

	test('is complete with a little padding behind it', () => {
		expect(isComplete(type.mimeType, Buffer.concat([bytes, Buffer.alloc(16)]), 5)).toBe(true);
	});
});

test.each([
	['nothing', ''],
	['a page', '<!doctype html><h1>Sign in</h1>'],
	['JSON', '{"error":"expired"}'],
	['the beginning of a PNG', '\x89PNG\r\n\x1a\n'],
	['an SVG', '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'],
])('%s is no image', (_name, text) => {
	expect(readImageInfo(Buffer.from(text, 'latin1'))).toBeUndefined();
});

test('a GIF counts as no image', async () => {
	expect(readImageInfo(await canvas().gif().toBuffer())).toBeUndefined();
});
