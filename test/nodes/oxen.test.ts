import type { RouteName, Effect } from '../emulator';
import type { Run } from '../support/engine';
import { testCredential } from '../support/credentialTest';
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

type Mode = 'sync' | 'queue' | 'events';

const CONTINUE = { onError: 'continueRegularOutput' } as const;
const RETRY = { retryOnFail: true, maxTries: 2, waitBetweenTries: 1 };

let lab: Lab;

beforeAll(async () => {
	lab = await openLab({ emulator: { keepAliveMs: 20 } });
});

beforeEach(() => {
	for (const route of ['oxen.sync', 'oxen.enqueue'] as RouteName[])
		lab.emulator.rule({ route }, { as: { width: 64, height: 64 } });
});

afterEach(() => {
	const { unexpected, leaks } = lab.emulator.ledger;
	expect({ unexpected, leaks }).toEqual({ unexpected: [], leaks: [] });
	lab.emulator.reset();
});

afterAll(async () => await lab.close());

const generating = (
	mode: Mode,
	options: object = QUICK,
	settings: NodeUnderTest['settings'] = {},
): NodeUnderTest => ({
	type: 'flux2Oxen',
	parameters: {
		prompt: '={{ $json.prompt }}',
		...placed('flux2Oxen', { mode, maxConcurrent: 20, ...options }),
	},
	settings,
});

const onTask = (operation: string, parameters: object = {}): NodeUnderTest => ({
	type: 'flux2Oxen',
	parameters: { resource: 'task', operation, ...parameters },
});

const faultTask = (fault: Effect['task'], times?: number) =>
	lab.emulator.rule({ route: 'oxen.enqueue', times }, { task: fault });

/** Polls of the queue; those of the history ask for the cost. */
const polls = () => lab.emulator.ledger.polls.filter(({ route }) => route === 'oxen.queue');

const jsons = (run: Run) => run.items(NODE).map(({ json }) => json);

const errors = (run: Run) =>
	jsons(run).map(({ error }) => (error as Record<string, unknown> | undefined) ?? 'none');

const sum = (run: Run) =>
	jsons(run).reduce(
		(total, { cost }) => total + ((cost as { amount: number } | undefined)?.amount ?? 0),
		0,
	);

const paid = () => lab.emulator.ledger.paidBy(lab.emulator.keys.oxenKey);

const ids = () => lab.emulator.ledger.tasks.map(({ id }) => id);

async function expectEachImageOnce(run: Run, count: number): Promise<void> {
	expect(run.status).toBe('success');
	expect(lab.emulator.ledger.submissions).toHaveLength(count);
	expect(lab.emulator.ledger.tasks).toHaveLength(count);
	expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(count)));
	expect(checkpointsOf(run)).toEqual({});
}

test('sync, queue and events give the same bytes for the same prompt and seed', async () => {
	const node = (mode: Mode) => generating(mode, { ...QUICK, seed: 7, outputFormat: 'png' });
	const runs = [];
	for (const mode of ['sync', 'queue', 'events'] as const)
		runs.push(await lab.run(node(mode), { items: prompts(1) }));

	const images = await Promise.all(runs.map(async (run) => await imagesIn(lab, run)));
	const sha256 = lab.emulator.ledger.tasks[0]?.sha256;
	expect(images).toEqual(Array(3).fill([['item 1', sha256]]));
});

test('an item says everything that is known about its image', async () => {
	const run = await lab.run(generating('queue', { ...QUICK, seed: 7 }), { items: prompts(1) });

	const [record] = lab.emulator.ledger.tasks;
	expect(run.items(NODE)).toEqual([
		{
			json: {
				provider: 'oxen',
				model: 'flux-2-pro',
				status: 'completed',
				taskId: record?.id,
				prompt: 'item 1',
				seed: 7,
				image: {
					width: 64,
					height: 64,
					mimeType: 'image/webp',
					fileSize: expect.any(Number),
					url: record?.url,
				},
				cost: { amount: 0.045, currency: 'USD' },
				timing: {
					submittedAt: expect.any(String),
					completedAt: expect.any(String),
					seconds: expect.any(Number),
					polls: polls().length,
				},
			},
			binary: { data: expect.objectContaining({ fileName: `item-1-${shortId(record?.id)}.webp` }) },
			pairedItem: { item: 0 },
		},
	]);
});

test('a synchronous image may come as base64', async () => {
	const customBody = '{"response_format": "b64_json"}';
	const run = await lab.run(generating('sync', { customBody }), { items: prompts(1) });

	expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(1)));
	expect(lab.emulator.ledger.downloads).toEqual([]);
	expect(jsons(run)[0]?.image).not.toHaveProperty('url');
});

describe('events', () => {
	test('make every poll needless, on one connection for all items of the run', async () => {
		const run = await lab.run(generating('events', {}), { items: prompts(6) });

		await expectEachImageOnce(run, 6);
		expect(polls()).toEqual([]);
		const [stream, ...more] = lab.emulator.ledger.streams;
		expect(more).toEqual([]);
		expect([...(stream?.taskIds ?? [])].sort()).toEqual(ids().sort());
		await until(() => stream?.closedAt !== undefined, 'the stream to be closed');
		expect(jsons(run).map(({ timing }) => timing)).toEqual(
			Array(6).fill(expect.not.objectContaining({ polls: expect.anything() })),
		);
		expect(sum(run)).toBeCloseTo(paid().amount, 9);
	});

	test('are subscribed to before the first submit', async () => {
		lab.emulator.rule({ route: 'oxen.events' }, { delayMs: 150 });
		const run = await lab.run(generating('events', {}), { items: prompts(2) });

		await expectEachImageOnce(run, 2);
		const { streams, submissions } = lab.emulator.ledger;
		expect(submissions.every(({ at }) => at >= streams[0]!.at)).toBe(true);
		expect(polls()).toEqual([]);
	});

	test('that are still being opened when another item ends the run do not stay open', async () => {
		lab.emulator.rule({ route: 'oxen.events' }, { delayMs: 200 });
		lab.emulator.rule({ route: 'oxen.sync' }, { status: 400, body: { error: { message: 'no' } } });
		const node = generating('events', {});
		node.parameters.options = { mode: '={{ $json.mode }}' };
		const [first, second] = ['events', 'sync'].map((mode) => ({ prompt: 'a', mode }));
		const run = await lab.run(node, { items: items(first!, second!) });

		const { requests, streams, submissions } = lab.emulator.ledger;
		expect(run.status).toBe('error');
		expect(submissions).toHaveLength(1);
		await until(() => Date.now() > requests[0]!.at + 400, 'a response that nobody waits for');
		expect(streams.filter(({ closedAt }) => closedAt === undefined)).toEqual([]);
	});

	test('that overtake the response to the submit are not lost', async () => {
		lab.emulator.rule({ route: 'oxen.enqueue' }, { task: { seconds: 0 }, delayMs: 150 });
		const run = await lab.run(generating('events', {}), { items: prompts(2) });

		await expectEachImageOnce(run, 2);
		expect(polls()).toEqual([]);
	});

	test('in small pieces, sent twice and among others, are understood', async () => {
		lab.emulator.rule({ route: 'oxen.events' }, { slowBytes: true });
		faultTask({ event: 'twice' });
		const run = await lab.run(generating('events', {}), { items: prompts(2) });

		await expectEachImageOnce(run, 2);
		expect(polls()).toEqual([]);
	});

	/** Each with the number of tasks whose end has come before it. */
	const breaks: Array<[string, Effect, number]> = [
		['before the headers', { reset: 'beforeHeaders' }, 0],
		['within the headers', { reset: 'midHeaders' }, 0],
		['by an error', { error: 'oxen.internal' }, 0],
		["by a proxy's error page", { html: true }, 0],
		['right after the headers', { reset: 'midBody' }, 0],
		['before the first event', { stream: { breaks: 'beforeEvent' } }, 0],
		['before the second event', { stream: { breaks: 'beforeEvent', event: 2 } }, 1],
		['within the first event', { stream: { breaks: 'inEvent' } }, 0],
		['within the last event', { stream: { breaks: 'inEvent', event: 3 } }, 2],
		['after the first event', { stream: { breaks: 'afterEvent' } }, 1],
		['into silence', { stream: { silent: true } }, 0],
	];

	test.each(breaks)(
		'that break off %s: nothing is lost or paid twice, and only what has not come is polled',
		async (_where, effect, count) => {
			lab.emulator.rule({ route: 'oxen.events' }, effect);
			const run = await lab.run(generating('events', { pollInterval: 0.3 }), { items: prompts(3) });

			await expectEachImageOnce(run, 3);
			const { requests, streams } = lab.emulator.ledger;
			expect(requests.filter(({ path }) => path === '/api/events')).toHaveLength(1);
			const ended = streams[0]?.taskIds ?? [];
			expect(ended).toHaveLength(count);
			const polled = new Set(polls().map(({ taskId }) => taskId));
			expect([...polled].sort()).toEqual(
				ids()
					.filter((id) => !ended.includes(id))
					.sort(),
			);
		},
	);

	test('that break off are followed by one poll at once, in case an end was lost with them', async () => {
		lab.emulator.rule({ route: 'oxen.events' }, { stream: { breaks: 'beforeEvent' } });
		const run = await lab.run(generating('events', {}), { items: prompts(1) });

		await expectEachImageOnce(run, 1);
		expect(polls()).toHaveLength(1);
	});

	test('that get lost are made up for by a poll', async () => {
		faultTask({ event: 'lost' }, 1);
		const run = await lab.run(generating('events', { pollInterval: 0.2 }), { items: prompts(2) });

		await expectEachImageOnce(run, 2);
		expect(new Set(polls().map(({ taskId }) => taskId))).toEqual(new Set([ids()[0]]));
	});

	test('bring a failure too', async () => {
		faultTask({ fail: { message: 'the model ran out of memory' } });
		const run = await lab.run(generating('events', {}, CONTINUE), { items: prompts(1) });

		expect(errors(run)).toMatchObject([
			{
				kind: 'unavailable',
				message: expect.stringContaining('the model ran out of memory'),
				taskId: ids()[0],
			},
		]);
		expect(polls()).toEqual([]);
	});

	test('with a status that no document explains leave the task to be polled', async () => {
		faultTask({ status: 'paused' });
		const node = generating('events', { timeout: 1, pollInterval: 0.05 }, CONTINUE);
		const run = await lab.run(node, { items: prompts(1) });

		expect(errors(run)).toMatchObject([
			{ kind: 'timeout', message: expect.stringContaining('"paused"'), taskId: ids()[0] },
		]);
		expect(polls().length).toBeGreaterThan(1);
	});

	test('are opened once more by the next run, not by the same', async () => {
		const node = generating('events', {});
		await lab.run(node, { items: prompts(2) });
		await lab.run(node, { items: prompts(2) });
		expect(lab.emulator.ledger.streams).toHaveLength(2);
	});
});

describe('a generation without an ID', () => {
	const withGenerations = (...generations: object[]) =>
		lab.emulator.rule(
			{ route: 'oxen.enqueue' },
			{
				mutate: (response) => {
					const body = response.body as { generations: object[] };
					return { ...response, body: { generations: [...generations, ...body.generations] } };
				},
			},
		);

	test('among others costs none of them', async () => {
		withGenerations({ generation_id: '' }, { status: 'queued' });
		const run = await lab.run(generating('queue'), { items: prompts(1) });

		expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(1)));
	});

	test('alone is asked for nowhere, and not submitted again by Retry On Fail', async () => {
		lab.emulator.rule(
			{ route: 'oxen.enqueue' },
			{ mutate: (response) => ({ ...response, body: { generations: [{ generation_id: '' }] } }) },
		);
		const run = await lab.run(generating('queue', QUICK, RETRY), { items: prompts(1) });

		expect(run.error?.message).toContain('the response has no usable "generations"');
		const { submissions, requests } = lab.emulator.ledger;
		expect([submissions.length, requests.length]).toEqual([1, 1]);
	});
});

describe('a generation that has left the queue', () => {
	test.each(['queue', 'events'] as const)(
		'is found in the history, with its cost (%s)',
		async (mode) => {
			faultTask({ leaves: 'queue' });
			if (mode === 'events')
				lab.emulator.rule({ route: 'oxen.events' }, { stream: { silent: true } });
			const run = await lab.run(generating(mode), { items: prompts(2) });

			await expectEachImageOnce(run, 2);
			expect(jsons(run).map(({ cost }) => cost)).toEqual(
				Array(2).fill({ amount: 0.045, currency: 'USD' }),
			);
			expect(polls().at(-1)?.status).toBe(404);
		},
	);

	test('with a failure is found there too', async () => {
		faultTask({ leaves: 'queue', fail: { message: 'Insufficient credits' } });
		const run = await lab.run(generating('queue', QUICK, CONTINUE), { items: prompts(1) });

		expect(errors(run)).toMatchObject([{ kind: 'credits', taskId: ids()[0] }]);
	});

	test.each([
		['and the history as well', { leaves: 'everywhere', seconds: 0 }],
		['without having been there', { vanish: true }],
	] as const)('%s is reported by its ID, after some patience', async (_how, fault) => {
		faultTask(fault);
		const run = await lab.run(generating('queue', QUICK, CONTINUE), { items: prompts(1) });

		const [id] = ids();
		expect(errors(run)).toMatchObject([
			{ kind: 'notFound', taskId: id, message: `Oxen.ai knows no generation ${id}` },
		]);
		// a first miss and three more
		expect(polls().filter(({ status }) => status === 404)).toHaveLength(4);
		expect(lab.emulator.ledger.submissions).toHaveLength(1);
	});

	test('may be missing for a moment after the submit', async () => {
		for (const route of ['oxen.queue', 'oxen.history'] as const)
			lab.emulator.rule({ route, times: 2 }, { error: 'oxen.notFound' });
		const run = await lab.run(generating('queue'), { items: prompts(1) });

		await expectEachImageOnce(run, 1);
		expect(
			polls()
				.slice(0, 2)
				.map(({ status }) => status),
		).toEqual([404, 404]);
	});
});

describe('a generation that ends badly', () => {
	test.each<[string, object, object]>([
		[
			'by itself',
			{ fail: { message: 'CUDA error' } },
			{ kind: 'unavailable', message: 'Oxen.ai could not make this image: CUDA error' },
		],
		['for want of credits', { fail: { message: 'Insufficient credits' } }, { kind: 'credits' }],
		['by moderation', { fail: { message: 'Output flagged as NSFW' } }, { kind: 'moderated' }],
	])('%s, is reported with its ID and not submitted again', async (_how, fault, expected) => {
		faultTask(fault);
		const run = await lab.run(generating('queue', QUICK, CONTINUE), { items: prompts(1) });

		expect(errors(run)).toMatchObject([
			{ ...expected, taskId: ids()[0], provider: 'oxen', model: 'flux-2-pro' },
		]);
		expect(lab.emulator.ledger.submissions).toHaveLength(1);
	});

	test('in a status that no document explains is polled until Timeout, whose message names it', async () => {
		faultTask({ status: 'paused' });
		const options = { ...QUICK, timeout: 1 };
		const run = await lab.run(generating('queue', options, CONTINUE), { items: prompts(1) });

		expect(errors(run)).toMatchObject([
			{
				kind: 'timeout',
				message:
					'The image was not ready after 1 s: the provider\'s last status was "paused", which no document explains',
				taskId: ids()[0],
			},
		]);
		expect(lab.emulator.ledger.submissions).toHaveLength(1);
	});

	test('because of a parameter is reported when the task ran, in the message of the provider', async () => {
		const options = { ...QUICK, customBody: '{"guidance": 99}' };
		const run = await lab.run(generating('queue', options, CONTINUE), { items: prompts(1) });

		expect(errors(run)).toMatchObject([
			{ message: expect.stringContaining('guidance must be <= 10') },
		]);
		expect(paid().count).toBe(0);
	});

	test('at once, in a synchronous call, is reported as what it is', async () => {
		const run = await lab.run(generating('sync', { customBody: '{"guidance": 99}' }, CONTINUE), {
			items: prompts(1),
		});

		expect(errors(run)).toMatchObject([
			{
				kind: 'invalidInput',
				httpCode: 400,
				message: expect.stringContaining('guidance must be <= 10'),
			},
		]);
	});

	test.each(['queue', 'events'] as const)(
		'because it was cancelled is reported as that, and kept (%s)',
		async (mode) => {
			faultTask({ seconds: 60 });
			const { done } = lab.start(generating(mode, QUICK, CONTINUE), { items: prompts(1) });
			await until(() => polls().length > 0);
			const { urls, keys } = lab.emulator;
			await fetch(`${urls.oxen}/api/ai/queue/${ids()[0]}`, {
				method: 'DELETE',
				headers: { authorization: `Bearer ${keys.oxenKey}` },
			});

			expect(errors(await done)).toMatchObject([
				{
					kind: 'unavailable',
					message: 'The task was cancelled at Oxen.ai',
					description: expect.stringContaining('not submitted again by itself'),
					taskId: ids()[0],
				},
			]);
		},
	);
});

describe('several images of one prompt', () => {
	const three = { ...QUICK, numberOfImages: 3 };

	test.each(['queue', 'events'] as const)(
		'are items of their own, each linked to its input (%s)',
		async (mode) => {
			const options = mode === 'queue' ? three : { numberOfImages: 3 };
			const run = await lab.run(generating(mode, options), { items: prompts(2) });

			const output = run.items(NODE);
			expect(output.map(({ pairedItem }) => pairedItem)).toEqual(
				[0, 0, 0, 1, 1, 1].map((item) => ({ item })),
			);
			expect(output.map(({ json }) => [json.prompt, json.seed])).toEqual(
				[1, 1, 1, 2, 2, 2].map((n) => [`item ${n}`, undefined]),
			);
			expect(new Set((await imagesIn(lab, run)).map(([, sha256]) => sha256)).size).toBe(6);
			expect(lab.emulator.ledger.submissions).toHaveLength(2);
			expect(sum(run)).toBeCloseTo(paid().amount, 9);
			expect(paid()).toEqual({ count: 6, amount: 0.27 });
		},
	);

	test('fail apart: one error among its images, and the costs add up', async () => {
		faultTask({ only: 1, fail: { message: 'no luck' } });
		const run = await lab.run(generating('queue', three, CONTINUE), { items: prompts(1) });

		const output = run.items(NODE);
		expect(
			output.map(({ json, pairedItem }) => [Object.keys(json).includes('error'), pairedItem]),
		).toEqual([
			[false, { item: 0 }],
			[true, { item: 0 }],
			[false, { item: 0 }],
		]);
		expect(errors(run)[1]).toMatchObject({
			message: expect.stringContaining('no luck'),
			taskId: ids()[1],
		});
		expect(sum(run)).toBeCloseTo(0.09, 9);
		expect(paid()).toEqual({ count: 2, amount: 0.09 });
	});

	const hide = (isHidden: (id: string) => boolean) => {
		for (const route of ['oxen.queue', 'oxen.history'] as const) {
			lab.emulator.rule(
				{ route },
				{
					mutate: (sent) =>
						isHidden(JSON.stringify(sent.body)) ? { ...sent, status: 404, body: {} } : sent,
				},
			);
		}
	};

	test('that are there are kept when one is lost, for which a retry asks once more', async () => {
		hide((body) => body.includes(ids()[1]!));
		const failed = await lab.run(generating('queue', three), { items: prompts(1) });
		const { description } = failed.error!;
		expect(description).toContain('not submitted again by itself. Retry this execution to ask for');
		expect(description).toContain('A retry passes on the other images of this request');
		const pollsBefore = polls().length;
		const again = await lab.retry(failed, generating('queue', three, CONTINUE));

		expect(jsons(again).map(({ taskId }) => taskId)).toEqual([ids()[0], undefined, ids()[2]]);
		expect(
			new Set(
				polls()
					.slice(pollsBefore)
					.map(({ taskId }) => taskId),
			),
		).toEqual(new Set([ids()[1]]));
		expect(lab.emulator.ledger.submissions).toHaveLength(1);
	});

	test('are all there when a retry finds the one that was lost', async () => {
		let isHidden = true;
		hide((body) => isHidden && body.includes(ids()[1]!));
		const failed = await lab.run(generating('queue', three), { items: prompts(1) });
		isHidden = false;
		const again = await lab.retry(failed, generating('queue', three));

		expect(jsons(again).map(({ taskId }) => taskId)).toEqual(ids());
		expect(lab.emulator.ledger.submissions).toHaveLength(1);
	});

	test('are submitted anew by a retry when one is lost and the provider has failed the others', async () => {
		faultTask({ fail: { message: 'no luck' } }, 1);
		hide((body) => body.includes(ids()[1]!));
		const failed = await lab.run(generating('queue', three), { items: prompts(1) });
		expect(failed.status).toBe('error');
		expect(lab.emulator.ledger.submissions).toHaveLength(1);
		const again = await lab.retry(failed, generating('queue', three));

		expect(jsons(again).map(({ taskId }) => taskId)).toEqual(ids().slice(3));
		expect(lab.emulator.ledger.submissions).toHaveLength(2);
	});

	test('that are there are neither lost nor paid again when one has failed', async () => {
		faultTask({ only: 1, fail: { message: 'no luck' } }, 1);
		const failed = await lab.run(generating('queue', three), { items: prompts(1) });
		expect(failed.status).toBe('error');
		expect(failed.error?.description).toContain('passes on the other images of this request');
		const again = await lab.retry(failed, generating('queue', three, CONTINUE));

		expect(lab.emulator.ledger.submissions).toHaveLength(1);
		expect(
			jsons(again).map(({ taskId, error }) => taskId ?? (error as { taskId: string }).taskId),
		).toEqual(ids());
		expect(sum(again)).toBeCloseTo(0.09, 9);
	});
});

describe('promises that hold here too', () => {
	const everyMode = ['sync', 'queue', 'events'] as const;
	const submitOf = (mode: Mode) => (mode === 'sync' ? 'oxen.sync' : 'oxen.enqueue');

	test.each(everyMode)(
		'a submit that was refused for the moment is sent again (%s)',
		async (mode) => {
			const refusal = { error: 'oxen.rateLimit', headers: { 'retry-after': '0.01' } } as const;
			lab.emulator.rule({ route: submitOf(mode), times: 2 }, refusal);
			const run = await lab.run(generating(mode), { items: prompts(1) });

			expect(lab.emulator.ledger.submissions.map(({ status }) => status)).toEqual([429, 429, 200]);
			expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(1)));
		},
	);

	test.each(everyMode)('a submit whose response is lost is not sent again (%s)', async (mode) => {
		lab.emulator.rule({ route: submitOf(mode) }, { reset: 'midBody' });
		const run = await lab.run(generating(mode, QUICK, CONTINUE), { items: prompts(1) });

		expect(lab.emulator.ledger.submissions).toHaveLength(1);
		expect(errors(run)).toMatchObject([
			{
				kind: 'unavailable',
				description: expect.stringContaining('Nobody knows whether this request was billed'),
			},
		]);
	});

	test.each(everyMode)('Retry On Fail resumes what was paid for (%s)', async (mode) => {
		lab.emulator.rule(
			{ route: 'download', times: 4 },
			{ status: 503, headers: { 'retry-after': '0.01' } },
		);
		const run = await lab.run(generating(mode, QUICK, RETRY), { items: prompts(1) });

		await expectEachImageOnce(run, 1);
		expect(lab.emulator.ledger.downloads).toHaveLength(5);
	});

	test.each(['queue', 'events'] as const)(
		'a stop cancels at the provider and returns (%s)',
		async (mode) => {
			faultTask({ seconds: 60 });
			const { done, stop } = lab.start(generating(mode), { items: prompts(3) });
			await until(
				() => lab.emulator.ledger.submissions.filter(({ status }) => status === 200).length === 3,
			);
			await until(() => polls().length >= 3);
			const stoppedAt = Date.now();
			stop();
			const run = await done;

			expect(Date.now() - stoppedAt).toBeLessThan(PROMPTLY_MS);
			expect(run.status).toBe('canceled');
			await until(
				() => lab.emulator.ledger.cancels.filter(({ status }) => status === 200).length === 3,
			);
			expect(lab.emulator.ledger.cancels.map(({ taskId }) => taskId).sort()).toEqual(ids().sort());
			expect(lab.emulator.ledger.tasks.every(({ cancelledAt }) => cancelledAt !== undefined)).toBe(
				true,
			);
			await until(() =>
				lab.emulator.ledger.streams.every(({ closedAt }) => closedAt !== undefined),
			);
		},
	);

	test.each([
		[
			'a wrong key',
			'wrong',
			{
				kind: 'auth',
				httpCode: 401,
				message:
					'Oxen.ai refused the credential: You must be authenticated to access this resource: Missing or invalid API key (HTTP 401)',
			},
		],
		['a powerless key', 'oxenKeyWithoutPermission', { kind: 'auth', httpCode: 403 }],
		['an empty account', 'oxenKeyWithoutCredits', { kind: 'credits' }],
	] as const)('%s is reported as what it is in every mode', async (_what, name, expected) => {
		const keys = lab.emulator.keys;
		const { apiKey } = lab.credentials.flux2OxenApi!;
		lab.credentials.flux2OxenApi!.apiKey = name === 'wrong' ? 'a wrong key' : keys[name];
		for (const mode of everyMode) {
			const run = await lab.run(generating(mode, QUICK, CONTINUE), { items: prompts(1) });
			const { httpCode, ...rest } = expected as { httpCode?: number; kind: string };
			expect(errors(run)).toMatchObject([{ ...rest, ...(httpCode && { httpCode }) }]);
		}
		lab.credentials.flux2OxenApi!.apiKey = apiKey!;
		expect(lab.emulator.ledger.tasks.every(({ cost }) => cost === 0)).toBe(true);
	});
});

describe('Task', () => {
	test('Submit responds with task items at once, and Get collects them', async () => {
		faultTask({ seconds: 0.2 });
		const submitted = await lab.run(onTask('submit', { prompt: 'a pier', numberOfImages: 2 }));

		expect(submitted.items(NODE)).toEqual(
			ids().map((taskId) => ({
				json: { provider: 'oxen', model: 'flux-2-pro', taskId, submittedAt: expect.any(String) },
				pairedItem: { item: 0 },
			})),
		);
		expect(ids()).toHaveLength(2);
		const get = onTask('get', { options: QUICK });
		const collected = await lab.run(get, { items: items(...jsons(submitted)) });

		expect(jsons(collected)).toMatchObject(
			ids().map((taskId) => ({
				taskId,
				status: 'completed',
				model: 'flux-2-pro',
				cost: { amount: 0.045 },
			})),
		);
		expect(lab.emulator.ledger.submissions).toHaveLength(1);
	});

	test('Get without waiting says how far the task is', async () => {
		faultTask({ seconds: 60 }, 1);
		faultTask({ fail: { message: 'CUDA error' } });
		for (const prompt of ['runs', 'fails']) await lab.run(onTask('submit', { prompt }));
		const get = onTask('get', { waitForCompletion: false, options: QUICK });
		await until(() => lab.emulator.ledger.tasks[1]!.readyAt < Date.now());
		const [running, failed] = ids();
		const run = await lab.run(get, { items: items({ taskId: running! }, { taskId: failed! }) });

		expect(jsons(run)).toEqual([
			{ provider: 'oxen', model: 'flux-2-pro', taskId: running, status: 'pending' },
			{
				provider: 'oxen',
				model: 'flux-2-pro',
				taskId: failed,
				status: 'failed',
				kind: 'unavailable',
				message: 'Oxen.ai could not make this image: CUDA error',
			},
		]);
	});

	test('Get finds what has left the queue, and says when there is nothing', async () => {
		faultTask({ leaves: 'queue', seconds: 0 });
		await lab.run(onTask('submit', { prompt: 'a pier' }));
		const input = items({ taskId: ids()[0]! }, { taskId: 'unknown' });
		const get = { ...onTask('get', { options: QUICK }), settings: CONTINUE };
		const [found, missing] = jsons(await lab.run(get, { items: input }));

		expect(found).toMatchObject({ taskId: ids()[0], status: 'completed', cost: { amount: 0.045 } });
		expect(missing?.error).toMatchObject({ kind: 'notFound', taskId: 'unknown' });
	});

	test('Cancel stops a task, and says when there is none', async () => {
		faultTask({ seconds: 60 });
		await lab.run(onTask('submit', { prompt: 'a pier' }));
		const input = items({ taskId: ids()[0]! }, { taskId: 'unknown' });
		const [cancelled, missing] = jsons(
			await lab.run({ ...onTask('cancel'), settings: CONTINUE }, { items: input }),
		);

		expect(cancelled).toEqual({ provider: 'oxen', taskId: ids()[0], status: 'cancelled' });
		expect(missing?.error).toMatchObject({ kind: 'notFound', httpCode: 404 });
		expect(lab.emulator.ledger.tasks[0]?.cancelledAt).toBeDefined();
	});

	test.each([
		['completed', {}],
		['failed', { fail: { message: 'CUDA error' } }],
	])('Cancel of a task that has ended says so: %s', async (status, fault) => {
		faultTask({ seconds: 0, ...fault });
		await lab.run(onTask('submit', { prompt: 'a pier' }));
		const run = await lab.run(onTask('cancel'), { items: items({ taskId: ids()[0]! }) });

		expect(jsons(run)).toEqual([{ provider: 'oxen', taskId: ids()[0], status }]);
	});

	describe('Get Many', () => {
		const listing = (parameters: object = {}) => onTask('getMany', parameters);

		async function submitSome() {
			faultTask({ seconds: 60 }, 2);
			for (const [prompt, options] of [
				['one', {}],
				['two', { targetNamespace: 'acme' }],
				['three', { targetNamespace: 'acme' }],
			] as const)
				await lab.run(onTask('submit', { prompt, options }));
			await until(() => lab.emulator.ledger.tasks[2]!.readyAt < Date.now());
			return ids();
		}

		test('lists the active tasks', async () => {
			const [one, two] = await submitSome();
			const run = await lab.run(listing());

			const row = (taskId: string | undefined, prompt: string) => ({
				provider: 'oxen',
				taskId,
				model: 'flux-2-pro',
				status: expect.stringMatching(/^(queued|processing)$/),
				prompt,
				submittedAt: expect.stringMatching(/^20\d\d-.*Z$/),
			});
			expect(jsons(run)).toEqual([row(one, 'one'), row(two, 'two')]);
		});

		test.each<[object, number[]]>([
			[{ namespace: 'acme' }, [1]],
			[{ status: 'succeeded' }, [2]],
			[
				{
					status: 'succeeded',
					namespace: 'acme',
					model: 'flux-2-pro',
					repo: 'generations',
					folder: 'images',
				},
				[2],
			],
			[{ status: 'failed' }, []],
		])('filters by %j', async (filters, expected) => {
			const all = await submitSome();
			const run = await lab.run(listing({ filters }));
			expect(jsons(run).map(({ taskId }) => taskId)).toEqual(expected.map((index) => all[index]));
		});

		test('gives at most as many as wanted, and whole rows without Simplify', async () => {
			const [one, two] = await submitSome();
			const taken = async (parameters: object) =>
				jsons(await lab.run(listing({ simplify: false, ...parameters }))).map(
					({ raw }) => (raw as { generation_id: string }).generation_id,
				);

			expect(await taken({ limit: 1 })).toEqual([one]);
			expect(await taken({ returnAll: true, limit: 1 })).toEqual([one, two]);
		});
	});
});

test('Model: Get Many lists models, by developer and by what they do', async () => {
	const listing = (filters: object, simplify = true): NodeUnderTest => ({
		type: 'flux2Oxen',
		parameters: { resource: 'model', operation: 'getMany', returnAll: true, filters, simplify },
	});
	const bfl = jsons(await lab.run(listing({ developerName: 'Black Forest Labs' })));

	expect(bfl.map(({ id }) => id)).toEqual([
		'flux-2-pro',
		'flux-2-dev',
		'flux-2-flex',
		'black-forest-labs-flux-2-klein-4b',
		'black-forest-labs-flux-2-klein-9b',
	]);
	expect(bfl[0]).toEqual({
		provider: 'oxen',
		id: 'flux-2-pro',
		name: 'FLUX 2 PRO',
		description: 'flux-2-pro by Black Forest Labs',
		endpoint: '/images/edit',
		pricing: { method: 'per_image', cost_per_image: 0.045 },
		releasedAt: '2025-11-25',
	});
	expect(jsons(await lab.run(listing({ action: 'generate' })))).toHaveLength(2);
	const [whole] = jsons(await lab.run(listing({}, false)));
	expect(whole?.raw).toHaveProperty('request_schema');
});

describe('the credential test', () => {
	const result = async (changes: object) => {
		const credential = { ...lab.credentials.flux2OxenApi, ...changes };
		return await testCredential(lab.engine, 'flux2OxenApi', credential);
	};

	test('passes with a good key, and costs nothing', async () => {
		expect(await result({})).toMatchObject({ status: 'OK' });
		expect(lab.emulator.ledger.requests.map(({ method, path }) => [method, path])).toEqual([
			['GET', '/api/ai/queue'],
		]);
		expect(paid().count).toBe(0);
	});

	test('distinguishes a wrong key, one without permission, a wrong address and no network', async () => {
		const { urls, keys } = lab.emulator;
		const failures = [
			await result({ apiKey: 'wrong' }),
			await result({ apiKey: keys.oxenKeyWithoutPermission }),
			await result({ baseUrl: `${urls.oxen}/nothing/here` }),
			await result({ baseUrl: 'http://127.0.0.1:9' }),
		];

		expect(failures.map(({ status, message }) => [status, message])).toEqual([
			['Error', 'Oxen.ai does not accept this API key'],
			['Error', 'This API key may not use the inference API'],
			['Error', 'There is no Oxen.ai at this base URL'],
			['Error', expect.stringMatching(/ECONNREFUSED/)],
		]);
		const { unexpected } = lab.emulator.ledger;
		expect(unexpected.map(({ path }) => path)).toEqual(['/nothing/here/api/ai/queue']);
		unexpected.length = 0;
		lab.emulator.ledger.leaks.length = 0;
	});
});
