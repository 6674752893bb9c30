import { createBlackForestLabs } from '@ai-sdk/black-forest-labs';
import Ajv2020 from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import sharp from 'sharp';
import { startEmulator, type Emulator } from '../../emulator';
import openapi from '../../emulator/bfl/contract.json';
import { sha256 } from '../../emulator/images';
import { until } from '../../support/lab';

let emulator: Emulator;

beforeAll(async () => {
	emulator = await startEmulator({ seconds: 0 });
});

afterAll(() => emulator.close());

afterEach(() => {
	const { unexpected, leaks } = emulator.ledger;
	emulator.reset();
	expect({ unexpected, leaks }).toEqual({ unexpected: [], leaks: [] });
});

interface JsonResponse {
	status: number;
	headers: Headers;
	/** Of any shape: the tests state what they expect. */
	body: ReturnType<typeof JSON.parse>;
}

async function send(
	url: string,
	key: string | undefined,
	init: RequestInit = {},
): Promise<JsonResponse> {
	const headers = { ...(init.headers as object), ...(key !== undefined && { 'x-key': key }) };
	const {
		status,
		headers: responseHeaders,
		...response
	} = await fetched(url, { ...init, headers });
	return { status, headers: responseHeaders, body: JSON.parse(response.text) };
}

async function fetched(url: string, init: RequestInit) {
	const response = await fetch(url, init);
	return { status: response.status, headers: response.headers, text: await response.text() };
}

const A = { prompt: 'a red cube' };
const PRO = 'flux-2-pro';
const JSON_BODY = { 'content-type': 'application/json' };
const SMALL = { as: { width: 64, height: 64 } };
const MODELS = [
	PRO,
	'flux-2-pro-preview',
	'flux-2-max',
	'flux-2-flex',
	'flux-2-klein-4b',
	'flux-2-klein-9b',
	'flux-2-klein-9b-preview',
];

const submit = (
	body: unknown,
	{ model = PRO, key = emulator.keys.bflKey }: { model?: string; key?: string } = {},
) =>
	send(`${emulator.urls.bfl}/v1/${model}`, key, {
		method: 'POST',
		headers: JSON_BODY,
		body: typeof body === 'string' ? body : JSON.stringify(body),
	});
const poll = (url: string, key = emulator.keys.bflKey) => send(url, key);
const pollById = (id: string) => poll(`${emulator.urls.bfl}/v1/get_result?id=${id}`);
const credits = async () =>
	(await send(`${emulator.urls.bfl}/v1/credits`, emulator.keys.bflKey)).body.credits as number;

const statuses = (replies: JsonResponse[]) => replies.map(({ body }) => body.status as string);

const ajv = addFormats(new Ajv2020({ strict: false })).addSchema(openapi, 'bfl');
const fits = (schema: string, value: unknown) =>
	ajv.validate({ $ref: `bfl#/components/schemas/${schema}` }, value) || ajv.errorsText();

describe('a submit', () => {
	test.each(MODELS)(
		'has the response of the OpenAPI schema, with a polling URL on another server (%s)',
		async (model) => {
			emulator.rule({ route: 'bfl.submit' }, SMALL);
			const { status, body } = await submit(A, { model });

			const [task] = emulator.ledger.tasks;
			expect({ status, fits: fits('AsyncResponse', body) }).toEqual({ status: 200, fits: true });
			expect(body).toEqual({
				id: task?.id,
				polling_url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/v1\/get_result\?id=/),
				cost: Number((task!.cost * 100).toFixed(4)),
				input_mp: 0,
				output_mp: 1,
			});
			expect(new URL(body.polling_url).port).not.toBe(new URL(emulator.urls.bfl).port);
			expect(emulator.ledger.submissions[0]).toMatchObject({ model, ignored: [], accepted: true });
		},
	);

	test('with a webhook has no polling URL in its response', async () => {
		const webhook_url = 'https://n8n.example/webhook/a';
		const { body } = await submit({ ...A, webhook_url, webhook_secret: 'a secret of ours' });

		expect(fits('AsyncWebhookResponse', body)).toBe(true);
		const { id } = emulator.ledger.tasks[0]!;
		expect(body).toEqual({
			id,
			status: 'Pending',
			webhook_url,
			cost: 3,
			input_mp: 0,
			output_mp: 1,
		});
		expect((await pollById(id)).body.status).toBe('Ready');
	});

	test('costs what the price list demands', async () => {
		const size = (width: number, height: number) => ({ width, height });
		const reference = 'https://images.example/a.png';
		const rows: Array<[string, object, number]> = [
			[PRO, size(1408, 1472), 4.5],
			[PRO, { input_image: reference }, 4.5],
			['flux-2-max', size(2048, 2048), 16],
			['flux-2-flex', { input_image: reference, input_image_2: reference }, 15],
			['flux-2-klein-4b', size(1040, 1024), 1.5],
			['flux-2-klein-9b', size(512, 512), 1.5],
			['flux-2-klein-9b-preview', { input_image: reference }, 1.7],
		];
		emulator.rule({ route: 'bfl.submit' }, SMALL);
		const before = await credits();
		const costs = [];
		for (const [model, body] of rows)
			costs.push((await submit({ ...A, ...body }, { model })).body.cost);

		expect(costs).toEqual(rows.map(([, , cost]) => cost));
		const spent = rows.reduce((sum, [, , cost]) => sum + cost, 0);
		expect(before - (await credits())).toBeCloseTo(spent, 6);
		expect(emulator.ledger.paidBy(emulator.keys.bflKey).amount).toBeCloseTo(spent / 100, 6);
	});

	test('ignores fields that the model does not know, and the ledger names them', async () => {
		await submit({ ...A, steps: 3, widht: 64 });
		await submit({ ...A, steps: 3, input_image_5: 'no image' }, { model: 'flux-2-klein-4b' });

		expect(emulator.ledger.submissions.map(({ ignored, accepted }) => [ignored, accepted])).toEqual(
			[
				[['steps', 'widht'], true],
				[['steps', 'input_image_5'], true],
			],
		);
	});

	const problem = (field: string, msg: string, type: string) => ({
		loc: ['body', field],
		msg,
		type,
	});
	const undecodable = (name: string, expected: string) =>
		problem(name, `Value error, ${name} ${expected}`, 'value_error');
	const flex = 'flux-2-flex';

	const bad: Array<[string, unknown, unknown[], string?]> = [
		['no prompt', {}, [problem('prompt', 'Field required', 'missing')]],
		[
			'a prompt that is no text',
			{ prompt: 3 },
			[problem('prompt', 'Input should be a valid string', 'string_type')],
		],
		[
			'sides of 0',
			{ ...A, width: 0, height: 0 },
			[
				problem('width', 'Input should be greater than or equal to 64', 'greater_than_equal'),
				problem('height', 'Input should be greater than or equal to 64', 'greater_than_equal'),
			],
		],
		[
			'an odd width',
			{ ...A, width: 100 },
			[problem('width', 'Input should be a multiple of 16', 'multiple_of')],
		],
		[
			'a number as text',
			{ ...A, width: '512' },
			[problem('width', 'Input should be a valid integer', 'int_type')],
		],
		[
			'a tolerance of 6',
			{ ...A, safety_tolerance: 6 },
			[problem('safety_tolerance', 'Input should be less than or equal to 5', 'less_than_equal')],
		],
		[
			'a format of its own',
			{ ...A, output_format: 'jpg' },
			[problem('output_format', "Input should be 'jpeg' or 'png' or 'webp'", 'enum')],
		],
		[
			'too much guidance',
			{ ...A, guidance: 11 },
			[problem('guidance', 'Input should be less than or equal to 10', 'less_than_equal')],
			flex,
		],
		[
			'no upsampling by text',
			{ ...A, prompt_upsampling: 'no' },
			[problem('prompt_upsampling', 'Input should be a valid boolean', 'bool_type')],
			flex,
		],
		[
			'a webhook that is no URL',
			{ ...A, webhook_url: 'here' },
			[problem('webhook_url', 'Input should be a valid URL', 'url_parsing')],
		],
		[
			'more than 4 MP',
			{ ...A, width: 2064, height: 2048 },
			[
				{
					loc: ['body'],
					msg: 'Value error, the image must have at most 4 megapixels',
					type: 'value_error',
				},
			],
		],
		[
			'a reference that is no image',
			{ ...A, input_image_2: 'AAAA' },
			[undecodable('input_image_2', 'is not an image that can be decoded')],
		],
		[
			'a reference that is no base64',
			{ ...A, input_image: 'an image' },
			[undecodable('input_image', 'is not base64')],
		],
		[
			'a list',
			[A],
			[
				{
					loc: ['body'],
					msg: 'Input should be a valid dictionary or object to extract fields from',
					type: 'model_attributes_type',
				},
			],
		],
	];

	test.each(bad)('with %s is refused and not paid', async (...row) => {
		const [, body, detail, model] = row;
		const response = await submit(body, { model });

		expect({ status: response.status, body: response.body }).toEqual({
			status: 422,
			body: { detail },
		});
		expect(fits('HTTPValidationError', response.body)).toBe(true);
		expect(emulator.ledger.tasks).toEqual([]);
	});

	test('decodes every reference, by URL, as base64 or as a data URI', async () => {
		const local = `${emulator.urls.results}/references/a.png?width=100&height=80`;
		const bytes = Buffer.from(await (await fetch(local)).arrayBuffer()).toString('base64');
		emulator.reset();
		const images = {
			input_image: local,
			input_image_2: bytes,
			input_image_3: `data:image/png;base64,${bytes}`,
		};
		const { status, body } = await submit({ ...A, ...images });

		expect({ status, input_mp: body.input_mp }).toEqual({ status: 200, input_mp: 3 });
		expect(emulator.ledger.requests.filter(({ port }) => port === 'results')).toMatchObject([
			{ path: expect.stringMatching(/^\/references/) },
		]);
		const gone = await submit({ ...A, input_image: `${emulator.urls.results}/none.png` });
		expect(gone.status).toBe(422);
		emulator.ledger.unexpected.length = 0;
	});
});

describe('a poll', () => {
	const READY = {
		sample: expect.stringMatching(/\/results\/[\w-]+\.jpeg\?se=\d+&sig=\w+$/),
		prompt: `${A.prompt}, in fine detail`,
		seed: 42,
		start_time: expect.any(Number),
		end_time: expect.any(Number),
		duration: 0,
	};
	const empty = { result: null, progress: null, details: null, preview: null };

	/** All statuses until the end; polls that find the same one count as one. */
	async function pollUntilEnd(url: string): Promise<JsonResponse[]> {
		const replies = [await poll(url)];
		while (/^(Pending|Reasoning|Generating)$/.test(replies.at(-1)!.body.status))
			replies.push(await poll(url));
		return replies.filter(({ body }, n) => body.status !== replies[n - 1]?.body.status);
	}

	test('finds the task pending, reasoning, generating, and ready at last', async () => {
		emulator.rule({ route: 'bfl.submit' }, { task: { polls: 4 }, ...SMALL });
		const { id, polling_url } = (await submit({ ...A, seed: 42 })).body;
		const replies = await pollUntilEnd(polling_url);

		expect(replies.map(({ body }) => body)).toEqual([
			{ id, status: 'Pending', ...empty },
			{ id, status: 'Reasoning', ...empty },
			{ id, status: 'Generating', ...empty, progress: expect.any(Number) },
			{ id, status: 'Ready', ...empty, result: READY, cost: 3 },
		]);
		expect(replies.slice(0, -1).map(({ body }) => fits('ResultResponse', body))).toEqual(
			Array(3).fill(true),
		);
		expect(fits('SettledCostResultResponse', replies.at(-1)?.body)).toBe(true);
	});

	test.each(['Reasoning', 'Generating'])(
		'finds it %s for as long as a rule demands it',
		async (running) => {
			emulator.rule({ route: 'bfl.submit' }, { task: { running, polls: 3 } });
			const { polling_url } = (await submit(A)).body;
			const replies = [];
			for (let n = 0; n < 4; n++) replies.push(await poll(polling_url));

			expect(statuses(replies)).toEqual([running, running, running, 'Ready']);
		},
	);

	test('finds no status between pending and ready where an option leaves them out', async () => {
		const older = await startEmulator({ seconds: 0, runningStatuses: [] });
		older.rule({ route: 'bfl.submit' }, { task: { polls: 4 } });
		const init = { method: 'POST', headers: JSON_BODY, body: JSON.stringify(A) };
		const { body } = await send(`${older.urls.bfl}/v1/${PRO}`, older.keys.bflKey, init);
		const replies = await pollUntilEnd(body.polling_url);
		await older.close();

		expect(statuses(replies)).toEqual(['Pending', 'Ready']);
	});

	test.each<[model: string, body: object, isRevised: boolean]>([
		[PRO, {}, true],
		[PRO, { disable_pup: true }, false],
		['flux-2-pro-preview', { disable_pup: false }, true],
		['flux-2-max', { disable_pup: true }, false],
		['flux-2-flex', {}, true],
		['flux-2-flex', { prompt_upsampling: false }, false],
		['flux-2-flex', { disable_pup: true }, true],
		['flux-2-klein-4b', {}, false],
	])('finds the prompt that %s has used for %j', async (model, fields, isRevised) => {
		emulator.rule({ route: 'bfl.submit' }, SMALL);
		const { polling_url } = (await submit({ ...A, ...fields }, { model })).body;

		const { prompt } = (await poll(polling_url)).body.result;
		expect(prompt).toBe(isRevised ? `${A.prompt}, in fine detail` : A.prompt);
		const ignored = model === 'flux-2-flex' && 'disable_pup' in fields ? ['disable_pup'] : [];
		expect(emulator.ledger.submissions[0]?.ignored).toEqual(ignored);
	});

	describe('finds the settled cost', () => {
		test.each([0, 4.5])('of %d credits, which the key pays in place of the quote', async (cost) => {
			emulator.rule({ route: 'bfl.submit' }, { task: { settledCost: cost }, ...SMALL });
			const before = await credits();
			const { body } = await submit(A);

			expect(body.cost).toBe(3);
			expect((await poll(body.polling_url)).body.cost).toBe(cost);
			expect(before - (await credits())).toBeCloseTo(cost, 6);
			expect(emulator.ledger.submissions[0]?.cost).toBe(cost / 100);
		});

		test.each<[string, object]>([
			['moderated', { status: 'Content Moderated' }],
			['failed', { fail: { message: 'out of memory' } }],
		])('of a %s task too, where a rule says so', async (_what, fault) => {
			emulator.rule({ route: 'bfl.submit', times: 1 }, { task: { ...fault, settledCost: 1.5 } });
			emulator.rule({ route: 'bfl.submit' }, { task: fault });
			const [settled, unsettled] = [(await submit(A)).body, (await submit(A)).body];

			expect((await poll(settled.polling_url)).body.cost).toBe(1.5);
			expect((await poll(unsettled.polling_url)).body).not.toHaveProperty('cost');
		});

		test('nowhere, where a rule leaves it out', async () => {
			emulator.rule({ route: 'bfl.submit' }, { task: { settledCost: null }, ...SMALL });
			const { polling_url } = (await submit(A)).body;

			const { body } = await poll(polling_url);
			expect(body).not.toHaveProperty('cost');
			expect(fits('ResultResponse', body)).toBe(true);
		});
	});

	test.each<[number, string, object]>([
		[503, 'Error', { fail: { message: 'out of memory' } }],
		[422, 'Request Moderated', { status: 'Request Moderated' }],
	])('finds a failed task under HTTP %d, with its status "%s"', async (status, word, fault) => {
		emulator.rule(
			{ route: 'bfl.submit' },
			{ task: { ...fault, polls: 1, failureHttpStatus: status as 422 } },
		);
		const { id, polling_url } = (await submit(A)).body;
		const replies = await pollUntilEnd(polling_url);

		expect(replies[0]?.status).toBe(200);
		expect(replies.at(-1)).toMatchObject({ status, body: { id, status: word } });
	});

	test.each(['Request Moderated', 'Content Moderated'])(
		'finds "%s" with its reasons',
		async (status) => {
			emulator.rule({ route: 'bfl.submit' }, { task: { status } });
			const { id, polling_url } = (await submit(A)).body;

			const details = { 'Moderation Reasons': ['Derivative Works Filter'] };
			expect((await poll(polling_url)).body).toEqual({ id, status, ...empty, details });
		},
	);

	test('finds a failed task, which costs nothing', async () => {
		emulator.rule({ route: 'bfl.submit' }, { task: { fail: { message: 'out of memory' } } });
		const before = await credits();
		const { id, polling_url } = (await submit(A)).body;

		const details = { message: 'out of memory' };
		expect((await poll(polling_url)).body).toEqual({ id, status: 'Error', ...empty, details });
		expect(await credits()).toBe(before);
	});

	test("does not find what is unknown, somebody else's, or still spreading", async () => {
		emulator.rule({ route: 'bfl.submit', times: 1 }, { task: { unknownPolls: 2 } });
		const { polling_url } = (await submit(A)).body;
		const replies = [await poll(polling_url), await poll(polling_url), await poll(polling_url)];

		expect(statuses(replies)).toEqual(['Task not found', 'Task not found', 'Ready']);
		const foreign = await poll(polling_url, emulator.keys.bflKeyOfSomebodyElse);
		expect(foreign.body).toMatchObject({ status: 'Task not found' });
		expect((await pollById('nope')).body).toEqual({
			id: 'nope',
			status: 'Task not found',
			...empty,
		});
	});

	test('needs the ID', async () => {
		const { status, body } = await poll(`${emulator.urls.bfl}/v1/get_result`);
		const detail = [{ loc: ['query', 'id'], msg: 'Field required', type: 'missing' }];
		expect({ status, body }).toEqual({ status: 422, body: { detail } });
	});

	test('goes to the URL that a rule names', async () => {
		emulator.rule(
			{ route: 'bfl.submit' },
			{ task: { pollingUrl: 'https://elsewhere.example/poll' } },
		);
		const { id, polling_url } = (await submit(A)).body;
		expect(polling_url).toBe(`https://elsewhere.example/poll?id=${id}`);
	});
});

test('an image is open to everybody who has its signed URL, until that expires', async () => {
	const other = await startEmulator({ seconds: 0, sampleSeconds: 0.2 });
	const base = {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify(A),
	};
	const { body } = await send(`${other.urls.bfl}/v1/${PRO}`, other.keys.bflKey, base);
	await other.ledger.image(body.id);
	const sample = async () =>
		(await send(body.polling_url, other.keys.bflKey)).body.result.sample as string;
	const url = await sample();
	const got = await fetch(url);
	const bytes = Buffer.from(await got.arrayBuffer());

	expect({ type: got.headers.get('content-type'), sha256: sha256(bytes) }).toEqual({
		type: 'image/jpeg',
		sha256: other.ledger.tasks[0]?.sha256,
	});
	expect((await fetched(url.split('?')[0]!, {})).status).toBe(403);
	expect((await fetched(url.replace(/se=\d/, 'se=9'), {})).status).toBe(403);
	await until(() => Date.now() > Number(new URL(url).searchParams.get('se')));
	expect(await fetched(url, {})).toMatchObject({
		status: 403,
		text: expect.stringContaining('expired'),
	});
	expect((await fetched(await sample(), {})).status).toBe(200);
	await other.close();
});

describe('refusals', () => {
	const refusal = ({ status, body }: JsonResponse) => ({ status, body });

	test('a missing or wrong key, also where the polling URL leads', async () => {
		const { polling_url } = (await submit(A)).body;
		const wrong = { status: 403, body: { detail: 'Not authenticated' } };

		for (const url of [polling_url, `${emulator.urls.bfl}/v1/credits`])
			for (const key of ['wrong', undefined]) expect(refusal(await send(url, key))).toEqual(wrong);
		expect(refusal(await submit(A, { key: 'wrong' }))).toEqual(wrong);
		expect(emulator.ledger.tasks).toHaveLength(1);
	});

	test('a key in Authorization, which is a leak here', async () => {
		const authorization = `Bearer ${emulator.keys.bflKey}`;
		const response = await send(`${emulator.urls.bfl}/v1/credits`, undefined, {
			headers: { authorization },
		});
		expect(response.status).toBe(403);
		expect(emulator.ledger.leaks).toMatchObject([{ where: 'header authorization', key: 'bflKey' }]);
		emulator.ledger.leaks.length = 0;
	});

	test('spent credits', async () => {
		const response = await submit(A, { key: emulator.keys.bflKeyWithoutCredits });
		expect(refusal(response)).toEqual({ status: 402, body: { detail: 'Insufficient credits' } });
	});

	test('the 25th task at a time', async () => {
		emulator.rule({ route: 'bfl.submit' }, { task: { seconds: 60 }, ...SMALL });
		const replies = await Promise.all(Array.from({ length: 25 }, () => submit(A)));

		const refused = replies.filter(({ status }) => status === 429);
		expect(refused.map(refusal)).toEqual([
			{ status: 429, body: { detail: 'Rate limit exceeded' } },
		]);
		expect(refused[0]?.headers.get('retry-after')).toBe('1');
		expect(emulator.ledger.tasks).toHaveLength(24);
	});
});

describe('a foreign client (@ai-sdk/black-forest-labs)', () => {
	/** Its version 1 sends the key along to the image's host, and the ledger sees it. */
	const withoutItsLeak = () => {
		const { leaks } = emulator.ledger;
		expect(leaks.map(({ port, where, key }) => [port, where, key])).toEqual([
			['results', 'header x-key', 'bflKey'],
		]);
		leaks.length = 0;
	};

	const model = (id: string) => {
		const { bflKey: apiKey } = emulator.keys;
		return createBlackForestLabs({
			baseURL: `${emulator.urls.bfl}/v1`,
			apiKey,
			pollIntervalMillis: 10,
		}).image(id);
	};
	const call = {
		n: 1,
		size: undefined,
		aspectRatio: undefined,
		files: undefined,
		mask: undefined,
	} as const;

	test.each(MODELS)('generates an image with %s', async (id) => {
		// it takes a status that is newer than itself for a broken response
		emulator.rule({ route: 'bfl.submit' }, { task: { seconds: 0.05, running: 'Pending' } });
		const blackForestLabs = {
			width: 512,
			height: 256,
			outputFormat: 'png' as const,
			safetyTolerance: 0,
		};
		const { images, providerMetadata } = await model(id).doGenerate({
			...call,
			prompt: 'a red cube',
			seed: 42,
			providerOptions: { blackForestLabs },
		});

		const bytes = Buffer.from(images[0] as Uint8Array);
		const { format, width, height } = await sharp(bytes).metadata();
		expect({ format, width, height }).toEqual({ format: 'png', width: 512, height: 256 });
		const [task] = emulator.ledger.tasks;
		expect(task?.sha256).toBe(sha256(bytes));
		expect(providerMetadata?.blackForestLabs?.images).toEqual([
			expect.objectContaining({
				seed: 42,
				duration: 0.05,
				cost: Number((task!.cost * 100).toFixed(4)),
				inputMegapixels: 0,
				outputMegapixels: 0.13,
			}),
		]);
		expect(emulator.ledger.submissions[0]).toMatchObject({ ignored: [], accepted: true });
		withoutItsLeak();
	});

	test('edits references', async () => {
		const url = `${emulator.urls.results}/references/a.png?width=64&height=64`;
		const data = new Uint8Array(await (await fetch(url)).arrayBuffer());
		await model(PRO).doGenerate({
			...call,
			prompt: 'edit it',
			seed: undefined,
			files: [
				{ type: 'file', mediaType: 'image/png', data },
				{ type: 'url', url },
			],
			providerOptions: {},
		});

		expect(emulator.ledger.submissions.map(({ accepted, ignored }) => [accepted, ignored])).toEqual(
			[[true, []]],
		);
		expect(emulator.ledger.tasks[0]?.cost).toBe(0.06);
		withoutItsLeak();
	});

	test('understands the refusals', async () => {
		const generate = () =>
			model(PRO).doGenerate({
				...call,
				prompt: 'a',
				seed: 1,
				files: [{ type: 'file', mediaType: 'image/png', data: 'no image' }],
				providerOptions: {},
			});
		await expect(generate()).rejects.toMatchObject({ statusCode: 422 });
		emulator.rule({ route: 'bfl.submit' }, { error: 'bfl.rateLimit' });
		await expect(generate()).rejects.toMatchObject({
			statusCode: 429,
			message: 'Rate limit exceeded',
		});
	});
});
