import { Readable } from 'node:stream';
import type { ILoadOptionsFunctions } from 'n8n-workflow';
import { Flux2OpenAi } from '../../nodes/Flux2OpenAi/Flux2OpenAi.node';
import { isExposed, toServerName, type ServerName } from '../../nodes/Flux2OpenAi/servers';
import { Flux2OpenAiApi } from '../../credentials/Flux2OpenAiApi.credentials';
import type { DocumentedError } from '../emulator/registry';
import type { Run } from '../support/engine';
import { NODE, openLab, prompts, QUICK, type Lab } from '../support/lab';
import { placed } from '../support/placed';

/** What only the node for OpenAI-compatible servers does. */

interface SentRequest {
	url: string;
	headers: Record<string, string>;
}

let lab: Lab;

beforeAll(async () => {
	lab = await openLab({ emulator: { seconds: 0.01, images: 'plain' } });
});
beforeEach(() => {
	lab.emulator.reset();
	lab.emulator.rule({ route: 'openai.generate' }, { as: { width: 64, height: 64 } });
	useServer('vllm');
});
afterAll(async () => await lab.close());

function useServer(server: ServerName, more: object = {}): void {
	const { keys, urls } = lab.emulator;
	lab.credentials.flux2OpenAiApi = {
		service: server,
		baseUrl: `${urls.openai}/${server}`,
		apiKey: keys.openAiKey,
		...more,
	};
}

const generating = (
	options: Record<string, unknown> = {},
	parameters: Record<string, unknown> = {},
) =>
	({
		type: 'flux2OpenAi',
		parameters: {
			prompt: '={{ $json.prompt }}',
			...placed('flux2OpenAi', { ...options, ...QUICK }),
			...parameters,
		},
	}) as const;

const jsons = (run: Run) => run.items(NODE).map(({ json }) => json);
const submissions = () => lab.emulator.ledger.submissions;

test('an item says everything that is known about its image', async () => {
	const run = await lab.run(generating({ seed: 7 }), { items: prompts(1) });

	expect(run.items(NODE)).toMatchObject([
		{
			json: {
				provider: 'openai',
				model: 'black-forest-labs/FLUX.2-klein-4B',
				status: 'completed',
				prompt: 'item 1',
				seed: 7,
				image: { width: 64, height: 64, mimeType: 'image/png' },
				cost: { amount: 0, currency: 'USD', estimated: true },
			},
			binary: { data: { fileExtension: 'png' } },
			pairedItem: { item: 0 },
		},
	]);
});

describe('the cost', () => {
	test('is what OpenRouter says', async () => {
		useServer('openRouter');
		const model = 'black-forest-labs/flux.2-pro';
		const run = await lab.run(generating({}, { model }), { items: prompts(1) });

		expect(jsons(run)).toMatchObject([{ cost: { amount: 0.03, currency: 'USD' } }]);
		expect(jsons(run)[0]).not.toHaveProperty('cost.estimated');
	});

	test('is what a proxy says in its header', async () => {
		lab.emulator.rule(
			{ route: 'openai.generate' },
			{
				mutate: (response) => ({
					...response,
					headers: { ...response.headers, 'x-litellm-response-cost': '0.0123' },
				}),
			},
		);
		const run = await lab.run(generating(), { items: prompts(1) });

		expect(jsons(run)).toMatchObject([{ cost: { amount: 0.0123, currency: 'USD' } }]);
	});

	test.each<[ServerName, string, Record<string, unknown>, object | undefined]>([
		['vllm', 'any', {}, { amount: 0, exact: true }],
		['localAi', 'any', {}, { amount: 0, exact: true }],
		['sdCpp', 'any', { numberOfImages: 3 }, { amount: 0, exact: true }],
		['generic', 'any', {}, undefined],
		['deepInfra', 'black-forest-labs/FLUX-2-dev', { size: '1:1', megapixels: 4 }, { amount: 0.04 }],
		['deepInfra', 'black-forest-labs/FLUX-2-klein-4b', { size: '1:1' }, { amount: 0.014 }],
		['deepInfra', 'black-forest-labs/FLUX-2-max', {}, { amount: 0.07 }],
		['deepInfra', 'black-forest-labs/FLUX-2-pro', {}, undefined],
		['together', 'black-forest-labs/FLUX.2-pro', { numberOfImages: 2 }, { amount: 0.06 }],
		['openRouter', 'black-forest-labs/flux.2-max', { size: '1:1', megapixels: 2 }, { amount: 0.1 }],
		['azure', 'FLUX.2-pro', { size: '1:1', megapixels: 2 }, { amount: 0.045 }],
		['azure', 'FLUX.2-flex', { size: '1:1', megapixels: 2 }, { amount: 0.1 }],
	])('is estimated at %s for %s with %j', async (server, model, options, expected) => {
		useServer(server);
		const asking = generating(options, { model, operation: 'estimateCost' });
		const run = await lab.run(asking, { items: prompts(1) });

		if (expected) expect(jsons(run)).toMatchObject([{ estimate: expected }]);
		else expect(jsons(run)[0]).not.toHaveProperty('estimate');
		expect(submissions()).toEqual([]);
	});

	test('of several images in one field of the request is counted', async () => {
		useServer('together');
		const options = { maxCost: 0.05, customBody: { n: 2 } };
		const model = 'black-forest-labs/FLUX.2-pro';
		const run = await lab.run(generating(options, { model }), { items: prompts(1) });

		expect(run.error).toMatchObject({ context: { kind: 'budget' } });
		expect(submissions()).toEqual([]);
	});
});

describe('a response that was lost', () => {
	const retrying = { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 };

	test.each([
		['by a broken connection', { reset: 'midBody' } as const],
		['behind an error', { status: 500, accepted: true } as const],
		['behind a proxy', { html: true, accepted: true } as const],
	])(
		'%s is an error that says so, and not sent again, not by Retry On Fail either',
		async (_how, effect) => {
			lab.emulator.rule({ route: 'openai.generate', times: 1 }, effect);
			const node = { ...generating(), settings: retrying };
			const run = await lab.run(node, { items: prompts(1) });

			expect(run.status).toBe('error');
			expect(run.error?.description).toContain(
				'Nobody knows whether this request was billed, because its response was lost; so it was not sent again.',
			);
			expect(submissions()).toHaveLength(1);
		},
	);

	test('is sent again when a person retries the execution', async () => {
		lab.emulator.rule({ route: 'openai.generate', times: 1 }, { reset: 'midBody' });
		const failed = await lab.run(generating(), { items: prompts(1) });
		const retried = await lab.retry(failed, generating());

		expect([failed.status, retried.status]).toEqual(['error', 'success']);
		expect(submissions()).toHaveLength(2);
	});

	test('has an image elsewhere only where the server may serve one', async () => {
		lab.emulator.rule(
			{ route: 'openai.generate' },
			{
				mutate: (response) => ({
					...response,
					body: { created: 1, data: [{ url: 'http://192.168.0.9:9000/a.png' }] },
				}),
			},
		);
		const run = await lab.run(generating(), { items: prompts(1) });

		expect(run.error?.message).toContain(
			'The address http://192.168.0.9:9000 was not opened, because it is not https',
		);
	});
});

describe('errors have their kind and the words of the server', () => {
	const failure = async (error: DocumentedError) => {
		lab.emulator.rule({ route: 'openai.generate' }, { error });
		const settings = { onError: 'continueRegularOutput' as const };
		const run = await lab.run({ ...generating({}), settings }, { items: prompts(1) });
		return jsons(run)[0]?.error as { kind: string; message: string };
	};

	test.each<[DocumentedError, string, string]>([
		['openai.key', 'auth', 'Unauthorized'],
		['openai.permission', 'auth', 'You are not allowed to use this model'],
		['openai.credits', 'credits', 'Insufficient credits'],
		['openai.quota', 'credits', 'You exceeded your current quota'],
		['openai.model', 'notFound', 'The model does not exist'],
		['openai.moderated', 'moderated', 'Your request was rejected'],
		['openai.size', 'invalidInput', "Invalid size format: '1024x'."],
		['openai.fields', 'invalidInput', 'Prompt: Field required'],
		['openai.noImage', 'invalidInput', "Field 'image' or 'url' is required"],
		['openai.prompt', 'invalidInput', 'prompt required'],
		['openai.native', 'invalidInput', 'the prompt is too long'],
		['openai.noLength', 'invalidInput', 'Content-Length is required'],
		['openai.notReady', 'unavailable', 'Diffusion engine not initialized.'],
		['openai.loading', 'unavailable', 'the model is being loaded'],
		['openai.noResult', 'unavailable', 'generate_image returned no results'],
		['openai.crashed', 'unavailable', 'server_error: out of memory'],
		['openai.internal', 'unavailable', 'The server had an error'],
		['openai.overloaded', 'unavailable', 'The provider is overloaded'],
	])('%s: %s', async (error, kind, words) => {
		const { message, ...facts } = await failure(error);

		expect(facts.kind).toBe(kind);
		expect(message).toContain(words);
	});
});

test.each(['a', '', 'klein | schnell'])('takes any model by its ID: %j', async (value) => {
	const model = { __rl: true, mode: 'id', value };
	const run = await lab.run(generating({}, { model }), { items: prompts(1) });

	if (value === '') expect(run.error?.message).toBe('Model: must not be empty');
	else expect(submissions()).toMatchObject([{ body: { model: value } }]);
});

describe("the server's own list of models", () => {
	/** As the editor asks for it. */
	async function listed(filter?: string): Promise<unknown> {
		const { listSearch } = new Flux2OpenAi().methods;
		const credentials = lab.credentials.flux2OpenAiApi as Record<string, string>;
		const authenticate = new Flux2OpenAiApi().authenticate as (
			credentials: object,
			request: object,
		) => Promise<SentRequest>;
		const context = {
			getCredentials: async () => credentials,
			getNode: () => ({ name: NODE, type: 'flux2OpenAi', typeVersion: 1, parameters: {} }),
			helpers: {
				async httpRequestWithAuthentication(_type: string, options: object) {
					return await fetched(await authenticate(credentials, options));
				},
			},
		};
		return await listSearch.searchModels.call(context as unknown as ILoadOptionsFunctions, filter);
	}

	const ids = async (filter?: string) =>
		((await listed(filter)) as { results: Array<{ value: string }> }).results.map(
			({ value }) => value,
		);

	test('has FLUX.2 first, and is searched', async () => {
		expect(await ids()).toEqual([
			'black-forest-labs/FLUX.2-dev',
			'black-forest-labs/FLUX.2-klein-4B',
			'black-forest-labs/FLUX.2-klein-9B',
			'another/model',
		]);
		expect(await ids('KLEIN')).toEqual([
			'black-forest-labs/FLUX.2-klein-4B',
			'black-forest-labs/FLUX.2-klein-9B',
		]);
	});

	test.each<[ServerName, string]>([
		['sdCpp', 'sd-cpp-local'],
		['together', 'black-forest-labs/FLUX.2-dev'],
		['openRouter', 'black-forest-labs/flux.2-flex'],
		['deepInfra', 'black-forest-labs/FLUX-2-dev'],
	])('is read at %s', async (server, first) => {
		useServer(server);
		expect((await ids())[0]).toBe(first);
	});

	test('is in the package where the server has none', async () => {
		useServer('azure');
		expect(await ids()).toEqual(['FLUX.2-flex', 'FLUX.2-pro']);
		expect(lab.emulator.ledger.requests).toEqual([]);
	});

	test('fails with the words of the server, and without the key', async () => {
		useServer('generic', { apiKey: 'made-up-by-a-test' });
		await expect(listed()).rejects.toThrow('Invalid API key');
	});
});

/** n8n's own helper, as far as the list needs it. */
async function fetched({ url, headers }: SentRequest): Promise<unknown> {
	const response = await fetch(url, { headers });
	return {
		statusCode: response.status,
		headers: { 'content-type': response.headers.get('content-type') },
		body: Readable.from([Buffer.from(await response.arrayBuffer())]),
	};
}

describe('plain http', () => {
	test.each([
		'http://localhost:8000/v1',
		'http://127.0.0.1:8000/v1',
		'http://[::1]:8000/v1',
		'http://10.1.2.3/v1',
		'http://172.16.0.1/v1',
		'http://172.31.255.1/v1',
		'http://192.168.1.20:8000/v1',
		'http://100.64.0.1/v1',
		'http://[fd00::1]/v1',
		'http://vllm:8000/v1',
		'http://host.docker.internal:1234/v1',
		'http://gpu.local/v1',
		'http://gpu.lan/v1',
		'http://gpu.home.arpa/v1',
		'https://api.example.com/v1',
	])('is for private addresses: %s', (url) => {
		expect(isExposed(url)).toBe(false);
	});

	test.each([
		'http://api.example.com/v1',
		'http://8.8.8.8/v1',
		'http://172.32.0.1/v1',
		'http://100.128.0.1/v1',
		'http://192.169.0.1/v1',
		'http://10.example.com/v1',
		'http://192.168.1.20.example.com/v1',
		'http://localhost.example.com/v1',
		'http://169.254.169.254/v1',
		'http://[2001:db8::1]/v1',
		'http://134744072/v1',
	])('is not for public ones: %s', (url) => {
		expect(isExposed(url)).toBe(true);
	});

	test('to a public address is refused before anything is sent', async () => {
		useServer('vllm', { baseUrl: 'http://api.example.com/v1' });
		const run = await lab.run(generating(), { items: prompts(1) });

		expect(run.error?.message).toBe(
			'The base URL http://api.example.com/v1 is plain http to a public address; only private addresses may be',
		);
	});

	test('to a public address gets no key from the credential either', async () => {
		const { authenticate } = new Flux2OpenAiApi();
		const send = authenticate as (credentials: object, request: object) => Promise<object>;
		const credentials = { service: 'vllm', apiKey: 'made-up-by-a-test' };

		await expect(
			send(credentials, { url: '/models', baseURL: 'http://api.example.com/v1' }),
		).rejects.toThrow('The base URL is plain http to a public address');
		expect(await send(credentials, { url: 'http://10.0.0.1/v1/models' })).toEqual({
			url: 'http://10.0.0.1/v1/models',
			headers: { Authorization: 'Bearer made-up-by-a-test' },
		});
	});
});

test('a base URL is needed where a server has no usual one', async () => {
	useServer('generic', { baseUrl: '' });
	const run = await lab.run(generating(), { items: prompts(1) });

	expect(run.error?.message).toBe('"" is not a URL');
});

test('a credential without a known server is for any', () => {
	expect([undefined, '', 'constructor', 'vllm'].map(toServerName)).toEqual([
		'generic',
		'generic',
		'generic',
		'vllm',
	]);
});

test('the key is left out where there is none', async () => {
	useServer('vllm', { apiKey: ' ' });
	const run = await lab.run(generating(), { items: prompts(1) });

	expect(run.status).toBe('success');
	expect(submissions()[0]?.key).toBeUndefined();
});

test('the node says in its panel that nothing can be resumed', () => {
	const { properties } = new Flux2OpenAi().description;
	const notice = properties.find(({ type }) => type === 'notice');

	expect(notice?.displayName).toContain('nothing can be resumed');
	expect(notice?.displayOptions?.show?.operation).toEqual(['generate', 'edit']);
});
