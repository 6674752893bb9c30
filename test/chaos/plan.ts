import { between, pickOne, randomFrom, type Random } from '../emulator/images/random';
import type { NodeUnderTest } from '../support/lab';

/**
 * The story's cast: who asks for which picture, by which way and with which settings of n8n. All of it follows
 * from the seed.
 */

/** Every way on which the package makes a picture. */
export const WAYS = {
	catalogue: { type: 'flux2Cloudflare', parameters: {}, pace: {} },
	workersAi: {
		type: 'flux2Cloudflare',
		parameters: { model: '@cf/black-forest-labs/flux-2-klein-4b' },
		pace: {},
	},
	task: { type: 'flux2Task', parameters: { dialect: 'task' }, pace: { pollInterval: 0.05 } },
	taskFlat: {
		type: 'flux2Task',
		parameters: { dialect: 'task', bodyFormat: 'flat' },
		pace: { pollInterval: 0.05 },
	},
	queue: { type: 'flux2Task', parameters: { dialect: 'queue' }, pace: { pollInterval: 0.05 } },
	oxenSync: { type: 'flux2Oxen', parameters: { mode: 'sync' }, pace: {} },
	oxenQueue: { type: 'flux2Oxen', parameters: { mode: 'queue' }, pace: { pollInterval: 0.05 } },
	// events come first, looks are what is left where they do not
	oxenEvents: { type: 'flux2Oxen', parameters: { mode: 'events' }, pace: { pollInterval: 1 } },
	bfl: { type: 'flux2Bfl', parameters: {}, pace: { pollInterval: 0.05 } },
} as const;

export type Way = keyof typeof WAYS;

export interface ChaosJob {
	/** From 1 on. */
	number: number;
	/** Nobody else's: the emulator knows the job by it. */
	prompt: string;
}

/** One execution of a workflow, with all that its user does about it. */
export interface Round {
	number: number;
	way: Way;
	jobs: ChaosJob[];
	/** Whether the node continues on fail. */
	continues: boolean;
	/** How often n8n runs the node by itself; 1 is Retry On Fail switched off. */
	tries: number;
	maxConcurrent: number;
}

const MOST_JOBS = 20;
/** A short story has short rounds, so that it has many of them. */
const ROUNDS_AT_LEAST = 70;
const ALONE = 0.15;

export function planRounds(seed: number, count: number): Round[] {
	const ways = Object.keys(WAYS) as Way[];
	const most = Math.min(MOST_JOBS, Math.ceil((2 * count) / ROUNDS_AT_LEAST));
	const rounds: Round[] = [];
	for (let first = 1; first <= count; first += rounds.at(-1)!.jobs.length) {
		const number = rounds.length + 1;
		const random = randomFrom(`${seed} round ${number}`);
		const wanted = random() < ALONE ? 1 : Math.ceil(between(random, 1, most));
		const length = Math.min(wanted, count - first + 1);
		rounds.push({
			number,
			// the ways take turns, so that a short story has them all
			way: ways[number % ways.length]!,
			jobs: Array.from({ length }, (_, index) => jobOf(seed, first + index)),
			...settings(random),
		});
	}
	return rounds;
}

function settings(random: Random): Pick<Round, 'continues' | 'tries' | 'maxConcurrent'> {
	return {
		continues: random() < 0.6,
		tries: pickOne(random, [1, 1, 2, 3]),
		maxConcurrent: pickOne(random, [1, 4, 20]),
	};
}

const jobOf = (seed: number, number: number): ChaosJob => ({
	number,
	prompt: `Story ${seed}, picture ${number}.`,
});

/** Whether a failure can end the run while other items of it are on their way. */
export const isInterrupted = ({ continues, maxConcurrent, jobs }: Round): boolean =>
	!continues && maxConcurrent > 1 && jobs.length > 1;

/** The round's node, as its user has set it. */
export function nodeOf(round: Round, continues = round.continues): NodeUnderTest {
	const { type, parameters, pace } = WAYS[round.way];
	const { tries, maxConcurrent } = round;
	return {
		type,
		parameters: {
			...parameters,
			prompt: '={{ $json.prompt }}',
			options: { maxConcurrent, ...pace },
		},
		settings: {
			...(tries > 1 && { retryOnFail: true, maxTries: tries, waitBetweenTries: 1 }),
			...(continues && { onError: 'continueRegularOutput' }),
		},
	};
}
