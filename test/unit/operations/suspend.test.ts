import type { IDataObject } from 'n8n-workflow';
import { generateOrSuspend } from '../../../nodes/shared/operations/suspend';
import { completion } from '../../../nodes/shared/parameters/options';
import type { ImageRequest } from '../../../nodes/shared/parameters/imageRequest';
import type { TaskState } from '../../../nodes/shared/tasks/protocol';
import {
	doneOf,
	executionOf,
	inTurn,
	providerWith,
	taskOf,
	type ExecutionFacts,
} from '../../support/madeUpProvider';

/** Image: Generate with How to Wait = Callback: set aside until the provider calls. */

const task = taskOf();
const RESUME_URL = 'https://n8n.example/webhook-waiting/7';

interface Host {
	resumeUrl?: string;
	state?: TaskState;
}

function open({ resumeUrl = RESUME_URL, state }: Host = {}, facts: ExecutionFacts = {}) {
	const submit = jest.fn(
		async (_client: unknown, _request: ImageRequest) =>
			await Promise.resolve([state ?? { status: 'pending' as const, task, raw: {} }]),
	);
	const protocol = { submit, status: inTurn<TaskState>(doneOf(task)) };
	const howToWait = completion('Made-Up');
	const operations = { 'image:generate': generateOrSuspend(howToWait) };
	const provider = providerWith(protocol, { operations, options: [howToWait] });
	const options = { completion: 'callback', ...facts.options };
	const execution = executionOf(provider, { continues: true, ...facts, options });
	const data: { main: unknown } = { main: [[{ json: { the: 'input' } }]] };
	const putExecutionToWait = jest.fn(async (_until: Date) => await Promise.resolve());
	Object.assign(execution.context, {
		getWorkflowDataProxy: () => ({ $runIndex: 0, $execution: { resumeUrl } }),
		getExecuteData: () => ({ data }),
		putExecutionToWait,
	});
	const messageOf = async () => {
		const [item] = await execution.run();
		return (item!.json.error as { message: string } | undefined)?.message;
	};
	return { ...execution, submit, protocol, data, putExecutionToWait, messageOf };
}

describe('an execution that is set aside', () => {
	test('puts out its task, which is also what n8n goes on with when nobody calls', async () => {
		const { run, data, protocol } = open();
		const [item] = await run();
		const expected = {
			json: {
				provider: 'made-up',
				model: 'vendor/flux',
				taskId: 't1',
				submittedAt: task.submittedAt,
			},
			pairedItem: { item: 0 },
		};
		expect(item).toEqual(expected);
		expect(data.main).toEqual([[expected]]);
		expect(protocol.status).not.toHaveBeenCalled();
	});

	test('has kept as text what is needed to go on, and no other option', async () => {
		const nodeContext: IDataObject = {};
		const options = { seed: 7, fileName: 'fox', customBody: '{"large": true}', timeout: 100 };
		const { run, submit } = open({}, { nodeContext, options });
		await run();
		const { callback } = submit.mock.calls[0]![1];
		expect(callback).toEqual({ url: RESUME_URL, secret: expect.stringMatching(/^[0-9a-f]{48}$/) });
		const { settings, ...saved } = JSON.parse(nodeContext.flux2Suspended as string) as {
			settings: Array<[string, unknown]>;
		};
		expect(saved).toEqual({
			version: 1,
			task,
			baseUrl: 'https://api.example',
			secret: callback!.secret,
			prompt: 'A fox',
			seed: 7,
		});
		expect(Object.fromEntries(settings)).toMatchObject({ fileName: 'fox', timeout: 100 });
		expect(settings.map(([name]) => name)).not.toContain('customBody');
	});

	test('has a secret of its own for each request', async () => {
		const [one, two] = [open(), open()];
		await Promise.all([one.run(), two.run()]);
		const [first, second] = [one, two].map(
			({ submit }) => submit.mock.calls[0]![1].callback!.secret,
		);
		expect(first).not.toBe(second);
	});

	test.each([
		[{}, 300],
		[{ timeout: 3600 }, 3600],
	])('waits for five minutes, or as long as Timeout says (%j)', async (options, seconds) => {
		jest.useFakeTimers({ now: Date.parse('2026-11-21T12:00:00Z') });
		const { run, putExecutionToWait } = open({}, { options });
		await run();
		expect(putExecutionToWait.mock.calls).toEqual([[new Date(Date.now() + seconds * 1000)]]);
		jest.useRealTimers();
	});

	test('that cannot be set aside names its task, and how to get its image', async () => {
		const { run, context } = open();
		Object.assign(context, {
			putExecutionToWait: async () => await Promise.reject(new Error('the database is away')),
		});
		const [item] = await run();
		expect(item!.json.error).toMatchObject({ message: 'the database is away', taskId: 't1' });
		expect((item!.json.error as IDataObject).description).toContain('operation Get');
	});
});

describe('is not set aside', () => {
	test('where it polls', async () => {
		const { run, submit, putExecutionToWait } = open({}, { options: { completion: 'poll' } });
		expect(await run()).toMatchObject([{ json: { status: 'completed' } }]);
		expect(submit.mock.calls[0]![1].callback).toBeUndefined();
		expect(putExecutionToWait).not.toHaveBeenCalled();
	});

	test('where the image is there at once', async () => {
		const { run, putExecutionToWait } = open({ state: doneOf(task) });
		expect(await run()).toMatchObject([{ json: { status: 'completed' } }]);
		expect(putExecutionToWait).not.toHaveBeenCalled();
	});

	test('where an earlier run has submitted: the provider would call that one', async () => {
		const nodeContext = {};
		const facts = {
			nodeContext,
			downloads: [new Error('blocked')],
			options: { completion: 'poll' },
		};
		await open({}, facts).run();
		const again = open({}, { nodeContext });
		expect(await again.run()).toMatchObject([{ json: { status: 'completed' } }]);
		expect([again.submit.mock.calls.length, again.putExecutionToWait.mock.calls.length]).toEqual([
			0, 0,
		]);
	});

	test('where n8n has stopped it while it submitted', async () => {
		const controller = new AbortController();
		const { run, submit, putExecutionToWait } = open({}, { signal: controller.signal });
		submit.mockImplementation(async () => {
			controller.abort();
			return await Promise.resolve([{ status: 'pending' as const, task, raw: {} }]);
		});
		expect(await run()).toEqual([]);
		expect(putExecutionToWait).not.toHaveBeenCalled();
	});
});

describe('is refused before anything is paid', () => {
	test('for several items', async () => {
		const { messageOf, submit } = open({}, { items: 2 });
		expect(await messageOf()).toBe(
			'How to Wait: Callback suspends the whole execution, so it takes one item at a time, and there are 2; choose Poll, or put a Loop Over Items node in front',
		);
		expect(submit).not.toHaveBeenCalled();
	});

	test("for an agent's tool", async () => {
		const { messageOf } = open({}, { isTool: true });
		expect(await messageOf()).toBe("How to Wait: an agent's tool cannot be suspended; choose Poll");
	});

	const LOCAL = 'http://127.0.0.1:1';

	test.each([
		['https://n8n.example/7', 'https://api.example', true],
		['http://n8n.example/7', 'https://api.example', false],
		['https://localhost/7', 'https://api.example', false],
		['http://localhost:5678/7', 'https://api.example', false],
		['http://localhost:5678/7', LOCAL, true],
		['https://n8n.example/7', LOCAL, true],
		['http://n8n.example/7', LOCAL, false],
	])('where %s cannot be called from %s (%p)', async (resumeUrl, baseUrl, isReachable) => {
		const { messageOf } = open({ resumeUrl }, { credentials: { baseUrl } });
		expect(await messageOf()).toBe(
			isReachable
				? undefined
				: `How to Wait: Made-Up cannot call ${new URL(resumeUrl).origin}; set n8n's WEBHOOK_URL to its public https address, or choose Poll`,
		);
	});
});
