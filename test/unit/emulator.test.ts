import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import Ajv2020 from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import sharp from 'sharp';
import {
	documentedErrors,
	startEmulator,
	startListener,
	type DocumentedError,
	type Emulator,
	type EmulatorOptions,
	type RouteName,
} from '../emulator';
import catalogue from '../emulator/cloudflare/contract.json';

let emulator: Emulator;

beforeAll(async () => {
	emulator = await startEmulator({ seconds: 0 });
});

afterAll(() => emulator.close());

/** Further servers of a test: closed even if it fails. */
const others: Array<{ close: () => Promise<void> }> = [];

async function startOther(options: EmulatorOptions): Promise<Emulator> {
	const other = await startEmulator(options);
	others.push(other);
	return other;
}

afterEach(async () => {
	emulator.reset();
	await Promise.all(others.splice(0).map((other) => other.close()));
});

type Reply = Awaited<ReturnType<typeof send>>;

async function send(url: string, init: RequestInit = {}) {
	const { status, headers, ...response } = await fetched(url, init);
	const isJson = headers.get('content-type')?.includes('json');
	// Answers of any shape: the tests say what they expect of them.
	return { status, headers, body: isJson ? JSON.parse(response.text) : response.text };
}

async function fetched(url: string, init: RequestInit) {
	const response = await fetch(url, { ...init, redirect: 'manual' });
	return { status: response.status, headers: response.headers, text: await response.text() };
}

const PRO = 'black-forest-labs/flux-2-pro-preview';
const FLEX = 'black-forest-labs/flux-2-flex';

function account(path: string, id = emulator.keys.accountId): string {
	return `${emulator.urls.cloudflare}/accounts/${id}${path}`;
}

function withJson(body: unknown, key: string, headers: Record<string, string> = {}): RequestInit {
	return {
		method: 'POST',
		headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
		body: typeof body === 'string' ? body : JSON.stringify(body),
	};
}

/** Runs a catalogue model. */
function run(
	input: unknown,
	{ model = PRO, key = emulator.keys.cloudflareToken, headers = {}, more = {} } = {},
): Promise<Reply> {
	return send(account('/ai/run'), withJson({ model, input, ...more }, key, headers));
}

type FormValue = string | { data: Buffer; type?: string };

/** Runs a hosted model. */
function runForm(
	fields: Array<[string, FormValue]>,
	{
		model = '@cf/black-forest-labs/flux-2-dev',
		key = emulator.keys.cloudflareToken,
		headers = {},
	} = {},
): Promise<Reply> {
	const form = new FormData();
	for (const [name, value] of fields) {
		if (typeof value === 'string') form.append(name, value);
		else
			form.append(
				name,
				new Blob([new Uint8Array(value.data)], { type: value.type ?? 'image/png' }),
				`${name}.png`,
			);
	}
	return send(account(`/ai/run/${model}`), {
		method: 'POST',
		headers: { authorization: `Bearer ${key}`, ...headers },
		body: form,
	});
}

const GENERATION = '/model/v1/generation';
const QUEUE = '/model/v1/queue/flux_2_pro';

function task(
	path: string,
	init: RequestInit = {},
	key: string = emulator.keys.taskKey,
): Promise<Reply> {
	return send(emulator.urls.task + path, {
		...init,
		headers: { authorization: `Bearer ${key}`, ...(init.headers as Record<string, string>) },
	});
}

function submit(params: unknown, key: string = emulator.keys.taskKey): Promise<Reply> {
	return task(GENERATION, withJson({ model: 'flux_2_pro', input: [{ params }] }, key), key);
}

function status(id: string): Promise<Reply> {
	return task(`${GENERATION}/task/${id}`);
}

function enqueue(params: unknown, key: string = emulator.keys.taskKey): Promise<Reply> {
	return task(QUEUE, withJson(params, key), key);
}

async function sample(
	width: number,
	height: number,
	format: 'png' | 'jpeg' = 'png',
): Promise<Buffer> {
	const response = await fetch(
		`${emulator.urls.results}/references/s.png?width=${width}&height=${height}&format=${format}`,
	);
	return Buffer.from(await response.arrayBuffer());
}

async function look(url: string) {
	const response = await fetch(url);
	const bytes = Buffer.from(await response.arrayBuffer());
	const { format, width, height } = await sharp(bytes).metadata();
	// Decodes to the last pixel.
	await sharp(bytes).raw().toBuffer();
	return {
		type: response.headers.get('content-type'),
		length: Number(response.headers.get('content-length')),
		bytes: bytes.length,
		format,
		width,
		height,
	};
}

function lastJob() {
	const job = emulator.ledger.tasks.at(-1);
	if (!job) throw new Error('no job was accepted');
	return job;
}

/** Nothing was accepted, nothing paid. */
function expectNothingMade(): void {
	expect(emulator.ledger.tasks).toEqual([]);
	expect(emulator.ledger.submissions.map(({ accepted, cost }) => ({ accepted, cost }))).toEqual([
		{ accepted: false, cost: 0 },
	]);
}

describe('catalogue models', () => {
	it('answers in the documented form, with a picture of the size and format asked for', async () => {
		const { status, body } = await run({
			prompt: 'a',
			width: 640,
			height: 384,
			output_format: 'webp',
		});
		expect({ status, body }).toEqual({
			status: 200,
			body: {
				state: 'Completed',
				result: { image: lastJob().url },
				gatewayMetadata: { keySource: 'Unified' },
			},
		});
		const ajv = addFormats(new Ajv2020());
		expect(ajv.validate(catalogue.output, body.result)).toBe(true);
		const { bytes, length, ...seen } = await look(body.result.image);
		expect(seen).toEqual({ type: 'image/webp', format: 'webp', width: 640, height: 384 });
		expect(length).toBe(bytes);
	});

	it('makes 1024 × 1024 JPEG where nothing is asked', async () => {
		const { body } = await run({ prompt: 'a' });
		expect(await look(body.result.image)).toMatchObject({
			format: 'jpeg',
			width: 1024,
			height: 1024,
		});
	});

	it('wraps the answer where a rule or the option says so', async () => {
		const wrapped = {
			result: { state: 'Completed', result: { image: expect.any(String) as string } },
			success: true,
			errors: [],
			messages: [],
		};
		emulator.rule({ route: 'cloudflare.run', times: 1 }, { envelope: 'wrapped' });
		expect((await run({ prompt: 'a' })).body).toMatchObject(wrapped);
		expect((await run({ prompt: 'a' })).body).toMatchObject({ state: 'Completed' });
		const other = await startOther({ seconds: 0, envelope: 'wrapped' });
		const url = `${other.urls.cloudflare}/accounts/${other.keys.accountId}/ai/run`;
		const init = withJson({ model: PRO, input: { prompt: 'a' } }, other.keys.cloudflareToken);
		expect((await send(url, init)).body).toMatchObject(wrapped);
	});

	it('takes eight references: data URIs, URLs of 127.0.0.1 and of elsewhere', async () => {
		const dataUri = `data:image/png;base64,${(await sample(300, 200)).toString('base64')}`;
		const local = `${emulator.urls.results}/references/1.png?width=90&height=90`;
		const input_images = [
			dataUri,
			local,
			...Array<string>(6).fill('https://pictures.example/a.jpg'),
		];
		expect((await run({ prompt: 'a', input_images })).status).toBe(200);
		expect(emulator.ledger.submissions[0]?.body).toMatchObject({ input: { input_images } });
	});

	const refused: Array<[string, () => Promise<Reply>, number, number]> = [
		['an unknown parameter', () => run({ prompt: 'a', aspect_ratio: '1:1' }), 400, 5006],
		['steps on a model without', () => run({ prompt: 'a', steps: 10 }), 400, 5006],
		['steps above 50', () => run({ prompt: 'a', steps: 51 }, { model: FLEX }), 400, 5006],
		['guidance below 1.5', () => run({ prompt: 'a', guidance: 1.4 }, { model: FLEX }), 400, 5006],
		['a missing prompt', () => run({}), 400, 5006],
		['a number as text', () => run({ prompt: 'a', width: '512' }), 400, 5006],
		['a tolerance of 6', () => run({ prompt: 'a', safety_tolerance: 6 }), 400, 5006],
		['a width of 63', () => run({ prompt: 'a', width: 63 }), 400, 5006],
		['more than 4 MP', () => run({ prompt: 'a', width: 2049, height: 2048 }), 400, 5006],
		['an unknown format', () => run({ prompt: 'a', output_format: 'jpg' }), 400, 5006],
		[
			'something beside model and input',
			() => run({ prompt: 'a' }, { more: { options: {} } }),
			400,
			5006,
		],
		[
			'nine references',
			() => run({ prompt: 'a', input_images: Array(9).fill('https://a.example/b') }),
			400,
			5006,
		],
		[
			'a reference that is no URI',
			() => run({ prompt: 'a', input_images: ['picture.png'] }),
			400,
			5006,
		],
		[
			'a reference by ftp',
			() => run({ prompt: 'a', input_images: ['ftp://a.example/b'] }),
			400,
			5006,
		],
		[
			'a data URI that is no picture',
			() => run({ prompt: 'a', input_images: ['data:image/png;base64,AAAA'] }),
			400,
			5006,
		],
		[
			'a data URI that is not base64',
			() => run({ prompt: 'a', input_images: ['data:image/png;base64,!!'] }),
			400,
			5006,
		],
		[
			'a local reference that is missing',
			() => run({ prompt: 'a', input_images: [`${emulator.urls.results}/results/no.png`] }),
			400,
			5006,
		],
		[
			'a hosted model',
			() => run({ prompt: 'a' }, { model: '@cf/black-forest-labs/flux-2-dev' }),
			400,
			5006,
		],
		[
			'a model it does not have',
			() => run({ prompt: 'a' }, { model: 'black-forest-labs/flux-2-pro' }),
			404,
			7003,
		],
	];

	it.each(refused)('refuses %s', async (_, call, httpStatus, code) => {
		const { status, body } = await call();
		expect({ status, body }).toMatchObject({
			status: httpStatus,
			body: { success: false, errors: [{ code }] },
		});
		expectNothingMade();
	});

	it('refuses a data URI that says another type, or is cut short', async () => {
		const png = await sample(64, 64);
		const lying = `data:image/jpeg;base64,${png.toString('base64')}`;
		const cut = `data:image/png;base64,${png.subarray(0, png.length / 2).toString('base64')}`;
		const answers = [
			await run({ prompt: 'a', input_images: [lying] }),
			await run({ prompt: 'a', input_images: [cut] }),
		];
		expect(answers.map((one) => one.body.errors[0].message as string)).toEqual([
			expect.stringContaining('declares image/jpeg and is image/png'),
			expect.stringContaining('is not an image that can be decoded'),
		]);
	});

	it.each([
		['another content type', 'text/plain', JSON.stringify({ model: PRO, input: { prompt: 'a' } })],
		['broken JSON', 'application/json', '{"model":'],
		['a list', 'application/json', '[]'],
	])('refuses %s', async (_, type, text) => {
		const init = withJson(text, emulator.keys.cloudflareToken, { 'content-type': type });
		const { status, body } = await send(account('/ai/run'), init);
		expect({ status, code: body.errors[0].code }).toEqual({ status: 400, code: 5006 });
		expectNothingMade();
	});

	it('tells a missing, a malformed and a wrong token, a wrong account and no credits apart', async () => {
		const { keys } = emulator;
		const body = JSON.stringify({ model: PRO, input: { prompt: 'a' } });
		const json = { 'content-type': 'application/json' };
		const wrongAccount = account('/ai/run', '0'.repeat(32));
		expect(
			[
				await send(account('/ai/run'), { method: 'POST', headers: json, body }),
				await send(account('/ai/run'), {
					method: 'POST',
					headers: { ...json, authorization: 'nonsense' },
					body,
				}),
				await run({ prompt: 'a' }, { key: 'wrong' }),
				await run({ prompt: 'a' }, { key: keys.cloudflareDisabledToken }),
				await run({ prompt: 'a' }, { key: keys.cloudflareTokenWithoutPermission }),
				await send(wrongAccount, withJson(body, keys.cloudflareToken)),
				await run({ prompt: 'a' }, { key: keys.cloudflareTokenWithoutCredits }),
			].map(({ status, body: answer }) => [status, answer.errors[0].code, answer.success]),
		).toEqual([
			[400, 9106, false],
			[400, 6003, false],
			[401, 10000, false],
			[401, 10000, false],
			[403, 10000, false],
			[404, 7003, false],
			[402, undefined, false],
		]);
		expect(emulator.ledger.tasks).toEqual([]);
	});

	it('fails with state Failed under 200, and with any state a rule names', async () => {
		emulator.rule(
			{ route: 'cloudflare.run', times: 1 },
			{ task: { fail: { code: 'provider_unavailable', message: 'none left' } } },
		);
		emulator.rule({ route: 'cloudflare.run' }, { task: { status: 'Paused' } });
		const answers = [await run({ prompt: 'a' }), await run({ prompt: 'a' })];
		expect(answers.map(({ status, body }) => ({ status, body }))).toEqual([
			{
				status: 200,
				body: {
					state: 'Failed',
					error: { code: 'provider_unavailable', message: 'none left' },
					model: PRO,
				},
			},
			{ status: 200, body: { state: 'Paused', model: PRO } },
		]);
		expect(emulator.ledger.submissions.map(({ accepted, cost }) => ({ accepted, cost }))).toEqual([
			{ accepted: true, cost: 0 },
			{ accepted: true, cost: 0.03 },
		]);
	});
});

describe('the AI gateway', () => {
	it.each([
		{ 'cf-aig-cache-ttl': '59' },
		{ 'cf-aig-cache-ttl': '9999999' },
		{ 'cf-aig-skip-cache': 'yes' },
		{ 'cf-aig-collect-log': '1' },
		{ 'cf-aig-max-attempts': '6' },
		{ 'cf-aig-retry-delay': '5001' },
		{ 'cf-aig-backoff': 'random' },
		{ 'cf-aig-request-timeout': '1.5' },
		{ 'cf-aig-metadata': '{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6}' },
		{ 'cf-aig-metadata': '{"a":{}}' },
		{ 'cf-aig-metadata': 'a=1' },
	])('refuses %p', async (headers) => {
		const { status, body } = await run({ prompt: 'a' }, { headers });
		expect({ status, body }).toMatchObject({ status: 400, body: { errors: [{ code: 6003 }] } });
		expectNothingMade();
	});

	it('takes and records every documented header, and answers with its own', async () => {
		const headers = {
			'cf-aig-gateway-id': 'my-gateway',
			'cf-aig-skip-cache': 'true',
			'cf-aig-cache-ttl': '60',
			'cf-aig-cache-key': 'mine',
			'cf-aig-collect-log': 'false',
			'cf-aig-request-timeout': '5000',
			'cf-aig-max-attempts': '5',
			'cf-aig-retry-delay': '0',
			'cf-aig-backoff': 'exponential',
			'cf-aig-metadata': '{"team":"a","n":1,"test":true}',
			'cf-aig-zdr': 'false',
			'cf-aig-no-wholesale': 'false',
		};
		const answer = await run({ prompt: 'a' }, { headers });
		expect(answer.status).toBe(200);
		expect(answer.headers.get('cf-aig-log-id')).toMatch(/^[0-9A-F]{26}$/);
		expect(answer.headers.get('cf-aig-cache-status')).toBe('MISS');
		expect(emulator.ledger.submissions[0]?.headers).toMatchObject(headers);
		expect(emulator.ledger.unexpected).toEqual([]);
	});

	it('notes a header that no document knows', async () => {
		await run({ prompt: 'a' }, { headers: { 'cf-aig-cachettl': '60' } });
		expect(emulator.ledger.unexpected).toMatchObject([{ reason: 'header cf-aig-cachettl' }]);
	});

	it('answers an unknown gateway, and a lacking own key, in its own envelope', async () => {
		const unknown = await run({ prompt: 'a' }, { headers: { 'cf-aig-gateway-id': 'nobody' } });
		expect({ status: unknown.status, body: unknown.body }).toEqual({
			status: 400,
			body: {
				success: false,
				result: [],
				messages: [],
				error: [{ code: 2001, message: 'Please configure AI Gateway in the Cloudflare dashboard' }],
				name: 'AiGatewayError',
				httpCode: 400,
				internalCode: 2001,
			},
		});
		const ownKey = await run({ prompt: 'a' }, { headers: { 'cf-aig-no-wholesale': 'true' } });
		expect({ status: ownKey.status, body: ownKey.body }).toMatchObject({
			status: 400,
			body: { success: false, name: 'AiGatewayError' },
		});
	});

	it('caches identical requests, and bills them once', async () => {
		const ttl = { headers: { 'cf-aig-cache-ttl': '60' } };
		const skip = { headers: { 'cf-aig-cache-ttl': '60', 'cf-aig-skip-cache': 'true' } };
		const answers = [
			await run({ prompt: 'a' }, ttl),
			await run({ prompt: 'a' }, ttl),
			await run({ prompt: 'b' }, ttl),
			await run({ prompt: 'a' }, skip),
			await run({ prompt: 'a' }),
		];
		expect(answers.map((one) => one.headers.get('cf-aig-cache-status'))).toEqual([
			'MISS',
			'HIT',
			'MISS',
			'MISS',
			'MISS',
		]);
		const urls = answers.map((one) => one.body.result.image as string);
		expect(urls[1]).toBe(urls[0]);
		expect(new Set(urls).size).toBe(4);
		expect(emulator.ledger.submissions[1]).toMatchObject({ accepted: true, cached: true, cost: 0 });
		expect(emulator.ledger.paidBy(emulator.keys.cloudflareToken)).toEqual({
			count: 4,
			amount: 0.12,
		});
	});

	it('caches whatever is asked under the same cache key', async () => {
		const key = { headers: { 'cf-aig-cache-key': 'one' } };
		const [first, second] = [await run({ prompt: 'a' }, key), await run({ prompt: 'b' }, key)];
		expect(second.body).toEqual(first.body);
	});

	it('gives up after the request timeout', async () => {
		emulator.rule({ route: 'cloudflare.run' }, { task: { seconds: 60 } });
		const { status } = await run({ prompt: 'a' }, { headers: { 'cf-aig-request-timeout': '10' } });
		expect(status).toBe(408);
	});
});

describe('hosted models', () => {
	it('answers a base64 JPEG of 1024 × 768, and describes the form in the ledger', async () => {
		const reference = await sample(511, 100);
		const { status, body } = await runForm([
			['prompt', 'a'],
			['guidance', '3.5'],
			['seed', '7'],
			['input_image_0', { data: reference }],
		]);
		const { result, ...envelope } = body;
		expect({ status, ...envelope }).toEqual({
			status: 200,
			success: true,
			errors: [],
			messages: [],
		});
		const { format, width, height } = await sharp(Buffer.from(result.image, 'base64')).metadata();
		expect({ format, width, height }).toEqual({ format: 'jpeg', width: 1024, height: 768 });
		expect(emulator.ledger.submissions).toMatchObject([
			{
				route: 'cloudflare.workersAi',
				model: '@cf/black-forest-labs/flux-2-dev',
				accepted: true,
				body: {
					prompt: 'a',
					guidance: '3.5',
					seed: '7',
					input_image_0: {
						filename: 'input_image_0.png',
						mimetype: 'image/png',
						bytes: reference.length,
						width: 511,
						height: 100,
					},
				},
			},
		]);
	});

	it('takes the model with its slashes encoded', async () => {
		const { status } = await runForm([['prompt', 'a']], {
			model: '%40cf%2Fblack-forest-labs%2Fflux-2-klein-9b',
		});
		expect(status).toBe(200);
		expect(emulator.ledger.submissions[0]?.model).toBe('@cf/black-forest-labs/flux-2-klein-9b');
	});

	const KLEIN = { model: '@cf/black-forest-labs/flux-2-klein-4b' };
	const refused: Array<[string, () => Promise<Reply>, number, number]> = [
		[
			'JSON',
			() =>
				send(
					account('/ai/run/@cf/black-forest-labs/flux-2-dev'),
					withJson({ prompt: 'a' }, emulator.keys.cloudflareToken),
				),
			400,
			5006,
		],
		['a form without a prompt', () => runForm([['width', '512']]), 400, 5006],
		[
			'a width of 255',
			() =>
				runForm([
					['prompt', 'a'],
					['width', '255'],
				]),
			400,
			5006,
		],
		[
			'a height of 1921',
			() =>
				runForm([
					['prompt', 'a'],
					['height', '1921'],
				]),
			400,
			5006,
		],
		[
			'a width that is not whole',
			() =>
				runForm([
					['prompt', 'a'],
					['width', '512.5'],
				]),
			400,
			5006,
		],
		[
			'an empty seed',
			() =>
				runForm([
					['prompt', 'a'],
					['seed', ''],
				]),
			400,
			5006,
		],
		[
			'an unknown field',
			() =>
				runForm([
					['prompt', 'a'],
					['output_format', 'png'],
				]),
			400,
			5006,
		],
		[
			'a field sent twice',
			() =>
				runForm([
					['prompt', 'a'],
					['prompt', 'b'],
				]),
			400,
			5006,
		],
		[
			'steps on klein',
			() =>
				runForm(
					[
						['prompt', 'a'],
						['steps', '4'],
					],
					KLEIN,
				),
			400,
			5006,
		],
		[
			'a fifth reference',
			async () =>
				runForm([
					['prompt', 'a'],
					['input_image_4', { data: await sample(64, 64) }],
				]),
			400,
			5006,
		],
		[
			'a reference 512 high',
			async () =>
				runForm([
					['prompt', 'a'],
					['input_image_0', { data: await sample(64, 512) }],
				]),
			400,
			5006,
		],
		[
			'a reference 512 wide',
			async () =>
				runForm([
					['prompt', 'a'],
					['input_image_0', { data: await sample(512, 64) }],
				]),
			400,
			5006,
		],
		[
			'a reference that is no picture',
			() =>
				runForm([
					['prompt', 'a'],
					['input_image_0', { data: Buffer.from('PNG') }],
				]),
			400,
			5006,
		],
		[
			'a reference as text',
			() =>
				runForm([
					['prompt', 'a'],
					['input_image_0', 'https://a.example/b.png'],
				]),
			400,
			5006,
		],
		['a prompt as a file', () => runForm([['prompt', { data: Buffer.from('a') }]]), 400, 5006],
		[
			'a model it does not have',
			() => runForm([['prompt', 'a']], { model: '@cf/black-forest-labs/flux-2-max' }),
			400,
			5007,
		],
		[
			'a path that is no model',
			() => runForm([['prompt', 'a']], { model: 'flux-2-dev' }),
			404,
			7003,
		],
		[
			'a gateway',
			() => runForm([['prompt', 'a']], { headers: { 'cf-aig-gateway-id': 'default' } }),
			500,
			7000,
		],
		[
			'a key without neurons',
			() => runForm([['prompt', 'a']], { key: emulator.keys.cloudflareTokenWithoutCredits }),
			429,
			3036,
		],
		[
			'a key for the gateway only',
			() => runForm([['prompt', 'a']], { key: emulator.keys.cloudflareGatewayOnlyToken }),
			403,
			10000,
		],
	];

	it.each(refused)('refuses %s', async (_, call, httpStatus, code) => {
		const { status, body } = await call();
		expect({ status, body }).toMatchObject({
			status: httpStatus,
			body: { success: false, errors: [{ code }] },
		});
		expectNothingMade();
	});

	it('flags a prompt when scripted', async () => {
		emulator.rule(
			{ route: 'cloudflare.workersAi' },
			{ task: { fail: { message: '3030: Your output has been flagged.' } } },
		);
		const { status, body } = await runForm([['prompt', 'a']]);
		expect({ status, code: body.errors[0].code }).toEqual({ status: 400, code: 3030 });
	});
});

describe('the account', () => {
	it('finds hosted models for a key that may see them', async () => {
		const authorization = `Bearer ${emulator.keys.cloudflareToken}`;
		const { status, body } = await send(account('/ai/models/search?search=flux-2-dev'), {
			headers: { authorization },
		});
		expect({ status, body }).toMatchObject({
			status: 200,
			body: {
				success: true,
				result: [{ name: '@cf/black-forest-labs/flux-2-dev', task: { name: 'Text-to-Image' } }],
			},
		});
		expect(body.result).toHaveLength(1);
	});

	it('tells a wrong key, a wrong account and a lacking permission apart', async () => {
		const search = (key: string, id?: string) =>
			send(account('/ai/models/search', id), { headers: { authorization: `Bearer ${key}` } });
		const { keys } = emulator;
		expect(
			[
				await search('wrong'),
				await search(keys.cloudflareToken, 'a'.repeat(32)),
				await search(keys.cloudflareGatewayOnlyToken),
			].map(({ status, body }) => [status, body.errors[0].code]),
		).toEqual([
			[401, 10000],
			[404, 7003],
			[403, 10000],
		]);
	});

	it('verifies tokens', async () => {
		const verify = (path: string, key: string) =>
			send(emulator.urls.cloudflare + path, { headers: { authorization: `Bearer ${key}` } });
		const { keys } = emulator;
		const answers = [
			await verify('/user/tokens/verify', keys.cloudflareToken),
			await verify('/user/tokens/verify', keys.cloudflareDisabledToken),
			await verify('/user/tokens/verify', 'wrong'),
			await verify(`/accounts/${keys.accountId}/tokens/verify`, keys.cloudflareAccountToken),
			await verify(`/accounts/${keys.accountId}/tokens/verify`, keys.cloudflareToken),
		];
		expect(
			answers.map(({ status, body }) => [status, body.result?.status, body.errors[0]?.code]),
		).toEqual([
			[200, 'active', undefined],
			[200, 'disabled', undefined],
			[401, undefined, 1000],
			[200, 'active', undefined],
			[401, undefined, 1000],
		]);
	});
});

describe('the task API', () => {
	const everything = {
		prompt: 'a',
		seed: 42,
		width: 1024,
		height: 768,
		safety_tolerance: '6',
		output_format: 'png',
	};

	it('takes the wrapped and the flat body, and records which', async () => {
		const wrapped = {
			model: 'flux_2_pro',
			input: [{ params: everything }],
			moderation: false,
			metadata: { a: 1 },
		};
		const flat = { model: 'flux_2_pro', ...everything, moderation: true };
		const answers = [
			await task(GENERATION, withJson(wrapped, emulator.keys.taskKey)),
			await task(GENERATION, withJson(flat, emulator.keys.taskKey)),
		];
		expect(answers.map(({ status, body }) => ({ status, body }))).toEqual(
			emulator.ledger.tasks.map(({ id, acceptedAt }) => ({
				status: 200,
				body: {
					id,
					created_at: Math.floor(acceptedAt / 1000),
					model: 'flux_2_pro',
					status: 'pending',
					progress: 0,
				},
			})),
		);
		expect(emulator.ledger.submissions.map(({ bodyForm, body }) => ({ bodyForm, body }))).toEqual([
			{ bodyForm: 'wrapped', body: wrapped },
			{ bodyForm: 'flat', body: flat },
		]);
	});

	it('takes eight references as base64, data URI or URL', async () => {
		const base64 = (await sample(64, 64)).toString('base64');
		const names = ['input_image', ...[2, 3, 4, 5, 6, 7, 8].map((n) => `input_image_${n}`)];
		const values = [base64, `data:image/png;base64,${base64}`, 'https://a.example/b.png'];
		const images = Object.fromEntries(names.map((name, index) => [name, values[index % 3]]));
		expect((await submit({ prompt: 'a', ...images })).status).toBe(200);
	});

	it.each([
		['a number as tolerance', { prompt: 'a', safety_tolerance: 2 }],
		['a tolerance of 7', { prompt: 'a', safety_tolerance: '7' }],
		['a width that is no multiple of 32', { prompt: 'a', width: 1000 }],
		['a width below 64', { prompt: 'a', width: 32 }],
		['a width as text', { prompt: 'a', width: '1024' }],
		['more than 4 MP', { prompt: 'a', width: 2080, height: 2080 }],
		['webp', { prompt: 'a', output_format: 'webp' }],
		['a seed that is not whole', { prompt: 'a', seed: 1.5 }],
		['an unknown parameter', { prompt: 'a', steps: 20 }],
		['a ninth reference', { prompt: 'a', input_image_9: 'https://a.example/b.png' }],
		['a reference that is no picture', { prompt: 'a', input_image: 'AAAA' }],
		['a path as reference', { prompt: 'a', input_image: '/home/me/a.png' }],
		['an empty prompt', { prompt: '' }],
		['no prompt', { width: 64 }],
		['moderation among the parameters', { prompt: 'a', moderation: true }],
		['null', { prompt: 'a', seed: null }],
	])('refuses %s', async (_, params) => {
		const { status, body } = await submit(params);
		expect({ status, body }).toEqual({
			status: 400,
			body: { error: { message: expect.any(String) as string } },
		});
		expectNothingMade();
	});

	it.each([
		['an unknown model', { model: 'flux_9', input: [{ params: { prompt: 'a' } }] }],
		['no model', { input: [{ params: { prompt: 'a' } }] }],
		[
			'two inputs',
			{ model: 'flux_2_pro', input: [{ params: { prompt: 'a' } }, { params: { prompt: 'b' } }] },
		],
		[
			'something beside params',
			{ model: 'flux_2_pro', input: [{ params: { prompt: 'a' }, type: 'x' }] },
		],
		[
			'parameters in both places',
			{ model: 'flux_2_pro', seed: 1, input: [{ params: { prompt: 'a' } }] },
		],
		['moderation as text', { model: 'flux_2_pro', prompt: 'a', moderation: 'yes' }],
		['metadata as text', { model: 'flux_2_pro', prompt: 'a', metadata: 'x' }],
		['a list', []],
	])('refuses %s', async (_, body) => {
		expect((await task(GENERATION, withJson(body, emulator.keys.taskKey))).status).toBe(400);
		expectNothingMade();
	});

	it('goes from pending over in_progress to completed', async () => {
		emulator.rule({ route: 'task.submit' }, { task: { polls: 20 } });
		const { body: submitted } = await submit(everything);
		const seen: Reply[] = [];
		do seen.push(await status(submitted.id));
		while (seen.at(-1)?.body.status !== 'completed');
		const words = seen.map(({ body }) => body.status as string);
		expect([...new Set(words)]).toEqual(['pending', 'in_progress', 'completed']);
		const progress = seen.map(({ body }) => body.progress as number);
		expect(progress).toEqual([...progress].sort((a, b) => a - b));
		const { url, acceptedAt } = lastJob();
		expect(seen.at(-1)?.body).toEqual({
			id: submitted.id,
			created_at: Math.floor(acceptedAt / 1000),
			model: 'flux_2_pro',
			status: 'completed',
			progress: 1,
			output: [{ content: [{ type: 'image', url, jobId: submitted.id }] }],
			usage: { cost: '0.03', discount: 1, quantity: 1, unit_price: '0.03', extra_info: {} },
			metadata: {},
		});
		expect(await look(url)).toMatchObject({
			type: 'image/png',
			format: 'png',
			width: 1024,
			height: 768,
		});
		expect(emulator.ledger.polls.map(({ state }) => state)).toEqual(words);
	});

	it('completes at once, or ends under another word, where a rule says so', async () => {
		emulator.rule({ route: 'task.submit', times: 1 }, { task: { immediate: true } });
		emulator.rule({ route: 'task.submit' }, { task: { status: 'SomethingNew' } });
		expect((await submit({ prompt: 'a' })).body).toMatchObject({
			status: 'completed',
			output: [{ content: [{ url: lastJob().url }] }],
		});
		const { body } = await submit({ prompt: 'a' });
		expect((await status(body.id)).body).toMatchObject({ status: 'SomethingNew' });
	});

	it.each([
		['message', { error: { code: 7, message: 'moderated' } }],
		['error_message', { error: { code: 7, error_message: 'moderated' } }],
		['string', { error: 'moderated' }],
		['state', {}],
	] as const)('words a failure as %s', async (style, expected) => {
		emulator.rule(
			{ route: 'task.submit' },
			{ task: { fail: { code: 7, message: 'moderated', style } } },
		);
		const { body: submitted } = await submit({ prompt: 'a' });
		const { body } = await status(submitted.id);
		const { id: _id, created_at: _at, model: _model, ...rest } = body;
		expect(rest).toEqual({ status: 'failed', ...expected });
		expect(emulator.ledger.paidBy(emulator.keys.taskKey)).toEqual({ count: 0, amount: 0 });
		await expect(emulator.ledger.image(submitted.id)).rejects.toThrow('has no image');
	});

	it('makes another picture than was asked for where a rule says so', async () => {
		emulator.rule({ route: 'task.submit' }, { as: { format: 'webp', width: 320, height: 256 } });
		await submit(everything);
		expect(await look(lastJob().url)).toMatchObject({
			type: 'image/webp',
			format: 'webp',
			width: 320,
			height: 256,
		});
	});

	it('tells keys apart', async () => {
		const { keys } = emulator;
		const answers = [
			await submit({ prompt: 'a' }, 'wrong'),
			await submit({ prompt: 'a' }, keys.taskKeyWithoutPermission),
			await submit({ prompt: 'a' }, keys.taskKeyWithoutCredits),
			await task(`${GENERATION}/task/nothing`, {}, 'wrong'),
			await task(`${GENERATION}/task/nothing`),
		];
		expect(answers.map(({ status, body }) => [status, body])).toEqual([
			[401, { error: { message: 'Invalid API key' } }],
			[403, { error: { message: 'Permission denied' } }],
			[
				403,
				{ status: { code: 402, message: 'Insufficient credits', error_code: 40201 }, data: null },
			],
			[401, { error: { message: 'Invalid API key' } }],
			[404, { error: { error_message: 'task not found' } }],
		]);
	});

	it('does not know a job that vanished, or that another key made', async () => {
		emulator.rule({ route: 'task.submit', times: 1 }, { task: { vanish: true } });
		const vanished = await submit({ prompt: 'a' });
		const theirs = await submit({ prompt: 'a' });
		expect((await status(vanished.body.id)).status).toBe(404);
		expect(
			(await task(`${GENERATION}/task/${theirs.body.id}`, {}, emulator.keys.taskKeyWithoutCredits))
				.status,
		).toBe(404);
		expect(emulator.ledger.paidBy(emulator.keys.taskKey)).toEqual({ count: 2, amount: 0.06 });
	});

	it('refuses a key that has too many jobs running', async () => {
		const small = await startOther({ seconds: 60, maxRunning: 1 });
		const post = () =>
			send(
				small.urls.task + GENERATION,
				withJson({ model: 'flux_2_pro', prompt: 'a' }, small.keys.taskKey),
			);
		expect((await post()).status).toBe(200);
		const refused = await post();
		expect([refused.status, refused.body, refused.headers.get('retry-after')]).toEqual([
			429,
			{ error: { code: 1002, message: 'rate limited' } },
			'1',
		]);
	});
});

describe('the queue', () => {
	it('goes from QUEUED over IN_PROGRESS to COMPLETED, and hands out the response', async () => {
		emulator.rule({ route: 'queue.submit' }, { task: { polls: 20 } });
		const { status, body } = await enqueue({
			prompt: 'a',
			width: 256,
			height: 128,
			safety_tolerance: 5,
			output_format: 'webp',
		});
		const { id, url } = lastJob();
		const base = `${emulator.urls.task}${QUEUE}/requests/${id}`;
		expect({ status, body }).toEqual({
			status: 200,
			body: {
				request_id: id,
				response_url: `${base}/response`,
				status_url: `${base}/status`,
				cancel_url: `${base}/cancel`,
				queue_position: 0,
			},
		});
		const headers = { authorization: `Key ${emulator.keys.taskKey}` };
		expect((await send(body.response_url, { headers })).status).toBe(202);
		const words: string[] = [];
		do words.push((await send(body.status_url, { headers })).body.status);
		while (words.at(-1) !== 'COMPLETED');
		expect([...new Set(words)]).toEqual(['QUEUED', 'IN_PROGRESS', 'COMPLETED']);
		const response = await send(body.response_url, { headers });
		expect({ status: response.status, body: response.body }).toEqual({
			status: 200,
			body: {
				request_id: id,
				outputs: [
					{
						type: 'image',
						url,
						content_type: 'image/webp',
						file_name: `${id}.webp`,
						width: 256,
						height: 128,
					},
				],
				metadata: {},
			},
		});
		expect(await look(url)).toMatchObject({ format: 'webp', width: 256, height: 128 });
	});

	it('ends as COMPLETED with an error', async () => {
		emulator.rule(
			{ route: 'queue.submit', times: 1 },
			{ task: { fail: { code: 'M', message: 'moderated' } } },
		);
		emulator.rule(
			{ route: 'queue.submit' },
			{ task: { fail: { message: 'moderated', style: 'string' } } },
		);
		const looks = await Promise.all(
			[await enqueue({ prompt: 'a' }), await enqueue({ prompt: 'a' })].map(({ body }) =>
				task(new URL(body.status_url as string).pathname),
			),
		);
		expect(looks.map(({ body }) => body)).toMatchObject([
			{
				status: 'COMPLETED',
				error: { code: 'M', message: 'moderated' },
				error_type: 'provider_error',
				provider_error: { code: 'M' },
			},
			{ status: 'COMPLETED', error: 'moderated', error_type: 'provider_error' },
		]);
	});

	it('cancels what runs, and nothing that has ended', async () => {
		emulator.rule({ route: 'queue.submit', times: 1 }, { task: { seconds: 60 } });
		const [running, ended] = [
			(await enqueue({ prompt: 'a' })).body,
			(await enqueue({ prompt: 'a' })).body,
		];
		const cancel = (url: string) => task(new URL(url).pathname, { method: 'PUT' });
		expect(
			[await cancel(running.cancel_url), await cancel(ended.cancel_url)].map(({ status, body }) => [
				status,
				body.status,
			]),
		).toEqual([
			[202, 'CANCELLATION_REQUESTED'],
			[400, 'ALREADY_COMPLETED'],
		]);
		const { body } = await task(new URL(running.status_url as string).pathname);
		expect(body).toMatchObject({ status: 'COMPLETED', error: { code: 'CANCELLED' } });
		expect(emulator.ledger.cancels).toMatchObject([
			{ taskId: running.request_id, status: 202 },
			{ taskId: ended.request_id, status: 400 },
		]);
	});

	it.each([
		['a tolerance as text', { prompt: 'a', safety_tolerance: '2' }],
		['a tolerance of 6', { prompt: 'a', safety_tolerance: 6 }],
		['a model in the body', { prompt: 'a', model: 'flux_2_pro' }],
		['a wrapped body', { input: [{ params: { prompt: 'a' } }] }],
	])('refuses %s', async (_, body) => {
		const answer = await enqueue(body);
		expect(answer).toMatchObject({ status: 400, body: { error: { code: 'INVALID_PARAMETER' } } });
		expectNothingMade();
	});

	it('refuses keys, models and ids in its own words', async () => {
		const { keys } = emulator;
		expect(
			[
				await enqueue({ prompt: 'a' }, 'wrong'),
				await enqueue({ prompt: 'a' }, keys.taskKeyWithoutPermission),
				await enqueue({ prompt: 'a' }, keys.taskKeyWithoutCredits),
				await task('/model/v1/queue/flux_9', withJson({ prompt: 'a' }, keys.taskKey)),
				await task(`${QUEUE}/requests/nothing/status`),
			].map(({ status, body }) => [status, body.error?.code ?? body.detail]),
		).toEqual([
			[401, 'UNAUTHORIZED'],
			[403, 'FORBIDDEN'],
			[403, 'INSUFFICIENT_BALANCE'],
			[404, 'App not found: flux_9'],
			[404, 'NOT_FOUND'],
		]);
	});
});

describe('results and leaks', () => {
	it('serves a result once it is ready, and counts downloads', async () => {
		emulator.rule({ route: 'task.submit', times: 1 }, { task: { seconds: 60 } });
		await submit({ prompt: 'slow' });
		const early = await fetch(lastJob().url);
		await submit({ prompt: 'a' });
		const { id, url } = lastJob();
		const picture = await emulator.ledger.image(id);
		const bytes = Buffer.from(await (await fetch(url)).arrayBuffer());
		expect(early.status).toBe(404);
		expect(bytes.equals(picture.bytes)).toBe(true);
		expect(lastJob().sha256).toBe(picture.sha256);
		expect(emulator.ledger.downloads).toMatchObject([
			{ status: 404 },
			{ taskId: id, status: 200, bytes: bytes.length },
		]);
		expect((await fetch(url.replace('.jpeg', '.png'))).status).toBe(404);
	});

	it('sees every credential that comes to the pictures', async () => {
		await submit({ prompt: 'a' });
		const { url } = lastJob();
		const { taskKey, cloudflareToken } = emulator.keys;
		await fetch(url);
		expect(emulator.ledger.leaks).toEqual([]);
		await fetch(url, { headers: { authorization: `Bearer ${taskKey}` } });
		await fetch(url, { headers: { authorization: 'Bearer somebody-else' } });
		await fetch(url, { headers: { 'x-key': 'somebody-else' } });
		await fetch(`${url}?token=${cloudflareToken}`);
		await fetch(url, { headers: { referer: `https://a.example/?key=${taskKey}` } });
		expect(emulator.ledger.leaks.map(({ port, where, key }) => ({ port, where, key }))).toEqual([
			{ port: 'results', where: 'header authorization', key: 'taskKey' },
			{ port: 'results', where: 'header authorization', key: undefined },
			{ port: 'results', where: 'header x-key', key: undefined },
			{ port: 'results', where: 'url', key: 'cloudflareToken' },
			{ port: 'results', where: 'header referer', key: 'taskKey' },
		]);
	});

	it('sees a key in a body, in a URL, and at the wrong provider', async () => {
		const { taskKey, cloudflareToken } = emulator.keys;
		await submit({ prompt: `my key is ${taskKey}` });
		await task(`${GENERATION}/task/x?key=${taskKey}`);
		await submit({ prompt: 'a' }, cloudflareToken);
		expect(emulator.ledger.leaks.map(({ where, key }) => ({ where, key }))).toEqual([
			{ where: 'body', key: 'taskKey' },
			{ where: 'url', key: 'taskKey' },
			{ where: 'header authorization', key: 'cloudflareToken' },
		]);
	});

	it('notes routes that nobody knows, on both ports', async () => {
		const answers = [
			await send(`${emulator.urls.cloudflare}/zones`),
			await send(`${emulator.urls.task}/v9/nothing`, { method: 'POST' }),
			await send(`${emulator.urls.results}/other`),
			await send(`${emulator.urls.task}${GENERATION}`),
		];
		expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
		expect(answers[0]?.body.errors[0].code).toBe(7000);
		expect(emulator.ledger.unexpected.map(({ method, path }) => `${method} ${path}`)).toEqual([
			'GET /client/v4/zones',
			'POST /v9/nothing',
			'GET /other',
			`GET ${GENERATION}`,
		]);
	});

	it('records every request, and is JSON', async () => {
		await run({ prompt: 'a' });
		await fetch(lastJob().url);
		const data = JSON.parse(JSON.stringify(emulator.ledger));
		expect(
			data.requests.map(({ port, method, status }: Record<string, unknown>) => [
				port,
				method,
				status,
			]),
		).toEqual([
			['api', 'POST', 200],
			['results', 'GET', 200],
		]);
	});

	it('listens as a host that should get nothing', async () => {
		const listener = await startListener();
		others.push(listener);
		await fetch(`${listener.url}/a`, { method: 'POST', headers: { 'x-key': 'k' }, body: 'b' });
		expect(new URL(listener.url).hostname).toBe('localhost');
		expect(listener.requests).toMatchObject([
			{ method: 'POST', path: '/a', headers: { 'x-key': 'k' }, body: 'b' },
		]);
	});
});

describe('rules', () => {
	it('answers something else, for as many calls as it says, after as many as it says', async () => {
		emulator.rule(
			{ route: 'task.submit', skip: 1, times: 2 },
			{ status: 503, body: { a: 1 }, headers: { 'retry-after': '7' } },
		);
		const answers: Reply[] = [];
		for (let call = 0; call < 4; call++) answers.push(await submit({ prompt: 'a' }));
		expect(answers.map(({ status }) => status)).toEqual([200, 503, 503, 200]);
		expect([answers[1]?.body, answers[1]?.headers.get('retry-after')]).toEqual([{ a: 1 }, '7']);
		expect(
			emulator.ledger.submissions.map(({ accepted, status }) => ({ accepted, status })),
		).toEqual([
			{ accepted: true, status: 200 },
			{ accepted: false, status: 503 },
			{ accepted: false, status: 503 },
			{ accepted: true, status: 200 },
		]);
	});

	it('takes turns with rules that do the same, and joins those that do not', async () => {
		emulator.rule({ route: 'task.submit' }, { task: { immediate: true } });
		emulator.rule({ route: 'task.submit', times: 1 }, { status: 500 });
		emulator.rule({ route: 'task.submit', times: 1 }, { status: 429 });
		const answers = [
			await submit({ prompt: 'a' }),
			await submit({ prompt: 'a' }),
			await submit({ prompt: 'a' }),
		];
		expect(answers.map(({ status, body }) => [status, body.status])).toEqual([
			[500, undefined],
			[429, undefined],
			[200, 'completed'],
		]);
	});

	it('keeps a rule about jobs until there is a job', async () => {
		emulator.rule({ route: 'task.submit', times: 1 }, { task: { immediate: true } });
		emulator.rule({ route: 'task.submit', times: 1 }, { status: 429 });
		expect((await submit({ prompt: 'a' })).status).toBe(429);
		expect((await submit({ prompt: 'a' })).body.status).toBe('completed');
	});

	it('chooses by prompt and key, for polls and downloads by their job’s', async () => {
		emulator.rule({ route: 'task.submit', prompt: /^BAD/ }, { status: 418 });
		emulator.rule({ route: 'task.status', prompt: 'cat' }, { status: 500 });
		emulator.rule({ route: 'download', prompt: 'dog' }, { status: 403 });
		emulator.rule({ route: 'task.submit', key: 'wrong' }, { status: 499 });
		const cat = (await submit({ prompt: 'a cat' })).body.id as string;
		const { url: catUrl } = lastJob();
		const dog = (await submit({ prompt: 'a dog' })).body.id as string;
		const { url: dogUrl } = lastJob();
		expect([
			(await submit({ prompt: 'BAD' })).status,
			(await submit({ prompt: 'not BAD' })).status,
			(await submit({ prompt: 'a' }, 'wrong')).status,
			(await status(cat)).status,
			(await status(dog)).status,
			(await fetch(catUrl)).status,
			(await fetch(dogUrl)).status,
		]).toEqual([418, 200, 499, 500, 200, 200, 403]);
	});

	it('answers an HTML error page, and cut JSON of the right length', async () => {
		emulator.rule({ route: 'task.submit', times: 1 }, { html: true });
		emulator.rule({ route: 'task.submit', times: 1 }, { truncateJson: true });
		const page = await submit({ prompt: 'a' });
		expect([page.status, page.headers.get('content-type'), page.body]).toEqual([
			502,
			'text/html',
			expect.stringContaining('<html>'),
		]);
		const init = withJson({ model: 'flux_2_pro', prompt: 'a' }, emulator.keys.taskKey);
		const cut = await fetch(emulator.urls.task + GENERATION, init);
		const text = await cut.text();
		expect([cut.status, cut.headers.get('content-length')]).toEqual([200, String(text.length)]);
		expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError);
		expect(emulator.ledger.tasks).toHaveLength(1);
	});

	it.each([
		['beforeHeaders', undefined, 0],
		['beforeHeaders', true, 1],
		['midHeaders', undefined, 1],
		['midBody', undefined, 1],
		['midBody', false, 0],
	] as const)(
		'breaks the connection %s (accepted: %p): %i job is made',
		async (reset, accepted, jobs) => {
			emulator.rule(
				{ route: 'task.submit', times: 1 },
				accepted === undefined ? { reset } : { reset, accepted },
			);
			await expect(submit({ prompt: 'a' })).rejects.toThrow();
			expect(emulator.ledger.paidBy(emulator.keys.taskKey).count).toBe(jobs);
			expect(emulator.ledger.submissions).toMatchObject([{ accepted: jobs === 1 }]);
			expect(emulator.ledger.submissions[0]).not.toHaveProperty('status', 200);
			expect((await submit({ prompt: 'a' })).status).toBe(200);
		},
	);

	it('accepts a job and hides it behind an error where a rule says so', async () => {
		emulator.rule({ route: 'task.submit' }, { status: 500, accepted: true });
		expect((await submit({ prompt: 'a' })).status).toBe(500);
		expect(emulator.ledger.submissions).toMatchObject([
			{ accepted: true, status: 500, cost: 0.03 },
		]);
	});

	it('hangs until it is closed', async () => {
		const own = await startOther({});
		own.rule({ route: 'task.status' }, { hang: true });
		const seen = fetch(`${own.urls.task}${GENERATION}/task/x`);
		const outcome = expect(seen).rejects.toThrow();
		while (own.ledger.polls.length === 0) await new Promise(setImmediate);
		await own.close();
		await outcome;
	});

	it('closes while a synchronous job runs', async () => {
		const own = await startOther({ seconds: 600 });
		const url = `${own.urls.cloudflare}/accounts/${own.keys.accountId}/ai/run`;
		const outcome = expect(
			fetch(url, withJson({ model: PRO, input: { prompt: 'a' } }, own.keys.cloudflareToken)),
		).rejects.toThrow();
		while (own.ledger.tasks.length === 0) await new Promise(setImmediate);
		await own.close();
		await outcome;
	});

	it('delays an answer, and sends it in pieces', async () => {
		emulator.rule({ route: 'task.submit' }, { delayMs: 50 });
		emulator.rule({ route: 'download' }, { slowBytes: true });
		const began = Date.now();
		await submit({ prompt: 'a' });
		// Timers may fire a millisecond early.
		expect(Date.now() - began).toBeGreaterThanOrEqual(48);
		const pieces: number[] = [];
		const { body } = await fetch(lastJob().url);
		for await (const piece of body as unknown as AsyncIterable<Uint8Array>)
			pieces.push(piece.length);
		const { bytes } = await emulator.ledger.image(lastJob().id);
		expect(pieces.length).toBeGreaterThan(3);
		expect(pieces.reduce((sum, one) => sum + one, 0)).toBe(bytes.length);
	});

	it('spoils downloads', async () => {
		await submit({ prompt: 'a', output_format: 'png' });
		const { id, url } = lastJob();
		const { bytes } = await emulator.ledger.image(id);
		const kinds = ['truncated', 'html', 'empty', 'wrongContentType', 'expired'] as const;
		for (const picture of kinds) emulator.rule({ route: 'download', times: 1 }, { image: picture });
		const seen: unknown[] = [];
		for (const kind of kinds) {
			const response = await fetch(url);
			const length = (await response.arrayBuffer()).byteLength;
			seen.push([kind, response.status, response.headers.get('content-type'), length]);
		}
		expect(seen).toEqual([
			['truncated', 200, 'image/png', Math.floor(bytes.length / 2)],
			['html', 200, 'text/html', expect.any(Number)],
			['empty', 200, 'image/png', 0],
			['wrongContentType', 200, 'text/plain', bytes.length],
			['expired', 403, 'application/xml', expect.any(Number)],
		]);
	});

	it('redirects, and changes answers within the process', async () => {
		emulator.rule({ route: 'download' }, { redirect: 'https://elsewhere.example/a' });
		emulator.rule(
			{ route: 'task.submit' },
			{ mutate: (answer) => ({ ...answer, body: { id: 'other' } }) },
		);
		expect((await submit({ prompt: 'a' })).body).toEqual({ id: 'other' });
		const response = await send(lastJob().url);
		expect([response.status, response.headers.get('location')]).toEqual([
			302,
			'https://elsewhere.example/a',
		]);
	});

	it('answers every documented error as it stands in the documents', async () => {
		const bySubmit: [RouteName, () => Promise<Reply>] = [
			'task.submit',
			() => submit({ prompt: 'a' }),
		];
		const call: Record<string, typeof bySubmit> = {
			cloudflare: ['cloudflare.run', () => run({ prompt: 'a' })],
			workersAi: ['cloudflare.workersAi', () => runForm([['prompt', 'a']])],
			queue: ['queue.submit', () => enqueue({ prompt: 'a' })],
		};
		for (const [name, expected] of Object.entries(documentedErrors)) {
			const [route, make] = call[name.split('.')[0] ?? ''] ?? bySubmit;
			emulator.rule({ route, times: 1 }, { error: name as DocumentedError });
			const { status, body } = await make();
			expect({ name, status, body }).toEqual({
				name,
				status: expected.status,
				body: expected.body,
			});
		}
		expect(emulator.ledger.tasks).toEqual([]);
	});

	it('refuses a rule that would do nothing', () => {
		const add = (match: object, effect: object) => () => emulator.rule(match as never, effect);
		expect(add({ route: 'task.sumbit' }, { status: 500 })).toThrow(
			'no route is called task.sumbit',
		);
		expect(add({ route: 'task.submit', promt: 'a' }, { status: 500 })).toThrow('promt');
		expect(add({ route: 'task.submit' }, { stauts: 500 })).toThrow('stauts');
		expect(add({ route: 'task.submit' }, { error: 'task.nothing' })).toThrow('task.nothing');
		expect(add({ route: 'task.submit' }, {})).toThrow('a rule needs an effect');
	});

	it('is controlled over HTTP', async () => {
		const control = (path: string, init?: RequestInit) =>
			send(`${emulator.urls.task}/_emulator/${path}`, init);
		const rule = { route: 'task.submit', prompt: 'a', times: 5, effect: { status: 500 } };
		expect((await control('rules', withJson(rule, ''))).status).toBe(201);
		expect(
			(await control('rules', withJson({ route: 'nothing', effect: { status: 500 } }, ''))).status,
		).toBe(400);
		expect((await control('rules', withJson({ route: 'task.submit' }, ''))).status).toBe(400);
		expect((await submit({ prompt: 'a' })).status).toBe(500);
		await control('rules', { method: 'DELETE' });
		expect((await submit({ prompt: 'a' })).status).toBe(200);
		expect((await control('ledger')).body).toEqual(JSON.parse(JSON.stringify(emulator.ledger)));
		await control('reset', { method: 'POST' });
		const lists: unknown[][] = Object.values(emulator.ledger.toJSON());
		expect(lists.flat()).toEqual([]);
	});
});

describe('pictures', () => {
	async function pictureOf(params: Record<string, unknown>) {
		const { body } = await submit({ width: 256, height: 256, output_format: 'png', ...params });
		return emulator.ledger.image(body.id);
	}

	it('come alike from the same request, and differ with each part of it', async () => {
		const base64 = (await sample(64, 64)).toString('base64');
		const requests: Array<Record<string, unknown>> = [
			{ prompt: 'a', seed: 1 },
			{ prompt: 'b', seed: 1 },
			{ prompt: 'a', seed: 2 },
			{ prompt: 'a', seed: 1, safety_tolerance: '1' },
			{ prompt: 'a', seed: 1, input_image: base64 },
		];
		const first = await Promise.all(requests.map(pictureOf));
		expect(new Set(first.map(({ sha256 }) => sha256)).size).toBe(requests.length);
		const other = await startOther({ seconds: 0 });
		const body = {
			model: 'flux_2_pro',
			width: 256,
			height: 256,
			output_format: 'png',
			...requests[0],
		};
		await send(other.urls.task + GENERATION, withJson(body, other.keys.taskKey));
		const again = await other.ledger.image(other.ledger.tasks[0]?.id ?? '');
		expect(again.bytes.equals(first[0]?.bytes as Buffer)).toBe(true);
	});

	it.each(['png', 'jpeg', 'webp'] as const)('are real %s of any size', async (format) => {
		for (const [width, height] of [
			[64, 64],
			[64, 2048],
			[2048, 64],
			[1000, 333],
		] as const) {
			emulator.rule({ route: 'task.submit', times: 1 }, { as: { format, width, height } });
			const { bytes } = await pictureOf({
				prompt: 'A long prompt that needs a few lines on a narrow picture',
			});
			const seen = await sharp(bytes).metadata();
			expect([seen.format, seen.width, seen.height]).toEqual([format, width, height]);
			await sharp(bytes).raw().toBuffer();
		}
	});

	it('use the colours that the prompt names', async () => {
		const { bytes } = await pictureOf({ prompt: 'all in #00FF00' });
		const [red, green, blue] = (await sharp(bytes).stats()).channels.map(({ mean }) => mean) as [
			number,
			number,
			number,
		];
		expect(green).toBeGreaterThan(2 * Math.max(red, blue));
	});

	/** The band at the lower edge, where the text stands. */
	async function whiteShare(bytes: Buffer): Promise<number> {
		const band = sharp(bytes).extract({ left: 12, top: 200, width: 200, height: 50 }).greyscale();
		const pixels = await band.raw().toBuffer();
		return pixels.filter((value) => value > 200).length / pixels.length;
	}

	it('show the prompt in letters, in any script and against odd text', async () => {
		const long = await pictureOf({ prompt: 'in #101010 WWWWW WWWWW WWWWW WWWWW' });
		const short = await pictureOf({ prompt: 'in #101010' });
		expect(await whiteShare(long.bytes)).toBeGreaterThan(2 * (await whiteShare(short.bytes)));
		const odd = ['Žluťoučký кот Ωμέγα 日本語 🦊', '<script>&amp;"\'', ' \n\t ', 'x'.repeat(5000)];
		for (const prompt of odd) expect((await pictureOf({ prompt })).width).toBe(256);
	});

	it('show their references', async () => {
		const red = await sharp({
			create: { width: 50, height: 50, channels: 3, background: '#ff0000' },
		})
			.png()
			.toBuffer();
		const { bytes } = await pictureOf({
			prompt: 'in #0000FF',
			input_image: red.toString('base64'),
		});
		const corner = await sharp(bytes)
			.extract({ left: 15, top: 15, width: 30, height: 30 })
			.toBuffer();
		expect((await sharp(corner).stats()).dominant).toMatchObject({ r: 248, g: 8, b: 8 });
	});

	it('are plain where the option says so, of the size and format asked for', async () => {
		const other = await startOther({ seconds: 0, images: 'plain' });
		const post = async (prompt: string) => {
			const body = { model: 'flux_2_pro', prompt, width: 640, height: 384, output_format: 'png' };
			const answer = await send(other.urls.task + GENERATION, withJson(body, other.keys.taskKey));
			return other.ledger.image(answer.body.id);
		};
		const [first, second] = [await post('a'), await post('b')];
		const { format, width, height } = await sharp(first.bytes).metadata();
		expect({ format, width, height }).toEqual({ format: 'png', width: 640, height: 384 });
		expect((await sharp(first.bytes).stats()).entropy).toBe(0);
		expect(second.sha256).not.toBe(first.sha256);
	});

	it('come as references of any size and format', async () => {
		const { format, width, height } = await sharp(await sample(123, 45, 'jpeg')).metadata();
		expect({ format, width, height }).toEqual({ format: 'jpeg', width: 123, height: 45 });
		expect((await send(`${emulator.urls.results}/references/1.png?width=0`)).status).toBe(400);
	});
});

describe('the command line', () => {
	it('prints where everything is, and stops when told to', async () => {
		const cli = join(__dirname, '../emulator/cli.ts');
		const child = spawn(
			process.execPath,
			['--import', 'tsx', cli, '--port', '0', '--results-port', '0'],
			{ stdio: ['ignore', 'pipe', 'inherit'] },
		);
		others.push({ close: async () => void child.kill('SIGKILL') });
		const lines: string[] = [];
		for await (const line of createInterface(child.stdout)) {
			lines.push(line);
			if (line.startsWith('Ctrl+C')) break;
		}
		const ledger = lines.find((line) => line.startsWith('Ledger'))?.split(/\s+/)[1] ?? '';
		expect((await send(ledger)).body).toMatchObject({ submissions: [] });
		expect(lines.join('\n')).toContain(emulator.keys.cloudflareToken);
		child.kill('SIGTERM');
		expect(await once(child, 'exit')).toEqual([0, null]);
	});
});
