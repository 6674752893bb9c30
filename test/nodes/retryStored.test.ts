import {
	checkpointsOf,
	openLab,
	imagesIn,
	imagesOf,
	prompts,
	until,
	type Lab,
	type LabOptions,
} from '../support/lab';
import { drawSmall, firstOfEachProvider, isDownloaded, laneNames, making } from '../support/lanes';

/** Promise 1: what a re-run of the node finds of the images that an earlier run has got, or nearly got. */

const RETRY = { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 };
/** The attempts of one run at a task's image: the task is asked for it once more, and they start anew. */
const DOWNLOADS = 8;
const BUSY = { status: 503, headers: { 'retry-after': '0.01' } };

let lab: Lab;

const open = async (options: LabOptions) => {
	lab = await openLab(options);
	drawSmall(lab);
};

afterEach(async () => await lab.close());

const modes = ['filesystem', 'memory'] as const;
const lanes = firstOfEachProvider(laneNames(isDownloaded));

test.each(modes.flatMap((mode) => lanes.map((lane) => [mode, lane] as const)))(
	'an image that n8n has stored is not downloaded again (%s, %s)',
	async (binaryMode, lane) => {
		await open({ binaryMode });
		lab.emulator.rule({ route: 'download', prompt: 'item 3', times: 8 }, BUSY);
		const run = await lab.run(making(lane, RETRY, { maxConcurrent: 1 }), { items: prompts(4) });

		const { tasks, submissions, downloads } = lab.emulator.ledger;
		expect(submissions).toHaveLength(4);
		expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(4)));
		expect(tasks.map(({ id }) => downloads.filter(({ taskId }) => taskId === id).length)).toEqual([
			1, 1, 9, 1,
		]);
		expect(checkpointsOf(run)).toEqual({});
	},
);

test('a URL that has expired before the next run is asked for once more, and not paid again', async () => {
	await open({ emulator: { sampleSeconds: 1 } });
	lab.emulator.rule({ route: 'download', times: DOWNLOADS }, BUSY);
	const failed = await lab.run(making('bfl'), { items: prompts(1) });
	expect(failed.status).toBe('error');
	const { polls, downloads, submissions } = lab.emulator.ledger;
	const foundAt = polls.at(-1)!.at;
	await until(() => Date.now() > foundAt + 1000, 'the URL to expire');
	const pollsBefore = polls.length;
	const run = await lab.retry(failed, making('bfl'));

	expect(downloads.slice(DOWNLOADS).map(({ status }) => status)).toEqual([200]);
	expect(polls.slice(pollsBefore).map(({ state }) => state)).toEqual(['Ready']);
	expect(submissions).toHaveLength(1);
	expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(1)));
	expect(checkpointsOf(run)).toEqual({});
});
