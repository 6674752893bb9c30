import type { INodeExecutionData } from 'n8n-workflow';
import {
	generating,
	items,
	NODE,
	openLab,
	prompts,
	QUICK,
	traffic,
	until,
	type Lab,
	type NodeUnderTest,
} from '../support/lab';
import type { Effect } from '../emulator';
import { placed } from '../support/placed';
import type { Run } from '../support/engine';

/** The resource Task: start now, collect later, perhaps in another workflow. */

type Dialect = 'task' | 'queue';
const dialects: Dialect[] = ['task', 'queue'];
const ENDLESS = { task: { seconds: 60 } };

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

const submitting = (dialect: Dialect): NodeUnderTest => ({
	type: 'flux2Task',
	parameters: {
		resource: 'task',
		operation: 'submit',
		dialect,
		prompt: '={{ $json.prompt }}',
		...placed('flux2Task', { width: 256, height: 256 }),
	},
});

const getting = (
	dialect: Dialect,
	options: object = {},
	{
		waitForCompletion = true,
		...settings
	}: { waitForCompletion?: boolean; onError?: 'continueRegularOutput' } = {},
): NodeUnderTest => ({
	type: 'flux2Task',
	parameters: {
		resource: 'task',
		operation: 'get',
		dialect,
		waitForCompletion,
		options: { ...QUICK, ...options },
	},
	settings,
});

const NOW = { waitForCompletion: false };
const tasks = () => lab.emulator.ledger.tasks;
const firstTask = () => tasks()[0]!;

/** What one workflow passes to another: text, at best. */
const passedOn = (run: Run): INodeExecutionData[] =>
	items(
		...(JSON.parse(JSON.stringify(run.items(NODE))) as INodeExecutionData[]).map(
			({ json }) => json,
		),
	);

const submitted = async (dialect: Dialect, count = 1) =>
	passedOn(await lab.run(submitting(dialect), { items: prompts(count) }));

const bytesOf = async ({ binary }: INodeExecutionData) =>
	binary?.data && (await lab.engine.binary(binary.data));

const ready = async () => await until(() => tasks().every(({ readyAt }) => readyAt < Date.now()));

const failure = ({ error }: Run) => {
	const { message, description, context } = error as unknown as Record<string, unknown>;
	const { kind, taskId } = context as Record<string, unknown>;
	return { message, description, kind, taskId };
};

describe('Submit', () => {
	test.each(dialects)(
		'responds with the task and nothing else, without waiting (%s)',
		async (dialect) => {
			lab.emulator.rule({ route: `${dialect}.submit` }, ENDLESS);
			const run = await lab.run(submitting(dialect), { items: prompts(2) });

			const base = `${lab.emulator.urls.task}/model/v1/queue/flux_2_pro/requests`;
			expect(run.items(NODE)).toEqual(
				prompts(2).map(({ json }, item) => {
					const id = tasks().find(({ prompt }) => prompt === json.prompt)?.id;
					return {
						json: {
							provider: 'task',
							model: 'flux_2_pro',
							taskId: id,
							...(dialect === 'queue' && { pollUrl: `${base}/${id}/status` }),
							submittedAt: expect.stringMatching(/^2.*Z$/),
						},
						pairedItem: { item },
					};
				}),
			);
			expect(traffic(lab)).toEqual(['submit', 'submit']);
		},
	);

	test.each(dialects)(
		'is not sent twice by Retry On Fail because of another item (%s)',
		async (dialect) => {
			const refusal = { status: 400, body: { error: 'no' }, delayMs: 50 };
			lab.emulator.rule({ route: `${dialect}.submit`, prompt: 'item 2', times: 1 }, refusal);
			const node = { ...submitting(dialect), settings: { retryOnFail: true, waitBetweenTries: 1 } };
			const run = await lab.run(node, { items: prompts(3) });

			expect(
				run.items(NODE).map(({ json }) => tasks().find(({ id }) => id === json.taskId)?.prompt),
			).toEqual(['item 1', 'item 2', 'item 3']);
			expect(tasks()).toHaveLength(3);
		},
	);
});

describe('Get', () => {
	test.each(dialects)('waits for the image of a task of another workflow (%s)', async (dialect) => {
		const taskItems = await submitted(dialect);
		const run = await lab.run(getting(dialect), { items: taskItems });

		const [item] = run.items(NODE);
		const { bytes, mimeType, width, height } = await lab.emulator.ledger.image(firstTask().id);
		expect(await bytesOf(item!)).toEqual(bytes);
		expect(item?.json).toMatchObject({
			provider: 'task',
			model: 'flux_2_pro',
			status: 'completed',
			taskId: firstTask().id,
			image: { mimeType, width, height, fileSize: bytes.length, url: firstTask().url },
		});
		expect(item?.binary?.data?.fileName).toBe(`flux_2_pro-${firstTask().id}.jpg`);
	});

	test.each(dialects)('collects many tasks at once, in order (%s)', async (dialect) => {
		const taskItems = (await submitted(dialect, 6)).reverse();
		const run = await lab.run(getting(dialect), { items: taskItems });

		expect(run.items(NODE).map(({ json, pairedItem }) => [json.taskId, pairedItem])).toEqual(
			taskItems.map(({ json }, item) => [json.taskId, { item }]),
		);
		expect(await Promise.all(run.items(NODE).map(bytesOf))).toEqual(
			await Promise.all(
				taskItems.map(
					async ({ json }) => (await lab.emulator.ledger.image(json.taskId as string)).bytes,
				),
			),
		);
	});

	test.each(dialects)('takes a typed task ID without a poll URL (%s)', async (dialect) => {
		await submitted(dialect);
		const node = getting(dialect);
		Object.assign(node.parameters, { taskId: ` ${firstTask().id}\n`, pollUrl: '' });
		const run = await lab.run(node);

		expect(run.items(NODE)[0]?.json.taskId).toBe(firstTask().id);
	});

	test.each(dialects)(
		'without waiting shows a running task as an ordinary item (%s)',
		async (dialect) => {
			lab.emulator.rule({ route: `${dialect}.submit` }, ENDLESS);
			const taskItems = await submitted(dialect);
			const run = await lab.run(getting(dialect, {}, NOW), { items: taskItems });

			expect(run.items(NODE)).toEqual([
				{
					json: {
						provider: 'task',
						model: 'flux_2_pro',
						taskId: firstTask().id,
						...(dialect === 'queue' && { pollUrl: taskItems[0]?.json.pollUrl }),
						submittedAt: taskItems[0]?.json.submittedAt,
						status: 'pending',
						...(dialect === 'task' && { progress: expect.any(Number) }),
						...(dialect === 'queue' && { queuePosition: 0 }),
					},
					pairedItem: { item: 0 },
				},
			]);
			expect(traffic(lab)).toEqual(['submit', 'poll']);
		},
	);

	test.each(dialects)(
		'without waiting shows a failed task as an ordinary item (%s)',
		async (dialect) => {
			const fail = { code: 'E7', message: 'Request Moderated' };
			lab.emulator.rule({ route: `${dialect}.submit` }, { task: { fail } });
			const taskItems = await submitted(dialect);
			await ready();
			const run = await lab.run(getting(dialect, {}, NOW), { items: taskItems });

			expect(run.status).toBe('success');
			expect(run.items(NODE)[0]?.json).toMatchObject({
				taskId: firstTask().id,
				status: 'failed',
				kind: 'moderated',
				message: expect.stringContaining('E7: Request Moderated'),
			});
		},
	);

	test.each(dialects)('without waiting downloads a finished task (%s)', async (dialect) => {
		const taskItems = await submitted(dialect);
		await ready();
		const run = await lab.run(getting(dialect, {}, NOW), { items: taskItems });

		const [item] = run.items(NODE);
		expect(await bytesOf(item!)).toEqual((await lab.emulator.ledger.image(firstTask().id)).bytes);
		expect(item?.json.status).toBe('completed');
	});

	test.each(dialects)(
		'without waiting shows an unknown task as an ordinary item (%s)',
		async (dialect) => {
			const run = await lab.run(getting(dialect, {}, NOW), { items: items({ taskId: 'nobody' }) });

			expect(run.status).toBe('success');
			expect(run.items(NODE)[0]?.json).toMatchObject({
				taskId: 'nobody',
				status: 'failed',
				kind: 'notFound',
				message: expect.stringMatching(/not found/i),
			});
		},
	);

	test.each(dialects)(
		'with waiting does not wait for an unknown task: it is polled once (%s)',
		async (dialect) => {
			const run = await lab.run(getting(dialect), { items: items({ taskId: 'nobody' }) });

			expect(failure(run)).toMatchObject({ kind: 'notFound', taskId: 'nobody' });
			expect(lab.emulator.ledger.requests).toHaveLength(1);
		},
	);

	test.each(dialects)('with waiting makes a failed task an error item (%s)', async (dialect) => {
		lab.emulator.rule(
			{ route: `${dialect}.submit`, prompt: 'item 1' },
			{ task: { fail: { message: 'out of memory' } } },
		);
		const taskItems = await submitted(dialect, 2);
		const node = getting(dialect, {}, { onError: 'continueRegularOutput' });
		const run = await lab.run(node, { items: taskItems });

		const [failed, done] = run.items(NODE);
		expect(Object.keys(failed?.json ?? {})).toEqual(['error']);
		expect(failed?.json.error).toMatchObject({
			kind: 'unavailable',
			taskId: taskItems[0]?.json.taskId,
			message: expect.stringContaining('out of memory'),
		});
		expect(done?.json.status).toBe('completed');
	});

	test.each(dialects)(
		'asks once more for an image whose URL has expired, and then says that it must be made again (%s)',
		async (dialect) => {
			lab.emulator.rule({ route: 'download' }, { image: 'expired' });
			const run = await lab.run(getting(dialect), { items: await submitted(dialect) });

			expect(failure(run)).toMatchObject({
				kind: 'expired',
				taskId: firstTask().id,
				message: "The image's URL is no longer valid (its host responded with 403)",
				description: expect.stringContaining('it must be made, and paid for, again'),
			});
			expect(traffic(lab)).toEqual(['submit', 'poll', 'download', 'poll', 'download']);
		},
	);

	test.each<[string, Effect]>([
		['with the status of the task', { status: 202, body: { status: 'IN_PROGRESS' } }],
		['with nothing', { status: 202 }],
	])('waits for a result that is not there yet: 202 %s, then 200 (queue)', async (_what, early) => {
		const given = await submitted('queue');
		await ready();
		lab.emulator.rule({ route: 'queue.response', times: 3 }, early);
		const asked = await lab.run(getting('queue', {}, NOW), { items: given });
		const waited = await lab.run(getting('queue'), { items: given });

		const [json] = asked.items(NODE).map((item) => item.json);
		expect(json).toMatchObject({ taskId: firstTask().id, status: 'pending' });
		expect(json).not.toHaveProperty('providerStatus');
		expect(waited.items(NODE)[0]?.json).toMatchObject({ status: 'completed' });
	});

	test('refuses an empty task ID before it asks', async () => {
		const run = await lab.run(getting('task'), { items: items({}) });

		expect(run.error?.message).toBe('Task ID: must not be empty');
		expect(traffic(lab)).toEqual([]);
	});

	test('escapes what is typed as a task ID', async () => {
		const run = await lab.run(getting('task', {}, NOW), {
			items: items({ taskId: '../../x?y#z' }),
		});

		expect(run.items(NODE)[0]?.json.kind).toBe('notFound');
		expect(lab.emulator.ledger.requests.map(({ path }) => path)).toEqual([
			'/model/v1/generation/task/..%2F..%2Fx%3Fy%23z',
		]);
	});

	test('of an unfinished image keeps Download and the file options', async () => {
		const taskItems = await submitted('task');
		const [url, named] = [
			await lab.run(getting('task', { download: false }), { items: taskItems }),
			await lab.run(getting('task', { fileName: 'cover', binaryField: 'image' }), {
				items: taskItems,
			}),
		];

		expect(url.items(NODE)[0]?.json.image).toEqual({ url: firstTask().url });
		expect(url.items(NODE)[0]?.binary).toBeUndefined();
		expect(named.items(NODE)[0]?.binary?.image?.fileName).toBe('cover.jpg');
	});
});

describe('a task that takes longer than the timeout', () => {
	test.each(dialects)(
		'is named with the way to collect it, and can be collected (%s)',
		async (dialect) => {
			lab.emulator.rule({ route: `${dialect}.submit` }, { task: { seconds: 1.3 } });
			const run = await lab.run(generating(dialect, {}, { timeout: 1 }), { items: prompts(1) });

			expect(failure(run)).toEqual({
				kind: 'timeout',
				taskId: firstTask().id,
				message: expect.stringMatching(/not ready after 1 s/),
				description: expect.stringMatching(
					new RegExp(
						`The task ID is ${firstTask().id}[.,].* retry this execution .*, or use the resource Task, operation Get`,
					),
				),
			});
			const later = await lab.run(getting(dialect), { items: items({ taskId: firstTask().id }) });
			expect(await bytesOf(later.items(NODE)[0]!)).toEqual(
				(await lab.emulator.ledger.image(firstTask().id)).bytes,
			);
			expect(lab.emulator.ledger.submissions).toHaveLength(1);
		},
	);

	test('is given up in time, whatever it waits for', async () => {
		const later = { status: 503, headers: { 'retry-after': '60' } };
		lab.emulator.rule({ route: 'task.status', prompt: 'item 1' }, { hang: true });
		lab.emulator.rule({ route: 'task.status', prompt: 'item 2' }, later);
		lab.emulator.rule({ route: 'download', prompt: 'item 3' }, { hang: true });
		lab.emulator.rule({ route: 'download', prompt: 'item 4' }, later);
		const node = generating('task', { onError: 'continueRegularOutput' }, { timeout: 1 });
		const run = await lab.run(node, { items: prompts(4), limitMs: 5000 });

		const idOf = (prompt: unknown) => tasks().find((one) => one.prompt === prompt)?.id;
		expect(run.items(NODE).map(({ json }) => json.error)).toEqual(
			prompts(4).map(({ json: { prompt } }) =>
				expect.objectContaining({ kind: 'timeout', taskId: idOf(prompt) }),
			),
		);
	});
});

describe('the address that the queue gives its task', () => {
	const ends: Array<[string, string]> = [
		['/status?region=eu', '?region=eu'],
		['/status/?region=eu&key=a%2Fstatus', '?region=eu&key=a%2Fstatus'],
		['/', ''],
		['', ''],
	];

	test.each(ends)('ends in "%s" and keeps its query for every call', async (end, query) => {
		lab.emulator.rule(
			{ route: 'queue.submit' },
			{
				task: { seconds: 0.1 },
				mutate: (response) => {
					const body = response.body as { status_url: string };
					return {
						...response,
						body: { ...body, status_url: body.status_url.replace(/\/status$/, end) },
					};
				},
			},
		);
		const taskItems = await submitted('queue');
		const run = await lab.run(getting('queue'), { items: taskItems });
		const parameters = { resource: 'task', operation: 'cancel', dialect: 'queue' };
		await lab.run({ type: 'flux2Task', parameters }, { items: taskItems });

		expect(run.items(NODE)[0]?.json.status).toBe('completed');
		const base = `/model/v1/queue/flux_2_pro/requests/${firstTask().id}`;
		const calls = lab.emulator.ledger.requests.filter(({ path }) => path.startsWith(base));
		expect(new Set(calls.map(({ method, path }) => `${method} ${path}`))).toEqual(
			new Set([
				`GET ${base}/status${query}`,
				`GET ${base}/response${query}`,
				`PUT ${base}/cancel${query}`,
			]),
		);
	});
});

describe('Cancel', () => {
	const cancelling: NodeUnderTest = {
		type: 'flux2Task',
		parameters: { resource: 'task', operation: 'cancel', dialect: 'queue' },
	};

	test('stops running tasks of the queue, and Get shows them as cancelled', async () => {
		lab.emulator.rule({ route: 'queue.submit' }, ENDLESS);
		const taskItems = await submitted('queue', 2);
		const run = await lab.run(cancelling, { items: taskItems });

		expect(run.items(NODE)).toEqual(
			taskItems.map(({ json }, item) => ({
				json: { provider: 'task', taskId: json.taskId, status: 'cancelled' },
				pairedItem: { item },
			})),
		);
		const cancelled = lab.emulator.ledger.cancels.map(({ taskId, status }) => [taskId, status]);
		expect(cancelled.sort()).toEqual(taskItems.map(({ json }) => [json.taskId, 202]).sort());
		const after = await lab.run(getting('queue', {}, NOW), { items: taskItems });
		const message = expect.stringContaining('cancelled');
		expect(after.items(NODE).map(({ json }) => json)).toMatchObject(
			taskItems.map(() => ({ status: 'failed', message })),
		);
	});

	test('that the provider has only taken note of says so', async () => {
		lab.emulator.rule({ route: 'queue.submit' }, ENDLESS);
		const taskItems = await submitted('queue');
		const running = { request_id: firstTask().id, status: 'IN_PROGRESS' };
		lab.emulator.rule({ route: 'queue.status' }, { status: 200, body: running });
		const run = await lab.run(cancelling, { items: taskItems });

		expect(run.items(NODE)[0]?.json.status).toBe('cancellationRequested');
	});

	test.each([
		['CANCELLED', 'cancelled'],
		['canceled', 'cancelled'],
		['CANCELLATION_REQUESTED', 'cancellationRequested'],
		['NOT_CANCELLED', 'cancellationRequested'],
		['OK', 'cancellationRequested'],
		['', 'cancellationRequested'],
	])(
		'of a task that is gone afterwards goes by the word of its response: "%s"',
		async (word, status) => {
			lab.emulator.rule({ route: 'queue.submit' }, ENDLESS);
			const taskItems = await submitted('queue');
			lab.emulator.rule({ route: 'queue.cancel' }, { status: 200, body: { status: word } });
			lab.emulator.rule({ route: 'queue.status' }, { status: 404, body: { error: 'not found' } });
			const run = await lab.run(cancelling, { items: taskItems });

			expect(run.items(NODE)[0]?.json.status).toBe(status);
		},
	);

	test.each([
		['completed', {}],
		['failed', { fail: { message: 'out of memory' } }],
	])('of a task that has ended says so: %s', async (status, fault) => {
		lab.emulator.rule({ route: 'queue.submit' }, { task: fault });
		const taskItems = await submitted('queue');
		await ready();
		const run = await lab.run(cancelling, { items: taskItems });

		expect(run.items(NODE)).toEqual([
			{ json: { provider: 'task', taskId: firstTask().id, status }, pairedItem: { item: 0 } },
		]);
		expect(lab.emulator.ledger.cancels).toMatchObject([{ status: 400 }]);
	});

	test('of a task that nobody knows is an error', async () => {
		const run = await lab.run(cancelling, { items: items({ taskId: 'nobody' }) });

		expect(failure(run)).toMatchObject({ kind: 'notFound' });
	});

	test('by somebody else keeps the task: Retry On Fail does not submit, a retry by a person does', async () => {
		lab.emulator.rule({ route: 'queue.submit', times: 1 }, ENDLESS);
		const settings = { retryOnFail: true, maxTries: 2, waitBetweenTries: 1 };
		const node = generating('queue', settings);
		const { done } = lab.start(node, { items: prompts(1) });
		await until(() => lab.emulator.ledger.polls.length > 0);
		firstTask().cancelledAt = Date.now();
		const failed = await done;

		expect(failed.status).toBe('error');
		expect(failure(failed).description).toContain('not submitted again by itself');
		expect(lab.emulator.ledger.submissions).toHaveLength(1);
		const run = await lab.retry(failed, node);

		expect(run.items(NODE)[0]?.json).toMatchObject({
			status: 'completed',
			taskId: tasks()[1]?.id,
		});
		expect(lab.emulator.ledger.submissions).toHaveLength(2);
	});
});

test.each(['..', '.', 'a\u0000b'])(
	'a task ID that would change the path is refused: %j',
	async (taskId) => {
		const run = await lab.run(getting('task'), { items: items({ taskId }) });

		expect(run.error?.message).toBe('Task ID: must not be a path');
		expect(traffic(lab)).toEqual([]);
	},
);
