import type { Effect, Facts, RouteName } from '../emulator';
import { runsHandler } from '../emulator/rules';
import { pickOne, randomFrom, type Random } from '../emulator/images/random';
import {
	FAULTS,
	UNKNOWN_STATUS,
	toStep,
	STREAM_FAULTS,
	type FaultContext,
	type Fault,
	type Step,
} from './faults';
import type { NodeType } from '../support/providers';
import { API_VARIANTS, mayBeInterrupted, type ChaosItem, type Scenario } from './scenarios';

/**
 * Decides about every response. The fault follows from the seed, the item, the route and the number of the call, never
 * from the time: the same seed gives the same faults on a busy machine too.
 */

/** One call for an item. */
export interface CallRecord {
	item: number;
	route: RouteName;
	/** The number of the call among the item's calls of this route, from 1 on. */
	nth: number;
	/** The name of its fault; `none` where the response was as documented. */
	fault: string;
	/** For a submit that created a task: the name of the task's fate. */
	fate?: string;
}

/** What happens to a task at the provider. */
type Fate = NonNullable<Effect['task']>;

const FAULT_SHARE = 0.16;
/** The share of items that meet the same fault again and again at one step. */
const BURST_SHARE = 0.02;
const BURST_LENGTH = 6;
/** The probability of a fault that only one route has. */
const RARE_SHARE = 0.15;
/** The probability that a fault of this step only is preferred. */
const SPECIFIC_SHARE = 0.4;
const MAX_POLLS = 3;

const SMALL_IMAGE = { width: 64, height: 64 };

interface PlannedItem {
	item: ChaosItem;
	scenario: Scenario;
}

export class FaultPlan {
	readonly calls: CallRecord[] = [];

	/** Set before the first call: the listener's port is not known earlier. */
	foreignHosts = { foreignUrl: '', sameHostUrl: '' };

	private readonly plannedItems = new Map<string, PlannedItem>();

	private readonly callCounts = new Map<string, number>();

	private readonly acceptedCounts = new Map<string, number>();

	/** Scenarios that meet only transient faults from now on. */
	private readonly transientOnly = new Set<Scenario>();

	private streams = 0;

	constructor(
		private readonly seed: number,
		scenarios: readonly Scenario[],
	) {
		for (const scenario of scenarios) {
			for (const item of scenario.items) this.plannedItems.set(item.prompt, { item, scenario });
		}
	}

	limitToTransient(scenario: Scenario): void {
		this.transientOnly.add(scenario);
	}

	readonly effect = ({ route, prompt }: Facts): Effect | undefined => {
		if (route === 'oxen.events') return this.decideStreamEffect();
		const planned = this.plannedItems.get(prompt ?? '');
		const step = toStep(route);
		return planned && step && this.decideEffect(planned, route, step);
	};

	private decideStreamEffect(): Effect | undefined {
		const names = ['none', ...Object.keys(STREAM_FAULTS)];
		const name = names[++this.streams % names.length]!;
		this.calls.push({ item: 0, route: 'oxen.events', nth: this.streams, fault: name });
		return STREAM_FAULTS[name];
	}

	private decideEffect(planned: PlannedItem, route: RouteName, step: Step): Effect {
		const { item, scenario } = planned;
		const nth = countUp(this.callCounts, `${item.number} ${route}`);
		const fault = this.chooseFault(planned, route, step, nth);
		const random = this.random(item.number, route, nth, 'effect');
		const context: FaultContext = {
			random,
			...this.foreignHosts,
			mayLoseResponse: mayLoseResponses(scenario),
		};
		const effect: Effect = FAULTS[fault]?.effect(context) ?? {};
		const call: CallRecord = { item: item.number, route, nth, fault };
		this.calls.push(call);
		if (step !== 'submit' || !runsHandler(effect)) return effect;
		const { fate, name } = this.chooseFate(planned, countUp(this.acceptedCounts, item.prompt));
		call.fate = name;
		return { ...effect, as: SMALL_IMAGE, task: { ...fate, ...effect.task } };
	}

	private chooseFault(planned: PlannedItem, route: RouteName, step: Step, nth: number): string {
		const { number } = planned.item;
		const names = this.listFaults(planned, route, step);
		const burst = this.random(number, step, 'burst');
		const random = this.random(number, route, nth, 'fault');
		const isTransientOnly = this.isTransientOnly(planned, step);
		if (!isTransientOnly && burst() < BURST_SHARE && nth <= burstLength(planned, step)) {
			return step === 'submit' ? 'busyForSeconds' : pickOne(burst, listTransient(names));
		}
		const rare = names.filter((name) => FAULTS[name]!.routes);
		const isRare = nth === 1 && rare.length > 0 && this.random(number, 'rare')() < RARE_SHARE;
		if (isRare) return pickOne(random, rare);
		// at the latest, the third call succeeds
		if (random() >= FAULT_SHARE || (isTransientOnly && nth % 3 === 0)) return 'none';
		const specific = names.filter((name) => FAULTS[name]!.on.length < 3);
		return pickOne(random, random() < SPECIFIC_SHARE && specific.length > 0 ? specific : names);
	}

	private listFaults(planned: PlannedItem, route: RouteName, step: Step): string[] {
		const { scenario } = planned;
		const isTransientOnly = this.isTransientOnly(planned, step);
		return Object.entries(FAULTS)
			.filter(([, { on, routes }]) => on.includes(step) && (routes?.includes(route) ?? true))
			.filter(([name, fault]) => {
				if (isTransientOnly) return isHarmless(name, fault, step);
				if (fault.persistent && mayBeInterrupted(scenario)) return false;
				return step !== 'submit' || !fault.losesResponse || mayLoseResponses(scenario);
			})
			.map(([name]) => name);
	}

	/**
	 * Time decides how often a task with events is polled, how often a vanished one is, and what an interrupted scenario
	 * has left to do. None of that may decide about the outcome.
	 */
	private isTransientOnly(planned: PlannedItem, step: Step): boolean {
		const { scenario } = planned;
		if (this.transientOnly.has(scenario)) return true;
		const { hasEvents = false } = API_VARIANTS[scenario.variant];
		const pollsByTime = hasEvents || this.chooseFate(planned, 1).name === 'vanishes';
		return step === 'poll' && pollsByTime;
	}

	private chooseFate({ item, scenario }: PlannedItem, nth: number): { name: string; fate: Fate } {
		const random = this.random(item.number, 'fate');
		const { type, hasTasks, hasEvents = false } = API_VARIANTS[scenario.variant];
		const isPolled = hasTasks && !hasEvents;
		const polls = isPolled ? Math.floor(random() * (MAX_POLLS + 1)) : undefined;
		const timing: Fate = isPolled ? { seconds: 0, polls } : { seconds: 0.02 + random() / 5 };
		const chance = random() * 100;
		const isFirst = nth === 1 && !mayBeInterrupted(scenario);
		const fates: Array<[upTo: number, name: string, possible: boolean, fate: Fate]> = [
			[4, 'moderated', true, toModeration(type)],
			[8, 'fails', isFirst, { fail: { message: 'out of memory' } }],
			[11, 'vanishes', isFirst && hasTasks, { vanish: true }],
			[14, 'endsUnknown', hasTasks, { status: UNKNOWN_STATUS }],
			[17, 'runsUnknown', isPolled, { running: UNKNOWN_STATUS, polls: 1 }],
			[23, 'leavesQueue', type === 'flux2Oxen' && hasTasks, { leaves: 'queue' }],
			[26, 'eventTwice', hasEvents, { event: 'twice' }],
			[29, 'eventLost', hasEvents, { event: 'lost' }],
		];
		const found = fates.find(([upTo]) => chance < upTo);
		if (!found?.[2]) return { name: 'goesWell', fate: timing };
		return { name: found[1], fate: { ...timing, ...found[3] } };
	}

	private random(...parts: Array<string | number>): Random {
		return randomFrom([this.seed, ...parts].join(' '));
	}
}

function countUp(counts: Map<string, number>, key: string): number {
	const nth = (counts.get(key) ?? 0) + 1;
	counts.set(key, nth);
	return nth;
}

/** With several items, a user could not retry the others without this one. */
const mayLoseResponses = ({ continueOnFail, items }: Scenario): boolean =>
	continueOnFail || items.length === 1;

/** A refused submit gets new attempts while other items are accepted, so the end of a long burst depends on time. */
const burstLength = ({ scenario }: PlannedItem, step: Step): number =>
	step === 'submit' && scenario.maxConcurrent > 1 ? 4 : BURST_LENGTH;

const listTransient = (names: readonly string[]) => names.filter((name) => FAULTS[name]!.transient);

/** A submit survives only faults that certainly refuse it; polls and downloads survive all transient ones. */
const isHarmless = (name: string, { transient, on }: Fault, step: Step): boolean => {
	if (step !== 'submit') return transient === true;
	return transient === true && (/^(busy|slow|hostile)/.test(name) || !on.includes('submit'));
};

const toModeration = (type: NodeType): Fate =>
	type === 'flux2Bfl'
		? { status: 'Request Moderated' }
		: { fail: { message: 'Request Moderated' } };
