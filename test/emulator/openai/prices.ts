import { FLUX_2_CREDITS, priceByMegapixel, USD_PER_CREDIT, type Size } from '../prices';

/** What the servers ask for an image, in US dollars; nothing on a computer of one's own. */

const byArea = ({ width, height }: Size) => (width * height) / (1024 * 1024);

const DEEP_INFRA: Record<string, (size: Size) => number> = {
	'FLUX-2-dev': (size) => 0.01 * byArea(size),
	'FLUX-2-klein-4b': (size) => 0.014 * byArea(size),
	'FLUX-2-max': () => 0.07,
};

const inUsd = (price: readonly [number, number], size: Size, references: readonly Size[]) =>
	priceByMegapixel(price, size, references) * USD_PER_CREDIT;

type Price = (model: string, size: Size, references: readonly Size[]) => number;

const PRICES: Record<string, Price> = {
	deepInfra: (model, size) => DEEP_INFRA[model.split('/')[1] ?? '']?.(size) ?? 0.03,
	together: () => 0.03,
	openRouter: (model, size, references) =>
		inUsd(model.endsWith('max') ? FLUX_2_CREDITS.max : FLUX_2_CREDITS.pro, size, references),
	'azure/flux-2-pro': (_model, ...sizes) => inUsd(FLUX_2_CREDITS.pro, ...sizes),
	'azure/flux-2-flex': (_model, ...sizes) => inUsd(FLUX_2_CREDITS.flex, ...sizes),
};

export const priceImage = (server: string, ...order: Parameters<Price>): number =>
	PRICES[server]?.(...order) ?? 0;
