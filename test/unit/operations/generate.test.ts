import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import { Flux2Error, type ErrorKind } from '../../../nodes/shared/core/errors';
import type { ApiClient } from '../../../nodes/shared/http/types';
import type { Checkpoint } from '../../../nodes/shared/tasks/checkpoints';
import type {
	AsyncProtocol,
	Done,
	Failed,
	Task,
	TaskState,
} from '../../../nodes/shared/tasks/protocol';
import {
	doneOf,
	executionOf,
	IMAGE_URL,
	inTurn,
	newState,
	PNG,
	providerWith,
	SECRET,
	taskOf,
	type ExecutionFacts,
} from '../../support/madeUpProvider';

/** Image: Generate, from the submit to the stored image, and what a later run makes of what an earlier one has left. */

const task = taskOf();
const pending: TaskState = { status: 'pending', task, raw: {} };
const done = () => doneOf(task);
const failedWith = (kind: ErrorKind, more: Partial<Failed> = {}): Failed => ({
	status: 'failed',
	task,
	kind,
	message: 'no luck',
	raw: {},
	...more,
});

interface Script {
	submit?: AsyncProtocol['submit'];
	status?: AsyncProtocol['status'];
	cancel?: AsyncProtocol['cancel'];
}

const protocolOf = ({ submit, status, cancel }: Script) => ({
	submit: jest.fn(submit ?? inTurn([pending])),
	status: jest.fn(status ?? inTurn<TaskState>(done())),
	...(cancel && { cancel: jest.fn(cancel) }),
});

/** One execution with that provider; errors are items. */
function open(script: Script, facts: ExecutionFacts = {}, lifetimeMs?: number) {
	const protocol = protocolOf(script);
	const more = lifetimeMs === undefined ? {} : { imageUrlLifetimeMs: lifetimeMs };
	const provider = providerWith(protocol, more);
	return { protocol, ...executionOf(provider, { continues: true, ...facts }) };
}

const jsons = (items: INodeExecutionData[]) => items.map(({ json }) => json);
const errors = (items: INodeExecutionData[]) =>
	jsons(items).map(({ error }) => error as IDataObject);

const checkpointsIn = (nodeContext: IDataObject) =>
	Object.values(
		(nodeContext.flux2Checkpoints as unknown as { places: Record<string, Checkpoint[]> }).places,
	).flat();

describe('an image', () => {
	test('is submitted, polled until it is there, downloaded and stored', async () => {
		const status = inTurn<TaskState>(pending, done());
		const nodeContext = {};
		const { run, protocol, urls, files } = open({ status }, { nodeContext });
		const items = await run();

		expect(items).toEqual([
			{
				json: expect.objectContaining({
					provider: 'made-up',
					model: 'vendor/flux',
					status: 'completed',
					taskId: 't1',
					prompt: 'A fox',
					image: {
						width: 1,
						height: 1,
						mimeType: 'image/png',
						fileSize: PNG.length,
						url: IMAGE_URL,
					},
					timing: expect.objectContaining({ submittedAt: task.submittedAt, polls: 2 }) as object,
				}) as object,
				binary: { data: expect.objectContaining({ mimeType: 'image/png' }) as object },
				pairedItem: { item: 0 },
			},
		]);
		expect([protocol.submit.mock.calls.length, protocol.status.mock.calls.length]).toEqual([1, 2]);
		expect(urls).toEqual([IMAGE_URL]);
		expect(files.map(({ bytes }) => bytes)).toEqual([PNG]);
		expect(checkpointsIn(nodeContext)).toEqual([]);
	});

	test('that is in the response to the submit is asked for nowhere', async () => {
		const image = { base64: PNG.toString('base64') };
		const { run, protocol, urls } = open({
			submit: inTurn([doneOf(undefined, { images: [image] })]),
		});
		const [item] = await run();

		expect(item!.json).toMatchObject({ status: 'completed', prompt: 'A fox' });
		expect(item!.json).not.toHaveProperty('taskId');
		expect([protocol.status.mock.calls.length, urls]).toEqual([0, []]);
	});

	test('of several in one response is an item with a name of its own; one of one has no number', async () => {
		const images = [{ url: IMAGE_URL }, { url: `${IMAGE_URL}?2` }];
		const options = { fileName: 'fox' };
		const two = open({ status: inTurn<TaskState>(doneOf(task, { images })) }, { options });
		const items = await two.run();

		expect(jsons(items).map(({ image }) => (image as IDataObject).url)).toEqual([
			IMAGE_URL,
			`${IMAGE_URL}?2`,
		]);
		expect(two.files.map(({ fileName }) => fileName).sort()).toEqual(['fox-1.png', 'fox-2.png']);
		expect(items.map(({ pairedItem }) => pairedItem)).toEqual([{ item: 0 }, { item: 0 }]);
		const one = open({}, { options });
		await one.run();
		expect(one.files.map(({ fileName }) => fileName)).toEqual(['fox.png']);
	});

	test('of several tasks of one submit is an item too, in their order, without the seed that they share', async () => {
		const tasks = ['t1', 't2', 't3'].map(taskOf);
		const submit = inTurn(
			tasks.map((one): TaskState => ({ status: 'pending', task: one, raw: {} })),
		);
		const status = async (_client: ApiClient, { id }: Task): Promise<TaskState> => {
			if (id === 't1') await new Promise((resolve) => setTimeout(resolve, 30));
			return doneOf(taskOf(id));
		};
		const { run } = open({ submit, status }, { options: { seed: 7 } });
		const items = jsons(await run());

		expect(items.map(({ taskId }) => taskId)).toEqual(['t1', 't2', 't3']);
		expect(items.filter((json) => 'seed' in json)).toEqual([]);
		const single = open({}, { options: { seed: 7 } });
		expect(jsons(await single.run())[0]).toMatchObject({ seed: 7 });
	});

	test('shows the response with Simplify off only, and no secret', async () => {
		const status = inTurn<TaskState>(doneOf(task, { raw: { key: SECRET } }));
		const shown = open({ status }, { options: { simplify: false } });
		expect(jsons(await shown.run())[0]!.raw).toEqual({ key: '***' });
		const simple = open({ status: inTurn<TaskState>(doneOf(task, { raw: { key: SECRET } })) });
		expect(jsons(await simple.run())[0]).not.toHaveProperty('raw');
	});
});

describe('how long it takes is learnt', () => {
	const learnt = async (
		options: Record<string, unknown>,
		script: Script = {},
		nodeContext = {},
	) => {
		const state = newState();
		await open(script, { options, state, nodeContext }).run();
		return [...state.durations].map(([key, { count }]) => [key, count]);
	};

	test.each<[Record<string, unknown>, string]>([
		[{}, 'automatic size'],
		[{ width: 1024 }, 'automatic size'],
		[{ width: 1024, height: 1024 }, '1 MP'],
		[{ width: 256, height: 256 }, '1 MP'],
		[{ width: 1920, height: 1280 }, '2 MP'],
	])('by provider, model and size (%j)', async (options, size) => {
		expect(await learnt(options)).toEqual([[`made-up vendor/flux ${size}`, 1]]);
	});

	test('not from a task that an earlier run has submitted', async () => {
		const nodeContext = {};
		const gone = open({}, { nodeContext, downloads: [new Error('blocked')] });
		await gone.run();
		expect(await learnt({}, {}, nodeContext)).toEqual([]);
	});
});

describe('a task that the provider itself calls failed', () => {
	test.each<[ErrorKind, number, number]>([
		['unavailable', 2, 2],
		['credits', 2, 2],
		['moderated', 1, 1],
		['invalidInput', 1, 1],
		['badResponse', 1, 2],
	])(
		'as %s is submitted %d times by two runs of one execution, %d times with a run of another one',
		async (kind, inOne, inAnother) => {
			const nodeContext = {};
			const first = open({ status: inTurn<TaskState>(failedWith(kind)) }, { nodeContext });
			expect(errors(await first.run())).toMatchObject([{ kind, message: 'no luck', taskId: 't1' }]);
			const same = open({ status: inTurn<TaskState>(failedWith(kind)) }, { nodeContext });
			expect(errors(await same.run())).toMatchObject([{ kind, message: 'no luck', taskId: 't1' }]);
			expect(1 + same.protocol.submit.mock.calls.length).toBe(inOne);
			const afterwards = open({}, { nodeContext, executionId: '8' });
			await afterwards.run();
			const others = afterwards.protocol.submit.mock.calls.length;
			expect(others).toBe(inAnother > 1 ? 1 : 0);
		},
	);

	test('in the response to the submit is never polled', async () => {
		const { run, protocol } = open({ submit: inTurn([failedWith('unavailable')]) });
		expect(errors(await run())).toMatchObject([{ kind: 'unavailable', taskId: 't1' }]);
		expect(protocol.status).not.toHaveBeenCalled();
	});

	test('beside a good one of the same request costs only itself, and is kept beside it', async () => {
		const nodeContext = {};
		const submit = inTurn([pending, failedWith('unavailable', { task: taskOf('t2') })]);
		const first = open({ submit }, { nodeContext });
		const items = await first.run();
		expect(items.map(({ json }) => 'error' in json)).toEqual([false, true]);
		const again = open({ submit }, { nodeContext });
		expect((await again.run()).map(({ json }) => 'error' in json)).toEqual([false, true]);
		expect([again.protocol.submit.mock.calls.length, again.urls]).toEqual([0, []]);
	});
});

describe.each(['missing', 'cancelled'] as const)('a task that is %s', (lost) => {
	const gone = () => failedWith('notFound', { lost, task: { id: 't1' } });
	// a task without a time of its submit is believed to be missing at once
	const submit = inTurn<TaskState[]>([{ status: 'pending', task: { id: 't1' }, raw: {} }]);

	test('is kept in its execution; another one asks once more, and submits anew where it is still gone', async () => {
		const nodeContext = {};
		const first = open({ submit, status: inTurn<TaskState>(gone()) }, { nodeContext });
		expect(errors(await first.run())).toMatchObject([
			{ message: 'no luck', description: expect.stringContaining('not submitted again by itself') },
		]);
		const same = open({ submit, status: inTurn<TaskState>(gone()) }, { nodeContext });
		await same.run();
		expect(same.protocol.submit).not.toHaveBeenCalled();
		expect(same.protocol.status).toHaveBeenCalled();
		const status = inTurn<TaskState>(gone(), doneOf(taskOf('t2')));
		const other = open({ submit, status }, { nodeContext, executionId: '8' });
		expect(jsons(await other.run())).toMatchObject([{ status: 'completed', taskId: 't2' }]);
		expect(other.protocol.submit).toHaveBeenCalledTimes(1);
	});

	test('and comes back for another execution is not submitted anew', async () => {
		const nodeContext = {};
		await open({ submit, status: inTurn<TaskState>(gone()) }, { nodeContext }).run();
		const other = open({ submit }, { nodeContext, executionId: '8' });
		expect(jsons(await other.run())).toMatchObject([{ status: 'completed', taskId: 't1' }]);
		expect(other.protocol.submit).not.toHaveBeenCalled();
	});
});

describe('a submit that fails', () => {
	const refusal = new Flux2Error('invalidInput', 'no such size');
	const moderation = new Flux2Error('moderated', 'flagged');
	const uncertain = new Flux2Error('timeout', 'too late', { maybeBilled: true });

	test.each<[string, Error, { same: number; other: number }]>([
		['for good', refusal, { same: 1, other: 1 }],
		['by a filter', moderation, { same: 0, other: 0 }],
		['without anybody knowing', uncertain, { same: 0, other: 1 }],
		['by a mistake', new TypeError('odd'), { same: 0, other: 1 }],
	])('%s is sent again only where that costs nothing', async (_how, error, { same, other }) => {
		const nodeContext = {};
		const first = open({ submit: inTurn<TaskState[]>(error) }, { nodeContext });
		const [reported] = errors(await first.run());
		expect(reported!.message).toBe(error.message);
		const again = open({}, { nodeContext });
		const result = await again.run();
		expect(again.protocol.submit).toHaveBeenCalledTimes(same);
		if (same === 0) expect(errors(result)[0]).toEqual(reported);
		const context = JSON.parse(JSON.stringify(nodeContext)) as IDataObject;
		const later = open({}, { nodeContext: same === 0 ? context : {}, executionId: '8' });
		await later.run();
		expect(later.protocol.submit).toHaveBeenCalledTimes(other);
	});
});

describe('an image that cannot be downloaded', () => {
	test('is asked for once more, and downloaded from where it is then', async () => {
		const moved = doneOf(task, { images: [{ url: `${IMAGE_URL}?moved` }] });
		const status = inTurn<TaskState>(done(), moved);
		const { run, urls, protocol } = open({ status }, { downloads: [404, PNG] });

		expect(jsons(await run())).toMatchObject([{ image: { url: `${IMAGE_URL}?moved` } }]);
		expect([urls, protocol.status.mock.calls.length]).toEqual([
			[IMAGE_URL, `${IMAGE_URL}?moved`],
			2,
		]);
	});

	test('of several is asked for at its own place', async () => {
		const images = (suffix: string) => [
			{ url: `${IMAGE_URL}?1${suffix}` },
			{ url: `${IMAGE_URL}?2${suffix}` },
		];
		const status = inTurn<TaskState>(
			doneOf(task, { images: images('') }),
			doneOf(task, { images: images('b') }),
		);
		const { run } = open({ status }, { downloads: [404, 404, PNG] });
		const urls = jsons(await run()).map(({ image }) => (image as IDataObject).url);
		expect(urls).toEqual([`${IMAGE_URL}?1b`, `${IMAGE_URL}?2b`]);
	});

	test('is tried once more at the same address where the task has no other, or cannot be asked', async () => {
		for (const second of [pending, new Flux2Error('auth', 'no')]) {
			const status = inTurn<TaskState>(done(), second);
			const { run, urls } = open({ status }, { downloads: [404, PNG] });
			expect(jsons(await run())).toMatchObject([{ status: 'completed' }]);
			expect(urls).toEqual([IMAGE_URL, IMAGE_URL]);
		}
	});

	test('is reported with its task, kept, and asked for again first thing by the next run', async () => {
		const nodeContext = {};
		const first = open({}, { nodeContext, downloads: [404] });
		const [error] = errors(await first.run());
		expect(error).toMatchObject({ kind: 'expired', taskId: 't1', httpCode: 404 });
		expect(error!.description).toContain('resource Task, operation Get');
		expect(first.urls).toHaveLength(2);
		const again = open({}, { nodeContext });
		expect(jsons(await again.run())).toMatchObject([{ status: 'completed', taskId: 't1' }]);
		expect(again.protocol.submit).not.toHaveBeenCalled();
		expect(again.protocol.status).toHaveBeenCalledTimes(1);
		expect(again.urls).toHaveLength(1);
	});

	const old = (ms: number) => ({ readyAt: new Date(Date.now() - ms).toISOString() });

	test.each<[string, number, number | undefined, boolean]>([
		['within the ten minutes that are assumed', 590_000, undefined, false],
		['after the ten minutes that are assumed', 601_000, undefined, true],
		['within the time that the provider names', 3_590_000, 3_600_000, false],
		['after the time that the provider names', 3_601_000, 3_600_000, true],
	])('%s counts as lost or not', async (_when, ageMs, lifetimeMs, isLost) => {
		const nodeContext = {};
		const status = inTurn<TaskState>(doneOf(task, old(ageMs)));
		const facts = { nodeContext, downloads: [403] };
		const [error] = errors(await open({ status }, facts, lifetimeMs).run());
		expect(JSON.stringify(error).includes('not submitted again by itself')).toBe(isLost);
		const later = open(
			{ status: inTurn<TaskState>(doneOf(task, old(ageMs))) },
			{ ...facts, executionId: '8' },
			lifetimeMs,
		);
		await later.run();
		expect(later.protocol.submit).toHaveBeenCalledTimes(isLost ? 1 : 0);
	});

	test('because its host is away is never lost', async () => {
		const nodeContext = {};
		const status = inTurn<TaskState>(doneOf(task, old(601_000)));
		const facts = { nodeContext, downloads: [new Error('blocked')] };
		const [error] = errors(await open({ status }, facts).run());
		expect(error!.description).not.toContain('not submitted again by itself');
	});

	test('and has no task is reported with its address', async () => {
		const submit = inTurn([doneOf(undefined)]);
		const { run, urls } = open({ submit }, { downloads: [400] });
		const [error] = errors(await run());
		expect(error!.description).toContain(`The image is at ${IMAGE_URL} for a short time.`);
		expect(urls).toHaveLength(2);
		const gone = open({ submit }, { downloads: [404] });
		const [expired] = errors(await gone.run());
		expect(expired!.description).not.toContain(IMAGE_URL);
	});

	test('is not tried again where it was no host that failed', async () => {
		const submit = inTurn([doneOf(undefined)]);
		const { run, urls } = open({ submit }, { downloads: [new Error('blocked')] });
		expect(errors(await run())).toMatchObject([{ kind: 'unavailable' }]);
		expect(urls).toHaveLength(1);
	});

	test('and came as bytes that are none is uncertain: reported again, and paid for by a person only', async () => {
		const nodeContext = {};
		const submit = inTurn([doneOf(undefined, { images: [{ base64: 'aGVsbG8=' }] })]);
		const [error] = errors(await open({ submit }, { nodeContext }).run());
		expect(error).toMatchObject({ kind: 'badResponse' });
		expect(error!.description).toContain('not submitted again by itself');
		const again = open({ submit }, { nodeContext });
		expect(errors(await again.run())).toEqual([error]);
		expect(again.protocol.submit).not.toHaveBeenCalled();
		const other = open({}, { nodeContext, executionId: '8' });
		await other.run();
		expect(other.protocol.submit).toHaveBeenCalledTimes(1);
	});

	test('and came as bytes that n8n could not store is stored by the next run', async () => {
		const nodeContext = {};
		const submit = inTurn([doneOf(undefined, { images: [{ base64: PNG.toString('base64') }] })]);
		const first = open({ submit }, { nodeContext });
		Object.assign(first.context.helpers, {
			prepareBinaryData: async () => await Promise.reject(new Error('the disk is full')),
		});
		expect(errors(await first.run())).toMatchObject([{ message: 'the disk is full' }]);
		const again = open({ submit }, { nodeContext });
		expect(jsons(await again.run())).toMatchObject([{ status: 'completed' }]);
		expect(again.protocol.submit).not.toHaveBeenCalled();
	});
});

test('what is stored comes out again without being asked for, beside an item that is tried anew', async () => {
	const nodeContext = {};
	const submit = jest.fn(
		async (_client: ApiClient, { prompt }: { prompt: string }) =>
			await Promise.resolve([{ status: 'pending' as const, task: taskOf(prompt), raw: {} }]),
	);
	const parameters = { prompt: (index: number) => `item ${index}` };
	const status = async (_client: ApiClient, { id }: Task) =>
		await Promise.resolve(id === 'item 1' ? failedWith('unavailable') : doneOf(taskOf(id)));
	const facts = { nodeContext, parameters, items: 3 };
	const script = {
		submit: submit as AsyncProtocol['submit'],
		status: status as AsyncProtocol['status'],
	};
	const first = open(script, facts);
	const firstItems = await first.run();
	expect(firstItems.map(({ json }) => 'error' in json)).toEqual([false, true, false]);
	const again = open({ ...script, status: inTurn<TaskState>(doneOf(taskOf('item 1'))) }, facts);
	const items = await again.run();

	expect(items.map(({ json }) => json.status)).toEqual(['completed', 'completed', 'completed']);
	expect([items[0], items[2]]).toEqual([firstItems[0], firstItems[2]]);
	expect([submit.mock.calls.length, again.urls.length]).toEqual([4, 1]);
});

describe('a stop', () => {
	const running = { status: inTurn<TaskState>(pending), cancel: inTurn<'cancelled'>('cancelled') };

	test('by n8n cancels the running task, under a signal that is not the stopped one', async () => {
		const controller = new AbortController();
		const nodeContext = {};
		const { run, protocol } = open(running, { signal: controller.signal, nodeContext });
		const ended = run();
		while (protocol.status.mock.calls.length === 0)
			await new Promise((next) => setTimeout(next, 1));
		controller.abort();

		expect(await ended).toEqual([]);
		expect(protocol.cancel!.mock.calls.map((call) => call[1])).toEqual([task]);
		const [client, , signal] = protocol.cancel!.mock.calls[0] as unknown as [
			ApiClient,
			Task,
			AbortSignal,
		];
		expect([client.cancelSignal.aborted, signal.aborted]).toEqual([false, false]);
		// a later run resumes it
		expect(checkpointsIn(nodeContext).map(({ results }) => results)).toMatchObject([
			[{ state: 'pending', task: { id: 't1' } }],
		]);
	});

	test('because another item has failed cancels nothing: a retry resumes the task', async () => {
		const submit = async (_client: ApiClient, { prompt }: { prompt: string }) => {
			if (prompt === 'item 0') return await Promise.resolve([pending]);
			await new Promise((resolve) => setTimeout(resolve, 20));
			throw new Flux2Error('auth', 'no');
		};
		const { run, protocol } = open(
			{ ...running, submit },
			{ items: 2, continues: false, parameters: { prompt: (index: number) => `item ${index}` } },
		);
		await expect(run()).rejects.toThrow('no');
		expect(protocol.cancel).not.toHaveBeenCalled();
	});

	test('while the image is downloaded cancels nothing, and the next run downloads it', async () => {
		const controller = new AbortController();
		const nodeContext = {};
		const { run, protocol, context } = open(
			{ cancel: running.cancel },
			{ signal: controller.signal, nodeContext },
		);
		Object.assign(context.helpers, {
			httpRequest: async () => {
				controller.abort();
				return await new Promise(() => {});
			},
		});
		expect(await run()).toEqual([]);
		expect(protocol.cancel).not.toHaveBeenCalled();
		const again = open({}, { nodeContext });
		expect(jsons(await again.run())).toMatchObject([{ status: 'completed' }]);
		expect(again.protocol.submit).not.toHaveBeenCalled();
	});

	test('is no failure where the provider refuses to cancel', async () => {
		const controller = new AbortController();
		const cancel = inTurn<'cancelled'>(new Flux2Error('notFound', 'no'));
		const { run, protocol } = open({ ...running, cancel }, { signal: controller.signal });
		const ended = run();
		while (protocol.status.mock.calls.length === 0)
			await new Promise((next) => setTimeout(next, 1));
		controller.abort();
		expect(await ended).toEqual([]);
		await new Promise((resolve) => setImmediate(resolve));
	});
});

test('a task that takes too long is reported with its ID, and resumed by the next run', async () => {
	const nodeContext = {};
	jest.useFakeTimers();
	const first = open(
		{ status: inTurn<TaskState>(pending) },
		{ nodeContext, options: { timeout: 3 } },
	);
	const ended = first.run();
	await jest.advanceTimersByTimeAsync(4000);
	expect(errors(await ended)).toMatchObject([{ kind: 'timeout', taskId: 't1' }]);
	jest.useRealTimers();
	const again = open({}, { nodeContext });
	expect(jsons(await again.run())).toMatchObject([{ status: 'completed' }]);
	expect(again.protocol.submit).not.toHaveBeenCalled();
});

test('what is said about a price when the task is accepted is what the item costs', async () => {
	const price = { cost: { amount: 0.03, currency: 'USD' } };
	const quoted: Done = doneOf({ ...task, price });
	const { run } = open({ status: inTurn<TaskState>(quoted) });
	expect(jsons(await run())).toMatchObject([{ cost: price.cost }]);
});
