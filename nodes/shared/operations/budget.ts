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

/** What one execution has spent. */
interface Spent {
	version: typeof VERSION;
	executionId: string;
	/** US dollars by task ID. */
	costs: Record<string, number>;
	/** How much higher than its estimate a price has turned out to be, at most. */
	factor: number;
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

	private saved?: Spent;

	/** By the same keys as the costs. */
	private readonly estimates = new Map<string, number>();

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
		const known = planned.flatMap((submit) => {
			const counted = this.counted(submit);
			return counted === undefined ? [] : [{ ...submit, usd: counted }];
		});
		const usd = known.reduce((sum, submit) => sum + submit.usd, this.spentUsd);
		if (known.length === 0 || this.allows(usd)) return refusals;
		const error = this.overBudgetError(usd, known);
		return new Map([...refusals, ...known.map(({ itemIndex }) => [itemIndex, error] as const)]);
	}

	/**
	 * Counts a submit before it is sent.
	 * @throws Flux2Error `budget` where it would go over the limit
	 */
	reserve(key: string, submit: PlannedSubmit): void {
		if (!this.isLimited) return;
		const usd = this.counted(submit);
		if (usd === undefined) throw unknownPriceError();
		if (!this.allows(this.spentUsd + usd)) throw this.exhaustedError(usd);
		this.spent.costs[key] = usd;
		if (submit.usd !== undefined) this.estimates.set(key, submit.usd);
	}

	/** Nothing was submitted. */
	release(key: string): void {
		if (this.isLimited) delete this.spent.costs[key];
	}

	/** Counts each task of an accepted submit on its own. */
	accept(key: string, accepted: readonly Accepted[]): void {
		if (!this.isLimited || accepted.length === 0) return;
		const { costs } = this.spent;
		const { [key]: reserved = 0 } = costs;
		const estimate = (this.estimates.get(key) ?? 0) / accepted.length;
		delete costs[key];
		for (const { taskId = key, usd } of accepted) {
			costs[taskId] = (costs[taskId] ?? 0) + reserved / accepted.length;
			this.estimates.set(taskId, estimate);
			if (usd !== undefined) this.settle(taskId, usd);
		}
	}

	/** Counts what was charged in place of the estimate. One that was too low makes later ones that are not exact as much higher. */
	settle(key: string, usd: number): void {
		if (!this.isLimited || !Object.hasOwn(this.spent.costs, key)) return;
		this.spent.costs[key] = usd;
		const estimate = this.estimates.get(key);
		if (estimate) this.spent.factor = Math.max(this.spent.factor, usd / estimate);
	}

	private counted({ usd, isExact }: PlannedSubmit): number | undefined {
		return usd === undefined || isExact ? usd : usd * this.spent.factor;
	}

	private allows(usd: number): boolean {
		return roundUsd(usd) <= (this.maxUsd ?? Infinity);
	}

	private get spentUsd(): number {
		return Object.values(this.spent.costs).reduce((sum, usd) => sum + usd, 0);
	}

	private get spent(): Spent {
		return (this.saved ??= this.read());
	}

	/** n8n saves the object itself, so it is changed in place; runs at the same time share it. */
	private read(): Spent {
		const nodeContext = this.context.getContext('node');
		const saved: unknown = nodeContext[STORE];
		const { executionId } = this;
		if (isSpentIn(executionId, saved)) return saved;
		const spent: Spent = { version: VERSION, executionId, costs: {}, factor: 1 };
		// n8n's type of the node context knows plain values only
		Object.assign(nodeContext, { [STORE]: spent });
		return spent;
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
	const submits = (await Promise.all(planned)).flat();
	return new Map([...failures, ...budget.check(submits)]);
}

/** Another execution, which a person has started, may spend anew. */
const isSpentIn = (executionId: string, value: unknown): value is Spent =>
	z
		.object({
			version: z.literal(VERSION),
			executionId: z.literal(executionId),
			costs: z.record(z.number()),
			factor: z.number(),
		})
		.safeParse(value).success;

const unknownPriceError = () =>
	new Flux2Error('budget', "The image's price is not known, so Max Cost cannot count it", {
		description: UNKNOWN_PRICE_ADVICE,
	});

/** "items 1 to 30 $0.03 each, item 31 $0.07": an item's images are one sum. */
function listCosts(planned: readonly Planned[]): string {
	const sums = new Map<number, number>();
	for (const { itemIndex, usd = 0 } of planned) {
		sums.set(itemIndex, roundUsd((sums.get(itemIndex) ?? 0) + usd));
	}
	const groups: Array<{ first: number; last: number; usd: number }> = [];
	for (const [itemIndex, usd] of sums) {
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
