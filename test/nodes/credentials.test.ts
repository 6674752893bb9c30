import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startEmulator, type Emulator } from '../emulator';
import { testCredential } from '../support/credentialTest';
import { startEngine, type Engine } from '../support/engine';

let emulator: Emulator;
let engine: Engine;
let nobody: string;

beforeAll(async () => {
	emulator = await startEmulator();
	engine = await startEngine();
	nobody = await closedPort();
});
beforeEach(() => emulator.reset());
afterEach(() => {
	const { submissions, unexpected, leaks } = emulator.ledger;
	expect({ submissions, unexpected, leaks }).toEqual({
		submissions: [],
		unexpected: [],
		leaks: [],
	});
});
afterAll(async () => {
	await engine.close();
	await emulator.close();
});

/** An address at which nobody listens. */
async function closedPort(): Promise<string> {
	const server = createServer();
	await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
	const { port } = server.address() as AddressInfo;
	await new Promise((closed) => server.close(closed));
	return `http://127.0.0.1:${port}`;
}

const WORKS = { status: 'OK', message: 'Connection successful!' };
const fails = (message: string) => ({ status: 'Error', message });

describe('Cloudflare', () => {
	const SEARCH =
		'/client/v4/accounts/decafbad000000000000000000c0ffee/ai/models/search?search=flux-2&per_page=1';
	const NOT_ACCEPTED =
		'Cloudflare does not accept this API token. It may be wrong or expired, or lack Workers AI Read (an AI Gateway token fails this test although it works for the catalog models)';
	const NOT_PERMITTED =
		'The API token may not use Workers AI in this account: check its permissions (Workers AI Read) and the account ID. An AI Gateway token fails this test although it works for the catalog models';
	const tried = async (data: object) =>
		await testCredential(engine, 'flux2CloudflareApi', {
			accountId: emulator.keys.accountId,
			apiToken: emulator.keys.cloudflareToken,
			baseUrl: emulator.urls.cloudflare,
			...data,
		});

	test.each([
		'cloudflareToken',
		'cloudflareAccountToken',
		'cloudflareTokenWithoutCredits',
	] as const)('%s works, asked for free', async (name) => {
		expect(await tried({ apiToken: emulator.keys[name] })).toEqual(WORKS);
		expect(emulator.ledger.requests).toEqual([
			expect.objectContaining({ method: 'GET', path: SEARCH, status: 200 }),
		]);
	});

	test('an account ID with spaces and a base URL with a slash work', async () => {
		const accountId = ` ${emulator.keys.accountId} `;
		expect(await tried({ accountId, baseUrl: `${emulator.urls.cloudflare}/` })).toEqual(WORKS);
	});

	test.each([
		['a wrong token', 'made-up-by-a-test', NOT_ACCEPTED],
		['a disabled token', 'made-up-cloudflare-disabled-token', NOT_ACCEPTED],
		['a token of the AI Gateway alone', 'made-up-cloudflare-gateway-only-token', NOT_PERMITTED],
		['a token without permissions', 'made-up-cloudflare-powerless-token', NOT_PERMITTED],
		[
			'half a token',
			'two words',
			'Cloudflare cannot read the API token or the account ID: copy both again, without spaces',
		],
	])('%s', async (_name, apiToken, message) => {
		expect(await tried({ apiToken })).toEqual(fails(message));
	});

	test('a wrong account', async () => {
		expect(await tried({ accountId: 'ffffffffffffffffffffffffffffffff' })).toEqual(
			fails('There is no such account: check the account ID and the base URL'),
		);
	});

	test('no network', async () => {
		expect(await tried({ baseUrl: nobody })).toEqual(fails('ECONNREFUSED'));
	});
});

describe('task API', () => {
	const NOT_ACCEPTED = 'The service does not accept this API key';
	const tried = async (data: object) =>
		await testCredential(engine, 'flux2TaskApi', {
			apiKey: emulator.keys.taskKey,
			baseUrl: emulator.urls.task,
			...data,
		});

	test.each(['taskKey', 'taskKeyWithoutCredits'] as const)(
		'%s works, asked for free',
		async (name) => {
			expect(await tried({ apiKey: emulator.keys[name] })).toEqual(WORKS);
			expect(emulator.ledger.requests).toEqual([
				expect.objectContaining({
					method: 'GET',
					path: '/model/v1/generation/task/n8n-credential-test',
					status: 404,
				}),
			]);
		},
	);

	test('a base URL with a slash works', async () => {
		expect(await tried({ baseUrl: `${emulator.urls.task}/` })).toEqual(WORKS);
	});

	test('a wrong key', async () => {
		expect(await tried({ apiKey: 'made-up-by-a-test' })).toEqual(fails(NOT_ACCEPTED));
	});

	test('a key without permission', async () => {
		emulator.rule({ route: 'task.status' }, { error: 'task.permission' });
		expect(await tried({ apiKey: emulator.keys.taskKeyWithoutPermission })).toEqual(
			fails('The API key is not permitted to use this API, or the account has no balance'),
		);
	});

	test('no network', async () => {
		expect(await tried({ baseUrl: nobody })).toEqual(fails('ECONNREFUSED'));
	});
});

describe('OpenAI-compatible servers', () => {
	const NOT_ACCEPTED = 'The server does not accept this API key';
	const tried = async (server: string, data: object = {}) =>
		await testCredential(engine, 'flux2OpenAiApi', {
			service: server,
			apiKey: emulator.keys.openAiKey,
			baseUrl: `${emulator.urls.openai}/${server}`,
			...data,
		});
	const asked = () => emulator.ledger.requests.map(({ method, path }) => `${method} ${path}`);

	test.each([
		['vllm', '/models'],
		['generic', '/models'],
		['localAi', '/models'],
		['sdCpp', '/models'],
		['deepInfra', '/models'],
		['together', '/models'],
		['openRouter', '/images/models'],
	])('%s is asked for its models, which are free', async (server, path) => {
		expect(await tried(server)).toEqual(WORKS);
		expect(asked()).toEqual([`GET /openai/${server}${path}`]);
	});

	test('no key works where none is asked for, and a base URL with a slash', async () => {
		const baseUrl = ` ${emulator.urls.openai}/vllm/ `;
		expect(await tried('vllm', { apiKey: '', baseUrl })).toEqual(WORKS);
	});

	test.each(['made-up-by-a-test', ''])('a wrong key: %j', async (apiKey) => {
		expect(await tried('generic', { apiKey })).toEqual(fails(NOT_ACCEPTED));
	});

	test('a wrong base URL', async () => {
		const { urls } = emulator;
		expect(await tried('vllm', { baseUrl: `${urls.openai}/nothing` })).toEqual(
			fails('There is no list of models at this base URL: it often ends in /v1'),
		);
		emulator.reset();
	});

	test('Azure has no list, so that its absence is no failure', async () => {
		expect(await tried('azure')).toEqual(WORKS);
		emulator.reset();
	});

	test('plain http to a public address is not even tried', async () => {
		const { status, message } = await tried('vllm', { baseUrl: 'http://api.example.com/v1' });
		expect(status).toBe('Error');
		expect(message).toContain('is plain http to a public address');
	});

	test('no network', async () => {
		expect(await tried('vllm', { baseUrl: nobody })).toEqual(fails('ECONNREFUSED'));
	});
});
