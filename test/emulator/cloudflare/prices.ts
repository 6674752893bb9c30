import { countTiles, priceByMegapixel, type MegapixelPrice, type Size } from '../prices';

/** Cloudflare's price lists, in US dollars. */

const CATALOGUE: Record<string, MegapixelPrice> = {
	'black-forest-labs/flux-2-pro-preview': [0.03, 0.015],
	'black-forest-labs/flux-2-max': [0.07, 0.03],
	'black-forest-labs/flux-2-flex': [0.05, 0.05],
};

export function priceCatalogueModel(
	model: string,
	output: Size,
	references: readonly Size[],
): number {
	return priceByMegapixel(CATALOGUE[model] ?? [0, 0], output, references);
}

export function priceWorkersAiModel(
	model: string,
	output: Size,
	references: readonly Size[],
	steps: number,
): number {
	const [outputTiles, referenceTiles] = [countTiles(output), countTiles(...references)];
	if (model.endsWith('flux-2-dev')) {
		return steps * (0.00041 * outputTiles + 0.00021 * referenceTiles);
	}
	if (model.endsWith('klein-4b')) return 0.000287 * outputTiles + 0.000059 * referenceTiles;
	return priceByMegapixel([0.015, 0.002], output, references);
}
