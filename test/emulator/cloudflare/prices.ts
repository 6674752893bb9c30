import {
	countTiles,
	FLUX_2_CREDITS,
	priceByMegapixel,
	USD_PER_CREDIT,
	type MegapixelPrice,
	type Size,
} from '../prices';

/** Cloudflare's price lists, in US dollars. The catalogue's models cost what Black Forest Labs asks. */

const CATALOGUE: Record<string, MegapixelPrice> = {
	'black-forest-labs/flux-2-pro-preview': FLUX_2_CREDITS.pro,
	'black-forest-labs/flux-2-max': FLUX_2_CREDITS.max,
	'black-forest-labs/flux-2-flex': FLUX_2_CREDITS.flex,
};

const USD_PER_NEURON = 0.011 / 1000;

export function priceCatalogueModel(
	model: string,
	output: Size,
	references: readonly Size[],
): number {
	return inUsd(CATALOGUE[model] ?? [0, 0], output, references);
}

export function priceWorkersAiModel(
	model: string,
	output: Size,
	references: readonly Size[],
	steps: number,
): number {
	const [outputTiles, referenceTiles] = [countTiles(output), countTiles(...references)];
	if (model.endsWith('flux-2-dev')) {
		return steps * (37.5 * outputTiles + 18.75 * referenceTiles) * USD_PER_NEURON;
	}
	if (model.endsWith('klein-4b')) return 0.000287 * outputTiles + 0.000059 * referenceTiles;
	return inUsd(FLUX_2_CREDITS.klein9b, output, references);
}

const inUsd = (price: MegapixelPrice, output: Size, references: readonly Size[]): number =>
	priceByMegapixel(price, output, references) * USD_PER_CREDIT;
