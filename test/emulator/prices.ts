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

/** The documents show one cost (0.045); these are made up around it, for each picture of a megapixel. */
const OXEN: Record<string, number> = {
	'flux-2-pro': 0.045,
	'flux-2-dev': 0.025,
	'flux-2-flex': 0.06,
	'black-forest-labs-flux-2-klein-4b': 0.014,
	'black-forest-labs-flux-2-klein-9b': 0.015,
};

export function oxenPrice(model: string, output: Size): number {
	return (OXEN[model] ?? 0) * megapixels(output);
}

/** In credits of 0.01 dollars: first megapixel of the output, then each further one and each one of the references. */
const BFL: Record<string, readonly [first: number, further: number]> = {
	'flux-2-pro': [3, 1.5],
	'flux-2-pro-preview': [3, 1.5],
	'flux-2-max': [7, 3],
	'flux-2-flex': [5, 5],
	'flux-2-klein-4b': [1.4, 0.1],
	'flux-2-klein-9b': [1.5, 0.2],
	'flux-2-klein-9b-preview': [1.5, 0.2],
};

export function bflCredits(model: string, output: Size, references: readonly Size[]): number {
	const [first, further] = BFL[model] ?? [0, 0];
	const rest = megapixels(output) - 1 + sum(references, megapixels);
	return Number((first + further * rest).toFixed(4));
}

/** As they are told in answers: not rounded up. */
export function exactMegapixels(sizes: readonly Size[]): number {
	return Number(sum(sizes, ({ width, height }) => (width * height) / MEGAPIXEL).toFixed(2));
}

function sum(sizes: readonly Size[], count: (size: Size) => number): number {
	return sizes.reduce((total, size) => total + count(size), 0);
}
