import { priceByMegapixel, type MegapixelPrice, type Size } from '../prices';
import type { JsonObject } from '../types';

/** Black Forest Labs' price list, in credits of 0.01 dollars. */

export const USD_PER_CREDIT = 0.01;

const CREDITS: Record<string, MegapixelPrice> = {
	'flux-2-pro': [3, 1.5],
	'flux-2-pro-preview': [3, 1.5],
	'flux-2-max': [7, 3],
	'flux-2-flex': [5, 5],
	'flux-2-klein-4b': [1.4, 0.1],
	'flux-2-klein-9b': [1.5, 0.2],
	'flux-2-klein-9b-preview': [1.5, 0.2],
};

/** FLUX 3 Image by resolution, as its clients have seen it. Nobody has published the others. */
const FLUX_3_CREDITS: Record<string, number> = { '768sq': 4.1, '1k': 4.8, '2k': 10, '4k': 60.7 };

/** Undefined where the price is not known. */
export function priceInCredits(
	model: string,
	{ resolution }: JsonObject,
	output: Size,
	references: readonly Size[],
): number | undefined {
	const price = CREDITS[model];
	if (!price) return FLUX_3_CREDITS[String(resolution)];
	return toCredits(priceByMegapixel(price, output, references));
}

export const toCredits = (amount: number) => Number(amount.toFixed(4));
