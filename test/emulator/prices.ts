/** Prices in US dollars, as the providers' pricing pages say. Sizes in pixels. */

interface Size {
	width: number;
	height: number;
}

const MEGAPIXEL = 1024 * 1024;

/** Started megapixels count whole, per picture. */
function megapixels({ width, height }: Size): number {
	return Math.ceil((width * height) / MEGAPIXEL);
}

function tiles({ width, height }: Size): number {
	return Math.ceil(width / 512) * Math.ceil(height / 512);
}

/** First megapixel of the output, then each further one and each one of the references. */
const CATALOGUE: Record<string, readonly [first: number, further: number]> = {
	'black-forest-labs/flux-2-pro-preview': [0.03, 0.015],
	'black-forest-labs/flux-2-max': [0.07, 0.03],
	'black-forest-labs/flux-2-flex': [0.05, 0.05],
};

export function cataloguePrice(model: string, output: Size, references: readonly Size[]): number {
	const [first, further] = CATALOGUE[model] ?? [0, 0];
	const rest = megapixels(output) - 1 + sum(references, megapixels);
	return first + further * rest;
}

export function workersAiPrice(
	model: string,
	output: Size,
	references: readonly Size[],
	steps: number,
): number {
	if (model.endsWith('flux-2-dev')) {
		return steps * (0.00041 * tiles(output) + 0.00021 * sum(references, tiles));
	}
	if (model.endsWith('klein-4b'))
		return 0.000287 * tiles(output) + 0.000059 * sum(references, tiles);
	return 0.015 + 0.002 * (megapixels(output) - 1 + sum(references, megapixels));
}

/** The task API's documented example: a flat price for each picture. */
export const TASK_PRICE = 0.03;

function sum(sizes: readonly Size[], count: (size: Size) => number): number {
	return sizes.reduce((total, size) => total + count(size), 0);
}
