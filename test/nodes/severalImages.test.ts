import type { Run } from '../support/engine';
import {
	checkpointsOf,
	items,
	NODE,
	openLab,
	prompts,
	until,
	type Lab,
	type NodeUnderTest,
} from '../support/lab';
import { drawSmall, laneNames, LANES, making, type LaneName } from '../support/lanes';

/** "Number of Images": each ends, is resumed, is charged and fails alone. */

let lab: Lab;

beforeAll(async () => {
	lab = await openLab();
});
beforeEach(() => drawSmall(lab));
afterEach(() => {
	const { unexpected, leaks } = lab.emulator.ledger;
	expect({ unexpected, leaks }).toEqual({ unexpected: [], leaks: [] });
	lab.emulator.reset();
});
afterAll(async () => await lab.close());

const everyLane = laneNames();
const CONTINUE = { onError: 'continueRegularOutput' } as const;
const RETRY = { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 };

const several = (
	lane: LaneName,
	values: Record<string, unknown>,
	settings: NodeUnderTest['settings'] = {},
): NodeUnderTest => making(lane, settings, values);

const jsons = (run: Run) => run.items(NODE).map(({ json }) => json);
const seedsOf = (run: Run) => jsons(run).map(({ seed }) => seed);
const isError = (json: object) => 'error' in json;

/** The seeds that were sent, in the order of the requests. */
const sentSeeds = () =>
	lab.emulator.ledger.submissions.map(({ body }) => {
		const [, seed] = /"seed":"?(\d+)/.exec(JSON.stringify(body)) ?? [];
		return Number(seed);
	});

const paidTasks = () => lab.emulator.ledger.tasks.filter(({ cost }) => cost > 0);

test.each(everyLane)(
	'are an item each, in order, linked to their input, with the next seed each (%s)',
	async (lane) => {
		const node = several(lane, { numberOfImages: 3, seed: 5, maxConcurrent: 6 });
		const run = await lab.run(node, { items: prompts(2) });

		expect(run.error).toBeUndefined();
		expect(
			run.items(NODE).map(({ json, pairedItem }) => [json.prompt, json.seed, pairedItem]),
		).toEqual([
			['item 1', 5, { item: 0 }],
			['item 1', 6, { item: 0 }],
			['item 1', 7, { item: 0 }],
			['item 2', 5, { item: 1 }],
			['item 2', 6, { item: 1 }],
			['item 2', 7, { item: 1 }],
		]);
		expect(sentSeeds().sort()).toEqual([5, 5, 6, 6, 7, 7]);
		const files = run.items(NODE).map(({ binary }) => binary?.data?.fileName);
		expect(new Set(files).size).toBe(6);
		expect(checkpointsOf(run)).toEqual({});
	},
);

test('have the numbers of their place in the names that the user gives', async () => {
	const node = several('bfl', { numberOfImages: 2, fileName: 'pier', outputFormat: 'png' });
	const run = await lab.run(node, { items: prompts(1) });

	expect(run.items(NODE).map(({ binary }) => binary?.data?.fileName)).toEqual([
		'pier-1.png',
		'pier-2.png',
	]);
});

test('take one seed of an expression that yields another at each look, and the ones after it', async () => {
	const seed = '={{ Math.floor(Math.random() * 1e9) }}';
	const node = several('bfl', { numberOfImages: 4, seed, maxConcurrent: 1 });
	const run = await lab.run(node, { items: prompts(1) });

	const [first] = sentSeeds();
	expect(seedsOf(run)).toEqual([0, 1, 2, 3].map((offset) => first! + offset));
});

/** The provider refuses one of the submits. */
function refuseSubmit(lane: LaneName, number: number): void {
	let submits = 0;
	lab.emulator.rule(
		{ route: LANES[lane].submit },
		{
			mutate: (response) =>
				++submits === number ? { ...response, status: 400, body: {} } : response,
		},
	);
}

const one = { seed: 5, maxConcurrent: 1 };

test.each(everyLane)('fail alone: one of four is an error item in its place (%s)', async (lane) => {
	refuseSubmit(lane, 2);
	const node = several(lane, { numberOfImages: 4, ...one }, CONTINUE);
	const run = await lab.run(node, { items: prompts(1) });

	expect(jsons(run).map(isError)).toEqual([false, true, false, false]);
	expect(run.items(NODE).map(({ pairedItem }) => pairedItem)).toEqual(Array(4).fill({ item: 0 }));
	expect(seedsOf(run)).toEqual([5, undefined, 7, 8]);
});

test.each(everyLane)(
	'are made by a retry where they are missing, and passed on where they are not (%s)',
	async (lane) => {
		refuseSubmit(lane, 3);
		const node = several(lane, { numberOfImages: 4, ...one });
		const failed = await lab.run(node, { items: prompts(1) });
		expect(failed.status).toBe('error');
		const again = await lab.retry(failed, node);

		expect(seedsOf(again)).toEqual([5, 6, 7, 8]);
		expect(sentSeeds()).toEqual([5, 6, 7, 7, 8]);
	},
);

test.each(everyLane)(
	'are resumed alone by Retry On Fail: nothing is paid for twice (%s)',
	async (lane) => {
		refuseSubmit(lane, 3);
		const node = several(lane, { numberOfImages: 3, ...one }, RETRY);
		const run = await lab.run(node, { items: prompts(1) });

		expect(run.error).toBeUndefined();
		expect(seedsOf(run)).toEqual([5, 6, 7]);
		expect(sentSeeds()).toEqual([5, 6, 7, 7]);
	},
);

test('keep their places when a random seed has changed before the retry', async () => {
	const seed = '={{ Math.floor(Math.random() * 1e9) }}';
	lab.emulator.rule(
		{ route: 'download', times: 8 },
		{ status: 500, headers: { 'retry-after': '0.01' } },
	);
	const node = several('bfl', { numberOfImages: 3, seed, maxConcurrent: 1 }, RETRY);
	const run = await lab.run(node, { items: prompts(1) });

	expect(run.error).toBeUndefined();
	expect(paidTasks()).toHaveLength(3);
	const [first, ...others] = sentSeeds();
	expect(seedsOf(run)).toEqual([first, ...others]);
});

test('stop together: finished ones come out, and nothing more is submitted', async () => {
	const { ledger } = lab.emulator;
	const running = lab.start(several('bfl', { numberOfImages: 10, maxConcurrent: 1 }), {
		items: prompts(1),
	});
	await until(() => ledger.submissions.length === 4);
	running.stop();
	const run = await running.done;

	const finished = jsons(run);
	expect(finished.length).toBeGreaterThanOrEqual(2);
	expect(finished.every(({ status }) => status === 'completed')).toBe(true);
	expect(ledger.submissions.length).toBeLessThan(10);
});

test('are made no more at once than Max Concurrent says', async () => {
	let most = 0;
	const open = new Set<string>();
	lab.emulator.rule(
		{ route: 'bfl.submit' },
		{
			mutate: (response) => {
				const { tasks, downloads } = lab.emulator.ledger;
				const fetched = new Set(downloads.map(({ taskId }) => taskId));
				for (const { id } of tasks) {
					if (fetched.has(id)) open.delete(id);
					else open.add(id);
				}
				most = Math.max(most, open.size);
				return response;
			},
		},
	);
	const node = several('bfl', { numberOfImages: 10, maxConcurrent: 2 });
	const run = await lab.run(node, { items: prompts(2) });

	expect(jsons(run)).toHaveLength(20);
	expect(most).toBeLessThanOrEqual(2);
});

test('all arrive at a provider that takes few at once', async () => {
	lab.emulator.rule(
		{ route: 'bfl.submit', times: 6 },
		{ error: 'bfl.rateLimit', headers: { 'retry-after': '0.02' } },
	);
	const node = several('bfl', { numberOfImages: 10, seed: 1 });
	const run = await lab.run(node, { items: prompts(1) });

	expect(seedsOf(run)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
	expect(paidTasks()).toHaveLength(10);
});

test('are tasks of their own when they are submitted to be collected later', async () => {
	const node = several('bfl', { numberOfImages: 3, seed: 5 });
	Object.assign(node.parameters, { resource: 'task', operation: 'submit' });
	const run = await lab.run(node, { items: prompts(1) });

	expect(jsons(run).map(({ taskId }) => taskId)).toEqual(
		lab.emulator.ledger.tasks.map(({ id }) => id),
	);
	expect(sentSeeds()).toEqual([5, 6, 7]);
});

test.each([
	[
		{ completion: 'callback' },
		'How to Wait: Callback waits for one image, and several are asked for',
	],
	[
		{ seed: Number.MAX_SAFE_INTEGER },
		`Seed: ${Number.MAX_SAFE_INTEGER} leaves no seeds for so many images`,
	],
])('are refused with %j before anything is sent', async (values, message) => {
	lab.credentials.flux2BflApi!.baseUrl = lab.emulator.urls.bfl;
	const run = await lab.run(several('bfl', { numberOfImages: 2, ...values }), {
		items: items({ prompt: 'refused' }),
	});

	expect(run.error?.message).toContain(message);
	expect(lab.emulator.ledger.submissions).toEqual([]);
});
