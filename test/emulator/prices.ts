import type { ReferenceImage } from './images';

/** The providers' price lists: their units, and what stands in more than one list. Sizes are in pixels. */

export interface Size {
	width: number;
	height: number;
}

const MEGAPIXEL = 1024 * 1024;
const ONE_MEGAPIXEL: Size = { width: 1024, height: 1024 };
/** Larger references are made smaller before they count. */
const MAX_REFERENCE_MEGAPIXELS = 4;

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

/** References on other hosts are not measured, so each counts as one megapixel. */
export const toSizes = (references: readonly ReferenceImage[]): Size[] =>
	references.map((reference) => (reference.bytes ? reference : ONE_MEGAPIXEL));

/** For the first megapixel of the output, and for each further one and each one of the references. */
export type MegapixelPrice = readonly [first: number, further: number];

export const USD_PER_CREDIT = 0.01;

/** Black Forest Labs' list, in credits of 0.01 dollars. Others sell at the same prices. */
export const FLUX_2_CREDITS = {
	pro: [3, 1.5],
	max: [7, 3],
	flex: [5, 5],
	klein4b: [1.4, 0.1],
	klein9b: [1.5, 0.2],
} as const satisfies Record<string, MegapixelPrice>;

export function priceByMegapixel(
	[first, further]: MegapixelPrice,
	output: Size,
	references: readonly Size[],
): number {
	const input = references.map((size) => Math.min(countMegapixels(size), MAX_REFERENCE_MEGAPIXELS));
	const total = input.reduce((count, megapixels) => count + megapixels, countMegapixels(output));
	return first + further * (total - 1);
}

function sum(sizes: readonly Size[], count: (size: Size) => number): number {
	return sizes.reduce((total, size) => total + count(size), 0);
}
