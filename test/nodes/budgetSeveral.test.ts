import type { IDataObject } from 'n8n-workflow';
import type { Run } from '../support/engine';
import { checkpointsOf, NODE, openLab, prompts, type Lab } from '../support/lab';
import { drawSmall, LANES, making, type LaneName } from '../support/lanes';

/** Max Cost and Number of Images, with 50 items at once: never over, and nothing submitted that was not needed. */

const RETRY = { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 };
const CONTINUE = { onError: 'continueRegularOutput' } as const;
/** The attempts of one run at a download. */
const DOWNLOADS_OF_RUN = 8;
const ITEMS = 50;
const IMAGES = 2;

let lab: Lab;

beforeAll(async () => {
	lab = await openLab();
});
beforeEach(() => drawSmall(lab));
afterEach(() => {
	const { unexpected, leaks } = lab.emulator.ledger;
	lab.emulator.reset();
	expect({ unexpected, leaks }).toEqual({ unexpected: [], leaks: [] });
});
afterAll(async () => await lab.close());

const paid = () => {
	const { tasks } = lab.emulator.ledger;
	const usd = tasks.reduce((sum, { cost }) => sum + cost, 0);
	return { images: tasks.length, usd: Number(usd.toFixed(6)) };
};

const submissions = () => lab.emulator.ledger.submissions.map(({ prompt }) => prompt);

const spending = (lane: LaneName, maxCost: number, settings = {}, options: object = {}) =>
	making(lane, settings, { maxCost, numberOfImages: IMAGES, ...options });

const jsons = (run: Run) => run.items(NODE).map(({ json }) => json);
const failures = (run: Run) =>
	jsons(run).flatMap(({ error }) => ((error as IDataObject | undefined)?.kind as string) ?? []);

/** The price of an image, and how many requests make an item's images. */
const lanes = [
	['bfl', 0.03, IMAGES],
	['task', 0.03, IMAGES],
	['oxen', 0.045, 1],
] as const;

const failOnce = (lane: LaneName, prompt: RegExp | string, times = 1) =>
	lab.emulator.rule({ route: LANES[lane].submit, prompt, times }, { status: 402, body: {} });

describe.each(lanes)('50 items of two images each (%s)', (lane, price, requests) => {
	const items = prompts(ITEMS);
	const all = Number((price * ITEMS * IMAGES).toFixed(6));
	const item = (price * IMAGES).toFixed(2);

	test('are not submitted where they cost a little more than is allowed', async () => {
		const run = await lab.run(spending(lane, all - 0.001, RETRY), { items });

		expect(run.error?.message).toMatch(
			new RegExp(
				`^The images would cost about \\$${all.toFixed(2)}, .*: items 1 to 50 \\$${item} each`,
			),
		);
		expect(submissions()).toEqual([]);
	});

	test('are all made where that is just enough, each once, although submits are refused at first', async () => {
		failOnce(lane, /^item (3|30)$/, 2);
		const run = await lab.run(spending(lane, all, RETRY), { items });

		expect([run.status, jsons(run).length]).toEqual(['success', ITEMS * IMAGES]);
		expect(paid()).toEqual({ images: ITEMS * IMAGES, usd: all });
		expect(checkpointsOf(run)).toEqual({});
	});

	test('cost nothing again in a retry by hand, whose limit is what is missing', async () => {
		lab.emulator.rule(
			{ route: 'download', prompt: /^item 40$/, times: DOWNLOADS_OF_RUN * IMAGES },
			{ status: 503, headers: { 'retry-after': '0.01' } },
		);
		const failed = await lab.run(spending(lane, all, { onError: 'stopWorkflow' }), { items });
		const before = paid();
		const again = await lab.retry(failed, spending(lane, all - before.usd));

		expect([failed.status, again.status]).toEqual(['error', 'success']);
		expect(paid()).toEqual({ images: ITEMS * IMAGES, usd: all });
	});

	test('that were refused for good are not paid for, and the others are', async () => {
		failOnce(lane, /^item (3|30)$/, ITEMS);
		const run = await lab.run(spending(lane, all, { ...RETRY, ...CONTINUE }), { items });

		const made = ITEMS - 2;
		expect(paid()).toEqual({
			images: made * IMAGES,
			usd: Number((price * made * IMAGES).toFixed(6)),
		});
		expect(failures(run)).toHaveLength(2 * requests);
	});
});

test('what the provider charges more than it quoted stops the images that would go over', async () => {
	lab.emulator.rule({ route: 'bfl.submit' }, { task: { settledCost: 7 } });
	const node = spending('bfl', 0.25, CONTINUE, { maxConcurrent: 1 });
	const run = await lab.run(node, { items: prompts(4) });

	// 0.24 was estimated for all of them, and three cost 0.21
	expect(paid()).toEqual({ images: 3, usd: 0.21 });
	expect(failures(run)).toEqual(Array(5).fill('budget'));
});

test("Vtrix is asked once what an item's images cost, whatever their number", async () => {
	await lab.run(spending('task', 1), { items: prompts(3) });

	const asked = lab.emulator.ledger.requests.filter(({ path }) => path.endsWith('/precharge'));
	expect(asked).toHaveLength(3);
	expect(paid()).toEqual({ images: 3 * IMAGES, usd: 0.18 });
});
