import { countMegapixels, type Size } from '../prices';

/** Replicate's prices in US dollars: for a run, for each megapixel of the output, and for each of the references. */

type Price = readonly [run: number, output: number, input: number];

const PRICES: Record<string, Price> = {
	'flux-2-pro': [0.015, 0.015, 0.015],
	'flux-2-max': [0.04, 0.03, 0.03],
	'flux-2-flex': [0, 0.06, 0.06],
	'flux-2-dev': [0, 0.014, 0.014],
	'flux-2-klein-4b': [0, 0.001, 0.001],
	'flux-2-klein-4b-base': [0, 0.001, 0.001],
	'flux-2-klein-4b-base-lora': [0, 0.001, 0.001],
	'flux-2-klein-9b': [0, 0.015, 0.002],
	'flux-2-klein-9b-base': [0, 0.011, 0.011],
	'flux-2-klein-9b-base-lora': [0, 0.011, 0.011],
};
/** [dev] is cheaper with `go_fast`, which is on by default. */
const FAST_DEV: Price = [0, 0.012, 0.012];

export function priceImage(
	model: string,
	output: Size,
	references: readonly Size[],
	goesFast: boolean,
): number {
	const name = model.replace(/^.*\//, '');
	const listed = PRICES[name] ?? [0, 0, 0];
	const [run, forOutput, forInput] = name === 'flux-2-dev' && goesFast ? FAST_DEV : listed;
	return run + forOutput * countMegapixels(output) + forInput * countMegapixels(...references);
}
