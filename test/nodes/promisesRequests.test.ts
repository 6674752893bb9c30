import {
	generating,
	items,
	NODE,
	openLab,
	imagesIn,
	imagesOf,
	prompts,
	QUICK,
	until,
	type Lab,
	type NodeUnderTest,
} from '../support/lab';
import { LANES } from '../support/lanes';
import { placed } from '../support/placed';

/** Promise 1 for what expressions yield: one request is paid for once, and nothing is paid before all is checked. */

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

/** The attempts of one run: the task is asked for its image once more, and they start anew. */
const DOWNLOADS = 8;
const SMALL = { width: 256, height: 256, ...QUICK };
const RANDOM = '={{ Math.floor(Math.random() * 1e9) }}';

const bfl = (options: Record<string, unknown> = SMALL): NodeUnderTest => ({
	type: 'flux2Bfl',
	parameters: { prompt: '={{ $json.prompt }}', ...placed('flux2Bfl', options) },
});

const submitted = async () => {
	const node = bfl({ width: 256, height: 256 });
	Object.assign(node.parameters, { resource: 'task', operation: 'submit' });
	return (await lab.run(node, { items: prompts(2) })).items(NODE).map(({ json }) => json);
};

const bodies = () => lab.emulator.ledger.submissions.map(({ body }) => body as { seed: number });

describe('an expression that yields another value at each try', () => {
	const retrying = { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 };

	test('is no new request to Retry On Fail, and the item names the value that was sent', async () => {
		lab.emulator.rule(
			{ route: 'download', prompt: /^item 2$/, times: DOWNLOADS },
			{ status: 500, headers: { 'retry-after': '0.01' } },
		);
		const node: NodeUnderTest = { ...bfl({ ...SMALL, seed: RANDOM }), settings: retrying };
		const run = await lab.run(node, { items: prompts(3) });

		expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(3)));
		expect(bodies()).toHaveLength(3);
		const seeds = new Map(
			lab.emulator.ledger.submissions.map(({ prompt }, index) => [prompt, bodies()[index]!.seed]),
		);
		expect(run.items(NODE).map(({ json }) => json.seed)).toEqual(
			prompts(3).map(({ json }) => seeds.get(json.prompt as string)),
		);
	});

	test('does not send again a call whose response was lost', async () => {
		lab.emulator.rule({ route: 'cloudflare.run' }, { reset: 'midBody', accepted: true });
		const parameters = {
			...LANES.catalogue.parameters,
			prompt: 'a lost response',
			options: { seed: RANDOM },
		};
		const run = await lab.run(
			{ type: 'flux2Cloudflare', parameters, settings: retrying },
			{ items: prompts(1) },
		);

		expect(run.error?.description).toContain('Nobody knows whether this request was billed');
		expect(bodies()).toHaveLength(1);
	});

	test('is a new request when a person retries the execution', async () => {
		lab.emulator.rule(
			{ route: 'download', times: DOWNLOADS },
			{ status: 500, headers: { 'retry-after': '0.01' } },
		);
		const node = bfl({ ...SMALL, seed: RANDOM });
		const failed = await lab.run(node, { items: prompts(1) });
		expect(failed.status).toBe('error');
		await lab.retry(failed, node);

		expect(bodies()).toHaveLength(2);
	});
});

test('what only two parameters together make impossible is reported before any item is paid for', async () => {
	const run = await lab.run(
		{
			type: 'flux2Oxen',
			parameters: {
				prompt: '={{ $json.prompt }}',
				...placed('flux2Oxen', {
					...QUICK,
					maxConcurrent: 1,
					aspectRatio: '={{ $json.prompt === "item 2" ? "match_input_image" : "1:1" }}',
				}),
			},
		},
		{ items: prompts(2) },
	);

	expect(run.error?.message).toBe('Aspect Ratio: Match Input Image needs a reference image');
	expect(bodies()).toHaveLength(0);
});

describe("a task's poll URL that belongs to another task", () => {
	test('is not asked: the image is the one of the task ID', async () => {
		const [wanted, other] = await submitted();
		const parameters = {
			resource: 'task',
			operation: 'get',
			taskId: wanted!.taskId,
			pollUrl: '={{ $json.pollUrl }}',
			options: QUICK,
		};
		const run = await lab.run({ type: 'flux2Bfl', parameters }, { items: items(other!) });

		const { bytes } = await lab.emulator.ledger.image(wanted!.taskId as string);
		expect(await lab.engine.binary(run.items(NODE)[0]!.binary!.data!)).toEqual(bytes);
	});

	test('is not cancelled', async () => {
		lab.emulator.rule({ route: 'queue.submit' }, { task: { seconds: 60 } });
		const submit = generating('queue');
		Object.assign(submit.parameters, { resource: 'task', operation: 'submit' });
		const [wanted, other] = (await lab.run(submit, { items: prompts(2) }))
			.items(NODE)
			.map(({ json }) => json);
		const parameters = {
			...generating('queue').parameters,
			resource: 'task',
			operation: 'cancel',
			taskId: wanted!.taskId,
			pollUrl: '={{ $json.pollUrl }}',
		};
		await lab.run({ type: 'flux2Task', parameters }, { items: items(other!) });

		const ends = lab.emulator.ledger.tasks.map(({ id, cancelledAt }) => [
			id,
			cancelledAt !== undefined,
		]);
		expect(ends).toEqual([
			[wanted!.taskId, true],
			[other!.taskId, false],
		]);
	});
});

describe('what concerns all items, with On Error set to continue,', () => {
	const onError = 'continueErrorOutput' as const;

	test('a base URL that is none makes each item an error item', async () => {
		const { flux2BflApi } = lab.credentials;
		lab.credentials.flux2BflApi = { ...flux2BflApi, baseUrl: 'bfl.example.com' };
		const run = await lab.run({ ...bfl(), settings: { onError } }, { items: prompts(2) });
		lab.credentials.flux2BflApi = flux2BflApi!;

		expect(run.items(NODE, 0)).toEqual([]);
		expect(run.items(NODE, 1).map(({ json }) => json.error)).toEqual(
			prompts(2).map(() =>
				expect.objectContaining({ message: '"bfl.example.com" is not a URL', provider: 'bfl' }),
			),
		);
	});

	test('a base URL that is none stops the node where On Error says so, with what to correct', async () => {
		const { flux2BflApi } = lab.credentials;
		lab.credentials.flux2BflApi = { ...flux2BflApi, baseUrl: 'bfl.example.com' };
		const run = await lab.run(bfl(), { items: prompts(2) });
		lab.credentials.flux2BflApi = flux2BflApi!;

		expect(run.error).toMatchObject({
			name: 'NodeOperationError',
			message: '"bfl.example.com" is not a URL',
			description: 'Correct the Base URL in the credential.',
			context: { itemIndex: 0, kind: 'invalidInput' },
		});
	});

	test('an expression in Max Concurrent that fails does too', async () => {
		const node = bfl({ ...SMALL, maxConcurrent: "={{ $('Nobody').item.json.x }}" });
		const run = await lab.run({ ...node, settings: { onError } }, { items: prompts(2) });

		expect([run.items(NODE, 0), run.items(NODE, 1)].map(({ length }) => length)).toEqual([0, 2]);
		expect(bodies()).toHaveLength(0);
	});
});

test('a switch may come as text out of an expression', async () => {
	lab.emulator.rule({ route: 'bfl.submit' }, { task: { seconds: 60 } });
	const [task] = await submitted();
	const parameters = {
		resource: 'task',
		operation: 'get',
		waitForCompletion: '={{ "false" }}',
		options: {},
	};
	const run = await lab.run({ type: 'flux2Bfl', parameters }, { items: items(task!) });

	expect(run.items(NODE)[0]?.json).toMatchObject({ status: 'pending', taskId: task!.taskId });
});

test('a source of references that does not exist is named', async () => {
	const image = [{ source: '={{ "URL" }}', url: 'https://images.example/a.png' }];
	const node = bfl();
	Object.assign(node.parameters, { referenceImages: { image } });
	const run = await lab.run(node, { items: prompts(1) });

	expect(run.error?.message).toBe(
		'Reference Images (entry 1): Source must be one of binary, allBinary, url',
	);
});

test('a blank output field is the usual one', async () => {
	const run = await lab.run(bfl({ ...SMALL, binaryField: '={{ " " }}' }), { items: prompts(1) });
	expect(Object.keys(run.items(NODE)[0]!.binary!)).toEqual(['data']);
});

test('when n8n stops, the finished images of an item come out although another still runs', async () => {
	lab.emulator.rule({ route: 'oxen.enqueue' }, { task: { only: 1, seconds: 60 } });
	const running = lab.start(
		{ type: 'flux2Oxen', parameters: { prompt: 'three', numberOfImages: 3, options: QUICK } },
		{ items: prompts(1) },
	);
	const { downloads, polls } = lab.emulator.ledger;
	await until(() => downloads.filter(({ bytes }) => bytes).length === 2);
	// n8n has stored them long before the third was polled so often
	const wanted = polls.length + 30;
	await until(() => polls.length >= wanted);
	running.stop();
	const run = await running.done;

	expect(run.items(NODE).map(({ json }) => json.status)).toEqual(['completed', 'completed']);
});
