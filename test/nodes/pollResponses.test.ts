import type { Effect } from '../emulator';
import type { Run } from '../support/engine';
import { imagesIn, imagesOf, NODE, openLab, prompts, type Lab } from '../support/lab';
import { drawSmall, isPolled, laneNames, LANES, making, type LaneName } from '../support/lanes';

/** What a poll may respond with beside what the documents show, and what comes of the task then. */

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

const AT_ONCE = { 'retry-after': '0.01' };
const CONTINUE = { onError: 'continueRegularOutput' } as const;

const lanes = laneNames(isPolled);

/** The routes of a poll: the one that is asked first, and the one whose response names the image. */
const routesOf = (lane: LaneName) => LANES[lane].polls!;

const isOneRoute = (lane: LaneName) => routesOf(lane).status === routesOf(lane).result;

/** The end of a task that is not ours, as each provider says it. */
const ANOTHER = { id: 'another', request_id: 'another', generation_id: 'another' };
const failureOfAnother = {
	...ANOTHER,
	status: 'failed',
	error: 'made up',
	error_message: 'made up',
	generation: { ...ANOTHER, error_message: 'made up' },
};
const anothersUrl = 'http://127.0.0.1:9/another.png';
const imageOfAnother = {
	...ANOTHER,
	status: 'Served',
	output: [{ content: [{ url: anothersUrl }] }],
	outputs: [{ url: anothersUrl }],
	result: { sample: anothersUrl },
	result_url: anothersUrl,
	generation: { ...ANOTHER, result_url: anothersUrl },
};

const mutateBody = (change: (body: Record<string, unknown>) => object): Effect => ({
	mutate: (response) => ({
		...response,
		body: change(response.body as Record<string, unknown>),
	}),
});

async function expectPaidOnce(run: Run): Promise<void> {
	expect(run.error).toBeUndefined();
	expect(lab.emulator.ledger.submissions).toHaveLength(1);
	expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(1)));
}

describe('a task is polled on', () => {
	const obstacles: Record<string, Effect> = {
		"a proxy's 404 page": { html: true, status: 404 },
		'an HTML page under 200': { html: true, status: 200 },
		'an empty body under 200': { status: 200 },
		'half a JSON': { status: 200, body: '{"id":"d1' },
		'a list': { status: 200, body: [] },
		'nothing but nulls': mutateBody((body) =>
			Object.fromEntries(Object.keys(body).map((name) => [name, null])),
		),
		'a status that no document explains': { status: 200, body: { status: 'Warming Up' } },
		'a status that is a number': { status: 200, body: { status: 7 } },
		"another task's failure": { status: 200, body: failureOfAnother },
		"another task's image": { status: 200, body: imageOfAnother },
	};

	test.each(lanes.flatMap((lane) => Object.keys(obstacles).map((what) => [what, lane] as const)))(
		'after three responses of %s (%s)',
		async (what, lane) => {
			const { status } = routesOf(lane);
			lab.emulator.rule({ route: status, times: 3 }, obstacles[what]!);
			// where the queue does not know a task, its history is asked
			lab.emulator.rule({ route: 'oxen.history', times: 3 }, obstacles[what]!);
			const run = await lab.run(making(lane), { items: prompts(1) });

			await expectPaidOnce(run);
			const polls = lab.emulator.ledger.polls.filter(({ route }) => route === status);
			expect(polls.length).toBeGreaterThan(3);
		},
	);

	test.each([
		'an HTML page under 200',
		'an empty body under 200',
		'a list',
		"another task's failure",
		"another task's image",
	])(
		'after three responses of %s in the history of Oxen.ai, which the queue has left it for',
		async (what) => {
			lab.emulator.rule({ route: 'oxen.enqueue' }, { task: { leaves: 'queue' } });
			lab.emulator.rule({ route: 'oxen.history', times: 3 }, obstacles[what]!);
			await expectPaidOnce(await lab.run(making('oxen'), { items: prompts(1) }));
		},
	);

	test("when the response of its queue is about another task's image", async () => {
		lab.emulator.rule({ route: 'queue.response', times: 3 }, { status: 200, body: imageOfAnother });
		await expectPaidOnce(await lab.run(making('queue'), { items: prompts(1) }));
	});

	test.each(lanes)('while its status is a word that no document explains (%s)', async (lane) => {
		const { status } = routesOf(lane);
		let seen = 0;
		lab.emulator.rule(
			{ route: status },
			mutateBody((body) => {
				const isRunning = !/completed|ready|succeeded/i.test(String(body.status));
				if (isRunning) seen++;
				return isRunning ? { ...body, status: 'Warming Up' } : body;
			}),
		);
		lab.emulator.rule({ route: LANES[lane].submit }, { task: { polls: 2 } });
		const run = await lab.run(making(lane), { items: prompts(1) });

		await expectPaidOnce(run);
		expect(seen).toBeGreaterThan(0);
	});
});

describe('an image counts', () => {
	/** The word for a finished task is another one. */
	const renamed = (body: Record<string, unknown>) =>
		/completed|ready|succeeded/i.test(String(body.status)) ? { ...body, status: 'Served' } : body;

	test.each(lanes.filter(isOneRoute))(
		'under a word that no document explains (%s)',
		async (lane) => {
			lab.emulator.rule({ route: routesOf(lane).status }, mutateBody(renamed));
			const run = await lab.run(making(lane), { items: prompts(1) });

			await expectPaidOnce(run);
			expect(run.items(NODE)[0]?.json.status).toBe('completed');
		},
	);
});

describe('an image whose URL leads nowhere', () => {
	/** The first response that names the image names an address where nothing is. */
	function misleadOnce(lane: LaneName) {
		let isMisled = false;
		lab.emulator.rule(
			{ route: routesOf(lane).result },
			mutateBody((body) => {
				const text = JSON.stringify(body);
				if (isMisled || !text.includes('/results/')) return body;
				isMisled = true;
				return JSON.parse(text.replaceAll('/results/', '/results/elsewhere-')) as object;
			}),
		);
	}

	test.each(lanes)('is downloaded from the one that the next poll gives (%s)', async (lane) => {
		misleadOnce(lane);
		lab.emulator.rule({ route: 'download', times: 4 }, { status: 500, headers: AT_ONCE });
		const run = await lab.run(making(lane), { items: prompts(1) });

		await expectPaidOnce(run);
		const { downloads } = lab.emulator.ledger;
		expect(downloads.map(({ file, status }) => [file.startsWith('elsewhere-'), status])).toEqual([
			...Array<unknown>(4).fill([true, 500]),
			[false, 200],
		]);
		const url = (run.items(NODE)[0]?.json.image as { url: string }).url;
		expect(url).not.toContain('elsewhere');
	});
});

describe('the history of Oxen.ai, under an HTTP error all the same', () => {
	const leaving = { task: { leaves: 'queue' } } as const;

	test('has the image', async () => {
		lab.emulator.rule({ route: 'oxen.enqueue' }, leaving);
		lab.emulator.rule({ route: 'oxen.history' }, { mutate: (sent) => ({ ...sent, status: 503 }) });
		await expectPaidOnce(await lab.run(making('oxen'), { items: prompts(1) }));
	});

	test('has the failure, and its HTTP status', async () => {
		const fail = { message: 'Output flagged as NSFW' };
		lab.emulator.rule({ route: 'oxen.enqueue' }, { task: { ...leaving.task, fail } });
		lab.emulator.rule({ route: 'oxen.history' }, { mutate: (sent) => ({ ...sent, status: 422 }) });
		const run = await lab.run(making('oxen', CONTINUE), { items: prompts(1) });

		const failure = { kind: 'moderated', httpCode: 422 };
		expect(run.items(NODE)[0]?.json.error).toMatchObject(failure);
	});

	test("is not believed when it is another task's", async () => {
		lab.emulator.rule({ route: 'oxen.enqueue' }, leaving);
		lab.emulator.rule({ route: 'oxen.history', times: 3 }, { status: 503, body: failureOfAnother });
		await expectPaidOnce(await lab.run(making('oxen'), { items: prompts(1) }));
	});

	test("does not give another task's cost", async () => {
		const body = { generation: { ...ANOTHER, cost: '7' } };
		lab.emulator.rule({ route: 'oxen.history' }, { status: 200, body });
		const run = await lab.run(making('oxen'), { items: prompts(1) });

		await expectPaidOnce(run);
		expect(run.items(NODE)[0]?.json).not.toHaveProperty('cost');
	});
});

describe('the cost that a poll of the task API states', () => {
	const usage = { usage: { cost: '0.02' } };

	test('is the cost of the item', async () => {
		lab.emulator.rule(
			{ route: 'task.status' },
			mutateBody((body) => ({ ...body, ...usage })),
		);
		const run = await lab.run(making('task'), { items: prompts(1) });

		expect(run.items(NODE)[0]?.json.cost).toEqual({ amount: 0.02, currency: 'USD' });
	});

	test('of a failed task is in its error, and in Task: Get', async () => {
		const fail = { message: 'Request Moderated' };
		lab.emulator.rule({ route: 'task.submit' }, { task: { fail } });
		lab.emulator.rule(
			{ route: 'task.status' },
			mutateBody((body) => ({ ...body, ...usage })),
		);
		const run = await lab.run(making('task', CONTINUE), { items: prompts(1) });
		const [task] = lab.emulator.ledger.tasks;
		const parameters = {
			resource: 'task',
			operation: 'get',
			taskId: task!.id,
			waitForCompletion: false,
		};
		const got = await lab.run({ type: 'flux2Task', parameters });

		const cost = { amount: 0.02, currency: 'USD' };
		expect(run.items(NODE)[0]?.json.error).toMatchObject({ kind: 'moderated', cost });
		expect(got.items(NODE)[0]?.json).toMatchObject({ status: 'failed', kind: 'moderated', cost });
	});
});

describe('Task: Cancel', () => {
	const cancelling = (taskId: string) => ({
		type: 'flux2Task' as const,
		parameters: { resource: 'task', operation: 'cancel', dialect: 'queue', taskId },
	});

	async function submitted(task: NonNullable<Effect['task']>): Promise<string> {
		lab.emulator.rule({ route: 'queue.submit' }, { task });
		const node = making('queue');
		Object.assign(node.parameters, { resource: 'task', operation: 'submit' });
		await lab.run(node, { items: prompts(1) });
		return lab.emulator.ledger.tasks[0]!.id;
	}

	test('of a completed task says so, also where the provider takes note of the cancel', async () => {
		const id = await submitted({ seconds: 0 });
		const noted = { status: 202, body: { status: 'CANCELLATION_REQUESTED' } };
		lab.emulator.rule({ route: 'queue.cancel' }, noted);
		const run = await lab.run(cancelling(id));

		expect(run.items(NODE).map(({ json }) => json)).toEqual([
			{ provider: 'task', taskId: id, status: 'completed' },
		]);
	});

	test('that fails while the task runs is an error', async () => {
		const id = await submitted({ seconds: 60 });
		lab.emulator.rule({ route: 'queue.cancel' }, { status: 500, headers: AT_ONCE });
		const run = await lab.run(cancelling(id));

		expect(run.error).toMatchObject({
			message: 'Task API is having trouble: an empty response (HTTP 500)',
			context: { kind: 'unavailable' },
		});
	});

	test('of a task whose state cannot be read says what the provider said to the cancel', async () => {
		const id = await submitted({ seconds: 60 });
		lab.emulator.rule({ route: 'queue.status' }, { status: 500, headers: AT_ONCE });
		const run = await lab.run(cancelling(id));

		expect(run.items(NODE)[0]?.json).toMatchObject({ taskId: id });
		expect(run.items(NODE)[0]?.json.status).toBe('cancellationRequested');
	});
});
