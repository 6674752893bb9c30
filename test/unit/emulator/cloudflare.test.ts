import sharp from 'sharp';
import Ajv2020 from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import catalogue from '../../emulator/cloudflare/contract.json';
import { FLEX, PRO, account, run, runForm } from './cloudflareCalls';
import {
	emulator,
	expectNothingGenerated,
	lastTask,
	inspectImage,
	sample,
	send,
	startOther,
	useEmulator,
	withJson,
	type JsonResponse,
} from './support';

useEmulator();

describe('catalogue models', () => {
	it('respond in the documented form, with an image of the requested size and format', async () => {
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
				result: { image: lastTask().url },
				gatewayMetadata: { keySource: 'Unified' },
			},
		});
		const ajv = addFormats(new Ajv2020());
		expect(ajv.validate(catalogue.output, body.result)).toBe(true);
		const { bytes, length, ...seen } = await inspectImage(body.result.image);
		expect(seen).toEqual({ type: 'image/webp', format: 'webp', width: 640, height: 384 });
		expect(length).toBe(bytes);
	});

	it('generate 1024 × 1024 JPEG by default', async () => {
		const { body } = await run({ prompt: 'a' });
		expect(await inspectImage(body.result.image)).toMatchObject({
			format: 'jpeg',
			width: 1024,
			height: 1024,
		});
	});

	it('wrap the response where a rule or the option demands it', async () => {
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

	it('accept eight references: data URIs, URLs of 127.0.0.1 and of elsewhere', async () => {
		const dataUri = `data:image/png;base64,${(await sample(300, 200)).toString('base64')}`;
		const local = `${emulator.urls.results}/references/1.png?width=90&height=90`;
		const input_images = [dataUri, local, ...Array<string>(6).fill('https://images.example/a.jpg')];
		expect((await run({ prompt: 'a', input_images })).status).toBe(200);
		expect(emulator.ledger.submissions[0]?.body).toMatchObject({ input: { input_images } });
	});

	const refused: Array<[string, () => Promise<JsonResponse>, number, number]> = [
		['an unknown parameter', () => run({ prompt: 'a', aspect_ratio: '1:1' }), 400, 5006],
		['steps on a model without them', () => run({ prompt: 'a', steps: 10 }), 400, 5006],
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
			() => run({ prompt: 'a', input_images: ['image.png'] }),
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
			'a data URI that is no image',
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

	it.each(refused)('refuse %s', async (_, call, httpStatus, code) => {
		const { status, body } = await call();
		expect({ status, body }).toMatchObject({
			status: httpStatus,
			body: { success: false, errors: [{ code }] },
		});
		expectNothingGenerated();
	});

	it('refuse a data URI that declares another type, or is cut short', async () => {
		const png = await sample(64, 64);
		const lying = `data:image/jpeg;base64,${png.toString('base64')}`;
		const cut = `data:image/png;base64,${png.subarray(0, png.length / 2).toString('base64')}`;
		const responses = [
			await run({ prompt: 'a', input_images: [lying] }),
			await run({ prompt: 'a', input_images: [cut] }),
		];
		expect(responses.map((response) => response.body.errors[0].message as string)).toEqual([
			expect.stringContaining('declares image/jpeg and is image/png'),
			expect.stringContaining('is not an image that can be decoded'),
		]);
	});

	it.each([
		['another content type', 'text/plain', JSON.stringify({ model: PRO, input: { prompt: 'a' } })],
		['broken JSON', 'application/json', '{"model":'],
		['a list', 'application/json', '[]'],
	])('refuse %s', async (_, type, text) => {
		const init = withJson(text, emulator.keys.cloudflareToken, { 'content-type': type });
		const { status, body } = await send(account('/ai/run'), init);
		expect({ status, code: body.errors[0].code }).toEqual({ status: 400, code: 5006 });
		expectNothingGenerated();
	});

	it('distinguish a missing, a malformed and a wrong token, a wrong account and no credits', async () => {
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
			].map(({ status, body: response }) => [status, response.errors[0].code, response.success]),
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

	it('fail with state Failed under 200, and with any state that a rule names', async () => {
		emulator.rule(
			{ route: 'cloudflare.run', times: 1 },
			{ task: { fail: { code: 'provider_unavailable', message: 'none left' } } },
		);
		emulator.rule({ route: 'cloudflare.run' }, { task: { status: 'Paused' } });
		const responses = [await run({ prompt: 'a' }), await run({ prompt: 'a' })];
		expect(responses.map(({ status, body }) => ({ status, body }))).toEqual([
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
		expectNothingGenerated();
	});

	it('accepts and records every documented header, and responds with its own', async () => {
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
		const response = await run({ prompt: 'a' }, { headers });
		expect(response.status).toBe(200);
		expect(response.headers.get('cf-aig-log-id')).toMatch(/^[0-9A-F]{26}$/);
		expect(response.headers.get('cf-aig-cache-status')).toBe('MISS');
		expect(emulator.ledger.submissions[0]?.headers).toMatchObject(headers);
		expect(emulator.ledger.unexpected).toEqual([]);
	});

	it('records a header that no document knows', async () => {
		await run({ prompt: 'a' }, { headers: { 'cf-aig-cachettl': '60' } });
		expect(emulator.ledger.unexpected).toMatchObject([{ reason: 'header cf-aig-cachettl' }]);
	});

	it('refuses an unknown gateway, and a missing provider key, in its own envelope', async () => {
		const unknown = await run({ prompt: 'a' }, { headers: { 'cf-aig-gateway-id': 'unknown' } });
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
		const responses = [
			await run({ prompt: 'a' }, ttl),
			await run({ prompt: 'a' }, ttl),
			await run({ prompt: 'b' }, ttl),
			await run({ prompt: 'a' }, skip),
			await run({ prompt: 'a' }),
		];
		expect(responses.map((response) => response.headers.get('cf-aig-cache-status'))).toEqual([
			'MISS',
			'HIT',
			'MISS',
			'MISS',
			'MISS',
		]);
		const urls = responses.map((response) => response.body.result.image as string);
		expect(urls[1]).toBe(urls[0]);
		expect(new Set(urls).size).toBe(4);
		expect(emulator.ledger.submissions[1]).toMatchObject({ accepted: true, cached: true, cost: 0 });
		expect(emulator.ledger.paidBy(emulator.keys.cloudflareToken)).toEqual({
			count: 4,
			amount: 0.12,
		});
	});

	it('caches different requests under the same cache key', async () => {
		const key = { headers: { 'cf-aig-cache-key': 'one' } };
		const [first, second] = [await run({ prompt: 'a' }, key), await run({ prompt: 'b' }, key)];
		expect(second.body).toEqual(first.body);
	});

	it('responds with 408 after the request timeout', async () => {
		emulator.rule({ route: 'cloudflare.run' }, { task: { seconds: 60 } });
		const { status } = await run({ prompt: 'a' }, { headers: { 'cf-aig-request-timeout': '10' } });
		expect(status).toBe(408);
	});
});

describe('hosted models', () => {
	it('respond with a base64 JPEG of 1024 × 768, and the ledger describes the form', async () => {
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

	it('accept the model with its slashes encoded', async () => {
		const { status } = await runForm([['prompt', 'a']], {
			model: '%40cf%2Fblack-forest-labs%2Fflux-2-klein-9b',
		});
		expect(status).toBe(200);
		expect(emulator.ledger.submissions[0]?.model).toBe('@cf/black-forest-labs/flux-2-klein-9b');
	});

	const KLEIN = { model: '@cf/black-forest-labs/flux-2-klein-4b' };
	const refused: Array<[string, () => Promise<JsonResponse>, number, number]> = [
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
			'a reference that is no image',
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

	it.each(refused)('refuse %s', async (_, call, httpStatus, code) => {
		const { status, body } = await call();
		expect({ status, body }).toMatchObject({
			status: httpStatus,
			body: { success: false, errors: [{ code }] },
		});
		expectNothingGenerated();
	});

	it('flag a prompt where a rule demands it', async () => {
		emulator.rule(
			{ route: 'cloudflare.workersAi' },
			{ task: { fail: { message: '3030: Your output has been flagged.' } } },
		);
		const { status, body } = await runForm([['prompt', 'a']]);
		expect({ status, code: body.errors[0].code }).toEqual({ status: 400, code: 3030 });
	});
});

describe('the account', () => {
	it('lists hosted models for a key that may see them', async () => {
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

	it('distinguishes a wrong key, a wrong account and a missing permission', async () => {
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
		const responses = [
			await verify('/user/tokens/verify', keys.cloudflareToken),
			await verify('/user/tokens/verify', keys.cloudflareDisabledToken),
			await verify('/user/tokens/verify', 'wrong'),
			await verify(`/accounts/${keys.accountId}/tokens/verify`, keys.cloudflareAccountToken),
			await verify(`/accounts/${keys.accountId}/tokens/verify`, keys.cloudflareToken),
		];
		expect(
			responses.map(({ status, body }) => [status, body.result?.status, body.errors[0]?.code]),
		).toEqual([
			[200, 'active', undefined],
			[200, 'disabled', undefined],
			[401, undefined, 1000],
			[200, 'active', undefined],
			[401, undefined, 1000],
		]);
	});
});
