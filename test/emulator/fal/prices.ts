import { countMegapixels, type Size } from '../prices';

/** fal's prices in US dollars for each megapixel, by endpoint; that of the first one where it differs. */

type Price = readonly [first: number, further: number];

const perMegapixel = (price: number): Price => [price, price];

/** The longest beginning of the endpoint's ID counts. */
const PRICES: Record<string, Price> = {
	'fal-ai/flux-2': perMegapixel(0.012),
	'fal-ai/flux-2/turbo': perMegapixel(0.008),
	'fal-ai/flux-2/flash': perMegapixel(0.005),
	'fal-ai/flux-2/lora': perMegapixel(0.021),
	'fal-ai/flux-2-pro': [0.03, 0.015],
	'fal-ai/flux-2-flex': perMegapixel(0.05),
	'fal-ai/flux-2-max': [0.07, 0.03],
	'fal-ai/flux-2/klein/4b': perMegapixel(0.005),
	'fal-ai/flux-2/klein/4b/edit': perMegapixel(0.01),
	'fal-ai/flux-2/klein/4b/base': perMegapixel(0.009),
	'fal-ai/flux-2/klein/9b': perMegapixel(0.006),
	'fal-ai/flux-2/klein/9b/edit': perMegapixel(0.011),
	'fal-ai/flux-2/klein/9b/base': perMegapixel(0.011),
	'fal-ai/flux-2/klein/9b/base/lora': perMegapixel(0.02),
	'fal-ai/flux-2/klein/9b/base/edit/lora': perMegapixel(0.02),
};

/** What the header of a result counts: megapixels of the output and of the references, each begun one. */
export function countUnits(endpoint: string, output: Size, references: readonly Size[]): number {
	const countsImages = /\/(turbo|flash)\//.test(endpoint);
	const counts = references.map((size) => (countsImages ? 1 : countMegapixels(size)));
	return counts.reduce((sum, count) => sum + count, countMegapixels(output));
}

/** One image of a request. */
export function priceImage(endpoint: string, units: number): number {
	const names = Object.keys(PRICES).filter(
		(name) => endpoint === name || endpoint.startsWith(`${name}/`),
	);
	const [name = ''] = names.sort((a, b) => b.length - a.length);
	const [first, further] = PRICES[name] ?? [0, 0];
	return first + further * (units - 1);
}
