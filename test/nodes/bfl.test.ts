import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { runInNewContext } from 'node:vm';
import { bfl } from '../../nodes/Flux2Bfl/provider';
import { startListener, type Effect, type Listener } from '../emulator';
import { testCredential } from '../support/credentialTest';
import type { Run } from '../support/engine';
import {
	checkpointsOf,
	imagesIn,
	imagesOf,
	items,
	type Lab,
	NODE,
	type NodeUnderTest,
	openLab,
	PROMPTLY_MS,
	prompts,
	QUICK,
	shortId,
	until,
} from '../support/lab';
import { placed } from '../support/placed';

const CONTINUE = { onError: 'continueRegularOutput' } as const;
const RETRY = { retryOnFail: true, maxTries: 2, waitBetweenTries: 1 };
const NOW = { 'retry-after': '0.01' };

let lab: Lab;
/** Reached as `localhost`: another host than the base URL's. */
let stranger: Listener;

beforeAll(async () => {
	lab = await openLab();
	stranger = await startListener();
});

afterEach(() => {
	const { unexpected, leaks } = lab.emulator.ledger;
	expect({ unexpected, leaks, stranger: stranger.requests }).toEqual({
		unexpected: [],
		leaks: [],
		stranger: [],
	});
	lab.emulator.reset();
});

afterAll(async () => {
	await stranger.close();
	await lab.close();
});

const generating = (
	options: object = {},
	settings: NodeUnderTest['settings'] = {},
	parameters: object = {},
): NodeUnderTest => ({
	type: 'flux2Bfl',
	parameters: {
		prompt: '={{ $json.prompt }}',
		...placed('flux2Bfl', {
			width: 256,
			height: 256,
			maxConcurrent: 20,
			...QUICK,
			...options,
		}),
		...parameters,
	},
	settings,
});

const onTask = (operation: string, parameters: object = {}): NodeUnderTest => ({
	type: 'flux2Bfl',
	parameters: { resource: 'task', operation, ...parameters },
	settings: CONTINUE,
});

const get = (parameters: object = {}) => onTask('get', { options: QUICK, ...parameters });

const faultTask = (fault: Effect['task'], times?: number) =>
	lab.emulator.rule({ route: 'bfl.submit', times }, { task: fault });

const jsons = (run: Run) => run.items(NODE).map(({ json }) => json);

const errors = (run: Run) =>
	jsons(run).map(({ error }) => (error as Record<string, unknown> | undefined) ?? 'none');

const statuses = () => lab.emulator.ledger.submissions.map(({ status }) => status);

const statusWords = () => lab.emulator.ledger.polls.map(({ state }) => state);

const ON_THE_WAY = ['Pending', 'Reasoning', 'Generating'];

/** The polls of tasks that have ended. */
const endWords = () => statusWords().filter((word = '') => !ON_THE_WAY.includes(word));

const firstId = () => lab.emulator.ledger.tasks[0]?.id;

async function expectEachImageOnce(run: Run, count: number): Promise<void> {
	expect(run.status).toBe('success');
	expect(lab.emulator.ledger.tasks).toHaveLength(count);
	expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(count)));
	expect(checkpointsOf(run)).toEqual({});
}

test('an item says everything that is known about its image, the price in credits and megapixels too', async () => {
	const run = await lab.run(generating({ seed: 7, width: 1408, height: 1472 }), {
		items: prompts(1),
	});

	const { id, url } = lab.emulator.ledger.tasks[0]!;
	expect(run.items(NODE)).toEqual([
		{
			json: {
				provider: 'bfl',
				model: 'flux-2-pro',
				status: 'completed',
				taskId: id,
				prompt: 'item 1',
				// [pro] lengthens prompts
				revisedPrompt: 'item 1, in fine detail',
				seed: 7,
				image: {
					width: 1408,
					height: 1472,
					mimeType: 'image/jpeg',
					fileSize: expect.any(Number),
					url: expect.stringContaining(`${url}?`),
				},
				cost: { amount: 0.045, currency: 'USD', credits: 4.5 },
				megapixels: { input: 0, output: 1.98 },
				timing: {
					submittedAt: expect.any(String),
					completedAt: expect.any(String),
					seconds: expect.any(Number),
					polls: lab.emulator.ledger.polls.length,
				},
			},
			binary: { data: expect.objectContaining({ fileName: `item-1-${shortId(id)}.jpg` }) },
			pairedItem: { item: 0 },
		},
	]);
});

test('a seed that the provider has drawn is in the item', async () => {
	const run = await lab.run(generating(), { items: prompts(1) });
	expect(jsons(run)[0]?.seed).toBe(lab.emulator.ledger.tasks[0]?.seed);
});

test('a price is a decimal, not its nearest neighbour', async () => {
	const models = ['flux-2-klein-4b', 'flux-2-klein-9b', 'flux-2-max'];
	const input = models.map((model) => ({ json: { model, prompt: 'a' } }));
	const run = await lab.run(generating({}, {}, { model: '={{ $json.model }}' }), { items: input });

	expect(jsons(run).map(({ cost }) => cost)).toEqual([
		{ amount: 0.014, currency: 'USD', credits: 1.4 },
		{ amount: 0.015, currency: 'USD', credits: 1.5 },
		{ amount: 0.07, currency: 'USD', credits: 7 },
	]);
});

describe('the polling URL of the response', () => {
	const polled = () => lab.emulator.ledger.requests.filter(({ path }) => /get_result/.test(path));
	const ports = () => [...new Set(polled().map(({ port }) => port))];

	test("is followed on the base URL's host and port", async () => {
		lab.emulator.rule(
			{ route: 'bfl.submit' },
			{
				mutate: (response) => {
					const body = response.body as { id: string };
					const url = `${lab.emulator.urls.bfl}/v1/get_result?shard=7&id=${body.id}`;
					return { ...response, body: { ...body, polling_url: url } };
				},
			},
		);
		const run = await lab.run(generating(), { items: prompts(3) });

		await expectEachImageOnce(run, 3);
		expect(polled().filter(({ path }) => !path.includes('shard=7'))).toEqual([]);
	});

	test('is never followed to another port of that host: the documented address is polled', async () => {
		const run = await lab.run(generating(), { items: prompts(3) });

		await expectEachImageOnce(run, 3);
		expect(ports()).toEqual(['api']);
	});

	test('is never followed to a foreign host: the documented address is polled', async () => {
		faultTask({ pollingUrl: `${stranger.url}/v1/get_result` });
		const run = await lab.run(generating(), { items: prompts(1) });

		await expectEachImageOnce(run, 1);
		expect(ports()).toEqual(['api']);
	});

	test('is not followed to a foreign host by Task: Get either', async () => {
		const taskId = '5c1a3fe0-53ce-4a4e-9ab5-1d1c4ba23c1f';
		const pollUrl = `${stranger.url}/v1/get_result?id=${taskId}`;
		const run = await lab.run(get(), { items: items({ taskId, pollUrl }) });

		const message = 'Poll URL: is no address of Black Forest Labs that may see the key';
		expect(errors(run)).toMatchObject([{ kind: 'invalidInput', message }]);
	});

	test('may be missing: a request with a webhook of its own is polled by its ID', async () => {
		const customBody =
			'{"webhook_url": "https://n8n.example/webhook/flux", "webhook_secret": "of my own"}';
		const run = await lab.run(generating({ customBody }), { items: prompts(1) });

		await expectEachImageOnce(run, 1);
		expect(ports()).toEqual(['api']);
	});
});

/** Makes the results name this address as the image's. */
const pointTo = (sample: string) =>
	lab.emulator.rule(
		{ route: 'bfl.result' },
		{
			mutate: (response) => {
				const body = response.body as { result: object | null };
				return {
					...response,
					body: { ...body, result: body.result && { ...body.result, sample } },
				};
			},
		},
	);

test.each([
	['is refused', 403],
	['fails, is retried', 503],
	['is no image', 200],
])('a download that %s and never ends leaves no connection open', async (_how, status) => {
	const server = createServer((_request, response) => {
		response.writeHead(status, NOW).write('x'.repeat(2 ** 21));
	});
	/** On both sides: server and client are in this process. */
	const sockets = () =>
		process.getActiveResourcesInfo().filter((name) => /^TCPSocket/.test(name)).length;
	const before = sockets();
	await once(server.listen(0, '127.0.0.1'), 'listening');
	pointTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}/sample.jpeg`);
	const run = await lab.run(generating({ timeout: 1 }, CONTINUE), { items: prompts(1) });

	expect(errors(run)).toMatchObject([{ taskId: firstId() }]);
	await until(() => sockets() <= before, 'the connections to be closed');
	server.close();
});

test('an image on a foreign host in plain http is not fetched', async () => {
	pointTo(`${stranger.url}/sample.jpeg`);
	const run = await lab.run(generating({}, CONTINUE), { items: prompts(1) });

	expect(errors(run)).toMatchObject([
		{ kind: 'badResponse', message: expect.stringContaining('not https'), taskId: firstId() },
	]);
});

describe('a task that ends', () => {
	test('as Ready is polled no more', async () => {
		const run = await lab.run(generating(), { items: prompts(1) });

		await expectEachImageOnce(run, 1);
		expect(endWords()).toEqual(['Ready']);
	});

	test.each<[string, object, object]>([
		[
			'Request Moderated',
			{ status: 'Request Moderated' },
			{
				kind: 'moderated',
				message: "Black Forest Labs' content filter refused this request: Derivative Works Filter",
			},
		],
		[
			'Content Moderated',
			{ status: 'Content Moderated' },
			{
				kind: 'moderated',
				message: "Black Forest Labs' content filter refused this request: Derivative Works Filter",
			},
		],
		[
			'Error',
			{ fail: { message: 'out of memory' } },
			{
				kind: 'unavailable',
				message: expect.stringMatching(
					/^Black Forest Labs could not make this image: .*out of memory/,
				),
			},
		],
	])(
		'as %s is reported as what it is, after one poll of that end',
		async (status, fault, expected) => {
			faultTask(fault);
			const run = await lab.run(generating({}, CONTINUE), { items: prompts(1) });

			expect(errors(run)).toMatchObject([{ ...expected, taskId: firstId(), provider: 'bfl' }]);
			expect(endWords()).toEqual([status]);
			expect(statuses()).toEqual([200]);
		},
	);

	test.each(['Reasoning', 'Generating', 'Queued', 'Processing'])(
		'is waited for while it says %s',
		async (running) => {
			faultTask({ running, polls: 1 });
			const run = await lab.run(generating(), { items: prompts(1) });

			await expectEachImageOnce(run, 1);
			expect(statusWords()).toContain(running);
		},
	);
});

describe('a status that no document explains', () => {
	test('is polled ever more rarely until Timeout, whose message names it', async () => {
		faultTask({ status: 'Frozen' });
		const run = await lab.run(generating({ timeout: 1 }, CONTINUE), { items: prompts(1) });

		expect(errors(run)).toMatchObject([
			{
				kind: 'timeout',
				message:
					'The image was not ready after 1 s: the provider\'s last status was "Frozen", which no document explains',
				taskId: firstId(),
			},
		]);
		const polls = statusWords().filter((word) => word === 'Frozen').length;
		expect(polls).toBeGreaterThan(2);
		// a poll every 0.02 s would be 50
		expect(polls).toBeLessThan(10);
		expect(statuses()).toEqual([200]);
	});

	test('may be followed by the image', async () => {
		faultTask({ running: 'Warming up', polls: 1 });
		const run = await lab.run(generating(), { items: prompts(1) });

		await expectEachImageOnce(run, 1);
		expect(statusWords()).toContain('Warming up');
	});

	test('is shown by Task: Get without waiting, as a task that may still run', async () => {
		faultTask({ status: 'Frozen', seconds: 0 });
		await lab.run(onTask('submit', { prompt: 'a pier' }));
		const taskId = firstId()!;
		const run = await lab.run(get({ waitForCompletion: false }), { items: items({ taskId }) });

		expect(jsons(run)).toEqual([
			{ provider: 'bfl', taskId, status: 'pending', providerStatus: 'Frozen' },
		]);
	});
});

/** Changes what every poll responds with. */
const mutatePolls = (change: (body: Record<string, unknown>) => object) =>
	lab.emulator.rule(
		{ route: 'bfl.result' },
		{
			mutate: (response) => ({
				...response,
				body: { ...(response.body as object), ...change(response.body as never) },
			}),
		},
	);

describe('what a poll says counts more than what the submit said', () => {
	test.each([
		[1.25, { amount: 0.0125, currency: 'USD', credits: 1.25 }],
		[0, { amount: 0, currency: 'USD', credits: 0 }],
	])('about the cost: %p credits', async (cost, expected) => {
		mutatePolls(() => ({ cost }));
		const run = await lab.run(generating(), { items: prompts(1) });

		expect(jsons(run)).toMatchObject([{ cost: expected, megapixels: { input: 0, output: 0.06 } }]);
	});

	test('about the cost of what was moderated, in the error and in Task: Get', async () => {
		faultTask({ status: 'Content Moderated', seconds: 0 });
		mutatePolls(() => ({ cost: 1 }));
		const run = await lab.run(generating({}, CONTINUE), { items: prompts(1) });
		const got = await lab.run(get({ waitForCompletion: false }), {
			items: items({ taskId: firstId()! }),
		});

		const cost = { amount: 0.01, currency: 'USD', credits: 1 };
		expect(errors(run)).toMatchObject([{ kind: 'moderated', cost }]);
		expect(jsons(got)).toMatchObject([{ status: 'failed', kind: 'moderated', cost }]);
	});

	test('about a failure: without a settled cost, none is shown', async () => {
		faultTask({ fail: { message: 'out of memory' } });
		const run = await lab.run(generating({}, CONTINUE), { items: prompts(1) });

		expect(errors(run)).toMatchObject([{ kind: 'unavailable' }]);
		expect(errors(run)[0]).not.toHaveProperty('cost');
	});

	test('about the prompt', async () => {
		mutatePolls(({ result }) => ({ result: result && { ...result, prompt: 'a longer prompt' } }));
		const run = await lab.run(generating(), { items: prompts(1) });

		expect(jsons(run)).toMatchObject([{ prompt: 'item 1', revisedPrompt: 'a longer prompt' }]);
	});
});

test('what the provider says about a task is shown without its secret', async () => {
	mutatePolls(() => ({ webhook_secret: 'made-up-secret' }));
	const run = await lab.run(generating({ simplify: false }), { items: prompts(1) });

	expect(jsons(run)).toMatchObject([{ raw: { status: 'Ready' } }]);
	expect(JSON.stringify(run.raw)).not.toContain('made-up-secret');
});

describe('a task that is not found', () => {
	test('right after the submit may still be spreading', async () => {
		faultTask({ unknownPolls: 3 });
		const run = await lab.run(generating(), { items: prompts(1) });

		await expectEachImageOnce(run, 1);
		expect(statusWords()).toEqual(['Task not found', 'Task not found', 'Task not found', 'Ready']);
	});

	test('four times in a row fails the item, and is named', async () => {
		faultTask({ vanish: true });
		const run = await lab.run(generating({}, CONTINUE), { items: prompts(1) });

		expect(errors(run)).toMatchObject([
			{
				kind: 'notFound',
				taskId: firstId(),
				description: expect.stringContaining('not submitted again by itself'),
			},
		]);
		expect(statusWords()).toEqual(Array(4).fill('Task not found'));
		expect(statuses()).toEqual([200]);
	});

	test('is kept: Retry On Fail polls it again, and only a retry by a person submits anew', async () => {
		faultTask({ vanish: true }, 1);
		const node = generating({}, RETRY);
		const failed = await lab.run(node, { items: prompts(1) });

		const lostIn = expect.any(String);
		expect(Object.values(checkpointsOf(failed))).toMatchObject([
			[{ results: [{ state: 'pending', task: { id: firstId() }, lostIn }] }],
		]);
		// two tries of four polls each
		expect(statusWords()).toEqual(Array(8).fill('Task not found'));
		expect(statuses()).toEqual([200]);
		const run = await lab.retry(failed, node);

		expect(run.status).toBe('success');
		expect(jsons(run)).toMatchObject([
			{ status: 'completed', taskId: lab.emulator.ledger.tasks[1]?.id },
		]);
		expect(statuses()).toEqual([200, 200]);
	});

	test('by Task: Get is not waited for', async () => {
		const run = await lab.run(get(), { items: items({ taskId: 'gone' }) });

		expect(errors(run)).toMatchObject([{ kind: 'notFound', taskId: 'gone' }]);
		expect(statusWords()).toEqual(['Task not found']);
	});
});

describe('a submit', () => {
	test.each<[string, Effect, object]>([
		[
			'402',
			{ error: 'bfl.credits' },
			{
				kind: 'credits',
				httpCode: 402,
				message:
					'The account at Black Forest Labs cannot pay for this: Insufficient credits (HTTP 402)',
			},
		],
		[
			'403',
			{ error: 'bfl.key' },
			{
				kind: 'auth',
				httpCode: 403,
				message: 'Black Forest Labs refused the credential: Not authenticated (HTTP 403)',
			},
		],
		['400', { error: 'bfl.badRequest' }, { kind: 'invalidInput', httpCode: 400 }],
		[
			'500',
			{ error: 'bfl.internal', accepted: true },
			{
				kind: 'unavailable',
				httpCode: 500,
				description: expect.stringContaining('Nobody knows whether this request was billed'),
			},
		],
		['503 of a proxy', { html: true, status: 503 }, { kind: 'unavailable', httpCode: 503 }],
	])(
		'with the response %s is reported as what it is, and not sent again',
		async (_status, effect, expected) => {
			lab.emulator.rule({ route: 'bfl.submit' }, effect);
			const run = await lab.run(generating({}, CONTINUE), { items: prompts(1) });

			expect(errors(run)).toMatchObject([expected]);
			expect(statuses()).toHaveLength(1);
		},
	);

	test('with the response 422 is reported by the labels of the editor', async () => {
		const customBody = '{"width": 100, "safety_tolerance": 9, "steps": "many"}';
		const options = { customBody };
		const node = generating(options, CONTINUE, { model: 'flux-2-flex' });
		const run = await lab.run(node, { items: prompts(1) });

		expect(errors(run)).toMatchObject([
			{
				kind: 'invalidInput',
				httpCode: 422,
				message:
					'Black Forest Labs did not accept this request: Steps: Input should be a valid integer; Safety Tolerance: Input should be less than or equal to 5 (HTTP 422)',
			},
		]);
		expect(lab.emulator.ledger.tasks).toEqual([]);
	});

	test.each(['bfl.rateLimit', 'bfl.rateLimit.message'] as const)(
		'with the response 429 (%s) is sent again',
		async (error) => {
			lab.emulator.rule({ route: 'bfl.submit', times: 2 }, { error, headers: NOW });
			const run = await lab.run(generating(), { items: prompts(1) });

			await expectEachImageOnce(run, 1);
			expect(statuses()).toEqual([429, 429, 200]);
		},
	);

	test('beyond the 24 tasks that a key may have waits until there is room', async () => {
		lab.emulator.rule(
			{ route: 'bfl.submit' },
			{ task: { seconds: 600 }, as: { width: 16, height: 16 } },
		);
		const { done } = lab.start(generating({ maxConcurrent: 40 }), { items: prompts(26) });
		await until(() => statuses().includes(429));
		lab.emulator.clearRules();
		for (const task of lab.emulator.ledger.tasks) {
			Object.assign(task, { seconds: 0, readyAt: Date.now() });
		}
		const run = await done;

		await expectEachImageOnce(run, 26);
		expect(statuses().filter((status) => status === 200)).toHaveLength(26);
		expect(statuses().filter((status) => status === 429).length).toBeGreaterThan(0);
	});
});

describe('an image whose URL has expired', () => {
	test('is asked for once more, and not paid again', async () => {
		lab.emulator.rule({ route: 'download', times: 1 }, { image: 'expired' });
		const run = await lab.run(generating(), { items: prompts(1) });

		await expectEachImageOnce(run, 1);
		expect(statusWords().filter((word) => word === 'Ready')).toHaveLength(2);
		expect(lab.emulator.ledger.downloads.map(({ status }) => status)).toEqual([403, 200]);
	});

	test('for good is reported as that', async () => {
		lab.emulator.rule({ route: 'download' }, { image: 'expired' });
		const run = await lab.run(generating({}, CONTINUE), { items: prompts(1) });

		expect(errors(run)).toMatchObject([{ kind: 'expired', taskId: firstId(), httpCode: 403 }]);
		expect(statuses()).toEqual([200]);
	});

	test('is reported as that by Task: Get', async () => {
		const submitted = await lab.run(onTask('submit', { prompt: 'a pier' }));
		lab.emulator.rule({ route: 'download' }, { image: 'expired' });
		const run = await lab.run(get(), { items: items(...jsons(submitted)) });

		expect(errors(run)).toMatchObject([{ kind: 'expired', taskId: firstId() }]);
	});
});

test('Retry On Fail resumes what was paid for, with its price', async () => {
	lab.emulator.rule({ route: 'download', times: 4 }, { status: 503, headers: NOW });
	const run = await lab.run(generating({}, RETRY), { items: prompts(1) });

	await expectEachImageOnce(run, 1);
	expect(jsons(run)[0]).toMatchObject({ cost: { credits: 3 }, megapixels: { output: 0.06 } });
	expect(statuses()).toEqual([200]);
});

test('a stop returns at once, and nothing more is sent', async () => {
	faultTask({ seconds: 60 });
	const { done, stop } = lab.start(generating({ maxConcurrent: 2 }), { items: prompts(5) });
	await until(() => statusWords().length >= 4);
	const stoppedAt = Date.now();
	stop();
	const run = await done;
	const sent = lab.emulator.ledger.requests.length;

	expect(Date.now() - stoppedAt).toBeLessThan(PROMPTLY_MS);
	expect(run.status).toBe('canceled');
	expect(statuses()).toEqual([200, 200]);
	await new Promise((resolve) => setTimeout(resolve, 60));
	expect(lab.emulator.ledger.requests).toHaveLength(sent);
});

describe('Task', () => {
	test('Submit, then another workflow that got it as text, then Get: one submission', async () => {
		faultTask({ seconds: 0.2, pollingUrl: `${lab.emulator.urls.bfl}/v1/get_result` });
		const submitted = await lab.run(onTask('submit', { prompt: 'a pier' }));
		expect(jsons(submitted)).toEqual([
			{
				provider: 'bfl',
				model: 'flux-2-pro',
				taskId: firstId(),
				pollUrl: expect.stringContaining('/v1/get_result?id='),
				submittedAt: expect.any(String),
				cost: { amount: 0.03, currency: 'USD', credits: 3 },
			},
		]);
		const text = JSON.stringify(jsons(submitted));
		const collected = await lab.run(get(), { items: items(...JSON.parse(text)) });

		expect(jsons(collected)).toMatchObject([
			{ status: 'completed', taskId: firstId(), image: { mimeType: 'image/jpeg' } },
		]);
		expect(collected.items(NODE)[0]?.binary).toHaveProperty('data');
		expect(statuses()).toEqual([200]);
	});

	test('Get works by the ID alone', async () => {
		await lab.run(onTask('submit', { prompt: 'a pier' }));
		const run = await lab.run(get(), { items: items({ taskId: firstId()! }) });
		expect(jsons(run)).toMatchObject([{ status: 'completed', taskId: firstId() }]);
	});

	test('Get without waiting says how far each task is', async () => {
		faultTask({ seconds: 60 }, 1);
		faultTask({ status: 'Request Moderated' }, 1);
		for (const prompt of ['runs', 'refused', 'done']) await lab.run(onTask('submit', { prompt }));
		const { tasks } = lab.emulator.ledger;
		await until(() => tasks[2]!.readyAt < Date.now());
		const input = items(...tasks.map(({ id }) => ({ taskId: id })), { taskId: 'gone' });
		const run = await lab.run(get({ waitForCompletion: false }), { items: input });

		const [runs, refused, done, gone] = jsons(run);
		expect(runs).toEqual({ provider: 'bfl', taskId: tasks[0]?.id, status: 'pending' });
		expect(refused).toMatchObject({ taskId: tasks[1]?.id, status: 'failed', kind: 'moderated' });
		expect(done).toMatchObject({ taskId: tasks[2]?.id, status: 'completed' });
		expect(gone).toMatchObject({ taskId: 'gone', status: 'failed', kind: 'notFound' });
	});
});

test('Account: Get Credits says what is left', async () => {
	const getCredits: NodeUnderTest = {
		type: 'flux2Bfl',
		parameters: { resource: 'account', operation: 'getCredits' },
	};
	const before = await lab.run(getCredits);
	await lab.run(generating(), { items: prompts(2) });
	const after = await lab.run(getCredits);

	expect([...jsons(before), ...jsons(after)]).toEqual([
		{ provider: 'bfl', credits: 100_000, worth: { amount: 1000, currency: 'USD' } },
		{ provider: 'bfl', credits: 99_994, worth: { amount: 999.94, currency: 'USD' } },
	]);
});

describe('regions', () => {
	test('have the hosts of the documents', () => {
		const baseUrl = (region: string) => bfl.baseUrl({ region, baseUrl: 'https://bfl.example' });
		expect(['global', 'eu', 'us', 'custom'].map(baseUrl)).toEqual([
			'https://api.bfl.ai',
			'https://api.eu.bfl.ai',
			'https://api.us.bfl.ai',
			'https://bfl.example',
		]);
	});

	test.each([
		['api.bfl.ai', 'api.eu2.bfl.ai', true],
		['api.us.bfl.ai', 'bfl.ai', true],
		['api.bfl.ai', 'api.bfl.ai.example.com', false],
		['api.bfl.ai', 'evilbfl.ai', false],
		['api.bfl.ai', 'localhost', false],
		['bfl.example', 'api.bfl.ai', false],
		['bfl.example', 'polling.bfl.example', false],
	])('a key for %s goes to %s: %p', (own, host, trusted) => {
		expect(bfl.trustsHost?.(host, own)).toBe(trusted);
	});
});

describe('the credential test', () => {
	const result = async (changes: object) => {
		const credential = { ...lab.credentials.flux2BflApi, ...changes };
		return await testCredential(lab.engine, 'flux2BflApi', credential);
	};

	test('passes with a good key, and costs nothing', async () => {
		expect(await result({ baseUrl: `${lab.emulator.urls.bfl}/` })).toMatchObject({ status: 'OK' });
		expect(lab.emulator.ledger.requests.map(({ method, path }) => [method, path])).toEqual([
			['GET', '/v1/credits'],
		]);
	});

	test('distinguishes a wrong key, a wrong address and no network', async () => {
		const failures = [
			await result({ apiKey: 'wrong' }),
			await result({ baseUrl: `${lab.emulator.urls.bfl}/nothing/here` }),
			await result({ baseUrl: 'http://127.0.0.1:9' }),
		];

		expect(failures.map(({ status, message }) => [status, message])).toEqual([
			['Error', 'Black Forest Labs does not accept this API key'],
			['Error', 'There is no such API at this base URL'],
			['Error', expect.stringMatching(/ECONNREFUSED/)],
		]);
		const { unexpected, leaks } = lab.emulator.ledger;
		expect(unexpected.map(({ path }) => path)).toEqual(['/nothing/here/v1/credits']);
		unexpected.length = leaks.length = 0;
	});

	test.each([
		['global', 'https://api.bfl.ai'],
		['eu', 'https://api.eu.bfl.ai'],
		['us', 'https://api.us.bfl.ai'],
		['custom', 'https://bfl.example'],
	])('goes to the host of the region %s', (region, baseUrl) => {
		const { test: request } = lab.engine.loader.getCredential('flux2BflApi').type;
		const { baseURL = '' } = (request as { request: { baseURL?: string } }).request;
		const expression = baseURL.slice(1).replace(/^\{\{|\}\}$/g, '');
		const $credentials = { region, baseUrl: 'https://bfl.example/' };
		expect(runInNewContext(expression, { $credentials })).toBe(baseUrl);
	});
});
