/** The units of the providers' price lists. Sizes are in pixels. */

export interface Size {
	width: number;
	height: number;
}

const MEGAPIXEL = 1024 * 1024;

/** Each image counts its started megapixels. */
export function countMegapixels(...sizes: readonly Size[]): number {
	return sum(sizes, ({ width, height }) => Math.ceil((width * height) / MEGAPIXEL));
}

/** Tiles of 512 × 512, of which each image counts the started ones. */
export function countTiles(...sizes: readonly Size[]): number {
	return sum(sizes, ({ width, height }) => Math.ceil(width / 512) * Math.ceil(height / 512));
}

/** As responses state them: not rounded up. */
export function measureMegapixels(sizes: readonly Size[]): number {
	return Number(sum(sizes, ({ width, height }) => (width * height) / MEGAPIXEL).toFixed(2));
}

/** For the first megapixel of the output, and for each further one and each one of the references. */
export type MegapixelPrice = readonly [first: number, further: number];

export function priceByMegapixel(
	[first, further]: MegapixelPrice,
	output: Size,
	references: readonly Size[],
): number {
	return first + further * (countMegapixels(output, ...references) - 1);
}

function sum(sizes: readonly Size[], count: (size: Size) => number): number {
	return sizes.reduce((total, size) => total + count(size), 0);
}
