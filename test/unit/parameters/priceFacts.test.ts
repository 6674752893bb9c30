import type { ImageRequest } from '../../../nodes/shared/parameters/imageRequest';
import { customBody, numberOfImages } from '../../../nodes/shared/parameters/options';
import { Settings } from '../../../nodes/shared/parameters/param';
import { imagesOf, readPriceFacts } from '../../../nodes/shared/parameters/priceFacts';

/** What the price of a request depends on, as the provider will see the request. */

interface Facts {
	body?: Record<string, unknown>;
	custom?: unknown;
	images?: number;
	numbers?: ImageRequest['numbers'];
}

function requestOf({ body = {}, custom, images, numbers }: Facts): ImageRequest {
	const settings = new Map<string, unknown>();
	if (custom !== undefined) settings.set(customBody.property.name, custom);
	if (images !== undefined) settings.set(numberOfImages.property.name, images);
	return {
		model: { id: 'flux', parameters: [{ wireName: 'width' }, { wireName: 'guidance' }] },
		body,
		settings: new Settings(settings),
		numbers,
	} as unknown as ImageRequest;
}

const read = (facts: Facts) => readPriceFacts(requestOf(facts), []);

test('are the size, the steps, the reference images and the number of images', () => {
	const references = [{ width: 10, height: 20 }, undefined];
	const body = { width: 1024, height: '512', steps: 4, guidance: 2 };
	expect(readPriceFacts(requestOf({ body, images: 3 }), references)).toEqual({
		width: 1024,
		height: 512,
		steps: 4,
		references,
		images: 3,
		hasUnknownFields: false,
	});
});

test.each([0, -1, 'wide', null, undefined, NaN, Infinity])('no count: %p', (width) => {
	expect(read({ body: { width } })).toMatchObject({ width: undefined, images: 1 });
});

test('a custom body counts last, wherever it has a field', () => {
	const custom = { input: [{ params: { width: 2048 } }], prompt: 'x' };
	expect(read({ body: { width: 1024, height: 64 }, custom })).toMatchObject({
		width: 2048,
		height: 64,
		hasUnknownFields: false,
	});
});

test.each([
	[{ guidance: 3 }, false],
	[{ model: 'flux' }, false],
	[{ turbo: true }, true],
	[{ input: [{ turbo: true }] }, true],
	[{ guidance: [3, 4] }, false],
])('a custom body of %j has unknown fields: %p', (custom, hasUnknownFields) => {
	expect(read({ custom })).toMatchObject({ hasUnknownFields });
});

test('nothing is known of the price of another model', () => {
	expect(read({ custom: { model: 'another' } })).toBeUndefined();
	expect(read({ body: { model: 'another' } })).toBeUndefined();
});

describe('the number of images', () => {
	test('is that of the item before its requests are made, and of the request then', () => {
		expect(imagesOf(requestOf({ images: 4 }))).toBe(4);
		expect(imagesOf(requestOf({ images: 4, numbers: { first: 1, of: 4 } }))).toBe(1);
	});

	test.each(['num_generations', 'num_images'])('is what %s says for each request', (field) => {
		const numbers = { first: 1, of: 8 };
		expect(imagesOf(requestOf({ body: { [field]: 4 }, images: 8, numbers }))).toBe(4);
		expect(imagesOf(requestOf({ custom: { input: { [field]: 2 } }, images: 3 }))).toBe(6);
		expect(imagesOf(requestOf({ body: { [field]: 0 } }))).toBe(1);
	});
});
