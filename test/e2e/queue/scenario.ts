import { setTimeout as pause } from 'node:timers/promises';
import { startWorkers, type Cluster, type Workers } from './cluster';
import { SHAPES, type ShapeName } from './shapes';
import {
	callOnceEach,
	mend,
	prepareTrial,
	takeStock,
	untilMoment,
	untilTrialOver,
	type Mended,
	type Moment,
	type Stock,
	type Trial,
} from './trial';
import { measure, type Usage } from './usage';

export interface Scenario {
	shape: ShapeName;
	workers: number;
	/** How many executions a worker takes on at once. */
	concurrency: number;
	executions: number;
	/** What happens to the first worker. */
	blow?: Blow;
	/** The callbacks come so late that all executions wait at once. */
	lateCallbacks?: boolean;
}

export interface Blow {
	signal: 'SIGKILL' | 'SIGTERM';
	when: Moment;
}

/** What it took, until all were over by themselves. */
interface Run {
	/** From the first call to the last picture's download. */
	seconds: number;
	picturesPerMinute: number;
	/** Most executions that waited in n8n's database at once. */
	mostParked: number;
	/** Executions in workers' hands, summed over time. */
	slotSeconds: number;
	main?: Usage;
	/** Of the first worker, unless it was ended. */
	worker?: Usage;
}

export type Result = { name: string; scenario: Scenario } & Run & Stock & Mended;

export async function runScenario(cluster: Cluster, scenario: Scenario): Promise<Result> {
	const { shape, executions, lateCallbacks } = scenario;
	const name = nameOf(scenario);
	const trial = await prepareTrial(cluster.host, shape, executions, lateCallbacks);
	const workers = await startWorkers(cluster, scenario.workers, scenario.concurrency);
	try {
		const run = await underLoad(cluster, trial, workers, scenario.blow);
		const stock = await takeStock(trial);
		return { name, scenario, ...run, ...stock, ...(await mend(trial)) };
	} finally {
		trial.giveUp();
		await workers.stop();
	}
}

export function nameOf({ shape, workers, concurrency, blow }: Scenario): string {
	const who = workers === 1 ? '1 worker' : `${workers} workers`;
	const what = blow ? `, one gets ${blow.signal} while ${blow.when}` : '';
	return `${SHAPES[shape].title}: ${who} of ${concurrency}${what}`;
}

async function underLoad(
	cluster: Cluster,
	trial: Trial,
	workers: Workers,
	blow?: Blow,
): Promise<Run> {
	const { server, emulator } = cluster.host;
	const usages = [await measure(server.pid), await measure(workers.all[0]!.pid)] as const;
	const slots = countSlots(cluster);
	const started = Date.now();
	let mostParked = 0;
	const untilTheEnd = async () => {
		await callOnceEach(trial);
		await untilTrialOver(trial, (parked) => (mostParked = Math.max(mostParked, parked)));
	};
	let slotSeconds = 0;
	try {
		await Promise.all([untilTheEnd(), blow && strike(cluster, trial, workers, blow)]);
	} finally {
		slotSeconds = await slots.stop();
	}
	const [main, worker] = [await usages[0](), await usages[1]()];
	const downloads = emulator.ledger.downloads.filter(({ at }) => at >= started);
	const seconds = ((downloads.at(-1)?.at ?? started) - started) / 1000;
	const picturesPerMinute = (downloads.length / seconds) * 60;
	return { seconds, picturesPerMinute, mostParked, slotSeconds, main, worker };
}

async function strike(
	{ say }: Cluster,
	trial: Trial,
	{ all }: Workers,
	{ signal, when }: Blow,
): Promise<void> {
	await untilMoment(trial, when);
	say(`  ${signal}`);
	const [worker] = all;
	process.kill(worker!.pid, signal);
	await worker!.ended;
}

/** Looks four times a second at how many executions the workers have in hand. */
function countSlots({ redis }: Cluster): { stop(): Promise<number> } {
	const over = new AbortController();
	const counted = (async () => {
		let [slotSeconds, last] = [0, Date.now()];
		while (!over.signal.aborted) {
			const active = await redis.activeJobs();
			const now = Date.now();
			slotSeconds += (active * (now - last)) / 1000;
			last = now;
			await pause(250);
		}
		return slotSeconds;
	})();
	return {
		stop: async () => {
			over.abort();
			return await counted;
		},
	};
}
