import { deepEqual, equal, match } from 'node:assert/strict';
import type { Host } from '../host';
import { ended, retry, type Execution } from '../host/executions';
import type { Check } from './check';
import { Claims } from './claims';
import { examine } from './evidence';
import { jobsOf, prepare, SERVICES, start, submissionsOf, type Service, type Trial } from './trial';

const COUNT = 3;

/** All of the node's own attempts at one picture's download fail, without the pauses between them. */
const breakDownloads = ({ emulator }: Host, prompt: string | undefined) =>
	emulator.rule(
		{ route: 'download', prompt, times: 4 },
		{ status: 503, headers: { 'retry-after': '0.01' } },
	);

/** Every prompt was submitted and paid once, and its picture has come out, in order. */
async function paidOnce(host: Host, trial: Trial, execution: Execution): Promise<void> {
	equal(execution.status, 'success', execution.error);
	const jobs = jobsOf(host, trial);
	const { pictures } = await examine(host, execution, new Claims(host.emulator.ledger));
	deepEqual(
		{ submissions: submissionsOf(host, trial), jobs: jobs.length, pictures },
		{ submissions: COUNT, jobs: COUNT, pictures: jobs.map(({ sha256 }) => sha256) },
	);
}

const retryOnFail = (name: string, service: Service): Check => ({
	name: `Retry On Fail pays nothing twice: ${name}`,
	async run(host) {
		const settings = { retryOnFail: true, maxTries: 3, waitBetweenTries: 100 };
		const trial = await prepare(host, service, COUNT, settings);
		breakDownloads(host, trial.prompts[1]);
		await paidOnce(host, trial, await ended(host.rest, await start(host, trial)));
	},
});

const retryExecution = (name: string, service: Service): Check => ({
	name: `Retry execution pays nothing twice: ${name}`,
	async run(host) {
		const trial = await prepare(host, service, COUNT);
		breakDownloads(host, trial.prompts[1]);
		const failed = await ended(host.rest, await start(host, trial));
		equal(failed.status, 'error', 'the first execution fails');
		match(failed.error ?? '', /503/, 'and says why');
		await paidOnce(host, trial, await retry(host.rest, failed.id));
	},
});

export const moneyChecks: Check[] = Object.entries(SERVICES).flatMap(([name, service]) => [
	retryOnFail(name, service),
	retryExecution(name, service),
]);
