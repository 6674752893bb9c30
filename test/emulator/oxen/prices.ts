import { countMegapixels, type Size } from '../prices';

/** In US dollars for each megapixel. The documents show one cost, 0.045; the others are made up around it. */
const PRICES: Record<string, number> = {
	'flux-2-pro': 0.045,
	'flux-2-dev': 0.025,
	'flux-2-flex': 0.06,
	'black-forest-labs-flux-2-klein-4b': 0.014,
	'black-forest-labs-flux-2-klein-9b': 0.015,
};

export function priceImage(model: string, output: Size): number {
	return (PRICES[model] ?? 0) * countMegapixels(output);
}
