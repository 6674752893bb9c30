import { startEmulator, startListener, type Emulator, type Listener } from '../emulator';
import { SECRETS } from '../emulator/keys';
import { sha256 } from '../emulator/images';
import { emulatorCredentials } from '../support/emulatorCredentials';
import { startEngine } from '../support/engine';
import { pLimit } from '../../nodes/shared/vendor';
import { judge, type Evidence, type Verdict } from './judge';
import { planRounds, type Round } from './plan';
import { play, type Played } from './play';
import { ChaosScript, type Scene } from './script';

/** Tells the story of one seed. */

export interface StoryOptions {
	jobs: number;
	seed: number;
	/** Only the rounds of these jobs, which go as they do in the whole story. */
	only?: readonly number[];
	/** An execution that takes longer hangs. */
	limitMs?: number;
	onRound?: (done: number, total: number) => void;
}

export interface JobStory {
	number: number;
	prompt: string;
	round: Round;
	verdict: Verdict;
	scenes: Scene[];
}

export interface Story {
	seed: number;
	jobs: JobStory[];
	/** Answers by what happened to them. */
	faults: Map<string, number>;
	fates: Map<string, number>;
	executions: number;
	/** Words about each key that was seen where it must not be. */
	leaks: string[];
	/** Requests that no document knows. */
	unexpected: string[];
	/** Of all outcomes: two stories of the same seed have the same. */
	fingerprint: string;
	seconds: number;
}

const LIMIT_MS = 180_000;
const ROUNDS_AT_ONCE = 64;
const SECONDS = 0.05;

export async function tell(options: StoryOptions): Promise<Story> {
	const started = Date.now();
	const { jobs, seed, only } = options;
	const all = planRounds(seed, jobs);
	const rounds = all.filter(
		(round) => !only || round.jobs.some(({ number }) => only.includes(number)),
	);
	const script = new ChaosScript(seed, rounds);
	const emulator = await startEmulator({
		seconds: SECONDS,
		images: 'plain',
		keepAliveMs: 1000,
		script: script.effect,
	});
	const stranger = await startListener();
	script.strangers = { hostile: stranger.url, neighbour: `http://127.0.0.1:${stranger.port}` };
	const engine = await startEngine({ credentials: emulatorCredentials(emulator) });
	try {
		const limit = pLimit(ROUNDS_AT_ONCE);
		const limitMs = options.limitMs ?? LIMIT_MS;
		let done = 0;
		const played = await Promise.all(
			rounds.map(
				async (round) =>
					await limit(async () => {
						const result = await play(engine, round, script, limitMs);
						options.onRound?.(++done, rounds.length);
						return result;
					}),
			),
		);
		const told = await conclude(rounds, played, script, emulator);
		return {
			...told,
			seed,
			leaks: leaksIn(emulator, stranger, played),
			seconds: (Date.now() - started) / 1000,
		};
	} finally {
		await engine.close();
		await stranger.close();
		await emulator.close();
	}
}

async function conclude(
	rounds: Round[],
	played: Played[],
	{ scenes }: ChaosScript,
	{ ledger }: Emulator,
) {
	const perRound = rounds.map(
		async (round, index) =>
			await Promise.all(
				round.jobs.map(async ({ number, prompt }, item): Promise<JobStory> => {
					const { ended, endings } = played[index]!;
					const jobs = ledger.tasks.filter((job) => job.prompt === prompt);
					const evidence: Evidence = {
						number,
						prompt,
						hasTasks: !['catalogue', 'workersAi', 'oxenSync'].includes(round.way),
						ended,
						endings: endings[item] ?? [],
						scenes: scenes.filter(({ job }) => job === number),
						submissions: ledger.submissions.filter((one) => one.prompt === prompt),
						jobs,
						pictures: new Map(
							await Promise.all(
								jobs.map(
									async ({ id }) =>
										[id, (await ledger.image(id).catch(() => undefined))?.sha256 ?? ''] as const,
								),
							),
						),
					};
					return { number, prompt, round, verdict: judge(evidence), scenes: evidence.scenes };
				}),
			),
	);
	const jobs = (await Promise.all(perRound)).flat();
	return {
		jobs,
		faults: tally(scenes.map(({ fault }) => fault)),
		fates: tally(scenes.flatMap(({ fate }) => fate ?? [])),
		executions: played.reduce((sum, { executions }) => sum + executions, 0),
		unexpected: ledger.unexpected.map(({ method, path, reason }) => `${method} ${path}: ${reason}`),
		fingerprint: sha256(jobs.map(lineOf).join('\n')),
	};
}

export const lineOf = ({ number, round, verdict }: JobStory): string =>
	[number, round.way, verdict.form, verdict.outcome, verdict.paidTwice].join(' ');

function leaksIn({ ledger }: Emulator, { requests }: Listener, played: Played[]): string[] {
	const heard = requests.flatMap((request) =>
		secretsIn(JSON.stringify(request)).map((key) => `${key} at a foreign host: ${request.path}`),
	);
	const shown = played.flatMap((one) => secretsIn(one.shown).map((key) => `${key} in an item`));
	const noted = ledger.leaks.map(
		({ key, where, path }) => `${key ?? 'a key'} in ${where} of ${path}`,
	);
	return [...noted, ...heard, ...shown];
}

const secretsIn = (text: string): string[] =>
	SECRETS.filter(([, value]) => text.includes(value)).map(([name]) => name);

function tally(names: string[]): Map<string, number> {
	const counts = new Map<string, number>();
	for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
	return new Map([...counts].sort(([, a], [, b]) => b - a));
}
