import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import { Flux2Error } from '../../../nodes/shared/core/errors';
import type {
	AsyncProtocol,
	CancelResult,
	Failed,
	TaskState,
} from '../../../nodes/shared/tasks/protocol';
import {
	doneOf,
	executionOf,
	IMAGE_URL,
	inTurn,
	providerWith,
	SECRET,
	taskOf,
	type ExecutionFacts,
} from '../../support/madeUpProvider';

/** The resource Task: submit now, ask later, cancel. */

const task = taskOf();
const pending: TaskState = {
	status: 'pending',
	task,
	progress: 0.5,
	queuePosition: 2,
	raw: { any: 1 },
};
const failed: Failed = { status: 'failed', task, kind: 'moderated', message: 'flagged', raw: {} };
const done = () => doneOf(task);

type Script = Partial<Pick<AsyncProtocol, 'submit' | 'status' | 'cancel'>>;

/** One execution of that operation; errors are items. */
function open(
	operation: string,
	script: Script,
	{ parameters = {}, ...facts }: ExecutionFacts = {},
	taskModel?: string,
) {
	const protocol = {
		submit: jest.fn(script.submit ?? inTurn([pending])),
		status: jest.fn(script.status ?? inTurn<TaskState>(done())),
		...(script.cancel && { cancel: jest.fn(script.cancel) }),
	};
	const provider = providerWith(protocol);
	const withModel = {
		...provider,
		routeFor: () => ({ ...provider.routeFor(undefined as never, {}), taskModel }),
	};
	const all = {
		resource: 'task',
		operation,
		taskId: 't1',
		waitForCompletion: false,
		...parameters,
	};
	const used = taskModel === undefined ? provider : (withModel as typeof provider);
	return { protocol, ...executionOf(used, { continues: true, ...facts, parameters: all }) };
}

const jsons = (items: INodeExecutionData[]) => items.map(({ json }) => json);
const errors = (items: INodeExecutionData[]) =>
	jsons(items).map(({ error }) => error as IDataObject);

describe('Submit', () => {
	test('puts out the task and asks no further', async () => {
		const { run, protocol } = open('submit', {});
		expect(jsons(await run())).toEqual([
			{
				provider: 'made-up',
				model: 'vendor/flux',
				taskId: 't1',
				submittedAt: task.submittedAt,
			},
		]);
		expect(protocol.status).not.toHaveBeenCalled();
	});

	test('shows the response with Simplify off, without a secret', async () => {
		const submit = inTurn<TaskState[]>([{ ...pending, raw: { key: SECRET } }]);
		const { run } = open('submit', { submit }, { options: { simplify: false } });
		expect(jsons(await run())).toMatchObject([{ raw: { key: '***' } }]);
	});

	test('has one item for each task, and for an image that is there already; a failure is an error', async () => {
		const states: TaskState[] = [pending, doneOf(taskOf('t2')), { ...failed, task: taskOf('t3') }];
		const { run } = open('submit', { submit: inTurn(states) });
		const items = await run();
		expect(jsons(items).map(({ taskId }) => taskId)).toEqual(['t1', 't2', undefined]);
		expect(errors(items)[2]).toMatchObject({ kind: 'moderated', taskId: 't3' });
	});

	test('is not sent again by a retry that finds its tasks', async () => {
		const nodeContext = {};
		const parameters = { prompt: (index: number) => `item ${index}` };
		const submit: AsyncProtocol['submit'] = async (_client, { prompt }) => {
			if (prompt === 'item 1') throw new Flux2Error('auth', 'no');
			return await Promise.resolve([pending]);
		};
		const first = open('submit', { submit }, { nodeContext, items: 2, parameters });
		const items = await first.run();
		const again = open('submit', {}, { nodeContext, items: 2, parameters });
		expect((await again.run())[0]).toEqual(items[0]);
		expect(again.protocol.submit).toHaveBeenCalledTimes(1);
	});
});

describe('Get', () => {
	test('puts out how a running task is, after one poll', async () => {
		const { run, protocol } = open('get', { status: inTurn<TaskState>(pending) });
		expect(jsons(await run())).toEqual([
			{
				provider: 'made-up',
				model: 'vendor/flux',
				taskId: 't1',
				status: 'pending',
				progress: 0.5,
				queuePosition: 2,
				submittedAt: task.submittedAt,
			},
		]);
		expect(protocol.status).toHaveBeenCalledTimes(1);
	});

	test('puts out why a task has failed, or fails itself where it has waited for it', async () => {
		const status = inTurn<TaskState>({ ...failed, task: undefined });
		const { run } = open('get', { status });
		expect(jsons(await run())).toMatchObject([
			{ taskId: 't1', status: 'failed', kind: 'moderated', message: 'flagged' },
		]);
		const waiting = open(
			'get',
			{ status: inTurn<TaskState>(pending, failed) },
			{ parameters: { waitForCompletion: true } },
		);
		expect(errors(await waiting.run())).toMatchObject([{ kind: 'moderated', taskId: 't1' }]);
	});

	test('waits for the image where it shall, and downloads it', async () => {
		const status = inTurn<TaskState>(pending, done());
		const { run, urls } = open('get', { status }, { parameters: { waitForCompletion: true } });
		const [item] = await run();
		expect(item).toMatchObject({
			json: { status: 'completed', taskId: 't1' },
			binary: { data: {} },
		});
		expect(urls).toEqual([IMAGE_URL]);
	});

	test('of several images has one item for each, and an error for one that has gone', async () => {
		const images = [{ url: `${IMAGE_URL}?1` }, { base64: 'aGVsbG8=' }];
		const { run } = open('get', { status: inTurn<TaskState>(doneOf(task, { images })) });
		const items = await run();
		expect(items.map(({ json }) => 'error' in json)).toEqual([false, true]);
		expect(errors(items)[1]).toMatchObject({ kind: 'badResponse', taskId: 't1' });
	});

	test('shows no secret, and the response with Simplify off only', async () => {
		const status = () => inTurn<TaskState>({ ...pending, raw: { key: SECRET } });
		const shown = open('get', { status: status() }, { options: { simplify: false } });
		expect(jsons(await shown.run())[0]!.raw).toEqual({ key: '***' });
		const simple = open('get', { status: status() });
		expect(jsons(await simple.run())[0]).not.toHaveProperty('raw');
	});
});

describe('which task it is about', () => {
	/** What the protocol was asked for, or why it was not. */
	async function askedFor(facts: ExecutionFacts & { input?: IDataObject }, taskModel?: string) {
		const { run, protocol, context } = open('get', {}, facts, taskModel);
		const { input } = facts;
		if (input) Object.assign(context, { getInputData: () => [{ json: input }] });
		const [item] = await run();
		const [call] = protocol.status.mock.calls as unknown as Array<[unknown, object]>;
		return call ? call[1] : (item!.json.error as { message: string }).message;
	}

	const TIME = '2026-11-21T12:00:00.000Z';
	const known = { taskId: 't1', model: 'vendor/flux', submittedAt: TIME };
	const nothing = { id: 't1' };

	test.each<[string, IDataObject, object]>([
		['of the same task', known, { id: 't1', model: 'vendor/flux', submittedAt: TIME }],
		['of another task', { ...known, taskId: 't2' }, nothing],
		[
			'with a model that is a path',
			{ ...known, model: '../user' },
			{ id: 't1', submittedAt: TIME },
		],
		['with a model that is no text', { ...known, model: 7 }, { id: 't1', submittedAt: TIME }],
		[
			'with a time that is none',
			{ ...known, submittedAt: 'soon' },
			{ id: 't1', model: 'vendor/flux' },
		],
		[
			'with a time that is no text',
			{ ...known, submittedAt: 7 },
			{ id: 't1', model: 'vendor/flux' },
		],
	])('takes the rest from an item %s', async (_what, input, expected) => {
		expect(JSON.parse(JSON.stringify(await askedFor({ input })))).toEqual(expected);
	});

	test('takes the model from the node where the item has none', async () => {
		expect(await askedFor({}, 'vendor/other')).toMatchObject({ model: 'vendor/other' });
		expect(await askedFor({ input: known }, 'vendor/other')).toMatchObject({
			model: 'vendor/flux',
		});
	});

	test.each<[string, IDataObject, string | undefined]>([
		['its own', { pollUrl: 'https://api.example/tasks/t1' }, 'https://api.example/tasks/t1'],
		["another task's", { pollUrl: 'https://api.example/tasks/t2' }, undefined],
		['none', { pollUrl: '' }, undefined],
	])('is polled at %s address, if any', async (_what, parameters, pollUrl) => {
		expect(((await askedFor({ parameters })) as { pollUrl?: string }).pollUrl).toBe(pollUrl);
	});

	test.each<[IDataObject, string]>([
		[{ taskId: '' }, 'Task ID: must not be empty'],
		[{ taskId: '.' }, 'Task ID: must not be a path'],
		[{ taskId: '..' }, 'Task ID: must not be a path'],
		[{ taskId: 'a\u0000' }, 'Task ID: must not be a path'],
		[{ taskId: '\ud800' }, 'Task ID: must not be a path'],
		[
			{ pollUrl: 'https://elsewhere.example/t1' },
			'Poll URL: is no address of Made-Up that may see the key',
		],
		[
			{ taskId: '', pollUrl: 'https://elsewhere.example/t1' },
			'Task ID: must not be empty; Poll URL: is no address of Made-Up that may see the key',
		],
		[{ waitForCompletion: 'perhaps' }, 'Wait for Completion: must be true or false'],
	])('is refused before anything is asked: %j', async (parameters, message) => {
		expect(await askedFor({ parameters })).toBe(message);
	});

	test.each(['...', 'a.b', 'a/b', ' t1 '])('may be %p', async (taskId) => {
		expect(await askedFor({ parameters: { taskId } })).toMatchObject({ id: taskId.trim() });
	});

	test('is refused where the node would put a path into its address', async () => {
		expect(await askedFor({}, '../user')).toMatch(/^Custom Model: /);
	});
});

describe('Cancel', () => {
	const missing: Failed = { ...failed, kind: 'notFound', lost: 'missing' };
	const cancelled: Failed = { ...failed, kind: 'unavailable', lost: 'cancelled' };
	const unclear: TaskState = { status: 'unclear', task, message: 'odd', raw: {} };
	const refusal = new Flux2Error('notFound', 'no such task');
	const away = new Flux2Error('unavailable', 'away');

	test.each<[string, CancelResult | Error, TaskState | Error, string]>([
		['cancelled', 'cancelled', cancelled, 'cancelled'],
		['cancelled', 'cancelled', missing, 'cancelled'],
		['cancelled', 'cancelled', away, 'cancelled'],
		['cancelled', 'cancelled', pending, 'cancellationRequested'],
		['cancelled', 'cancelled', unclear, 'cancellationRequested'],
		['cancelled', 'cancelled', done(), 'completed'],
		['cancelled', 'cancelled', failed, 'failed'],
		['requested', 'requested', cancelled, 'cancelled'],
		['requested', 'requested', missing, 'cancellationRequested'],
		['requested', 'requested', away, 'cancellationRequested'],
		['requested', 'requested', pending, 'cancellationRequested'],
		['requested', 'requested', done(), 'completed'],
		['an error', refusal, done(), 'completed'],
		['an error', refusal, failed, 'failed'],
		['an error', refusal, cancelled, 'cancelled'],
		['an error', refusal, pending, 'no such task'],
		['an error', refusal, missing, 'no such task'],
		['an error', refusal, away, 'no such task'],
	])('with the response %s', async (_what, cancel, status, expected) => {
		const script = {
			cancel: inTurn<CancelResult>(cancel),
			status: inTurn<TaskState>(status),
		};
		const { run, protocol } = open('cancel', script);
		const [item] = await run();
		const { error, ...json } = item!.json as { error?: { message: string } };
		if (error) expect(error.message).toBe(expected);
		else expect(json).toEqual({ provider: 'made-up', taskId: 't1', status: expected });
		expect([protocol.cancel!.mock.calls.length, protocol.status.mock.calls.length]).toEqual([1, 1]);
	});

	test('is refused where the provider cannot', async () => {
		const { run, protocol } = open('cancel', {});
		expect(errors(await run())).toMatchObject([
			{ message: 'Operation: this service cannot cancel' },
		]);
		expect(protocol.status).not.toHaveBeenCalled();
	});
});

test('a provider without tasks says so', async () => {
	const provider = providerWith({ submit: inTurn([doneOf()]) });
	const parameters = { resource: 'task', operation: 'get', taskId: 't1' };
	const { run } = executionOf(provider, { continues: true, parameters });
	expect(errors(await run())).toMatchObject([{ message: 'Operation: this API has no tasks' }]);
});
