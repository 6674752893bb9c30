import Ajv2020 from 'ajv/dist/2020';
import sharp from 'sharp';
import { startEmulator, type Effect, type Emulator, type EmulatorOptions } from '../../emulator';
import { sha256 } from '../../emulator/images';
import { until } from '../../support/lab';

let emulator: Emulator;

beforeAll(async () => {
	emulator = await startEmulator({ seconds: 0, keepAliveMs: 5 });
});

afterAll(() => emulator.close());

afterEach(() => {
	const { unexpected, leaks } = emulator.ledger;
	emulator.reset();
	expect({ unexpected, leaks }).toEqual({ unexpected: [], leaks: [] });
});

interface JsonResponse {
	status: number;
	/** Of any shape: the tests state what they expect. */
	body: ReturnType<typeof JSON.parse>;
}

async function call(
	path: string,
	{
		method = 'GET',
		body,
		key = emulator.keys.oxenKey,
		at = emulator,
	}: {
		method?: string;
		body?: unknown;
		key?: string;
		at?: Emulator;
	} = {},
): Promise<JsonResponse> {
	const response = await fetch(at.urls.oxen + path, {
		method,
		headers: {
			authorization: `Bearer ${key}`,
			...(body !== undefined && { 'content-type': 'application/json' }),
		},
		body: JSON.stringify(body),
	});
	return { status: response.status, body: await response.json() };
}

const PRO = 'flux-2-pro';
const KLEIN = 'black-forest-labs-flux-2-klein-4b';
const A = { model: PRO, prompt: 'a red cube' };
const SMALL = { width: 64, height: 64 };

const makeNow = (body: object, key?: string) =>
	call('/api/ai/images/edit', { method: 'POST', body, key });
const enqueue = (body: object, key?: string, at?: Emulator) =>
	call('/api/ai/queue', { method: 'POST', body, key, at });
const poll = (id: string, at?: Emulator) => call(`/api/ai/queue/${id}`, { at });
const history = (id: string, at?: Emulator) => call(`/api/ai/generations/${id}`, { at });

async function enqueued(body: object = A, at?: Emulator): Promise<string> {
	const response = await enqueue(body, undefined, at);
	return response.body.generations[0].generation_id as string;
}

async function downloadImage(url: string) {
	const response = await fetch(url);
	const bytes = Buffer.from(await response.arrayBuffer());
	const { format, width, height } = await sharp(bytes).metadata();
	return { status: response.status, format, width, height, sha256: sha256(bytes) };
}

const NOT_FOUND = {
	status: 404,
	body: {
		error: {
			type: 'resource_not_found',
			title: 'The requested resource could not be found',
		},
		status: 'error',
		status_message: 'resource_not_found',
	},
};

describe('the synchronous call', () => {
	test.each(['edit', 'generate'])('responds to images/%s in the documented form', async (path) => {
		const { status, body } = await call(`/api/ai/images/${path}`, { method: 'POST', body: A });

		expect({ status, body }).toEqual({
			status: 200,
			body: {
				model: PRO,
				created: expect.any(Number),
				images: [{ url: emulator.ledger.tasks[0]?.url }],
			},
		});
		expect(await downloadImage(body.images[0].url)).toMatchObject({
			format: 'webp',
			width: 1360,
			height: 768,
		});
	});

	test('responds with the bytes where base64 is requested', async () => {
		const { body } = await makeNow({ ...A, response_format: 'b64_json' });
		const [image] = body.images;

		expect(Object.keys(image)).toEqual(['b64_json']);
		const bytes = Buffer.from(image.b64_json, 'base64');
		expect(sha256(bytes)).toBe(emulator.ledger.tasks[0]?.sha256);
	});

	test('refuses invalid parameters at once, and nothing is paid', async () => {
		const bad: Array<[object, string]> = [
			[{ model: PRO, prompt: '' }, 'Prompt cannot be empty'],
			[{ model: PRO }, "params must have required property 'prompt'"],
			[{ ...A, width: 512 }, 'params must NOT have additional properties'],
			[{ ...A, num_generations: 2 }, 'params must NOT have additional properties'],
			[{ ...A, guidance_scale: 2 }, 'params must NOT have additional properties'],
			[{ ...A, guidance: 11 }, 'params/guidance must be <= 10'],
			[{ ...A, num_inference_steps: 51 }, 'params/num_inference_steps must be <= 50'],
			[{ ...A, output_quality: 'high' }, 'params/output_quality must be integer'],
			[{ ...A, seed: '1' }, 'params/seed must be integer'],
			[
				{ ...A, aspect_ratio: '5:4' },
				'params/aspect_ratio must be equal to one of the allowed values',
			],
			[{ ...A, aspect_ratio: 'match_input_image' }, 'match_input_image needs an input image'],
			[
				{ ...A, model: KLEIN, aspect_ratio: '3:2' },
				'params/aspect_ratio must be equal to one of the allowed values',
			],
			[{ ...A, model: KLEIN, guidance: 2 }, 'params must NOT have additional properties'],
			[{ ...A, model: KLEIN, resolution: '1 MP' }, 'params must NOT have additional properties'],
			[
				{ ...A, model: KLEIN, disable_safety_checker: true },
				'params must NOT have additional properties',
			],
			[
				{ ...A, model: KLEIN, output_quality: 80 },
				'params/output_quality must be equal to one of the allowed values',
			],
			[{ ...A, input_image: 'https://a.example/b.png' }, 'params/input_image must be array'],
			[{ ...A, input_image: ['b.png'] }, 'is not a URL for url: b.png'],
			[
				{ ...A, input_image: ['data:image/png;base64,AAAA'] },
				'is not an image that can be decoded for url: data:image/png;base64,AAAA',
			],
			[
				{ ...A, input_image: [`${emulator.urls.results}/none.png`] },
				`could not be downloaded (404) for url: ${emulator.urls.results}/none.png`,
			],
		];
		const replies: JsonResponse[] = [];
		for (const [body] of bad) replies.push(await makeNow(body));

		expect(replies.map(({ status, body }) => [status, body.error])).toEqual(
			bad.map(([, detail]) => [
				400,
				{ type: 'invalid_params', title: 'The parameters are invalid', detail },
			]),
		);
		expect(emulator.ledger.tasks).toEqual([]);
		emulator.ledger.unexpected.length = 0;
	});

	test('responds with 402 where the credits are spent', async () => {
		expect(await makeNow(A, emulator.keys.oxenKeyWithoutCredits)).toEqual({
			status: 402,
			body: { error: { message: 'Insufficient credits' } },
		});
	});
});

test.each([
	['1:1', '1 MP', 1024, 1024],
	['16:9', '1 MP', 1360, 768],
	['9:16', '0.5 MP', 544, 960],
	['2:3', '2 MP', 1184, 1776],
])('%s at %s is %i × %i', async (aspect_ratio, resolution, width, height) => {
	await makeNow({ ...A, aspect_ratio, resolution });
	expect(emulator.ledger.tasks[0]).toMatchObject({ width, height });
});

test('an image has the proportions of its reference, and shows it', async () => {
	const url = `${emulator.urls.results}/references/a.png?width=200&height=100`;
	await makeNow({ ...A, input_image: [url], aspect_ratio: 'match_input_image' });
	await makeNow({ ...A, aspect_ratio: '1:1' });

	const [matched, square] = emulator.ledger.tasks;
	expect([matched, square].map((task) => [task?.width, task?.height])).toEqual([
		[1456, 720],
		[1024, 1024],
	]);
});

test('formats and their defaults are those of the model', async () => {
	for (const body of [{}, { output_format: 'jpg' }, { model: KLEIN }])
		await makeNow({ ...A, ...body });
	expect(emulator.ledger.tasks.map(({ format }) => format)).toEqual(['webp', 'jpeg', 'png']);
});

describe('the queue', () => {
	test('goes from queued over processing to succeeded', async () => {
		emulator.rule({ route: 'oxen.enqueue' }, { task: { polls: 5 }, as: SMALL });
		const id = await enqueued({ ...A, seed: 42, aspect_ratio: '1:1' });
		const seen: JsonResponse['body'][] = [];
		while (seen.at(-1)?.status !== 'succeeded') seen.push((await poll(id)).body);

		const { url } = emulator.ledger.tasks[0]!;
		const statuses = seen.map(({ status }) => status as string);
		expect([...new Set(statuses)]).toEqual(['queued', 'processing', 'succeeded']);
		const common = {
			generation_id: id,
			model_name: PRO,
			prompt: A.prompt,
			media_type: 'image',
			error_message: null,
			enqueued_at: expect.any(Number),
			aspect_ratio: '1:1',
			seed: 42,
		};
		expect(seen[0]).toEqual({
			...common,
			status: 'queued',
			result_url: null,
			started_at: null,
			completed_at: null,
		});
		const times = { started_at: expect.any(Number), completed_at: expect.any(Number) };
		expect(seen.at(-1)).toEqual({ ...common, status: 'succeeded', result_url: url, ...times });
	});

	test('checks the parameters when the task runs', async () => {
		const id = await enqueued({ ...A, guidance: 11 });

		const error_message = 'params/guidance must be <= 10';
		expect(await poll(id)).toMatchObject({
			status: 200,
			body: { status: 'failed', result_url: null, error_message },
		});
		expect((await history(id)).body.generation).toMatchObject({ cost: null, error_message });
		expect(emulator.ledger.paidBy(emulator.keys.oxenKey)).toEqual({ count: 0, amount: 0 });
	});

	test('fails a task whose account has no credits', async () => {
		const key = emulator.keys.oxenKeyWithoutCredits;
		const { body } = await enqueue(A, key);
		const id = body.generations[0].generation_id as string;

		expect((await call(`/api/ai/queue/${id}`, { key })).body).toMatchObject({
			status: 'failed',
			error_message: 'Insufficient credits',
		});
	});

	test.each([0, 5, 1.5, '2'])('refuses %p generations at once', async (num_generations) => {
		expect(await enqueue({ ...A, num_generations })).toMatchObject({
			status: 400,
			body: { error: { detail: 'num_generations must be an integer between 1 and 4' } },
		});
	});

	test('generates several images that differ, each a task of its own, of which one may fail alone', async () => {
		emulator.rule({ route: 'oxen.enqueue' }, { task: { fail: { message: 'no' }, only: 1 } });
		const { body } = await enqueue({ ...A, seed: 7, num_generations: 3 });

		const { tasks, submissions } = emulator.ledger;
		expect(body.generations).toEqual(
			tasks.map(({ id }) => ({ generation_id: id, status: 'queued' })),
		);
		expect(tasks.map(({ seed, cost }) => [seed, cost])).toEqual([
			[7, 0.045],
			[8, 0],
			[9, 0.045],
		]);
		expect(submissions.map(({ cost, taskId }) => [cost, taskId])).toEqual([[0.09, tasks[0]?.id]]);
		expect(emulator.ledger.paidBy(emulator.keys.oxenKey)).toEqual({ count: 2, amount: 0.09 });
		await expect(emulator.ledger.image(tasks[1]!.id)).rejects.toThrow();
		const [generation, three] = await Promise.all(
			[0, 2].map((n) => emulator.ledger.image(tasks[n]!.id)),
		);
		expect(generation?.sha256).not.toBe(three?.sha256);
	});

	test('cancels a running task, and leaves one that has ended as it is', async () => {
		emulator.rule({ route: 'oxen.enqueue', times: 1 }, { task: { seconds: 60 } });
		const running = await enqueued();
		const done = await enqueued();
		const cancel = (id: string) => call(`/api/ai/queue/${id}`, { method: 'DELETE' });

		for (const id of [running, done])
			expect(await cancel(id)).toEqual({
				status: 200,
				body: { status: 'success', generation_id: id },
			});
		expect((await poll(running)).body).toMatchObject({ status: 'cancelled', result_url: null });
		expect((await history(running)).body.generation).toMatchObject({ cost: null });
		expect((await poll(done)).body).toMatchObject({ status: 'succeeded' });
		expect(await cancel('unknown')).toEqual(NOT_FOUND);
		expect(emulator.ledger.cancels.map(({ taskId, status }) => [taskId, status])).toEqual([
			[running, 200],
			[done, 200],
			['unknown', 404],
		]);
	});

	test('has the tasks of its own key only, and none of a synchronous call', async () => {
		const id = await enqueued();
		await makeNow(A);
		const other = { key: emulator.keys.oxenKeyOfSomebodyElse };

		expect(await call(`/api/ai/queue/${id}`, other)).toEqual(NOT_FOUND);
		expect(await call(`/api/ai/generations/${id}`, other)).toEqual(NOT_FOUND);
		expect(await poll(emulator.ledger.tasks[1]!.id)).toEqual(NOT_FOUND);
		expect((await history(emulator.ledger.tasks[1]!.id)).status).toBe(200);
	});
});

describe('lists', () => {
	const ids = ({ body }: JsonResponse) =>
		body.generations.map(({ generation_id }: { generation_id: string }) => generation_id);

	test('the queue lists active tasks, or those with the requested status', async () => {
		emulator.rule({ route: 'oxen.enqueue', times: 1 }, { task: { seconds: 60 } });
		emulator.rule({ route: 'oxen.enqueue', times: 1 }, { task: { fail: { message: 'no' } } });
		const active = await enqueued({ ...A, target_namespace: 'acme' });
		const failed = await enqueued({ ...A, model: KLEIN });
		const done = await enqueued();
		const list = async (query = '') => ids(await call(`/api/ai/queue${query}`));

		expect(await list()).toEqual([active]);
		expect(await list('?status=succeeded')).toEqual([done]);
		expect(await list('?status=failed&model=flux-2-pro')).toEqual([]);
		expect(await list(`?status=failed&model=${KLEIN}`)).toEqual([failed]);
		expect(await list('?namespace=acme&media_type=image')).toEqual([active]);
		expect(await list('?media_type=video')).toEqual([]);
	});

	test('the history has every task, by pages, with what was charged', async () => {
		const generated = [await enqueued(), await enqueued({ ...A, model: KLEIN })];
		emulator.rule({ route: 'oxen.enqueue' }, { task: { fail: { message: 'no' } } });
		generated.push(await enqueued());

		const first = await call('/api/ai/generations?page_size=2');
		expect(ids(first)).toEqual(generated.slice(0, 2));
		expect(first.body).toMatchObject({
			total_cost: '0.059',
			page_number: 1,
			page_size: 2,
			total_entries: 3,
			total_pages: 2,
			count: 2,
		});
		expect(ids(await call('/api/ai/generations?page=2&page_size=2'))).toEqual(generated.slice(2));
		expect(await call('/api/ai/generations?page_size=0')).toMatchObject({ status: 400 });
	});

	test('one past generation has its cost as a decimal', async () => {
		const id = await enqueued({ ...A, target_namespace: 'acme' });

		expect(await history(id)).toEqual({
			status: 200,
			body: {
				status: 'success',
				status_message: 'resource_found',
				generation: expect.objectContaining({
					generation_id: id,
					model_name: PRO,
					cost: '0.045',
					result_url: emulator.ledger.tasks[0]?.url,
					error_message: null,
					target_namespace: 'acme',
					prompt: A.prompt,
				}),
			},
		});
	});

	test('a filter that no document knows is recorded', async () => {
		await call('/api/ai/queue?stauts=failed');
		expect(emulator.ledger.unexpected).toMatchObject([{ reason: 'query stauts' }]);
		emulator.ledger.unexpected.length = 0;
	});

	test('the models are public, searchable, and carry the schema that is checked', async () => {
		const anonymous = { key: 'unknown' };
		const names = ({ body }: JsonResponse) => body.data.map(({ id }: { id: string }) => id);
		const all = await call('/api/ai/models', anonymous);

		expect(names(all)).toContain('a-video-model');
		expect(names(await call('/api/ai/models?developer_name=Black%20Forest%20Labs'))).toEqual([
			PRO,
			'flux-2-dev',
			'flux-2-flex',
			KLEIN,
			'black-forest-labs-flux-2-klein-9b',
		]);
		expect(names(await call('/api/ai/models?action=generate'))).toHaveLength(2);
		expect(names(await call('/api/ai/models/search?search=klein'))).toHaveLength(2);
		const { body } = await call(`/api/ai/models/${KLEIN}`);
		expect(new Ajv2020().validate(body.request_schema, { ...A, guidance_scale: 3 })).toBe(true);
		expect(await call('/api/ai/models/flux-9')).toEqual(NOT_FOUND);
	});
});

describe('events', () => {
	/** Reads the stream until it ends; `text` is what has come so far. */
	async function subscribe(key = emulator.keys.oxenKey) {
		const response = await fetch(`${emulator.urls.oxen}/api/events`, {
			headers: { authorization: `Bearer ${key}` },
		});
		const reader = response.body!.getReader();
		const decoder = new TextDecoder();
		const received = { text: '', ended: undefined as undefined | 'well' | 'broken' };
		const read = async (): Promise<void> => {
			const { done, value } = await reader.read();
			if (done) return;
			received.text += decoder.decode(value, { stream: true });
			await read();
		};
		void read().then(
			() => (received.ended = 'well'),
			() => (received.ended = 'broken'),
		);
		return {
			status: response.status,
			type: response.headers.get('content-type'),
			received,
			close: async () => await reader.cancel(),
		};
	}

	/** The completion events of this emulator's tasks. */
	const ends = (text: string) =>
		text
			.split('\n\n')
			.slice(0, -1)
			.filter((event) => event.startsWith('event: media_generation_completed\ndata: '))
			.map((event) => JSON.parse(event.split('data: ')[1]!))
			.filter(({ media_type }) => media_type === 'image');

	test('announce the end of each task of the key, among others, and keep the connection alive', async () => {
		const own = await subscribe();
		const other = await subscribe(emulator.keys.oxenKeyOfSomebodyElse);
		emulator.rule({ route: 'oxen.enqueue', skip: 1 }, { task: { fail: { message: 'no' } } });
		const [done, failed] = [await enqueued(), await enqueued()];
		await until(() => ends(own.received.text).length === 2);

		expect(own).toMatchObject({ status: 200, type: 'text/event-stream' });
		expect(ends(own.received.text)).toEqual([
			{
				generation_id: done,
				status: 'succeeded',
				media_type: 'image',
				model: PRO,
				url: emulator.ledger.tasks[0]?.url,
			},
			{ generation_id: failed, status: 'failed', media_type: 'image', error: 'no' },
		]);
		expect(own.received.text).toContain('event: fine_tune_updated\n');
		expect(own.received.text).toContain('"media_type":"video"');
		await until(() => other.received.text.includes(': keep-alive\n\n'));
		expect(other.received.text).not.toContain('event');
		expect(emulator.ledger.streams.map(({ taskIds }) => taskIds)).toEqual([[done, failed], []]);
		await Promise.all([own.close(), other.close()]);
		await until(() => emulator.ledger.streams.every(({ closedAt }) => closedAt !== undefined));
	});

	test('are not kept for late subscribers, nor sent for cancelled tasks', async () => {
		const early = await enqueued();
		await until(() => emulator.ledger.tasks[0]!.readyAt < Date.now() - 20);
		const late = await subscribe();
		emulator.rule({ route: 'oxen.enqueue', times: 1 }, { task: { seconds: 0.02 } });
		await call(`/api/ai/queue/${await enqueued()}`, { method: 'DELETE' });
		emulator.rule({ route: 'oxen.enqueue' }, { task: { seconds: 0.05 } });
		const taskIds = await enqueued();
		await until(() => ends(late.received.text).length > 0);

		expect(ends(late.received.text).map(({ generation_id }) => generation_id)).toEqual([taskIds]);
		expect((await poll(early)).body.status).toBe('succeeded');
		await late.close();
	});

	test('are lost, late or sent twice where a rule demands it', async () => {
		const stream = await subscribe();
		for (const [index, task] of (
			[{ event: 'lost' }, { event: 'twice' }, { eventDelay: 0.4 }] as const
		).entries())
			emulator.rule({ route: 'oxen.enqueue', times: 1, prompt: `${index}` }, { task, as: SMALL });
		const tasks = [];
		for (const index of [2, 0, 1]) tasks.push(await enqueued({ ...A, prompt: `${index}` }));
		await until(() => ends(stream.received.text).length === 3);

		const [late, , twice] = tasks;
		expect(ends(stream.received.text).map(({ generation_id }) => generation_id)).toEqual([
			twice,
			twice,
			late,
		]);
		await stream.close();
	});

	test.each<[NonNullable<Effect['stream']>['breaks'], string[], RegExp]>([
		['beforeEvent', [], /video.mp4"\}\n\n$/],
		['inEvent', [], /event: media_generation_completed\ndata: [^\n]*$/],
		['afterEvent', ['succeeded'], /\.webp"\}\n\n$/],
	])('break %s', async (breaks, whole, rest) => {
		emulator.rule({ route: 'oxen.events' }, { stream: { breaks } });
		const stream = await subscribe();
		await enqueued();
		await until(() => stream.received.ended !== undefined);

		expect(stream.received.ended).toBe('broken');
		const events = stream.received.text.replaceAll(': keep-alive\n\n', '');
		expect(events).toMatch(rest);
		const received = events.match(
			/"status":"succeeded","media_type":"image"|"media_type":"image","status":"succeeded"/g,
		);
		expect(received === null || breaks === 'inEvent' ? [] : ['succeeded']).toEqual(whole);
	});

	test('come in pieces, or are silent', async () => {
		emulator.rule({ route: 'oxen.events', times: 1 }, { slowBytes: true });
		emulator.rule({ route: 'oxen.events', times: 1, skip: 1 }, { stream: { silent: true } });
		const [pieces, silent] = [await subscribe(), await subscribe()];
		await enqueued();
		await until(() => ends(pieces.received.text).length === 1);

		expect(silent.received).toEqual({ text: '', ended: undefined });
		await Promise.all([pieces.close(), silent.close()]);
	});

	test.each<[string, Effect]>([
		['before its headers', { reset: 'beforeHeaders' }],
		['within its headers', { reset: 'midHeaders' }],
	])('break %s', async (_where, effect) => {
		emulator.rule({ route: 'oxen.events', times: 1 }, effect);
		await expect(subscribe()).rejects.toThrow();
	});

	test('break after the headers', async () => {
		emulator.rule({ route: 'oxen.events', times: 1 }, { reset: 'midBody' });
		const { status, received } = await subscribe();
		await until(() => received.ended !== undefined);
		expect({ status, ...received }).toEqual({ status: 200, text: '', ended: 'broken' });
	});
});

test('the same request gives the same bytes at once, by the queue, and as one of several', async () => {
	const body = { ...A, seed: 3 };
	const now = await makeNow({ ...body, response_format: 'b64_json', target_namespace: 'acme' });
	await enqueued(body);
	await enqueued({ ...body, num_generations: 2 });

	const [, alone, first, second] = await Promise.all(
		emulator.ledger.tasks.map(async ({ id }) => (await emulator.ledger.image(id)).sha256),
	);
	expect([alone, first]).toEqual(
		Array(2).fill(sha256(Buffer.from(now.body.images[0].b64_json, 'base64'))),
	);
	expect(second).not.toBe(first);
});

describe('tasks that are removed', () => {
	const running = async (options: EmulatorOptions, check: (at: Emulator) => Promise<void>) => {
		const other = await startEmulator({ seconds: 0.1, ...options });
		try {
			await check(other);
		} finally {
			await other.close();
		}
	};

	test('are in the history only, once they have ended', () =>
		running({ oxenVanishes: true }, async (at) => {
			const id = await enqueued(A, at);
			expect((await poll(id, at)).status).toBe(200);
			await until(() => at.ledger.tasks[0]!.readyAt < Date.now());

			expect(await poll(id, at)).toEqual(NOT_FOUND);
			expect(await call(`/api/ai/queue/${id}`, { method: 'DELETE', at })).toEqual(NOT_FOUND);
			expect((await history(id, at)).body.generation).toMatchObject({ cost: '0.045' });
		}));

	test('are nowhere where the option demands it', () =>
		running({ oxenVanishes: 'everywhere' }, async (at) => {
			const id = await enqueued(A, at);
			await until(() => at.ledger.tasks[0]!.readyAt < Date.now());
			expect([await poll(id, at), await history(id, at)]).toEqual([NOT_FOUND, NOT_FOUND]);
		}));

	test('or where a rule demands it', async () => {
		emulator.rule({ route: 'oxen.enqueue', times: 1 }, { task: { leaves: 'queue' } });
		const id = await enqueued();
		expect([(await poll(id)).status, (await history(id)).status]).toEqual([404, 200]);
	});
});

describe('refusals', () => {
	const UNAUTHENTICATED = expect.objectContaining({
		status: 'error',
		status_message: 'unauthenticated',
	});

	test.each([
		['POST', '/api/ai/images/edit'],
		['POST', '/api/ai/queue'],
		['GET', '/api/ai/queue'],
		['GET', '/api/ai/queue/a'],
		['DELETE', '/api/ai/queue/a'],
		['GET', '/api/ai/generations'],
		['GET', '/api/events'],
	])('%s %s needs a key of its own', async (method, path) => {
		const body = method === 'POST' ? A : undefined;
		expect(await call(path, { method, body, key: 'wrong' })).toEqual({
			status: 401,
			body: UNAUTHENTICATED,
		});
		expect(
			await call(path, { method, body, key: emulator.keys.oxenKeyWithoutPermission }),
		).toMatchObject({ status: 403 });
		expect(emulator.ledger.tasks).toEqual([]);
	});

	test('an unknown model', async () => {
		const refusal = { status: 404, body: { error: { message: 'Model not found: flux-9' } } };
		expect(await makeNow({ ...A, model: 'flux-9' })).toEqual(refusal);
		expect(await enqueue({ ...A, model: 'flux-9' })).toEqual(refusal);
	});

	test('a body that is not JSON', async () => {
		const { status } = await fetch(`${emulator.urls.oxen}/api/ai/queue`, {
			method: 'POST',
			headers: { authorization: `Bearer ${emulator.keys.oxenKey}`, 'content-type': 'text/plain' },
			body: 'a red cube',
		});
		expect(status).toBe(415);
	});

	test("another provider's key is a leak", async () => {
		await call('/api/ai/queue', { key: emulator.keys.taskKey });
		expect(emulator.ledger.leaks).toMatchObject([
			{ where: 'header authorization', key: 'taskKey' },
		]);
		emulator.ledger.leaks.length = 0;
	});
});
