import { deepEqual, equal } from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Lane } from '../../support/providers';
import type { Host } from '../host';
import { waitForEnd, stop } from '../host/executions';
import { waitUntil, type Check } from './check';
import {
	findTasks,
	prepareTrial,
	startTrial,
	countSubmissions,
	TESTED_LANES,
	type Trial,
} from './trial';

const COUNT = 6;
/** Many times the node's poll interval, and longer than the node takes to notice a stop. */
const SILENCE_MS = 2000;

const countPolls = (host: Host, trial: Trial): number => {
	const ids = findTasks(host, trial).map(({ id }) => id);
	return host.emulator.ledger.polls.filter(({ taskId }) => ids.includes(taskId)).length;
};

const checkStop = (name: string, lane: Lane): Check => ({
	name: `a stopped execution polls no more${lane.canCancel ? ' and cancels' : ''}: ${name}`,
	async run(host) {
		const { emulator, rest } = host;
		const trial = await prepareTrial(host, lane, COUNT);
		for (const prompt of trial.prompts) {
			emulator.rule({ route: lane.submit, prompt }, { task: { seconds: 600 } });
		}
		const id = await startTrial(host, trial);
		await waitUntil(() => countPolls(host, trial) >= 8, 'the first polls');
		await stop(rest, id);
		equal((await waitForEnd(rest, id)).status, 'canceled');
		const tasks = findTasks(host, trial).map((task) => task.id);
		const isCancelled = (task: string) =>
			emulator.ledger.cancels.some(({ taskId }) => taskId === task);
		if (lane.canCancel) await waitUntil(() => tasks.every(isCancelled), 'the cancellations');
		else await delay(SILENCE_MS);
		const [polls, submissions] = [countPolls(host, trial), countSubmissions(host, trial)];
		await delay(SILENCE_MS);
		deepEqual([countPolls(host, trial), countSubmissions(host, trial)], [polls, submissions]);
	},
});

/** Cloudflare's responses are the images: there is nothing to poll. */
export const stopChecks: Check[] = TESTED_LANES.filter(([, { hasTasks }]) => hasTasks).map(
	([name, lane]) => checkStop(name, lane),
);
