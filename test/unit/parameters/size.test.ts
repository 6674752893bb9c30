import {
	fitSize,
	nearestRatio,
	proportionOf,
	RATIOS,
	resolutionWithin,
	sizeLike,
	sizeOfRatio,
	type PixelSizes,
	type RatioSizes,
	type Size,
} from '../../../nodes/shared/parameters/size';
import fc from '../../support/properties';
import { providers } from '../../support/providers';

const MEGAPIXEL = 1024 * 1024;

/** The limits of every model that has a width and a height, and what else a model may have. */
const known: PixelSizes[] = providers
	.flatMap(({ models }) => models)
	.flatMap(({ sizes }) => (sizes && 'step' in sizes ? [sizes] : []));
const bfl: PixelSizes = { step: 16, minSide: 64, maxPixels: 4 * MEGAPIXEL };
const vtrix: PixelSizes = { step: 32, minSide: 64, maxSide: 2048, maxPixels: 4 * MEGAPIXEL };
const workersAi: PixelSizes = { step: 16, minSide: 256, maxSide: 1920, maxPixels: 1920 * 1920 };

const like = (width: number, height: number, sizes: PixelSizes) =>
	sizeLike({ width, height }, sizes, undefined);

test.each<[string, Size | undefined, string]>([
	['16:9, 1 MP, Black Forest Labs', sizeOfRatio(16 / 9, bfl, 1), '1360 × 768'],
	['16:9, 2 MP, Black Forest Labs', sizeOfRatio(16 / 9, bfl, 2), '1920 × 1088'],
	['1:1, 4 MP, Black Forest Labs', sizeOfRatio(1, bfl, 4), '2048 × 2048'],
	['4:5, 1 MP, Black Forest Labs', sizeOfRatio(4 / 5, bfl, 1), '912 × 1136'],
	['21:9, 4 MP, Black Forest Labs', sizeOfRatio(21 / 9, bfl, 4), '3120 × 1344'],
	[
		'21:9, 2 MP, Workers AI, whose sides end at 1920',
		sizeOfRatio(21 / 9, workersAi, 2),
		'1920 × 816',
	],
	['9:16, 0.5 MP, Vtrix', sizeOfRatio(9 / 16, vtrix, 0.5), '544 × 960'],
	['like 4032 × 3024, Black Forest Labs', like(4032, 3024, bfl), '2352 × 1760'],
	['like 1080 × 1350, Black Forest Labs', like(1080, 1350, bfl), '1088 × 1360'],
	['like 1080 × 1350, Vtrix', like(1080, 1350, vtrix), '1088 × 1376'],
	['like 3024 × 4032, Workers AI', like(3024, 4032, workersAi), '1440 × 1920'],
	['like 50 × 40, Black Forest Labs, which makes it larger', like(50, 40, bfl), '80 × 64'],
	['like 800 × 100, Workers AI, which would be 2048 × 256', like(800, 100, workersAi), 'none'],
	['like 4032 × 3024 with 1 MP', sizeLike({ width: 4032, height: 3024 }, bfl, 1), '1168 × 880'],
	['21:9 with less than the smallest sides have', sizeOfRatio(21 / 9, workersAi, 0.1), 'none'],
])('%s', (_name, size, expected) => {
	expect(size ? `${size.width} × ${size.height}` : 'none').toBe(expected);
});

const limits: fc.Arbitrary<PixelSizes> = fc.oneof(
	fc.constantFrom(...known),
	fc.record(
		{
			step: fc.constantFrom(1, 8, 16, 32, 64),
			minSide: fc.integer({ min: 64, max: 512 }),
			maxSide: fc.integer({ min: 1024, max: 4096 }),
			maxPixels: fc.integer({ min: MEGAPIXEL, max: 16 * MEGAPIXEL }),
		},
		{ requiredKeys: ['step', 'minSide'] },
	),
);
const side = fc.integer({ min: 1, max: 10_000 });

/** Whether some size of these steps and limits has at most one step more or less a side than the exact one. */
function check(size: Size | undefined, exact: Size, sizes: PixelSizes, cap: number): void {
	const { step, minSide, maxSide = Infinity } = sizes;
	if (!size) {
		// the nearest ones have each been too small or too large
		const around = [exact.width, exact.height].map((value) => [
			Math.floor(value / step) * step,
			Math.ceil(value / step) * step,
		]);
		const possible = around[0]!.some((width) =>
			around[1]!.some(
				(height) =>
					Math.min(width, height) >= minSide &&
					Math.max(width, height) <= maxSide &&
					width * height <= cap,
			),
		);
		expect(possible).toBe(false);
		return;
	}
	expect([size.width % step, size.height % step]).toEqual([0, 0]);
	expect(Math.min(size.width, size.height)).toBeGreaterThanOrEqual(minSide);
	expect(Math.max(size.width, size.height)).toBeLessThanOrEqual(maxSide);
	expect(size.width * size.height).toBeLessThanOrEqual(cap);
	expect(Math.abs(size.width - exact.width)).toBeLessThan(step);
	expect(Math.abs(size.height - exact.height)).toBeLessThan(step);
}

/** What the limits make of a size before it is rounded: no larger than asked for, unless a side would be too small. */
function exactOf({ width, height }: Size, sizes: PixelSizes, cap: number): Size {
	const { minSide, maxSide = Infinity } = sizes;
	const shrunk = Math.min(1, Math.sqrt(cap / (width * height)), maxSide / Math.max(width, height));
	const scale = Math.max(shrunk, minSide / Math.min(width, height));
	return { width: width * scale, height: height * scale };
}

describe('5,000 random sizes are within every limit, never above the target, and off by less than a step a side', () => {
	const RUNS = { numRuns: 2500 };

	test('of a ratio with so many megapixels', () => {
		const megapixels = fc.integer({ min: 10, max: 400 }).map((hundredths) => hundredths / 100);
		fc.assert(
			fc.property(fc.constantFrom(...RATIOS), megapixels, limits, (ratio, target, sizes) => {
				const cap = Math.min(sizes.maxPixels ?? Infinity, target * MEGAPIXEL);
				const proportion = proportionOf(ratio);
				const wanted = {
					width: Math.sqrt(target * MEGAPIXEL * proportion),
					height: Math.sqrt((target * MEGAPIXEL) / proportion),
				};
				const size = sizeOfRatio(proportion, sizes, target);
				check(size, exactOf(wanted, sizes, cap), sizes, cap);
			}),
			RUNS,
		);
	});

	test('of a reference image', () => {
		fc.assert(
			fc.property(side, side, limits, (width, height, sizes) => {
				const cap = sizes.maxPixels ?? Infinity;
				const wanted = { width, height };
				check(fitSize(wanted, sizes), exactOf(wanted, sizes, cap), sizes, cap);
			}),
			RUNS,
		);
	});
});

test('a size that the limits allow stays as it is', () => {
	const multiple = fc.integer({ min: 4, max: 128 }).map((count) => count * 16);
	fc.assert(
		fc.property(multiple, multiple, (width, height) => {
			expect(fitSize({ width, height }, bfl)).toEqual({ width, height });
		}),
	);
});

describe('a model with a list of ratios', () => {
	const sizes: RatioSizes = {
		ratios: ['1:1', '16:9', '9:16', '4:3', '3:4'],
		resolutions: [
			[0.5, '0.5 MP'],
			[1, '1 MP'],
			[2, '2 MP'],
		],
	};

	test.each([
		['4:3', 4 / 3],
		['3:4', 4 / 5],
		['4:3', 5 / 4],
		['16:9', 21 / 9],
		['4:3', 3 / 2],
		['3:4', 2 / 3],
		['9:16', 0.1],
		['1:1', 1.1],
	])('gets %s for the proportion %p', (ratio, proportion) => {
		expect(nearestRatio(proportion, sizes)).toBe(ratio);
	});

	test('gets no more megapixels than asked for', () => {
		expect([0.5, 0.99, 1, 1.5, 2].map((wanted) => resolutionWithin(sizes, wanted))).toEqual([
			'0.5 MP',
			'0.5 MP',
			'1 MP',
			'1 MP',
			'2 MP',
		]);
		expect(resolutionWithin({ ...sizes, resolutions: [] }, 1)).toBeUndefined();
	});
});
