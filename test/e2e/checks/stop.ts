import { deepEqual, equal } from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { Host } from '../host';
import { ended, stop } from '../host/executions';
import { until, type Check } from './check';
import { jobsOf, prepare, SERVICES, start, submissionsOf, type Service, type Trial } from './trial';

const COUNT = 6;
/** Many times the node's pause between two looks, and more than it takes to notice a stop. */
const SILENCE_MS = 2000;

const looksOf = (host: Host, trial: Trial): number => {
	const ids = jobsOf(host, trial).map(({ id }) => id);
	return host.emulator.ledger.polls.filter(({ taskId: jobId }) => ids.includes(jobId)).length;
};

const stopping = (name: string, service: Service): Check => ({
	name: `a stopped execution looks no more${service.cancels ? ' and cancels' : ''}: ${name}`,
	async run(host) {
		const { emulator, rest } = host;
		const trial = await prepare(host, service, COUNT);
		for (const prompt of trial.prompts) {
			for (const route of ['bfl.submit', 'task.submit', 'queue.submit', 'oxen.enqueue'] as const) {
				emulator.rule({ route, prompt }, { task: { seconds: 600 } });
			}
		}
		const id = await start(host, trial);
		await until(() => looksOf(host, trial) >= 8, 'the first looks');
		await stop(rest, id);
		equal((await ended(rest, id)).status, 'canceled');
		const jobs = jobsOf(host, trial).map((job) => job.id);
		const isCancelled = (job: string) =>
			emulator.ledger.cancels.some(({ taskId: jobId }) => jobId === job);
		if (service.cancels) await until(() => jobs.every(isCancelled), 'the cancellations');
		else await pause(SILENCE_MS);
		const [looks, submissions] = [looksOf(host, trial), submissionsOf(host, trial)];
		await pause(SILENCE_MS);
		deepEqual([looksOf(host, trial), submissionsOf(host, trial)], [looks, submissions]);
	},
});

/** Cloudflare's answers are the pictures: there is nothing to look at. */
export const stopChecks: Check[] = Object.entries(SERVICES)
	.filter(([, { node }]) => node !== 'flux2Cloudflare')
	.map(([name, service]) => stopping(name, service));
