import { priceByMegapixel, type MegapixelPrice, type Size } from '../prices';

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

export function priceInCredits(model: string, output: Size, references: readonly Size[]): number {
	return Number(priceByMegapixel(CREDITS[model] ?? [0, 0], output, references).toFixed(4));
}
