import sharp from 'sharp';
import { CompletenessCheck, readImageInfo } from '../../../nodes/shared/images/format';
import { cutAt, cuts } from '../../support/pieces';
import fc from '../../support/properties';

describe.each(['png', 'jpeg', 'webp'] as const)('an image (%s)', (format) => {
	const mimeType = `image/${format}`;
	let bytes: Buffer;
	beforeAll(async () => {
		const canvas = { width: 24, height: 16, channels: 3, background: 'teal' } as const;
		bytes = await sharp({ create: canvas }).toFormat(format).toBuffer();
	});

	function isComplete(chunks: Buffer[]): boolean {
		const completeness = new CompletenessCheck(mimeType);
		chunks.forEach((chunk) => completeness.add(chunk));
		return completeness.isComplete;
	}

	test('is complete however its bytes are cut', () => {
		fc.assert(fc.property(cuts, (places) => isComplete(cutAt(bytes, places))));
	});

	test('is never complete when its end is missing', () => {
		const lengths = Array.from(bytes.keys());
		expect(lengths.filter((length) => isComplete([bytes.subarray(0, length)]))).toEqual([]);
		fc.assert(
			fc.property(fc.nat(), cuts, (length, places) => {
				const cut = bytes.subarray(0, length % bytes.length);
				return !isComplete(cutAt(cut, places));
			}),
		);
	});

	test('has one size, or none yet, however much of it has come', () => {
		const seen = Array.from(bytes.keys(), (length) => readImageInfo(bytes.subarray(0, length)));
		const sizes = seen.map((info) => info && `${info.width} × ${info.height}`);
		expect([...new Set(sizes)]).toEqual([undefined, '24 × 16']);
	});
});

test('bytes of any kind are an image with a size, or none, without a fault', () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
			const info = readImageInfo(bytes);
			if (info) expect(Number.isFinite(info.width + info.height)).toBe(true);
		}),
	);
});
