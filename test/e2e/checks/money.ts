import { deepEqual, equal, match } from 'node:assert/strict';
import type { Lane } from '../../support/providers';
import type { Host } from '../host';
import { waitForEnd, retry, type Execution } from '../host/executions';
import type { Check } from './check';
import { PaidTasks } from './paidTasks';
import { examine } from './evidence';
import {
	findTasks,
	prepareTrial,
	startTrial,
	countSubmissions,
	TESTED_LANES,
	type Trial,
} from './trial';

const COUNT = 3;

/** Four attempts, and four more after the task was asked for its image or a second has passed. */
const MAX_DOWNLOADS = 8;

/** All of the node's attempts to download one image fail; they follow one another without delay. */
const breakDownloads = ({ emulator }: Host, prompt: string | undefined) =>
	emulator.rule(
		{ route: 'download', prompt, times: MAX_DOWNLOADS },
		{ status: 503, headers: { 'retry-after': '0.01' } },
	);

/** Every prompt was submitted and paid once, and its image was output, in order. */
async function assertPaidOnce(host: Host, trial: Trial, execution: Execution): Promise<void> {
	equal(execution.status, 'success', execution.error);
	const tasks = findTasks(host, trial);
	const { images } = await examine(host, execution, new PaidTasks(host.emulator.ledger));
	deepEqual(
		{ submissions: countSubmissions(host, trial), tasks: tasks.length, images },
		{ submissions: COUNT, tasks: COUNT, images: tasks.map(({ sha256 }) => sha256) },
	);
}

const checkRetryOnFail = (name: string, lane: Lane): Check => ({
	name: `Retry On Fail pays nothing twice: ${name}`,
	async run(host) {
		const settings = { retryOnFail: true, maxTries: 3, waitBetweenTries: 100 };
		const trial = await prepareTrial(host, lane, COUNT, settings);
		breakDownloads(host, trial.prompts[1]);
		await assertPaidOnce(host, trial, await waitForEnd(host.rest, await startTrial(host, trial)));
	},
});

const checkRetryExecution = (name: string, lane: Lane): Check => ({
	name: `Retry execution pays nothing twice: ${name}`,
	async run(host) {
		const trial = await prepareTrial(host, lane, COUNT);
		breakDownloads(host, trial.prompts[1]);
		const failed = await waitForEnd(host.rest, await startTrial(host, trial));
		equal(failed.status, 'error', 'the first execution fails');
		match(failed.error ?? '', /503/, 'and says why');
		await assertPaidOnce(host, trial, await retry(host.rest, failed.id));
	},
});

export const moneyChecks: Check[] = TESTED_LANES.flatMap(([name, lane]) => [
	checkRetryOnFail(name, lane),
	checkRetryExecution(name, lane),
]);
