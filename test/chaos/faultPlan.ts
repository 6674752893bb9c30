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
import {
	laneOf,
	mayBeInterrupted,
	variantsWith,
	type ApiVariant,
	type ChaosItem,
	type Scenario,
} from './scenarios';

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
	/** The execution of the item's scenario, from 1 on: a person has started every one but the first. */
	execution: number;
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
/** Seconds; long enough for every item whose task ends. */
const TIMEOUT = 60;
/** Seconds; for an item whose task never ends. */
const ENDLESS_TIMEOUT = 2;
/** Words that no document explains; the last one is none. */
const UNKNOWN_WORDS = [UNKNOWN_STATUS, 'constructor', ''];
/** No later poll goes wrong: what is left of the time would decide about the outcome. */
const LONG_WAITS = ['busyForLong'];

const TASK_VARIANTS = variantsWith(({ hasTasks }) => hasTasks);
const EVENT_VARIANTS = variantsWith(({ hasEvents }) => hasEvents ?? false);
/** Nothing but a poll says how their tasks are. */
const POLLED_VARIANTS = TASK_VARIANTS.filter(
	(variant) => !EVENT_VARIANTS.includes(variant) && variant !== 'bflCallback',
);
/** Their documents have a word for a task that somebody has cancelled. */
const CANCELLING_VARIANTS: readonly ApiVariant[] = ['task', 'taskFlat', 'oxen'];
/** Oxen's tasks leave its queue for the history when they have ended. */
const QUEUE_VARIANTS: readonly ApiVariant[] = ['oxen', 'events'];
const CANCELLED: Fate = { status: 'cancelled' };
/** Replicate's word for it. */
const CANCELLED_THERE: Fate = { status: 'canceled' };
const SMALL_IMAGE = { width: 64, height: 64 };

interface PlannedItem {
	item: ChaosItem;
	scenario: Scenario;
}

export class FaultPlan {
	readonly calls: CallRecord[] = [];

	/** Set before the first call: the ports are not known earlier. */
	hosts = { missingImageUrl: '', foreignUrl: '', sameHostUrl: '' };

	private readonly plannedItems = new Map<string, PlannedItem>();

	private readonly executions = new Map<Scenario, number>();

	private readonly callCounts = new Map<string, number>();

	private readonly acceptedCounts = new Map<string, number>();

	/** Scenarios that meet only transient faults from now on. */
	private readonly transientOnly = new Set<Scenario>();

	/** Numbers of items whose polls have met a long wait. */
	private readonly hasWaited = new Set<number>();

	private streams = 0;

	constructor(
		private readonly seed: number,
		scenarios: readonly Scenario[],
	) {
		for (const scenario of scenarios) {
			for (const item of scenario.items) this.plannedItems.set(item.prompt, { item, scenario });
		}
	}

	/** The scenario's next execution starts. */
	startExecution(scenario: Scenario): void {
		this.executions.set(scenario, (this.executions.get(scenario) ?? 0) + 1);
	}

	/** The item's *Timeout* in seconds. */
	timeoutOf({ prompt }: ChaosItem): number {
		const { name } = this.chooseFate(this.plannedItems.get(prompt)!, 1);
		return name === 'endsUnknown' ? ENDLESS_TIMEOUT : TIMEOUT;
	}

	isCalledBack({ prompt }: ChaosItem): boolean {
		return this.chooseFate(this.plannedItems.get(prompt)!, 1).name !== 'callbackNever';
	}

	limitToTransient(scenario: Scenario): void {
		this.transientOnly.add(scenario);
	}

	readonly effect = ({ route, prompt }: Facts): Effect | undefined => {
		if (route.endsWith('.events')) return this.decideStreamEffect(route);
		const planned = this.plannedItems.get(prompt ?? '');
		const step = toStep(route);
		return planned && step && this.decideEffect(planned, route, step);
	};

	private decideStreamEffect(route: RouteName): Effect | undefined {
		const names = ['none', ...Object.keys(STREAM_FAULTS)];
		const name = names[++this.streams % names.length]!;
		const call = { item: 0, route, nth: this.streams, fault: name, execution: 0 };
		this.calls.push(call);
		return STREAM_FAULTS[name];
	}

	private decideEffect(planned: PlannedItem, route: RouteName, step: Step): Effect {
		const { item, scenario } = planned;
		const nth = countUp(this.callCounts, `${item.number} ${route}`);
		const fault = this.chooseFault(planned, route, step, nth);
		const random = this.random(item.number, route, nth, 'effect');
		const context: FaultContext = {
			random,
			...this.hosts,
			mayLoseResponse: mayLoseResponses(scenario),
		};
		const effect: Effect = FAULTS[fault]?.effect(context) ?? {};
		const execution = this.executions.get(scenario) ?? 0;
		const call: CallRecord = { item: item.number, route, nth, fault, execution };
		this.calls.push(call);
		if (step === 'poll' && LONG_WAITS.includes(fault)) this.hasWaited.add(item.number);
		if (step !== 'submit' || !runsHandler(effect)) return effect;
		const { fate, name } = this.chooseFate(planned, countUp(this.acceptedCounts, item.prompt));
		call.fate = name;
		return { ...effect, as: SMALL_IMAGE, task: { ...fate, ...effect.task } };
	}

	private chooseFault(planned: PlannedItem, route: RouteName, step: Step, nth: number): string {
		const { number } = planned.item;
		const names = this.listFaults(planned, route, step);
		if (step === 'poll' && this.hasWaited.has(number)) return 'none';
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
				if (isTransientOnly) return survives(name, fault, step);
				if (fault.persistent && mayBeInterrupted(scenario)) return false;
				return step !== 'submit' || !fault.losesResponse || mayLoseResponses(scenario);
			})
			.map(([name]) => name);
	}

	/**
	 * Time decides how often a task with events or a callback is polled, how often one that vanishes or never ends is, and
	 * what an interrupted scenario has left to do. None of that may decide about the outcome.
	 */
	private isTransientOnly(planned: PlannedItem, step: Step): boolean {
		const { scenario } = planned;
		if (this.transientOnly.has(scenario)) return true;
		const pollsByTime =
			[...EVENT_VARIANTS, 'bflCallback'].includes(scenario.variant) ||
			['vanishes', 'endsUnknown', 'cancelled'].includes(this.chooseFate(planned, 1).name);
		return step === 'poll' && pollsByTime;
	}

	private chooseFate({ item, scenario }: PlannedItem, nth: number): { name: string; fate: Fate } {
		const random = this.random(item.number, 'fate');
		const isPolled = POLLED_VARIANTS.includes(scenario.variant);
		const polls = isPolled ? Math.floor(random() * (MAX_POLLS + 1)) : undefined;
		const timing: Fate = isPolled ? { seconds: 0, polls } : { seconds: 0.02 + random() / 5 };
		let chance = random() * 100;
		const found = listFates(scenario.variant, random).find(
			({ percent }) => (chance -= percent) < 0,
		);
		const isFirst = nth === 1 && !mayBeInterrupted(scenario);
		if (!found || (found.firstOnly && !isFirst)) return { name: 'goesWell', fate: timing };
		return { name: found.name, fate: { ...timing, ...found.fate } };
	}

	private random(...parts: Array<string | number>): Random {
		return randomFrom([this.seed, ...parts].join(' '));
	}
}

interface PlannedFate {
	/** The share of tasks with it. */
	percent: number;
	name: string;
	fate: Fate;
	/** Only for the first submission of an item that runs to its end. */
	firstOnly?: true;
}

function listFates(variant: ApiVariant, random: Random): PlannedFate[] {
	const running = pickOne(random, UNKNOWN_WORDS);
	const polls = 1 + Math.floor(random() * MAX_POLLS);
	const fates: Array<PlannedFate & { of?: readonly ApiVariant[] }> = [
		{ percent: 4, name: 'moderated', fate: toModeration(variant) },
		{ percent: 4, name: 'fails', firstOnly: true, fate: { fail: { message: 'out of memory' } } },
		{ percent: 3, name: 'vanishes', of: TASK_VARIANTS, firstOnly: true, fate: { vanish: true } },
		{ percent: 3, name: 'endsUnknown', of: TASK_VARIANTS, fate: { status: UNKNOWN_STATUS } },
		{ percent: 5, name: 'runsUnknown', of: POLLED_VARIANTS, fate: { running, polls } },
		{ percent: 2, name: 'cancelled', of: CANCELLING_VARIANTS, firstOnly: true, fate: CANCELLED },
		{ percent: 2, name: 'cancelled', of: ['replicate'], firstOnly: true, fate: CANCELLED_THERE },
		{
			percent: 2,
			name: 'aborted',
			of: ['replicate'],
			firstOnly: true,
			fate: { status: 'aborted' },
		},
		{ percent: 4, name: 'foundLate', of: ['bfl'], fate: { unknownPolls: 2 } },
		{ percent: 6, name: 'leavesQueue', of: QUEUE_VARIANTS, fate: { leaves: 'queue' } },
		{ percent: 3, name: 'eventTwice', of: EVENT_VARIANTS, fate: { event: 'twice' } },
		{ percent: 3, name: 'eventLost', of: EVENT_VARIANTS, fate: { event: 'lost' } },
		{ percent: 10, name: 'callbackEarly', of: ['bflCallback'], fate: { webhook: 'early' } },
		{ percent: 10, name: 'callbackLate', of: ['bflCallback'], fate: { webhook: 'late' } },
		{ percent: 15, name: 'callbackTwice', of: ['bflCallback'], fate: { webhook: 'twice' } },
		{
			percent: 10,
			name: 'callbackForged',
			of: ['bflCallback'],
			fate: { webhook: 'wrongSignature' },
		},
		{ percent: 10, name: 'callbackNever', of: ['bflCallback'], fate: { webhook: 'never' } },
	];
	return fates.filter(({ of }) => of?.includes(variant) ?? true);
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
const survives = (name: string, { transient, isHarmless }: Fault, step: Step): boolean => {
	if (step !== 'submit') return transient === true;
	return transient === true && (isHarmless === true || /^busy/.test(name));
};

const toModeration = (variant: ApiVariant): Fate =>
	laneOf(variant).moderated.task ?? { fail: { message: 'Request Moderated' } };
