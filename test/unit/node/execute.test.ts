import { ExpressionError, type IDataObject, type INodeExecutionData } from 'n8n-workflow';
import { Flux2Error } from '../../../nodes/shared/core/errors';
import { runItems } from '../../../nodes/shared/node/execute';
import type { ImageRequest } from '../../../nodes/shared/parameters/imageRequest';
import type { FinalState } from '../../../nodes/shared/tasks/protocol';
import {
	doneOf,
	executionOf,
	inTurn,
	newState,
	PNG,
	providerWith,
	SECRET,
	type ExecutionFacts,
} from '../../support/madeUpProvider';

/** One run of the node: credential, order, how many at once, error items, and what n8n learns. */

const image = (): FinalState => doneOf(undefined, { images: [{ base64: PNG.toString('base64') }] });
const prompts = { prompt: (index: number) => `item ${index + 1}` };

/** A run whose items are submitted by this function, which gets the number of the item. */
function open(submitItem: (item: number) => Promise<FinalState>, facts: ExecutionFacts = {}) {
	const submit = jest.fn(async (_client: unknown, { prompt }: ImageRequest) => [
		await submitItem(Number(prompt.split(' ')[1])),
	]);
	const provider = providerWith({ submit });
	const parameters = { ...prompts, ...facts.parameters };
	return { submit, provider, ...executionOf(provider, { ...facts, parameters }) };
}

const errors = (items: INodeExecutionData[]) => items.map(({ json }) => json.error as IDataObject);

/** What the run ends with when it fails. */
const failureOf = async (run: () => Promise<unknown>) =>
	(await run().then(
		() => ({ message: 'no failure' }),
		(error: unknown) => error,
	)) as { message: string; description?: string; context?: IDataObject };

describe('the items of a run', () => {
	test('come out in their order, each linked to its input, however long each takes', async () => {
		const { run } = open(
			async (item) => {
				await new Promise((resolve) => setTimeout(resolve, 40 - 10 * item));
				return image();
			},
			{ items: 3 },
		);
		const items = await run();
		expect(items.map(({ json, pairedItem }) => [json.prompt, pairedItem])).toEqual([
			['item 1', { item: 0 }],
			['item 2', { item: 1 }],
			['item 3', { item: 2 }],
		]);
	});

	test.each([
		[{ maxConcurrent: 3 }, 3],
		[{}, 4],
		[{ maxConcurrent: 'many' }, 0],
		[{ maxConcurrent: '2' }, 2],
	])('are as many at once as Max Concurrent says (%j)', async (options, expected) => {
		let atOnce = 0;
		let most = 0;
		const { run } = open(
			async () => {
				most = Math.max(most, ++atOnce);
				await new Promise((resolve) => setTimeout(resolve, 5));
				atOnce--;
				return image();
			},
			{ items: 8, options, continues: true },
		);
		await run();
		expect(most).toBe(expected);
	});

	test('are none where n8n has stopped the execution before', async () => {
		const { run, submit } = open(async () => image(), { signal: AbortSignal.abort() });
		expect(await run()).toEqual([]);
		expect(submit).not.toHaveBeenCalled();
	});

	test('are those that had come when n8n stopped the execution', async () => {
		const controller = new AbortController();
		const { run, submit } = open(
			async (item) => {
				if (item === 2) controller.abort();
				return await Promise.resolve(image());
			},
			{ items: 5, options: { maxConcurrent: 1 }, signal: controller.signal },
		);
		expect((await run()).map(({ json }) => json.prompt)).toEqual(['item 1', 'item 2']);
		expect(submit).toHaveBeenCalledTimes(2);
	});
});

describe('a failure', () => {
	const failSecond = async (item: number) => {
		if (item === 2) throw new Flux2Error('auth', `The key ${SECRET} is refused`, { httpCode: 401 });
		return await Promise.resolve(image());
	};

	test('is an error item at its place where On Error says so, with one key and no secret', async () => {
		const { run } = open(failSecond, { items: 3, continues: true });
		const items = await run();
		expect(items[1]).toEqual({
			json: {
				error: {
					message: 'The key *** is refused',
					description: expect.any(String),
					kind: 'auth',
					provider: 'made-up',
					model: 'vendor/flux',
					httpCode: 401,
				},
			},
			pairedItem: { item: 1 },
		});
		expect([items[0], items[2]].map((item) => item!.json.status)).toEqual([
			'completed',
			'completed',
		]);
	});

	test('ends the run otherwise, as an error of n8n that names its item; nothing more is submitted', async () => {
		const { run, submit } = open(failSecond, { items: 5, options: { maxConcurrent: 1 } });
		const error = await failureOf(run);
		expect(error).toMatchObject({
			name: 'NodeApiError',
			message: 'The key *** is refused',
			httpCode: '401',
			context: { itemIndex: 1, kind: 'auth' },
		});
		expect(submit).toHaveBeenCalledTimes(2);
	});

	test('that no operation has foreseen is one all the same', async () => {
		const { run } = open(async () => await Promise.reject(new TypeError('odd')), {
			continues: true,
		});
		expect(errors(await run())).toMatchObject([{ message: 'odd', kind: 'badResponse' }]);
	});

	test('of a parameter is reported before anything is sent, without a model that is not known', async () => {
		const parameters = { prompt: (index: number) => (index === 1 ? '' : `item ${index + 1}`) };
		const all = open(async () => image(), { items: 2, parameters });
		expect(await failureOf(all.run)).toMatchObject({
			name: 'NodeOperationError',
			message: 'Prompt: must not be empty',
			context: { itemIndex: 1, kind: 'invalidInput' },
		});
		expect(all.submit).not.toHaveBeenCalled();
		const others = open(async () => image(), { items: 2, parameters, continues: true });
		const items = await others.run();
		expect(errors(items)[1]).not.toHaveProperty('model');
		expect(items[0]!.json.status).toBe('completed');
	});

	test("of an expression is n8n's own error", async () => {
		const parameters = {
			prompt: () => {
				throw new ExpressionError('no such node');
			},
		};
		expect(await failureOf(open(async () => image(), { parameters }).run)).toBeInstanceOf(
			ExpressionError,
		);
		const continued = open(async () => image(), { parameters, continues: true });
		expect(errors(await continued.run())).toMatchObject([
			{ message: 'no such node', kind: 'invalidInput' },
		]);
	});

	test('of an operation that does not exist names it', async () => {
		const parameters = { resource: 'image', operation: 'paint' };
		const { run } = open(async () => image(), { parameters });
		expect((await failureOf(run)).message).toBe('Operation: Made-Up has no "paint" for "image"');
	});
});

describe('what was paid for', () => {
	const places = (nodeContext: IDataObject) =>
		(nodeContext.flux2Checkpoints as { places: object }).places;
	const failFirst = async (item: number) => {
		if (item === 1) throw new Flux2Error('auth', 'no');
		return await Promise.resolve(image());
	};

	test('is forgotten after a run without an error item, and kept after any other', async () => {
		const good = {};
		await open(async () => image(), { items: 2, nodeContext: good }).run();
		expect(places(good)).toEqual({});
		const bad = {};
		await open(failFirst, { items: 2, continues: true, nodeContext: bad }).run();
		expect(Object.values(places(bad)).flat()).toHaveLength(1);
	});

	test('is named by the failure that ends the run: a retry passes it on', async () => {
		const { run } = open(
			async (item) => {
				if (item === 2) await new Promise((resolve) => setTimeout(resolve, 20));
				if (item === 2) throw new Flux2Error('auth', 'no');
				return image();
			},
			{ items: 2 },
		);
		expect((await failureOf(run)).description).toContain(
			'1 other image of this run was already requested.',
		);
	});

	test('is not named to an agent, which has no execution to retry', async () => {
		const { run } = open(
			async (item) => {
				if (item === 2) await new Promise((resolve) => setTimeout(resolve, 20));
				if (item === 2) throw new Flux2Error('auth', 'no');
				return image();
			},
			{ items: 2, isTool: true },
		);
		expect((await failureOf(run)).description).not.toContain('already requested');
	});

	test('names the others whose response was lost', async () => {
		const lost = { maybeBilled: true };
		const { run } = open(async () => await Promise.reject(new Flux2Error('timeout', 'no', lost)), {
			items: 3,
		});
		expect((await failureOf(run)).description).toContain(
			'Also without a usable response: item 2, 3.',
		);
	});
});

describe('a credential', () => {
	const noUrl = { baseUrl: 'nowhere' };

	test('that cannot be used makes each item an error item, or ends the run', async () => {
		for (const [credentials, message] of [
			[noUrl, '"nowhere" is not a URL'],
			[new Error('no such credential'), 'no such credential'],
		] as const) {
			const { run, submit } = open(async () => image(), { items: 2, continues: true, credentials });
			const items = await run();
			expect(errors(items)).toMatchObject([{ message, provider: 'made-up' }, { message }]);
			expect(items.map(({ pairedItem }) => pairedItem)).toEqual([{ item: 0 }, { item: 1 }]);
			const ending = open(async () => image(), { items: 2, credentials });
			expect((await failureOf(ending.run)).message).toBe(message);
			expect([submit.mock.calls.length, ending.submit.mock.calls.length]).toEqual([0, 0]);
		}
	});

	test("that n8n refuses keeps n8n's own error, ours says what to correct", async () => {
		const refused = new Error('no such credential');
		expect(await failureOf(open(async () => image(), { credentials: refused }).run)).toBe(refused);
		const ours = await failureOf(open(async () => image(), { credentials: noUrl }).run);
		expect(ours).toMatchObject({
			description: 'Correct the Base URL in the credential.',
			context: { itemIndex: 0, kind: 'invalidInput' },
		});
	});

	test('is one limiter for all runs that use it at once, and is forgotten afterwards', async () => {
		const state = newState();
		const seen: number[] = [];
		const note = async () => {
			seen.push(state.limiters.size);
			await new Promise((resolve) => setTimeout(resolve, 5));
			return image();
		};
		const credentials = { apiKey: 'another-key-0123456789' };
		await Promise.all([
			open(note, { state }).run(),
			open(note, { state }).run(),
			open(note, { state, credentials }).run(),
		]);
		expect(seen).toEqual([2, 2, 2]);
		await open(note, { state }).run();
		expect(state.limiters.size).toBe(1);
	});

	test('whose items have ended gives back their permits', async () => {
		const state = newState();
		const limited = { items: 6, options: { maxConcurrent: 2 }, state, continues: true };
		await open(async () => await Promise.reject(new Flux2Error('auth', 'no')), limited).run();
		expect(await open(async () => image(), limited).run()).toHaveLength(6);
	});
});

test('what n8n learns of a run: hints in the editor, facts in its traces; nothing of one that was stopped', async () => {
	const reported = async (facts: ExecutionFacts = {}) => {
		const { run, context } = open(async () => image(), facts);
		const addExecutionHints = jest.fn();
		const setMetadata = jest.fn();
		Object.assign(context, { addExecutionHints, setMetadata });
		await run();
		return [addExecutionHints.mock.calls.length, setMetadata.mock.calls.length];
	};
	expect(await reported()).toEqual([1, 1]);
	expect(await reported({ isTool: true })).toEqual([0, 1]);
	expect(await reported({ credentials: { baseUrl: 'nowhere' }, continues: true })).toEqual([1, 1]);
	const controller = new AbortController();
	const submitItem = async () => {
		controller.abort();
		return await Promise.resolve(image());
	};
	const { run, context } = open(submitItem, { signal: controller.signal });
	const setMetadata = jest.fn();
	Object.assign(context, { setMetadata });
	await run();
	expect(setMetadata).not.toHaveBeenCalled();
});

test('a run leaves no listener on the signal of n8n, and closes the streams of events', async () => {
	const controller = new AbortController();
	const remove = jest.spyOn(controller.signal, 'removeEventListener');
	const close = jest.fn();
	const events = {
		scope: 'run' as const,
		open: () => ({
			ready: Promise.resolve(),
			isConnected: false,
			next: async () => await Promise.resolve(undefined),
			close,
		}),
	};
	const protocol = { submit: inTurn([image()]), status: inTurn(image()), events };
	await executionOf(providerWith(protocol), { signal: controller.signal }).run();
	expect(remove).toHaveBeenCalledWith('abort', expect.any(Function));
	expect(close).toHaveBeenCalledTimes(1);
});

test('older hosts know neither tools nor a signal', async () => {
	const { provider, context } = open(async () => image());
	Object.assign(context, { isToolExecution: undefined, getExecutionCancelSignal: () => undefined });
	expect(await runItems(context, provider, newState())).toMatchObject([
		[{ json: { status: 'completed' } }],
	]);
});
