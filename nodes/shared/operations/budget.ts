import type { IExecuteFunctions } from 'n8n-workflow';
import { AbortedError, Flux2Error, rethrow, toFlux2Error } from '../core/errors';
import { pLimit, z } from '../core/vendor';
import { formatUsd, roundUsd } from '../parameters/price';

/** What an item's submit may cost. */
export interface Spending {
	readonly maxCost?: number;
	/** Undefined where nothing will be submitted, because an earlier run has paid for it. */
	planSubmit(): Promise<PlannedSubmit | undefined>;
}

/** A submit that is to come. */
export interface PlannedSubmit {
	/** US dollars; undefined where the price is not known. */
	readonly usd?: number;
	/** Whether the provider will charge just that. */
	readonly isExact: boolean;
}

/** What a submit has come to. */
interface Accepted {
	readonly taskId?: string;
	/** US dollars; undefined where the provider has not said it. */
	readonly usd?: number;
}

interface Planned extends PlannedSubmit {
	readonly itemIndex: number;
}

const STORE = 'flux2Spent';
/** Rises with every change of the format. */
const VERSION = 1;
/** Reference images are measured by so many items at once. */
const MAX_PLANNING = 8;
/** Groups of items with the same price that a message names. */
const MAX_LISTED = 10;

const UNKNOWN_PRICE_ADVICE =
	'Set "Assumed Cost" in the options to what an image costs at most, or remove "Max Cost". Nothing was submitted for this item.';

/**
 * What the node may spend in one execution, and what it has spent there. The costs are saved in the node context, so
 * that Retry On Fail, the rounds of a loop and an agent's calls count together. Each stands under its task's ID: first
 * the estimate, then the provider's quote, in the end what was charged.
 */
export class Budget {
	private maxUsd?: number;

	private saved?: Record<string, number>;

	constructor(
		private readonly context: IExecuteFunctions,
		private readonly executionId: string,
	) {}

	get isLimited(): boolean {
		return this.maxUsd !== undefined;
	}

	limit(maxUsd: number): void {
		this.maxUsd = Math.min(maxUsd, this.maxUsd ?? Infinity);
	}

	/** What is wrong with submitting all of these, by item. */
	check(planned: readonly Planned[]): Map<number, Flux2Error> {
		const refusals = new Map<number, Flux2Error>();
		for (const { itemIndex, usd } of planned) {
			if (usd === undefined) refusals.set(itemIndex, unknownPriceError());
		}
		const known = planned.filter(({ usd }) => usd !== undefined);
		const usd = this.spentUsd + known.reduce((sum, submit) => sum + (submit.usd ?? 0), 0);
		if (known.length === 0 || this.allows(usd)) return refusals;
		const error = this.overBudgetError(usd, known);
		return new Map([...refusals, ...known.map(({ itemIndex }) => [itemIndex, error] as const)]);
	}

	/**
	 * Counts a submit before it is sent.
	 * @throws Flux2Error `budget` where it would go over the limit
	 */
	reserve(key: string, usd: number | undefined): void {
		if (!this.isLimited) return;
		if (usd === undefined) throw unknownPriceError();
		if (!this.allows(this.spentUsd + usd)) throw this.exhaustedError(usd);
		this.costs[key] = usd;
	}

	/** Nothing was submitted. */
	release(key: string): void {
		if (this.isLimited) delete this.costs[key];
	}

	/** Counts each task of an accepted submit on its own. */
	accept(key: string, accepted: readonly Accepted[]): void {
		if (!this.isLimited) return;
		const share = (this.costs[key] ?? 0) / Math.max(1, accepted.length);
		if (accepted.length > 0) delete this.costs[key];
		for (const { taskId = key, usd = share } of accepted) {
			this.costs[taskId] = (this.costs[taskId] ?? 0) + usd;
		}
	}

	/** Counts what was charged in place of the estimate. */
	settle(key: string, usd: number): void {
		if (this.isLimited && Object.hasOwn(this.costs, key)) this.costs[key] = usd;
	}

	private allows(usd: number): boolean {
		return roundUsd(usd) <= (this.maxUsd ?? Infinity);
	}

	private get spentUsd(): number {
		return Object.values(this.costs).reduce((sum, usd) => sum + usd, 0);
	}

	private get costs(): Record<string, number> {
		return (this.saved ??= this.read());
	}

	/** n8n saves the object itself, so it is changed in place; runs at the same time share it. */
	private read(): Record<string, number> {
		const nodeContext = this.context.getContext('node');
		const saved: unknown = nodeContext[STORE];
		if (isStoreOf(saved, this.executionId)) return saved.costs;
		const costs: Record<string, number> = {};
		const { executionId } = this;
		// n8n's type of the node context knows plain values only
		Object.assign(nodeContext, { [STORE]: { version: VERSION, executionId, costs } });
		return costs;
	}

	private overBudgetError(usd: number, planned: readonly Planned[]): Flux2Error {
		const about = planned.every(({ isExact }) => isExact) ? '' : 'about ';
		const spent = roundUsd(this.spentUsd);
		const already = spent > 0 ? `, ${formatUsd(spent)} of it spent already` : '';
		return new Flux2Error(
			'budget',
			`The images would cost ${about}${formatUsd(usd)}${already}, and Max Cost is ${this.maxText}: ${listCosts(planned)}. Nothing was submitted.`,
		);
	}

	private exhaustedError(usd: number): Flux2Error {
		return new Flux2Error(
			'budget',
			`Max Cost is ${this.maxText}, of which ${formatUsd(this.spentUsd)} are spent or on their way: this item, for ${formatUsd(usd)}, was not submitted`,
		);
	}

	private get maxText(): string {
		return formatUsd(this.maxUsd ?? 0);
	}
}

/**
 * Compares what all items would cost with "Max Cost", before the first one is submitted.
 * @returns what is wrong, by item: those items are not to be run
 */
export async function planSpending(
	budget: Budget,
	items: ReadonlyArray<{ itemIndex: number; spending?: Spending }>,
): Promise<Map<number, Flux2Error>> {
	const limits = items.flatMap(({ spending }) => spending?.maxCost ?? []);
	if (limits.length === 0) return new Map();
	budget.limit(Math.min(...limits));
	const failures = new Map<number, Flux2Error>();
	const limit = pLimit(MAX_PLANNING);
	const planned = items.map(async ({ itemIndex, spending }) => {
		try {
			const submit = await limit(async () => await spending?.planSubmit());
			return submit ? [{ itemIndex, ...submit }] : [];
		} catch (thrown) {
			if (thrown instanceof AbortedError) throw rethrow(thrown);
			failures.set(itemIndex, toFlux2Error(thrown));
			return [];
		}
	});
	return new Map([...failures, ...budget.check((await Promise.all(planned)).flat())]);
}

interface Store {
	executionId: string;
	costs: Record<string, number>;
}

/** Another execution, which a person has started, may spend anew. */
const isStoreOf = (value: unknown, executionId: string): value is Store =>
	z
		.object({
			version: z.literal(VERSION),
			executionId: z.literal(executionId),
			costs: z.record(z.number()),
		})
		.safeParse(value).success;

const unknownPriceError = () =>
	new Flux2Error('budget', "The image's price is not known, so Max Cost cannot count it", {
		description: UNKNOWN_PRICE_ADVICE,
	});

/** "items 1 to 30 $0.03 each, item 31 $0.07". */
function listCosts(planned: readonly Planned[]): string {
	const groups: Array<{ first: number; last: number; usd: number }> = [];
	for (const { itemIndex, usd = 0 } of planned) {
		const group = groups.at(-1);
		if (group && group.usd === usd && group.last === itemIndex) group.last++;
		else groups.push({ first: itemIndex + 1, last: itemIndex + 1, usd });
	}
	const texts = groups.map(({ first, last, usd }) =>
		first === last
			? `item ${first} ${formatUsd(usd)}`
			: `items ${first} to ${last} ${formatUsd(usd)} each`,
	);
	const more = texts.length > MAX_LISTED ? ['and so on'] : [];
	return [...texts.slice(0, MAX_LISTED), ...more].join(', ');
}
