import { between, pickOne, randomFrom, type Random } from '../emulator/images/random';
import type { NodeUnderTest } from '../support/lab';
import { LANES, type Lane, type LaneName } from '../support/providers';

/** The executions of a run: their items, nodes and settings of n8n. All of them follow from the seed. */

/** Every API variant with which the package generates an image: all lanes, and the other body format of the task API. */
export const API_VARIANTS: Readonly<Record<LaneName | 'taskFlat', Lane>> = {
	...LANES,
	taskFlat: { ...LANES.task, parameters: { ...LANES.task.parameters, bodyFormat: 'flat' } },
};

export type ApiVariant = keyof typeof API_VARIANTS;

export interface ChaosItem {
	/** From 1 on. */
	number: number;
	/** Unique: the emulator finds the item by it. */
	prompt: string;
}

/** One execution of a workflow and its retries. */
export interface Scenario {
	number: number;
	variant: ApiVariant;
	items: ChaosItem[];
	/** Whether the node continues on fail. */
	continueOnFail: boolean;
	/** *Max. Tries* of *Retry On Fail*; 1 means that it is off. */
	maxTries: number;
	maxConcurrent: number;
}

const MAX_ITEMS = 20;
/** A run with few items has small scenarios, so that it still has many of them. */
const MIN_SCENARIOS = 70;
const SINGLE_ITEM_SHARE = 0.15;

export function planScenarios(seed: number, count: number): Scenario[] {
	const variants = Object.keys(API_VARIANTS) as ApiVariant[];
	const maxItems = Math.min(MAX_ITEMS, Math.ceil((2 * count) / MIN_SCENARIOS));
	const scenarios: Scenario[] = [];
	for (let first = 1; first <= count; first += scenarios.at(-1)!.items.length) {
		const number = scenarios.length + 1;
		const random = randomFrom(`${seed} scenario ${number}`);
		const wanted = random() < SINGLE_ITEM_SHARE ? 1 : Math.ceil(between(random, 1, maxItems));
		const length = Math.min(wanted, count - first + 1);
		scenarios.push({
			number,
			// the variants take turns, so that a short run has them all
			variant: variants[number % variants.length]!,
			items: Array.from({ length }, (_, index) => createItem(seed, first + index)),
			...drawSettings(random),
		});
	}
	return scenarios;
}

function drawSettings(
	random: Random,
): Pick<Scenario, 'continueOnFail' | 'maxTries' | 'maxConcurrent'> {
	return {
		continueOnFail: random() < 0.6,
		maxTries: pickOne(random, [1, 1, 2, 3]),
		maxConcurrent: pickOne(random, [1, 4, 20]),
	};
}

const createItem = (seed: number, number: number): ChaosItem => ({
	number,
	prompt: `Chaos ${seed}, image ${number}.`,
});

/** Whether a failure can end the execution while other items are in progress. */
export const mayBeInterrupted = ({ continueOnFail, maxConcurrent, items }: Scenario): boolean =>
	!continueOnFail && maxConcurrent > 1 && items.length > 1;

/** With events, the node polls only if none arrives. */
const toTiming = ({ hasTasks, hasEvents }: Lane) =>
	hasTasks ? { pollInterval: hasEvents ? 1 : 0.05 } : {};

/** The scenario's node with its settings. */
export function toNode(
	scenario: Scenario,
	continueOnFail = scenario.continueOnFail,
): NodeUnderTest {
	const variant = API_VARIANTS[scenario.variant];
	const { type, parameters } = variant;
	const { maxTries, maxConcurrent } = scenario;
	return {
		type,
		parameters: {
			...parameters,
			prompt: '={{ $json.prompt }}',
			options: { maxConcurrent, ...toTiming(variant) },
		},
		settings: {
			...(maxTries > 1 && { retryOnFail: true, maxTries, waitBetweenTries: 1 }),
			...(continueOnFail && { onError: 'continueRegularOutput' }),
		},
	};
}
