import type { Effect } from '../emulator/types';
import {
	generating,
	imagesIn,
	imagesOf,
	type Lab,
	NODE,
	type NodeUnderTest,
	openLab,
	prompts,
	type Route,
	ROUTES,
	shortId,
	traffic,
	until,
} from '../support/lab';

/** Promises 2 and 3: nothing lost, in order, each linked to its input, never more at once than asked for. */

const everyRoute = Object.keys(ROUTES) as Route[];

let lab: Lab;

beforeAll(async () => {
	lab = await openLab();
});

afterEach(() => {
	const { unexpected, leaks } = lab.emulator.ledger;
	expect({ unexpected, leaks }).toEqual({ unexpected: [], leaks: [] });
	lab.emulator.reset();
});

afterAll(async () => await lab.close());

/** A refusal, a failure at the provider, and an image that has gone. */
function failThree() {
	const { emulator } = lab;
	emulator.rule(
		{ route: 'task.submit', prompt: /^item 3$/ },
		{ status: 400, body: { error: 'no' } },
	);
	emulator.rule(
		{ route: 'task.submit', prompt: /^item 11$/ },
		{ task: { fail: { code: 'E7', message: 'out of memory' } } },
	);
	emulator.rule({ route: 'download', prompt: /^item 20$/ }, { image: 'expired' });
}

const FAILED = [2, 10, 19];
const idOf = (prompt: string) =>
	lab.emulator.ledger.tasks.find((task) => task.prompt === prompt)?.id;

const errors = () => [
	{
		message: expect.stringMatching(/did not accept this request: no \(HTTP 400\)$/),
		description: expect.any(String),
		kind: 'invalidInput',
		provider: 'task',
		model: 'flux_2_pro',
		httpCode: 400,
	},
	{
		message: 'Task API could not make this image: E7: out of memory',
		description: expect.any(String),
		kind: 'unavailable',
		taskId: idOf('item 11'),
		provider: 'task',
		model: 'flux_2_pro',
	},
	{
		message: "The image's URL is no longer valid (its host responded with 403)",
		description: expect.any(String),
		kind: 'expired',
		taskId: idOf('item 20'),
		provider: 'task',
		model: 'flux_2_pro',
		httpCode: 403,
	},
];

test('20 items with 3 failures give 17 images and 3 error items, in order', async () => {
	failThree();
	const given = prompts(20);
	const run = await lab.run(generating('task', { onError: 'continueRegularOutput' }), {
		items: given,
	});

	expect(run.status).toBe('success');
	const items = run.items(NODE);
	expect(items.map(({ pairedItem }) => pairedItem)).toEqual(given.map((_, item) => ({ item })));
	expect(FAILED.map((index) => items[index]?.json)).toEqual(errors().map((error) => ({ error })));
	const well = given.filter((_, index) => !FAILED.includes(index));
	const images = await imagesIn(lab, run);
	expect(images.filter((_, index) => !FAILED.includes(index))).toEqual(await imagesOf(lab, well));
});

test('the error branch gets the 3 failures, the other one the 17 images', async () => {
	failThree();
	const given = prompts(20);
	const run = await lab.run(generating('task', { onError: 'continueErrorOutput' }), {
		items: given,
	});

	const well = given.filter((_, index) => !FAILED.includes(index));
	expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, well));
	// n8n puts the input's fields beside the error
	expect(run.items(NODE, 1).map(({ json, pairedItem }) => ({ json, pairedItem }))).toEqual(
		FAILED.map((item, index) => ({
			json: { ...given[item]?.json, error: errors()[index] },
			pairedItem: { item },
		})),
	);
});

test('a wrong parameter of one item is reported before anything is sent', async () => {
	const node = generating('task');
	node.parameters.width = '={{ $json.prompt === "item 5" ? 100 : 256 }}';
	const run = await lab.run(node, { items: prompts(6) });

	expect(run.error?.message).toBe('Width: 100 is not a multiple of 32; try 96 or 128');
	expect(run.error?.context).toMatchObject({ itemIndex: 4, kind: 'invalidInput' });
	expect(traffic(lab)).toEqual([]);
});

test('a wrong parameter of one item costs only that item with continue on fail', async () => {
	const node = generating('task', { onError: 'continueRegularOutput' });
	node.parameters.width = '={{ $json.prompt === "item 1" ? 100 : 256 }}';
	const run = await lab.run(node, { items: prompts(3) });

	expect(run.items(NODE)[0]).toEqual({
		json: {
			error: {
				message: 'Width: 100 is not a multiple of 32; try 96 or 128',
				description:
					'Nothing was sent, so nothing was billed. Change what the message names, then run again.',
				kind: 'invalidInput',
				provider: 'task',
			},
		},
		pairedItem: { item: 0 },
	});
	expect((await imagesIn(lab, run)).slice(1)).toEqual(await imagesOf(lab, prompts(3).slice(1)));
});

test('after a fatal failure nothing more is submitted, and it is that failure which is reported', async () => {
	lab.emulator.rule(
		{ route: 'task.submit', prompt: 'item 2' },
		{ status: 500, body: { error: 'no' } },
	);
	const run = await lab.run(generating('task', {}, { maxConcurrent: 1 }), { items: prompts(4) });

	expect(run.error?.message).toMatch(/is having trouble: no \(HTTP 500\)$/);
	expect(run.error?.context).toMatchObject({ itemIndex: 1 });
	expect(lab.emulator.ledger.submissions.map(({ prompt }) => prompt)).toEqual(['item 1', 'item 2']);
});

test("an item that still reads its reference when another fails isn't submitted any more", async () => {
	const { engine, emulator } = lab;
	const { core, container } = engine.n8n;
	const image = await engine.store(await imageBytes(), 'image/png', 'reference.png');
	const { submissions } = emulator.ledger;
	const service = container.get(core.BinaryDataService);
	const read = service.getAsBuffer.bind(service);
	const reading = jest.spyOn(service, 'getAsBuffer').mockImplementation(async (data) => {
		await until(() => submissions[0]?.status === 500);
		// the failure's response needs its time to reach the node
		for (let turn = 0; turn < 20; turn++) await new Promise((next) => setImmediate(next));
		return await read(data);
	});
	emulator.rule({ route: 'task.submit' }, { status: 500, body: { error: 'no' } });
	const node = generating('task');
	const source = '={{ $json.prompt === "item 2" ? "binary" : "url" }}';
	node.parameters.referenceImages = { image: [{ source, url: 'https://example.com/a.png' }] };
	const [first, second] = prompts(2);
	const run = await lab.run(node, { items: [first!, { ...second!, binary: { data: image } }] });
	reading.mockRestore();

	expect(run.status).toBe('error');
	expect(submissions.map(({ prompt }) => prompt)).toEqual(['item 1']);
});

const imageBytes = async () =>
	Buffer.from(await (await fetch(`${lab.emulator.urls.results}/references/a.png`)).arrayBuffer());

/** The largest number of tasks that were running at the same moment. */
function mostAtOnce(): number {
	const { tasks } = lab.emulator.ledger;
	const changes = tasks.flatMap(({ acceptedAt, readyAt }) => [
		{ at: acceptedAt, by: 1 },
		{ at: readyAt, by: -1 },
	]);
	changes.sort((a, b) => a.at - b.at || a.by - b.by);
	let running = 0;
	return Math.max(...changes.map(({ by }) => (running += by)));
}

test.each(everyRoute.flatMap((route) => [1, 3].map((limit) => [limit, route] as const)))(
	'never more than Max Concurrent = %s tasks run at once, started in input order (%s)',
	async (maxConcurrent, route) => {
		lab.emulator.rule({ route: ROUTES[route].submit }, { task: { seconds: 0.2 * maxConcurrent } });
		const run = await lab.run(generating(route, {}, { maxConcurrent }), { items: prompts(7) });

		expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(7)));
		expect(mostAtOnce()).toBe(maxConcurrent);
		const { submissions } = lab.emulator.ledger;
		if (maxConcurrent === 1) {
			expect(submissions.map(({ prompt }) => prompt)).toEqual(
				prompts(7).map(({ json }) => json.prompt),
			);
		}
	},
);

test('tasks that end in another order come out in the order of their items', async () => {
	const pollsOfItem = { 'item 1': 30, 'item 2': 15, 'item 3': 1 };
	for (const [prompt, count] of Object.entries(pollsOfItem)) {
		lab.emulator.rule({ route: 'task.submit', prompt }, { task: { polls: count } });
	}
	const done: string[] = [];
	const run = await lab.run(generating('task'), { items: prompts(3) });
	for (const { taskId } of lab.emulator.ledger.downloads) {
		done.push(lab.emulator.ledger.task(taskId)?.prompt ?? '');
	}

	expect(done).toEqual(['item 3', 'item 2', 'item 1']);
	expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(3)));
});

test('refusals shrink the number of items that are worked on, and all of them arrive', async () => {
	const { emulator } = lab;
	const forItem1 = { route: 'task.submit', prompt: /^item 1$/ } as const;
	const refusal = { error: 'task.rateLimit', headers: { 'retry-after': '0.01' } } as const;
	emulator.rule({ ...forItem1, times: 3 }, refusal);
	emulator.rule(forItem1, { status: 400, body: { error: 'no' } });
	emulator.rule({ route: 'task.submit', prompt: /^item [234]$/ }, { delayMs: 500 });
	const node = generating('task', { onError: 'continueRegularOutput' }, { maxConcurrent: 4 });
	const run = await lab.run(node, { items: prompts(8) });

	const submissions = emulator.ledger.submissions.map(
		({ prompt, status }) => `${prompt} ${status}`,
	);
	expect(submissions.filter((line) => line.startsWith('item 1 '))).toEqual([
		'item 1 429',
		'item 1 429',
		'item 1 429',
		'item 1 400',
	]);
	// item 1 makes room at once, but four at a time have proved to be too many
	const at = (prompt: string) =>
		emulator.ledger.submissions.find((one) => one.prompt === prompt)!.at;
	expect(at('item 5') - at('item 4')).toBeGreaterThan(400);
	expect((await imagesIn(lab, run)).slice(1)).toEqual(await imagesOf(lab, prompts(8).slice(1)));
});

/** The task's response names its image twice; `second` may spoil the other address. */
const namesTwoImages = (second: (url: string) => string = (url) => url): Effect => ({
	mutate: (response) => {
		const body = structuredClone(response.body) as {
			output?: Array<{ content: Array<{ url: string }> }>;
		};
		const [first] = body.output?.[0]?.content ?? [];
		if (first) body.output![0]!.content.push({ ...first, url: second(first.url) });
		return { ...response, body };
	},
});

test('each image of one response is an item with a file and a part of the cost of its own', async () => {
	lab.emulator.rule({ route: 'task.status' }, namesTwoImages());
	const run = await lab.run(generating('task'), { items: prompts(1) });

	const [task] = lab.emulator.ledger.tasks;
	const { amount } = lab.emulator.ledger.paidBy(lab.emulator.keys.taskKey);
	expect(
		run.items(NODE).map(({ json, binary, pairedItem }) => ({
			cost: json.cost,
			fileName: binary?.data?.fileName,
			pairedItem,
		})),
	).toEqual(
		[1, 2].map((number) => ({
			cost: { amount: amount / 2, currency: 'USD' },
			fileName: `item-1-${shortId(task!.id)}-${number}.jpg`,
			pairedItem: { item: 0 },
		})),
	);
});

test('an image that fails does not take the others of its response with it, nor are they fetched again', async () => {
	const { emulator } = lab;
	emulator.rule({ route: 'task.status' }, namesTwoImages());
	emulator.rule({ route: 'download', skip: 1, times: 4 }, { status: 503 });
	const settings = { retryOnFail: true, maxTries: 2, waitBetweenTries: 0 };
	const run = await lab.run(generating('task', settings), { items: prompts(1) });

	expect(run.items(NODE)).toHaveLength(2);
	expect(emulator.ledger.submissions).toHaveLength(1);
	const statuses = emulator.ledger.downloads.map(({ status }) => status);
	expect(statuses).toHaveLength(6);
	expect(statuses.filter((status) => status === 200)).toHaveLength(2);
});

test('of two images of one response the good one comes out beside the error item of the other', async () => {
	const { emulator } = lab;
	emulator.rule(
		{ route: 'task.status' },
		namesTwoImages((url) => `${url}-gone`),
	);
	const node = generating('task', { onError: 'continueRegularOutput' });
	const run = await lab.run(node, { items: prompts(1) });

	const [good, bad] = run.items(NODE);
	expect(good).toMatchObject({ json: { status: 'completed' }, pairedItem: { item: 0 } });
	expect(bad).toMatchObject({
		json: { error: { kind: 'expired', taskId: idOf('item 1') } },
		pairedItem: { item: 0 },
	});
});

/** The provider's response, with one field of it changed. */
const withField = (name: string, value: string): Effect => ({
	mutate: (response) => ({ ...response, body: { ...(response.body as object), [name]: value } }),
});

test('an address of a task that does not name it is not believed: the documented one finds the task', async () => {
	lab.emulator.rule({ route: 'queue.submit' }, withField('status_url', '/garbled/status'));
	lab.emulator.rule({ route: 'bfl.submit' }, withField('polling_url', '/garbled'));
	const bfl: NodeUnderTest = { ...generating('task'), type: 'flux2Bfl' };
	for (const node of [generating('queue'), bfl]) {
		lab.emulator.ledger.tasks.splice(0);
		const run = await lab.run(node, { items: prompts(1) });
		expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(1)));
	}
	expect(lab.emulator.ledger.submissions).toHaveLength(2);
});

test("an image's address that came garbled is asked for once more", async () => {
	const garbled: Effect = {
		mutate: (response) => ({
			...response,
			body: { ...(response.body as object), output: [{ content: [{ url: 'h:/broken' }] }] },
		}),
	};
	lab.emulator.rule({ route: 'task.submit' }, { task: { immediate: true } });
	lab.emulator.rule({ route: 'task.submit' }, garbled);
	const run = await lab.run(generating('task'), { items: prompts(1) });

	expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(1)));
	expect(traffic(lab)).toEqual(['submit', 'poll', 'download']);
});

test.each([
	['at once', {}],
	['after Retry On Fail, too', { retryOnFail: true, maxTries: 2, waitBetweenTries: 1 }],
])('a run that stops %s names the other items whose response was lost', async (_when, settings) => {
	const lost: Effect = { reset: 'beforeHeaders', accepted: true, delayMs: 100 };
	lab.emulator.rule({ route: 'task.submit' }, lost);
	const run = await lab.run(generating('task', settings), { items: prompts(2) });

	const { description, context } = run.error as unknown as {
		description: string;
		context: { itemIndex: number };
	};
	const other = context.itemIndex === 0 ? 2 : 1;
	expect(description).toContain(`Also without a usable response: item ${other}.`);
	expect(lab.emulator.ledger.submissions).toHaveLength(2);
});
