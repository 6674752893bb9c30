import type { Cost, Flux2Error } from '../core/errors';
import { isObject } from '../core/json';
import type { ItemResult, PixelSize } from '../operations/types';

/** What one run of the node has come to: what its hints and its trace are made of. */
export interface RunReport {
	readonly results: readonly ItemResult[];
	/** By task ID: what was unclear about the state of a task that was waited for all the same. */
	readonly unclearTasks: ReadonlyMap<string, string>;
	/** Why n8n could make no link, once for each image. */
	readonly linkProblems: readonly string[];
}

/** An image that is in the output. */
export interface FinishedImage {
	readonly paid?: ItemResult['paid'];
	readonly model?: string;
	readonly cost?: Cost;
	readonly seconds?: number;
	readonly polls?: number;
	readonly size?: PixelSize;
	readonly requestedSize?: PixelSize;
}

/** What a sum of costs is made of. */
export interface CostSum {
	readonly currency: string;
	readonly settled: number;
	readonly estimated: number;
	/** What of it was charged without an image. */
	readonly forFailures: number;
}

/** The images of a run. Tasks that were submitted only, and rows of a list, are none. */
export const imagesOf = ({ results }: RunReport): FinishedImage[] =>
	results.flatMap((result) => {
		if ('error' in result) return [];
		const { image, status } = result.item.json;
		return status === 'completed' && isObject(image) ? [toFinishedImage(result, image)] : [];
	});

function toFinishedImage(
	{ item, paid, requestedSize }: Extract<ItemResult, { item: unknown }>,
	image: Record<string, unknown>,
): FinishedImage {
	const { model, cost, timing } = item.json as {
		model?: string;
		cost?: FinishedImage['cost'];
		timing?: { seconds?: number; polls?: number };
	};
	const { width, height } = image;
	const isKnown = typeof width === 'number' && typeof height === 'number';
	const { seconds, polls } = timing ?? {};
	const size = isKnown ? { width, height } : undefined;
	return { paid, model, cost, seconds, polls, size, requestedSize };
}

/** The failures of a run. */
export const failuresOf = ({ results }: RunReport): Array<{ error: Flux2Error; paid?: string }> =>
	results.flatMap((result) => ('error' in result ? [result] : []));

/** What this execution pays for; what an earlier one has paid for costs nothing again. */
export const isPaidHere = ({ paid }: { paid?: string }): boolean => paid !== 'before';

/** One sum for each currency. */
export function costsOf(report: RunReport): CostSum[] {
	const costs = paidCostsOf(report);
	return [...new Set(costs.map(({ currency }) => currency))].map((currency) => {
		const own = costs.filter((cost) => cost.currency === currency);
		return {
			currency,
			settled: sumOf(own.filter(({ estimated }) => !estimated)),
			estimated: sumOf(own.filter(({ estimated }) => estimated)),
			forFailures: sumOf(own.filter(({ isFailure }) => isFailure)),
		};
	});
}

interface PaidCost extends Cost {
	readonly isFailure: boolean;
}

function paidCostsOf(report: RunReport): PaidCost[] {
	const ofImages = imagesOf(report).filter(isPaidHere);
	const ofFailures = failuresOf(report).filter(isPaidHere);
	return [
		...ofImages.flatMap(({ cost }) => (cost ? [{ ...cost, isFailure: false }] : [])),
		...ofFailures.flatMap(({ error: { cost } }) => (cost ? [{ ...cost, isFailure: true }] : [])),
	];
}

const sumOf = (costs: readonly Cost[]): number =>
	costs.reduce((sum, { amount }) => sum + amount, 0);
