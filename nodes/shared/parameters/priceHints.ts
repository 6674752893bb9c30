import type { NodeHint } from 'n8n-workflow';
import { hintBeforeRun } from './hints';
import type { Model } from './model';
import { estimatePrice, formatUsd } from './price';

/** What the editor says about costs before a run. The text of a hint is fixed, so each price has a hint of its own. */

/** No model makes larger images. */
const MAX_MEGAPIXELS = 4;
/** The editor says which of these sums a run will exceed: US dollars. */
const SUMS_USD = [1, 2, 5, 10, 20, 50, 100];
const WARNING_USD = 10;

/** Reference images cost something too, and their sizes are not known here. */
const IS_FROM_TEXT = [
	'["generate", "submit"].includes($parameter.operation)',
	'!$parameter.referenceImages?.image?.length',
];
const MEGAPIXELS =
	'(({ automatic: 1, custom: Math.ceil(($parameter.width || 1024) * ($parameter.height || 1024) / 1048576) })[$parameter.size] ?? Math.ceil($parameter.megapixels ?? 1))';
const PRICE_KEY = `($parameter.model + " " + ${MEGAPIXELS})`;
const IMAGES = '($parameter.numberOfImages ?? 1) * $input.all().length';

/** What an image will cost, and what a list of them will exceed, where the list price and the parameters say it. */
export function priceHints(models: readonly Model[]): NodeHint[] {
	const prices = pricesOf(models);
	const amounts = [...new Set(prices.values())];
	const sum = `(${JSON.stringify(Object.fromEntries(prices))})[${PRICE_KEY}] * ${IMAGES}`;
	return [
		...amounts.map((usd) => {
			const keys = [...prices].filter(([, amount]) => amount === usd).map(([key]) => key);
			const condition = `${JSON.stringify(keys)}.includes(${PRICE_KEY})`;
			return hintBeforeRun(`An image costs about ${formatUsd(usd)} by the price list.`, [
				...IS_FROM_TEXT,
				condition,
			]);
		}),
		...SUMS_USD.map((usd, index) => {
			const { [index + 1]: next = Number.MAX_VALUE } = SUMS_USD;
			const condition = `[${sum}].some((usd) => usd > ${usd} && usd <= ${next})`;
			const message = `This run will cost more than ${formatUsd(usd)} by the price list.`;
			const type = usd < WARNING_USD ? 'info' : 'warning';
			return hintBeforeRun(message, [...IS_FROM_TEXT, condition], type);
		}),
	];
}

/** By model and started megapixels, where the price depends on nothing else. */
function pricesOf(models: readonly Model[]): Map<string, number> {
	const prices = new Map<string, number>();
	for (const model of models.filter(({ price }) => price?.unit === 'startedMegapixel')) {
		for (let megapixels = 1; megapixels <= MAX_MEGAPIXELS; megapixels++) {
			const size = { width: 1024, height: 1024 * megapixels };
			const estimate = estimatePrice(model, { ...size, references: [], images: 1 });
			if (estimate) prices.set(`${model.id} ${megapixels}`, estimate.amount);
		}
	}
	return prices;
}
