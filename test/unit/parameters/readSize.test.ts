import type { IExecuteFunctions } from 'n8n-workflow';
import { choice, integer } from '../../../nodes/shared/parameters/param';
import { ParameterReader } from '../../../nodes/shared/parameters/reader';
import {
	bodyLikeReference,
	needsReference,
	readLikeReference,
	withSize,
} from '../../../nodes/shared/parameters/readSize';
import type { PixelSizes, RatioSizes } from '../../../nodes/shared/parameters/size';
import { pixelParameters, ratioParameters } from '../../../nodes/shared/parameters/sizeParameters';

/** Which fields are sent for a size as people say it. */

const label = (name: string) => ({ label: name, description: 'Any' });
const side = (name: string) =>
	integer(name, { ...label(name), min: 64, max: 2048, multipleOf: 16, default: 1024 });
const options = (...values: string[]) => Object.fromEntries(values.map((value) => [value, value]));

const pixels: PixelSizes = { step: 16, minSide: 64, maxSide: 2048, maxPixels: 4 * 1024 * 1024 };
const ratios: RatioSizes = {
	ratios: ['1:1', '16:9'],
	resolutions: [
		[0.5, '0.5 MP'],
		[2, '2 MP'],
	],
	likeReference: 'match_input_image',
};
const aspectRatio = choice('aspect_ratio', {
	...label('Aspect Ratio'),
	options: options('1:1', '16:9'),
	default: '1:1',
});
const resolution = choice('resolution', {
	...label('Resolution'),
	options: options('0.5 MP', '2 MP'),
	default: '2 MP',
});

const byPixels = {
	name: 'Flux',
	sizes: pixels,
	parameters: pixelParameters(pixels, side('width'), side('height')),
};
const byRatio = {
	name: 'Ratios',
	sizes: ratios,
	parameters: ratioParameters(ratios, aspectRatio, resolution),
};
type SizedModel = Parameters<typeof withSize>[2];
const withoutWord: SizedModel = { ...byRatio, sizes: { ...ratios, likeReference: undefined } };
const unsized: SizedModel = { name: 'Any', parameters: byPixels.parameters };

/** The values with fields in place of the size, and what is wrong. */
function read(model: SizedModel, values: Record<string, unknown>) {
	const reader = new ParameterReader({} as IExecuteFunctions, 0);
	const result = Object.fromEntries(withSize(reader, new Map(Object.entries(values)), model));
	try {
		reader.throwIfInvalid();
		return result;
	} catch (error) {
		return (error as Error).message;
	}
}

const all = { width: 100, height: 200, aspectRatio: '16:9', resolution: '2 MP', megapixels: 1 };

describe('what is sent', () => {
	test('for a custom size is what the user has set, without the megapixels', () => {
		const { megapixels: _hidden, ...custom } = all;
		expect(read(byPixels, { size: 'custom', ...all })).toEqual({ size: 'custom', ...custom });
	});

	test.each([undefined, 'automatic', 'of another version'])(
		'for %p is no size: the provider decides',
		(size) => {
			expect(read(byPixels, { ...all, size, seed: 1 })).toEqual({ size, seed: 1 });
			expect(read(byRatio, { ...all, size, seed: 1 })).toEqual({ size, seed: 1 });
		},
	);

	test('for a model whose sizes nobody knows is what the user has set', () => {
		expect(read(unsized, { ...all, size: '1:1' })).toEqual({ ...all, size: '1:1' });
	});

	test('for a ratio is width and height, of one megapixel when unset', () => {
		expect(read(byPixels, { size: '1:1', width: 64 })).toEqual({
			size: '1:1',
			width: 1024,
			height: 1024,
		});
		expect(read(byPixels, { size: '16:9', megapixels: 2 })).toMatchObject({
			width: 1920,
			height: 1088,
		});
	});

	test('for a ratio is one megapixel where the megapixels are wrong: that is reported elsewhere', () => {
		expect(read(byPixels, { size: '1:1', megapixels: 99 })).toMatchObject({ width: 1024 });
	});

	test('for a ratio is the nearest ratio of the provider, and the resolution that is not above', () => {
		expect(read(byRatio, { size: '4:5', megapixels: 1.9, resolution: '2 MP' })).toEqual({
			size: '4:5',
			megapixels: 1.9,
			aspectRatio: '1:1',
			resolution: '0.5 MP',
		});
		expect(read(byRatio, { size: '21:9', megapixels: 2 })).toMatchObject({
			aspectRatio: '16:9',
			resolution: '2 MP',
		});
	});

	test('for a ratio that the limits do not allow is nothing: it is refused', () => {
		const narrow = { ...byPixels, sizes: { ...pixels, minSide: 1024, maxSide: 1024 } };
		expect(read(narrow, { size: '21:9', megapixels: 0.1 })).toBe(
			'Size: Flux makes no image of 21:9 with so few megapixels',
		);
	});

	test('like the reference image is the provider’s word for it, or nothing yet', () => {
		const size = 'likeReference';
		expect(read(byRatio, { ...all, size, megapixels: 2 })).toEqual({
			size,
			megapixels: 2,
			aspectRatio: 'match_input_image',
			resolution: '2 MP',
		});
		expect(read(byRatio, { size })).toEqual({ size, aspectRatio: 'match_input_image' });
		expect(read(byPixels, { ...all, size })).toEqual({ size, megapixels: 1 });
	});
});

describe('the size of the reference image', () => {
	const like = new Map<string, unknown>([['size', 'likeReference']]);

	test('is needed for one word only', () => {
		expect(needsReference(like)).toBe(true);
		expect(needsReference(new Map([['size', '1:1']]))).toBe(false);
		expect(needsReference(new Map())).toBe(false);
	});

	test('is read only where the provider has no word for it', () => {
		expect(readLikeReference(like, byPixels)).toEqual({ megapixels: undefined });
		expect(readLikeReference(new Map([...like, ['megapixels', 2]]), byPixels)).toEqual({
			megapixels: 2,
		});
		expect(readLikeReference(like, withoutWord)).toEqual({ megapixels: undefined });
		expect(readLikeReference(like, byRatio)).toBeUndefined();
		expect(readLikeReference(like, unsized)).toBeUndefined();
		expect(readLikeReference(new Map([['size', '1:1']]), byPixels)).toBeUndefined();
	});

	test('becomes fields by their wire names', () => {
		const photo = { width: 4032, height: 3024 };
		expect(bodyLikeReference(photo, byPixels, {})).toEqual({ width: 2048, height: 1536 });
		expect(bodyLikeReference(photo, byPixels, { megapixels: 1 })).toEqual({
			width: 1168,
			height: 880,
		});
		const portrait = { width: 1080, height: 1350 };
		expect(bodyLikeReference(portrait, withoutWord, {})).toEqual({ aspect_ratio: '1:1' });
		expect(bodyLikeReference(photo, unsized, {})).toBeUndefined();
		const narrow = { ...byPixels, sizes: { ...pixels, minSide: 512, maxSide: 1024 } };
		expect(bodyLikeReference({ width: 800, height: 100 }, narrow, {})).toBeUndefined();
	});
});
