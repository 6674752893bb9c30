import {
	countMegapixels,
	FLUX_2_CREDITS,
	priceByMegapixel,
	type MegapixelPrice,
	type Size,
} from '../prices';
import type { JsonObject } from '../types';

/** Black Forest Labs' price list, in credits. */

const PRICES: Record<string, MegapixelPrice> = {
	'flux-2-pro': FLUX_2_CREDITS.pro,
	'flux-2-pro-preview': FLUX_2_CREDITS.pro,
	'flux-2-max': FLUX_2_CREDITS.max,
	'flux-2-flex': FLUX_2_CREDITS.flex,
	'flux-2-klein-4b': FLUX_2_CREDITS.klein4b,
	'flux-2-klein-9b': FLUX_2_CREDITS.klein9b,
	'flux-2-klein-9b-preview': FLUX_2_CREDITS.klein9b,
	// what resellers publish: the list does not have the tools
	'flux-tools/erase-v1': [3, 0.4],
};

/** FLUX 3 Image by resolution, as its clients have seen it. Nobody has published the others. */
const FLUX_3_CREDITS: Record<string, number> = { '768sq': 4.1, '1k': 4.8, '2k': 10, '4k': 60.7 };

/** For each megapixel of the output; the image is free. What the mode *fast* costs is not published. */
const OUTPAINTING = 'flux-tools/outpainting-v1';
const OUTPAINTING_CREDITS = 10;

/** Undefined where the price is not known. */
export function priceInCredits(
	model: string,
	{ resolution }: JsonObject,
	output: Size,
	references: readonly Size[],
): number | undefined {
	if (model === OUTPAINTING) return toCredits(OUTPAINTING_CREDITS * countMegapixels(output));
	const price = PRICES[model];
	if (!price) return FLUX_3_CREDITS[String(resolution)];
	return toCredits(priceByMegapixel(price, output, references));
}

export const toCredits = (amount: number) => Number(amount.toFixed(4));
