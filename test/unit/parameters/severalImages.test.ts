import type { ImageRequest } from '../../../nodes/shared/parameters/imageRequest';
import { numberOfImages } from '../../../nodes/shared/parameters/options';
import { Settings } from '../../../nodes/shared/parameters/param';
import type { ParameterReader } from '../../../nodes/shared/parameters/reader';
import { checkSeeds, splitRequest } from '../../../nodes/shared/parameters/severalImages';

/** Which requests make the images of an item, and with which seeds. */

const settingsFor = (images: number) =>
	new Settings(new Map([[numberOfImages.property.name, images]]));

const requestFor = (images: number, body = {}, imagesPerRequest?: object) =>
	({
		model: { id: 'm', ...(imagesPerRequest && { imagesPerRequest }) },
		prompt: 'A fox',
		body: { steps: 4, ...body },
		settings: settingsFor(images),
	}) as unknown as ImageRequest;

const split = (...facts: Parameters<typeof requestFor>) =>
	splitRequest(requestFor(...facts)).map(({ body, numbers, prompt }) => {
		expect(prompt).toBe('A fox');
		return { body, numbers };
	});

const ofFour = { wireName: 'num_images', max: 4 };

test('one image is one request, which says nothing of a number', () => {
	const one = [{ body: { steps: 4 }, numbers: { first: 1, of: 1 } }];
	expect(split(1)).toEqual(one);
	expect(split(1, {}, ofFour)).toEqual(one);
});

test('each image has a request of its own where the provider makes one at a time', () => {
	expect(split(2)).toEqual([
		{ body: { steps: 4 }, numbers: { first: 1, of: 2 } },
		{ body: { steps: 4 }, numbers: { first: 2, of: 2 } },
	]);
});

test('a request makes as many as the provider can, and the last one the rest', () => {
	expect(split(9, {}, ofFour)).toEqual([
		{ body: { steps: 4, num_images: 4 }, numbers: { first: 1, of: 9 } },
		{ body: { steps: 4, num_images: 4 }, numbers: { first: 5, of: 9 } },
		{ body: { steps: 4 }, numbers: { first: 9, of: 9 } },
	]);
});

test.each([undefined, ofFour])(
	'with a seed each image has the next one, alone (%j)',
	(perRequest) => {
		expect(split(3, { seed: 7 }, perRequest)).toEqual([
			{ body: { steps: 4, seed: 7 }, numbers: { first: 1, of: 3 } },
			{ body: { steps: 4, seed: 8 }, numbers: { first: 2, of: 3 } },
			{ body: { steps: 4, seed: 9 }, numbers: { first: 3, of: 3 } },
		]);
	},
);

test.each<[number | undefined, number, string[]]>([
	[undefined, 10, []],
	[0, 10, []],
	[Number.MAX_SAFE_INTEGER, 1, []],
	[Number.MAX_SAFE_INTEGER - 1, 2, []],
	[Number.MAX_SAFE_INTEGER, 2, ['Seed: 9007199254740991 leaves no seeds for so many images']],
])('seed %p with %i images', (seed, images, expected) => {
	const problems: string[] = [];
	const reader = {
		addProblem: (label: string, text: string) => problems.push(`${label}: ${text}`),
	};
	checkSeeds(reader as unknown as ParameterReader, {
		body: seed === undefined ? {} : { seed },
		settings: settingsFor(images),
	});
	expect(problems).toEqual(expected);
});
