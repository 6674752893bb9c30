import type { IDataObject } from 'n8n-workflow';
import { agentsOf } from '../support/agent';
import type { Run } from '../support/engine';
import {
	checkpointsOf,
	NODE,
	openLab,
	prompts,
	workflowWith,
	type Lab,
	type NodeUnderTest,
} from '../support/lab';
import { drawSmall, LANES, making, type LaneName } from '../support/lanes';
import { standIns } from '../support/standIns';

/** Max Cost: never over, and nothing submitted that was not needed. What was paid is the emulator's bill. */

const RETRY = { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 };
const CONTINUE = { onError: 'continueRegularOutput' } as const;
/** The attempts of one run at a download. */
const DOWNLOADS_OF_RUN = 8;
/** Of one megapixel, at Black Forest Labs and in Cloudflare's catalogue. */
const PRICE = 0.03;

let lab: Lab;
const agents = agentsOf(() => lab);

beforeAll(async () => {
	lab = await openLab({ nodeTypes: { ...standIns, ...agents.nodeTypes } });
});

beforeEach(() => drawSmall(lab));

afterEach(() => {
	const { unexpected, leaks } = lab.emulator.ledger;
	expect({ unexpected, leaks }).toEqual({ unexpected: [], leaks: [] });
	lab.emulator.reset();
});

afterAll(async () => await lab.close());

const paid = () => {
	const { tasks } = lab.emulator.ledger;
	const usd = tasks.reduce((sum, { cost }) => sum + cost, 0);
	return { images: tasks.length, usd: Number(usd.toFixed(6)) };
};

const submissions = () => lab.emulator.ledger.submissions.map(({ prompt }) => prompt);

const spending = (
	lane: LaneName,
	maxCost: number,
	options: object = {},
	settings: NodeUnderTest['settings'] = {},
) => making(lane, settings, { maxCost, ...options });

/** What became of each item: its cost, or its error's kind. */
const outcomes = (run: Run) =>
	run.items(NODE).map(({ json }) => {
		const { kind } = (json.error ?? {}) as IDataObject;
		return kind ?? (json.cost as IDataObject).amount;
	});

const breakDownloads = (prompt: RegExp, runs: number) =>
	lab.emulator.rule(
		{ route: 'download', prompt, times: DOWNLOADS_OF_RUN * runs },
		{ status: 503, headers: { 'retry-after': '0.01' } },
	);

const priced = ['bfl', 'catalogue'] as const;

describe.each(priced)('50 items at once (%s)', (lane) => {
	test('of which all would cost too much: none is submitted, and the error says sum and items', async () => {
		const run = await lab.run(spending(lane, 1.49), { items: prompts(50) });

		expect(run.error?.message).toMatch(
			/^The images would cost about \$1\.50, and Max Cost is \$1\.49: items 1 to 50 \$0\.03 each\. Nothing was submitted\.$/,
		);
		expect(run.error).toMatchObject({ context: { kind: 'budget' } });
		expect(lab.emulator.ledger.requests).toEqual([]);
	});

	test('that would cost too much are not submitted by Retry On Fail either', async () => {
		await lab.run(spending(lane, 1.49, {}, RETRY), { items: prompts(50) });

		expect(lab.emulator.ledger.requests).toEqual([]);
	});

	test('that would cost too much are 50 error items with On Error: Continue', async () => {
		const run = await lab.run(spending(lane, 1.49, {}, CONTINUE), { items: prompts(50) });

		expect(outcomes(run)).toEqual(Array(50).fill('budget'));
		expect(lab.emulator.ledger.requests).toEqual([]);
	});

	test('that cost just as much as is allowed are all made', async () => {
		const run = await lab.run(spending(lane, 1.5), { items: prompts(50) });

		expect(run.status).toBe('success');
		expect(paid()).toEqual({ images: 50, usd: 1.5 });
		expect(checkpointsOf(run)).toEqual({});
	});

	test('are made once each, at no more than that, although one has to be tried again', async () => {
		breakDownloads(/^item 40$/, 2);
		const run = await lab.run(spending(lane, 1.5, {}, RETRY), { items: prompts(50) });

		expect(run.status).toBe('success');
		expect(paid()).toEqual({ images: 50, usd: 1.5 });
	});

	test('cost nothing again in a retry by hand', async () => {
		breakDownloads(/^item 40$/, 1);
		const node = spending(lane, 1.5);
		const failed = await lab.run(node, { items: prompts(50) });
		const run = await lab.retry(failed, spending(lane, 0));

		expect([failed.status, run.status]).toEqual(['error', 'success']);
		expect(paid()).toEqual({ images: 50, usd: 1.5 });
	});
});

describe('while the run goes on', () => {
	test('what was charged counts, and what would go over is not submitted any more', async () => {
		lab.emulator.rule({ route: 'bfl.submit' }, { task: { settledCost: 7 } });
		const node = spending('bfl', 0.15, { maxConcurrent: 1 }, CONTINUE);
		const run = await lab.run(node, { items: prompts(5) });

		expect(outcomes(run)).toEqual([0.07, 0.07, 'budget', 'budget', 'budget']);
		expect(paid()).toEqual({ images: 2, usd: 0.14 });
		expect(run.items(NODE)[2]?.json.error).toMatchObject({
			message:
				'Max Cost is $0.15, of which $0.14 are spent or on their way: this item, for $0.07, was not submitted',
		});
	});

	test('what was charged for a refused image counts too, and nothing where nothing was charged', async () => {
		const fail = { message: 'Content filtered' };
		lab.emulator.rule(
			{ route: 'bfl.submit', prompt: 'item 1' },
			{ task: { fail, settledCost: 6 } },
		);
		lab.emulator.rule(
			{ route: 'bfl.submit', prompt: 'item 2' },
			{ task: { fail, settledCost: 0 } },
		);
		const node = spending('bfl', 0.15, { maxConcurrent: 1 }, CONTINUE);
		const run = await lab.run(node, { items: prompts(4) });

		// 0.06 + 0, and the next are expected to cost as much as the first
		expect(outcomes(run).slice(2)).toEqual([PRICE, PRICE]);
		expect(submissions()).toHaveLength(4);
	});

	test("Oxen.ai's own figure counts, which comes after the image", async () => {
		lab.emulator.rule(
			{ route: 'oxen.models' },
			{ body: { pricing: { method: 'per_image', cost_per_image: 0.01 } } },
		);
		const node = spending('oxen', 0.1, { maxConcurrent: 1 }, CONTINUE);
		const run = await lab.run(node, { items: prompts(5) });

		// estimated 0.01, charged 0.045 each: the next ones are expected to cost as much
		expect(outcomes(run)).toEqual([0.045, 0.045, 'budget', 'budget', 'budget']);
	});
});

describe('Retry On Fail', () => {
	test('has spent what its earlier tries have spent', async () => {
		// the provider itself fails the task, and does not say that it was free
		lab.emulator.rule(
			{ route: 'bfl.submit', prompt: 'item 2', times: 1 },
			{ task: { fail: { message: 'No luck' } } },
		);
		const items = prompts(3);
		const strict = await lab.run(spending('bfl', 3 * PRICE, {}, RETRY), { items });
		expect(strict.error?.message).toMatch(
			/^The images would cost about \$0\.12, \$0\.09 of it spent already, and Max Cost is \$0\.09: item 2 \$0\.03\./,
		);
		expect(submissions()).toHaveLength(3);
	});

	test('submits such an image again where the limit allows it', async () => {
		lab.emulator.rule(
			{ route: 'bfl.submit', prompt: 'item 2', times: 1 },
			{ task: { fail: { message: 'No luck' } } },
		);
		const run = await lab.run(spending('bfl', 4 * PRICE, {}, RETRY), { items: prompts(3) });

		expect(run.status).toBe('success');
		expect(submissions().sort()).toEqual(['item 1', 'item 2', 'item 2', 'item 3']);
	});

	test('has spent nothing on what was certainly refused', async () => {
		lab.emulator.rule(
			{ route: 'bfl.submit', prompt: 'item 2', times: 1 },
			{ error: 'bfl.credits' },
		);
		const run = await lab.run(spending('bfl', 3 * PRICE, {}, RETRY), { items: prompts(3) });

		expect(run.status).toBe('success');
		expect(paid()).toEqual({ images: 3, usd: 0.09 });
	});

	test('counts nothing twice of what was not submitted because another item had failed', async () => {
		lab.emulator.rule(
			{ route: 'bfl.submit', prompt: 'item 1', times: 1 },
			{ error: 'bfl.credits' },
		);
		const node = spending('bfl', 10 * PRICE, { maxConcurrent: 2 }, RETRY);
		const run = await lab.run(node, { items: prompts(10) });

		expect(run.status).toBe('success');
		expect(paid()).toEqual({ images: 10, usd: 0.3 });
	});

	test('has spent what may have been billed', async () => {
		lab.emulator.rule(
			{ route: 'cloudflare.run', prompt: 'item 1', times: 1 },
			{ status: 500, accepted: true, body: {} },
		);
		const node = spending('catalogue', 3 * PRICE, {}, { ...RETRY, ...CONTINUE });
		const run = await lab.run(node, { items: prompts(3) });

		expect(run.items(NODE)[0]?.json.error).toMatchObject({ kind: 'unavailable' });
		expect(paid()).toEqual({ images: 3, usd: 0.09 });
	});
});

describe('one execution has one limit:', () => {
	test('the rounds of a loop count together', async () => {
		const to = (node: string) => [{ node, type: 'main', index: 0 }];
		const node = spending('bfl', 4 * PRICE, {}, CONTINUE);
		const run = await lab.engine.run(
			{
				nodes: [
					...workflowWith(node).nodes,
					{ name: 'Loop', type: 'n8n-nodes-base.splitInBatches', parameters: { batchSize: '2' } },
				],
				connections: {
					Start: { main: [to('Loop')] },
					Loop: { main: [[], to(NODE)] },
					[NODE]: { main: [to('Loop')] },
				},
			},
			{ items: prompts(6) },
		);

		const rounds = run.runData[NODE]!.map(({ data }) =>
			data!.main![0]!.map(({ json }) => (json.error as IDataObject | undefined)?.kind ?? 'image'),
		);
		expect(rounds).toEqual([
			['image', 'image'],
			['image', 'image'],
			['budget', 'budget'],
		]);
		expect(paid()).toEqual({ images: 4, usd: 0.12 });
	});

	test("an agent's calls at once count together", async () => {
		const responses: string[] = [];
		await agents.run(spending('bfl', 2 * PRICE), async (call) => {
			const calls = [call(), call(), call(), call()].map(async (one) =>
				one.then((response) => responses.push(response)).catch(() => undefined),
			);
			await Promise.all(calls);
		});

		expect(paid()).toEqual({ images: 2, usd: 0.06 });
	});

	test('a new execution begins anew', async () => {
		const node = spending('bfl', 2 * PRICE);
		await lab.run(node, { items: prompts(2) });
		const run = await lab.run(node, { items: prompts(2) });

		expect(run.status).toBe('success');
		expect(paid()).toEqual({ images: 4, usd: 0.12 });
	});
});

test('the lowest limit of all items counts', async () => {
	const items = [0.2, 0.05, 0.2].map((max) => ({ json: { prompt: 'A fox', max } }));
	const run = await lab.run(making('bfl', {}, { maxCost: '={{ $json.max }}' }), { items });

	expect(run.error?.message).toMatch(/Max Cost is \$0\.05/);
	expect(lab.emulator.ledger.requests).toEqual([]);
});

test('several images of a request count each', async () => {
	const node = (maxCost: number) => spending('oxen', maxCost, { numberOfImages: 4 });
	const refused = await lab.run(node(0.17), { items: prompts(1) });
	expect(refused.error?.message).toMatch(/about \$0\.18/);
	expect(submissions()).toEqual([]);

	const run = await lab.run(node(0.18), { items: prompts(1) });
	expect(outcomes(run)).toEqual([0.045, 0.045, 0.045, 0.045]);
	expect(paid()).toEqual({ images: 4, usd: 0.18 });
});

test('a submit counts as much as an image that is waited for', async () => {
	const { type, parameters } = spending('bfl', 0.05);
	const submit = {
		type,
		parameters: {
			...parameters,
			resource: 'task',
			operation: 'submit',
			options: { maxCost: 0.05 },
		},
	};
	const refused = await lab.run(submit, { items: prompts(2) });
	const allowed = await lab.run(submit, { items: prompts(1) });

	expect(refused.error).toMatchObject({ context: { kind: 'budget' } });
	expect(allowed.items(NODE)[0]?.json.cost).toEqual({ amount: 0.03, currency: 'USD', credits: 3 });
	expect(paid()).toEqual({ images: 1, usd: 0.03 });
});

describe('a price that is not known', () => {
	const queue = (options: object, settings = {}) => ({
		type: LANES.queue.type,
		parameters: { ...making('queue').parameters, options: { ...options, pollInterval: 0.02 } },
		settings,
	});

	test('is not submitted where it cannot be counted', async () => {
		const run = await lab.run(queue({ maxCost: 100 }), { items: prompts(2) });

		expect(run.error).toMatchObject({
			message: "The image's price is not known, so Max Cost cannot count it",
			description: expect.stringContaining('Set "Assumed Cost"'),
			context: { kind: 'budget' },
		});
		expect(lab.emulator.ledger.requests).toEqual([]);
	});

	test('counts as assumed', async () => {
		const refused = await lab.run(queue({ maxCost: 0.14, assumedCost: 0.05 }), {
			items: prompts(3),
		});
		expect(refused.error?.message).toMatch(/about \$0\.15/);
		expect(lab.emulator.ledger.requests).toEqual([]);

		const run = await lab.run(queue({ maxCost: 0.15, assumedCost: 0.05 }), { items: prompts(3) });
		expect(run.status).toBe('success');
		expect(submissions()).toHaveLength(3);
	});

	test('is nothing to ask about without a limit', async () => {
		const run = await lab.run(queue({ assumedCost: 0.05 }), { items: prompts(1) });

		expect(run.status).toBe('success');
		expect(run.items(NODE)[0]?.json).not.toHaveProperty('cost');
	});

	test('is asked for where the provider can say it', async () => {
		const node = (maxCost: number) => spending('task', maxCost);
		const refused = await lab.run(node(0.08), { items: prompts(3) });
		expect(refused.error?.message).toMatch(/about \$0\.09/);
		expect(submissions()).toEqual([]);

		await lab.run(node(0.09), { items: prompts(3) });
		expect(paid()).toEqual({ images: 3, usd: 0.09 });
	});
});

test('without Max Cost no price is asked for', async () => {
	await lab.run(making('task'), { items: prompts(1) });

	expect(lab.emulator.ledger.requests.map(({ path }) => path)).not.toContainEqual(
		expect.stringContaining('precharge'),
	);
});

test('reference images count by their size before anything is submitted', async () => {
	const url = `${lab.emulator.urls.results}/references/a.png?width=1600&height=1200`;
	const bytes = Buffer.from(await (await fetch(url)).arrayBuffer());
	lab.emulator.reset();
	const dataUri = `data:image/png;base64,${bytes.toString('base64')}`;
	const { type, parameters } = spending('bfl', 0.059);
	const referenceImages = { image: [{ source: 'url', url: dataUri }] };
	const run = await lab.run(
		{ type, parameters: { ...parameters, referenceImages } },
		{ items: prompts(1) },
	);

	expect(run.error?.message).toMatch(/\$0\.06/);
	expect(lab.emulator.ledger.requests).toEqual([]);
});
