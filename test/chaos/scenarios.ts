import { between, pickOne, randomFrom, type Random } from '../emulator/images/random';
import type { NodeUnderTest } from '../support/lab';
import { LANES, type Lane } from '../support/providers';

/** The executions of a run: their items, nodes and settings of n8n. All of them follow from the seed. */

/** Every API variant with which the package generates an image: all lanes, another body format, and the callback. */
const VARIANT_LANES = {
	...LANES,
	taskFlat: { ...LANES.task, options: { bodyFormat: 'flat' } },
	bflCallback: { ...LANES.bfl, options: { completion: 'callback' } },
} satisfies Record<string, Lane>;

/** With events, the node polls only if none arrives. */
const toTiming = ({ hasTasks, hasEvents }: Lane): { pollInterval?: number } =>
	hasTasks ? { pollInterval: hasEvents ? 1 : 0.1 } : {};

export const API_VARIANTS = Object.fromEntries(
	Object.entries(VARIANT_LANES).map(([name, lane]: [string, Lane]) => [
		name,
		{
			type: lane.type,
			parameters: lane.parameters,
			options: lane.options,
			timing: toTiming(lane),
		},
	]),
) as Record<
	keyof typeof VARIANT_LANES,
	Pick<Lane, 'type' | 'parameters' | 'options'> & { timing: { pollInterval?: number } }
>;

export type ApiVariant = keyof typeof API_VARIANTS;

export const laneOf = (variant: ApiVariant): Lane => VARIANT_LANES[variant];

export const variantsWith = (isWanted: (lane: Lane) => boolean): ApiVariant[] =>
	(Object.keys(API_VARIANTS) as ApiVariant[]).filter((variant) => isWanted(laneOf(variant)));

/** The variants take turns, so that a short run has them all. A callback takes one item at a time: it has more turns. */
const TURNS: readonly ApiVariant[] = [
	...(Object.keys(API_VARIANTS) as ApiVariant[]),
	...Array<ApiVariant>(3).fill('bflCallback'),
];

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
	/** Whether another execution with the same credential is stopped before it starts. */
	followsStop: boolean;
	/** Whether strangers call where a callback is waited for. */
	hasForgedCallbacks: boolean;
}

const MAX_ITEMS = 20;
/** A run with few items has small scenarios, so that it still has many of them. */
const MIN_SCENARIOS = 90;
const SINGLE_ITEM_SHARE = 0.15;
const STOP_SHARE = 0.15;

export function planScenarios(seed: number, count: number): Scenario[] {
	const maxItems = Math.min(MAX_ITEMS, Math.ceil((2 * count) / MIN_SCENARIOS));
	const scenarios: Scenario[] = [];
	for (let first = 1; first <= count; first += scenarios.at(-1)!.items.length) {
		const number = scenarios.length + 1;
		const random = randomFrom(`${seed} scenario ${number}`);
		const variant = TURNS[number % TURNS.length]!;
		const isSingle = random() < SINGLE_ITEM_SHARE || variant === 'bflCallback';
		const wanted = isSingle ? 1 : Math.ceil(between(random, 1, maxItems));
		const length = Math.min(wanted, count - first + 1);
		scenarios.push({
			number,
			variant,
			items: Array.from({ length }, (_, index) => createItem(seed, first + index)),
			...drawSettings(variant, random),
		});
	}
	return scenarios;
}

function drawSettings(
	variant: ApiVariant,
	random: Random,
): Omit<Scenario, 'number' | 'variant' | 'items'> {
	return {
		continueOnFail: random() < 0.6,
		maxTries: pickOne(random, [1, 1, 2, 3]),
		maxConcurrent: pickOne(random, [1, 4, 20]),
		followsStop: random() < STOP_SHARE && variant !== 'bflCallback',
		hasForgedCallbacks: random() < 0.5,
	};
}

const createItem = (seed: number, number: number): ChaosItem => ({
	number,
	prompt: `Chaos ${seed}, image ${number}.`,
});

/** Whether a failure can end the execution while other items are in progress. */
export const mayBeInterrupted = ({ continueOnFail, maxConcurrent, items }: Scenario): boolean =>
	!continueOnFail && maxConcurrent > 1 && items.length > 1;

/** Collects the task of a callback that has not come, as the node behind it would. */
export const COLLECTING_NODE: NodeUnderTest = {
	type: 'flux2Bfl',
	parameters: {
		resource: 'task',
		operation: 'get',
		taskId: '={{ $json.taskId }}',
		pollUrl: '={{ $json.pollUrl }}',
		waitForCompletion: true,
		options: { timeout: '={{ $json.timeout }}', ...API_VARIANTS.bflCallback.timing },
	},
	settings: { onError: 'continueRegularOutput' },
};

/** The scenario's node with its settings. */
export function toNode(
	scenario: Scenario,
	continueOnFail = scenario.continueOnFail,
): NodeUnderTest {
	const { type, parameters, options, timing } = API_VARIANTS[scenario.variant];
	const { maxTries, maxConcurrent } = scenario;
	return {
		type,
		parameters: {
			...parameters,
			prompt: '={{ $json.prompt }}',
			options: {
				...options,
				maxConcurrent,
				timeout: '={{ $json.timeout }}',
				// Task: Get knows no prompt but the provider's
				...(type === 'flux2Bfl' && { disablePup: true }),
				...timing,
			},
		},
		settings: {
			...(maxTries > 1 && { retryOnFail: true, maxTries, waitBetweenTries: 1 }),
			...(continueOnFail && { onError: 'continueRegularOutput' }),
		},
	};
}
