import { setTimeout as delay } from 'node:timers/promises';
import { startWorkers, type Cluster, type Workers } from './cluster';
import { SHAPES, type ShapeName } from './shapes';
import {
	callOncePerPrompt,
	recover,
	prepareTrial,
	countOutcome,
	waitForMoment,
	waitUntilTrialFinished,
	type Recovery,
	type Moment,
	type TrialOutcome,
	type Trial,
} from './trial';
import { measureUsage, type Usage } from './usage';

export interface Scenario {
	shape: ShapeName;
	workers: number;
	/** How many executions a worker runs at once. */
	concurrency: number;
	executions: number;
	/** How the first worker is terminated. */
	termination?: Termination;
	/** Whether callbacks come so late that all executions are suspended at once. */
	lateCallbacks?: boolean;
}

export interface Termination {
	signal: 'SIGKILL' | 'SIGTERM';
	when: Moment;
}

/** Time and resources until all executions had ended by themselves. */
interface LoadResult {
	/** From the first call to the last image's download. */
	seconds: number;
	imagesPerMinute: number;
	/** Maximum number of executions that were suspended at once. */
	maxSuspended: number;
	/** Seconds that workers ran executions, summed over all executions. */
	workerBusySeconds: number;
	main?: Usage;
	/** Usage of the first worker, unless it was terminated. */
	worker?: Usage;
}

export type Result = { name: string; scenario: Scenario } & LoadResult & TrialOutcome & Recovery;

export async function runScenario(cluster: Cluster, scenario: Scenario): Promise<Result> {
	const { shape, executions, lateCallbacks } = scenario;
	const name = toScenarioName(scenario);
	const trial = await prepareTrial(cluster.host, shape, executions, lateCallbacks);
	const workers = await startWorkers(cluster, scenario.workers, scenario.concurrency);
	try {
		const run = await runLoad(cluster, trial, workers, scenario.termination);
		const stock = await countOutcome(trial);
		return { name, scenario, ...run, ...stock, ...(await recover(trial)) };
	} finally {
		trial.abort();
		await workers.stop();
	}
}

export function toScenarioName({ shape, workers, concurrency, termination }: Scenario): string {
	const who = workers === 1 ? '1 worker' : `${workers} workers`;
	const what = termination ? `, one gets ${termination.signal} while ${termination.when}` : '';
	return `${SHAPES[shape].title}: ${who} of ${concurrency}${what}`;
}

async function runLoad(
	cluster: Cluster,
	trial: Trial,
	workers: Workers,
	termination?: Termination,
): Promise<LoadResult> {
	const { server, emulator } = cluster.host;
	const usages = [await measureUsage(server.pid), await measureUsage(workers.all[0]!.pid)] as const;
	const busyTime = measureBusyTime(cluster);
	const started = Date.now();
	let maxSuspended = 0;
	const runToEnd = async () => {
		await callOncePerPrompt(trial);
		await waitUntilTrialFinished(
			trial,
			(suspended) => (maxSuspended = Math.max(maxSuspended, suspended)),
		);
	};
	let workerBusySeconds = 0;
	try {
		await Promise.all([
			runToEnd(),
			termination && terminateWorker(cluster, trial, workers, termination),
		]);
	} finally {
		workerBusySeconds = await busyTime.stop();
	}
	const [main, worker] = [await usages[0](), await usages[1]()];
	const downloads = emulator.ledger.downloads.filter(({ at }) => at >= started);
	const seconds = ((downloads.at(-1)?.at ?? started) - started) / 1000;
	const imagesPerMinute = (downloads.length / seconds) * 60;
	return { seconds, imagesPerMinute, maxSuspended, workerBusySeconds, main, worker };
}

async function terminateWorker(
	{ log }: Cluster,
	trial: Trial,
	{ all }: Workers,
	{ signal, when }: Termination,
): Promise<void> {
	await waitForMoment(trial, when);
	log(`  ${signal}`);
	const [worker] = all;
	process.kill(worker!.pid, signal);
	await worker!.ended;
}

/** Counts the executions that workers are running, four times a second. */
function measureBusyTime({ redis }: Cluster): { stop(): Promise<number> } {
	const stop = new AbortController();
	const counted = (async () => {
		let [workerBusySeconds, last] = [0, Date.now()];
		while (!stop.signal.aborted) {
			const active = await redis.countActive();
			const now = Date.now();
			workerBusySeconds += (active * (now - last)) / 1000;
			last = now;
			await delay(250);
		}
		return workerBusySeconds;
	})();
	return {
		stop: async () => {
			stop.abort();
			return await counted;
		},
	};
}
