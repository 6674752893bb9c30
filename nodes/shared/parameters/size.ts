/** Pixels. */
export interface Size {
	readonly width: number;
	readonly height: number;
}

/** The sizes that a model makes. */
export type Sizes = PixelSizes | RatioSizes;

/** For a model with a width and a height. */
export interface PixelSizes {
	/** Sides that are worked out are multiples of this. */
	readonly step: number;
	readonly minSide: number;
	readonly maxSide?: number;
	/** The largest image (width × height), where the provider has a limit for it. */
	readonly maxPixels?: number;
}

/** For a model with a list of aspect ratios. */
export interface RatioSizes {
	readonly ratios: readonly Ratio[];
	/** How large the image may be, from the smallest: megapixels, and the provider's own word for them. */
	readonly resolutions: ReadonlyArray<readonly [megapixels: number, resolution: string]>;
	/** The provider's own word for the proportions of the first reference image, where it has one. */
	readonly likeReference?: string;
}

export const RATIOS = [
	'1:1',
	'16:9',
	'9:16',
	'4:3',
	'3:4',
	'3:2',
	'2:3',
	'4:5',
	'5:4',
	'21:9',
] as const;

export type Ratio = (typeof RATIOS)[number];

/** Providers count 1024 × 1024 pixels as one. */
const PIXELS_PER_MEGAPIXEL = 1024 * 1024;
export const DEFAULT_MEGAPIXELS = 1;

export const megapixelsOf = (pixels: number): number => pixels / PIXELS_PER_MEGAPIXEL;

export const isRatio = (value: unknown): value is Ratio => RATIOS.some((ratio) => ratio === value);

/** A ratio as a number: width divided by height. */
export function proportionOf(ratio: Ratio): number {
	const [width = 1, height = 1] = ratio.split(':').map(Number);
	return width / height;
}

/**
 * The largest size of about these proportions within the limits, which is never larger than asked for: one pixel more
 * than a megapixel is billed as two. Undefined where the limits allow none.
 */
export function fitSize(
	wanted: Size,
	{ step, minSide, maxSide = Infinity, maxPixels = Infinity }: PixelSizes,
	megapixels = Infinity,
): Size | undefined {
	const { width, height } = wanted;
	const cap = Math.min(maxPixels, megapixels * PIXELS_PER_MEGAPIXEL);
	const shrunk = Math.min(1, Math.sqrt(cap / (width * height)), maxSide / Math.max(width, height));
	const scale = Math.max(shrunk, minSide / Math.min(width, height));
	const fits = (size: Size) =>
		Math.min(size.width, size.height) >= minSide &&
		Math.max(size.width, size.height) <= maxSide &&
		size.width * size.height <= cap;
	return nearest(
		roundings(width * scale, step)
			.flatMap((side) =>
				roundings(height * scale, step).map((other) => ({ width: side, height: other })),
			)
			.filter(fits),
		{ width: width * scale, height: height * scale },
	);
}

/** The size of a ratio with at most so many megapixels. */
export function sizeOfRatio(
	proportion: number,
	sizes: PixelSizes,
	megapixels = DEFAULT_MEGAPIXELS,
): Size | undefined {
	const pixels = megapixels * PIXELS_PER_MEGAPIXEL;
	const wanted = { width: Math.sqrt(pixels * proportion), height: Math.sqrt(pixels / proportion) };
	return fitSize(wanted, sizes, megapixels);
}

/** The size of a reference image within the limits; with megapixels, its proportions with at most so many. */
export const sizeLike = (
	reference: Size,
	sizes: PixelSizes,
	megapixels: number | undefined,
): Size | undefined =>
	megapixels === undefined
		? fitSize(reference, sizes)
		: sizeOfRatio(reference.width / reference.height, sizes, megapixels);

/** The multiples of the step on both sides of a value. */
const roundings = (value: number, step: number): number[] => [
	...new Set([Math.floor(value / step) * step, Math.ceil(value / step) * step]),
];

/** The size whose proportions are nearest to the wanted ones; of several, the one whose area is. */
function nearest(candidates: readonly Size[], wanted: Size): Size | undefined {
	const area = wanted.width * wanted.height;
	const [best] = candidates
		.map((size) => ({
			size,
			ratioDistance: Math.abs(Math.log(size.width / size.height / (wanted.width / wanted.height))),
			areaDistance: Math.abs(size.width * size.height - area),
		}))
		.sort((a, b) => a.ratioDistance - b.ratioDistance || a.areaDistance - b.areaDistance);
	return best?.size;
}

/** The ratio of the list that is nearest. */
export function nearestRatio(proportion: number, { ratios }: RatioSizes): Ratio | undefined {
	const distance = (ratio: Ratio) => Math.abs(Math.log(proportionOf(ratio) / proportion));
	const [nearestOne] = [...ratios].sort((a, b) => distance(a) - distance(b));
	return nearestOne;
}

/** The largest resolution that is not above the wanted megapixels; undefined where the model has one only. */
export const resolutionWithin = (
	{ resolutions }: RatioSizes,
	megapixels: number,
): string | undefined => resolutions.filter(([size]) => size <= megapixels).at(-1)?.[1];
