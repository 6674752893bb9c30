import type { Effect, Facts, RouteName } from '../emulator';
import { runsHandler } from '../emulator/rules';
import { pickOne, randomFrom, type Random } from '../emulator/images/random';
import {
	FAULTS,
	ODD_WORD,
	stepOf,
	STREAM_FAULTS,
	type Circumstances,
	type Fault,
	type Step,
} from './faults';
import { isInterrupted, type ChaosJob, type Round, type Way } from './plan';

/**
 * Decides about every answer. What happens follows from the seed and from which answer it is (whose job's, of which
 * route, the how-manieth), never from the time: the same seed tells the same story on a busy machine too.
 */

/** One call that a job has made. */
export interface Scene {
	job: number;
	route: RouteName;
	/** The how-manieth of this route for this job, from 1 on. */
	nth: number;
	/** The name of what happened to it; `none` where the provider did what its documents say. */
	fault: string;
	/** The name of how the job was to go, for a submit that made one. */
	fate?: string;
}

/** How a job goes at the provider. */
type Fate = NonNullable<Effect['task']>;

const SHARE = 0.16;
/** The share of the jobs that meet the same fault over and over on one of their routes. */
const STORM_SHARE = 0.02;
const STORM_LENGTH = 6;
/** How often a fault that only one route has is met. */
const RARE_SHARE = 0.15;
/** How often a fault that not every call can meet is preferred. */
const OWN_SHARE = 0.4;
const MOST_LOOKS = 3;

const POLLED: readonly Way[] = ['task', 'taskFlat', 'queue', 'oxenQueue', 'bfl'];
const WITH_TASKS: readonly Way[] = [...POLLED, 'oxenEvents'];
const SMALL = { width: 64, height: 64 };

interface Member {
	job: ChaosJob;
	round: Round;
}

export class ChaosScript {
	readonly scenes: Scene[] = [];

	/** Set before the first call, since the listener's port is not known earlier. */
	strangers = { hostile: '', neighbour: '' };

	private readonly members = new Map<string, Member>();

	private readonly calls = new Map<string, number>();

	private readonly accepted = new Map<string, number>();

	/** Rounds that only meet what passes by itself from now on. */
	private readonly calm = new Set<Round>();

	private streams = 0;

	constructor(
		private readonly seed: number,
		rounds: readonly Round[],
	) {
		for (const round of rounds) {
			for (const job of round.jobs) this.members.set(job.prompt, { job, round });
		}
	}

	calmDown(round: Round): void {
		this.calm.add(round);
	}

	readonly effect = ({ route, prompt }: Facts): Effect | undefined => {
		if (route === 'oxen.events') return this.stream();
		const member = this.members.get(prompt ?? '');
		const step = stepOf(route);
		return member && step && this.answer(member, route, step);
	};

	private stream(): Effect | undefined {
		const names = ['none', ...Object.keys(STREAM_FAULTS)];
		const name = names[++this.streams % names.length]!;
		this.scenes.push({ job: 0, route: 'oxen.events', nth: this.streams, fault: name });
		return STREAM_FAULTS[name];
	}

	private answer(member: Member, route: RouteName, step: Step): Effect {
		const { job, round } = member;
		const nth = count(this.calls, `${job.number} ${route}`);
		const fault = this.faultFor(member, route, step, nth);
		const random = this.random(job.number, route, nth, 'effect');
		const circumstances: Circumstances = { random, ...this.strangers, mayLose: mayLose(round) };
		const own: Effect = FAULTS[fault]?.effect(circumstances) ?? {};
		const scene: Scene = { job: job.number, route, nth, fault };
		this.scenes.push(scene);
		if (step !== 'submit' || !runsHandler(own)) return own;
		const { fate, name } = this.fateOf(member, count(this.accepted, job.prompt));
		scene.fate = name;
		return { ...own, as: SMALL, task: { ...fate, ...own.task } };
	}

	private faultFor(member: Member, route: RouteName, step: Step, nth: number): string {
		const { number } = member.job;
		const names = this.possible(member, route, step);
		const storm = this.random(number, step, 'storm');
		const random = this.random(number, route, nth, 'fault');
		const isCalm = this.isCalm(member, step);
		if (!isCalm && storm() < STORM_SHARE && nth <= stormLength(member, step)) {
			return step === 'submit' ? 'busyForSeconds' : pickOne(storm, passing(names));
		}
		const rare = names.filter((name) => FAULTS[name]!.routes);
		const isRare = nth === 1 && rare.length > 0 && this.random(number, 'rare')() < RARE_SHARE;
		if (isRare) return pickOne(random, rare);
		// the third call comes through at the latest
		if (random() >= SHARE || (isCalm && nth % 3 === 0)) return 'none';
		const own = names.filter((name) => FAULTS[name]!.on.length < 3);
		return pickOne(random, random() < OWN_SHARE && own.length > 0 ? own : names);
	}

	private possible(member: Member, route: RouteName, step: Step): string[] {
		const { round } = member;
		const isCalm = this.isCalm(member, step);
		return Object.entries(FAULTS)
			.filter(([, { on, routes }]) => on.includes(step) && (routes?.includes(route) ?? true))
			.filter(([name, fault]) => {
				if (isCalm) return isHarmless(name, fault, step);
				if (fault.sticks && isInterrupted(round)) return false;
				return step !== 'submit' || !fault.loses || mayLose(round);
			})
			.map(([name]) => name);
	}

	/**
	 * How many looks a job with events gets is a matter of time, and so is how often a vanished one is looked for and
	 * what is left to do of a round that was interrupted: nothing of that may decide about the outcome.
	 */
	private isCalm(member: Member, step: Step): boolean {
		const { round } = member;
		if (this.calm.has(round)) return true;
		const looksByTime = round.way === 'oxenEvents' || this.fateOf(member, 1).name === 'vanishes';
		return step === 'look' && looksByTime;
	}

	private fateOf({ job, round }: Member, nth: number): { name: string; fate: Fate } {
		const random = this.random(job.number, 'fate');
		const hasTasks = WITH_TASKS.includes(round.way);
		const isPolled = POLLED.includes(round.way);
		const looks = isPolled ? Math.floor(random() * (MOST_LOOKS + 1)) : undefined;
		const pace: Fate = isPolled ? { seconds: 0, polls: looks } : { seconds: 0.02 + random() / 5 };
		const chance = random() * 100;
		const first = nth === 1 && !isInterrupted(round);
		const fates: Array<[upTo: number, name: string, possible: boolean, fate: Fate]> = [
			[4, 'moderated', true, moderationOf(round.way)],
			[8, 'fails', first, { fail: { message: 'out of memory' } }],
			[11, 'vanishes', first && hasTasks, { vanish: true }],
			[14, 'endsOddly', hasTasks, { status: ODD_WORD }],
			[17, 'runsOddly', isPolled, { running: ODD_WORD, polls: 1 }],
			[23, 'leaves', round.way.startsWith('oxen') && hasTasks, { leaves: 'queue' }],
			[26, 'eventTwice', round.way === 'oxenEvents', { event: 'twice' }],
			[29, 'eventLost', round.way === 'oxenEvents', { event: 'lost' }],
		];
		const found = fates.find(([upTo]) => chance < upTo);
		if (!found?.[2]) return { name: 'goesWell', fate: pace };
		return { name: found[1], fate: { ...pace, ...found[3] } };
	}

	private random(...parts: Array<string | number>): Random {
		return randomFrom([this.seed, ...parts].join(' '));
	}
}

function count(counts: Map<string, number>, key: string): number {
	const nth = (counts.get(key) ?? 0) + 1;
	counts.set(key, nth);
	return nth;
}

/** With several items, a user could not run the others again without this one. */
const mayLose = ({ continues, jobs }: Round): boolean => continues || jobs.length === 1;

/** Refusals count anew while others of the run are accepted, so that the end of a long row is a matter of time. */
const stormLength = ({ round }: Member, step: Step): number =>
	step === 'submit' && round.maxConcurrent > 1 ? 4 : STORM_LENGTH;

const passing = (names: readonly string[]) => names.filter((name) => FAULTS[name]!.passes);

/** A submit survives only what certainly refused it; everything else survives all that passes. */
const isHarmless = (name: string, { passes, on }: Fault, step: Step): boolean => {
	if (step !== 'submit') return passes === true;
	return passes === true && (/^(busy|slow|hostile)/.test(name) || !on.includes('submit'));
};

const moderationOf = (way: Way): Fate =>
	way === 'bfl' ? { status: 'Request Moderated' } : { fail: { message: 'Request Moderated' } };
