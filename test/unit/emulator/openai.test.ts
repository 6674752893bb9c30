import type { Effect } from '../../emulator';
import { documentedErrors } from '../../emulator/openai/errors';
import {
	emulator,
	expectNothingGenerated,
	lastTask,
	sample,
	send,
	useEmulator,
	withJson,
} from './support';

useEmulator();

afterEach(() => expect(emulator.ledger.leaks).toEqual([]));

const A = { prompt: 'a red cube' };
const SMALL = { as: { width: 64, height: 64 } };
const KLEIN = 'black-forest-labs/FLUX.2-klein-4B';

/** Of each server: where it takes text, and what it cannot do without. */
const SERVERS: Record<string, [path: string, body: Record<string, unknown>]> = {
	vllm: ['/images/generations', A],
	generic: ['/images/generations', A],
	sdCpp: ['/images/generations', A],
	localAi: ['/images/generations', { ...A, model: 'klein' }],
	deepInfra: ['/images/generations', { ...A, model: 'black-forest-labs/FLUX-2-dev' }],
	together: ['/images/generations', { ...A, model: 'black-forest-labs/FLUX.2-pro' }],
	openRouter: ['/images', { ...A, model: 'black-forest-labs/flux.2-pro' }],
	'azure/flux-2-pro': ['?api-version=preview', { ...A, model: 'FLUX.2-pro' }],
	'azure/flux-2-flex': ['?api-version=preview', { ...A, model: 'FLUX.2-flex' }],
};
const names = Object.keys(SERVERS);

const keyHeader = (server: string, key: string): Record<string, string> =>
	server.startsWith('azure') ? { 'api-key': key } : { authorization: `Bearer ${key}` };

async function post(server: string, more: object = {}, key = emulator.keys.openAiKey) {
	const [path, body] = SERVERS[server]!;
	return await send(`${emulator.urls.openai}/${server}${path}`, {
		method: 'POST',
		headers: { 'content-type': 'application/json', ...keyHeader(server, key) },
		body: JSON.stringify({ ...body, ...more }),
	});
}

const rule = (effect: Effect = SMALL) => emulator.rule({ route: 'openai.generate' }, effect);

describe.each(names)('%s', (server) => {
	it('responds with an image of its own form', async () => {
		rule();
		const { status, body } = await post(server);
		const { data } = body as { data: Array<Record<string, unknown>> };

		expect(status).toBe(200);
		expect(data).toHaveLength(1);
		const isUrl = ['generic', 'localAi', 'together'].includes(server);
		expect(typeof data[0]?.[isUrl ? 'url' : 'b64_json']).toBe('string');
		expect(lastTask()).toMatchObject({ prompt: 'a red cube', width: 64 });
		expect(emulator.ledger.unexpected).toEqual([]);
	});

	it('refuses a field that it does not know', async () => {
		const { status } = await post(server, { sampler: 'euler' });
		expect(status).toBe(400);
		expectNothingGenerated();
	});

	it('refuses a wrong key, one without permission and one without credits', async () => {
		const { openAiKeyWithoutPermission, openAiKeyWithoutCredits } = emulator.keys;
		const statuses = [];
		for (const key of ['made-up-by-a-test', openAiKeyWithoutPermission, openAiKeyWithoutCredits]) {
			statuses.push((await post(server, {}, key)).status);
		}

		expect(statuses).toEqual([401, 403, 402]);
		expect(emulator.ledger.tasks).toEqual([]);
	});
});

it.each(['vllm', 'sdCpp', 'localAi'])('%s needs no key', async (server) => {
	rule();
	const [path, body] = SERVERS[server]!;
	const { status } = await send(`${emulator.urls.openai}/${server}${path}`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify(body),
	});
	expect(status).toBe(200);
});

it('is vLLM-Omni without a name', async () => {
	rule();
	const url = `${emulator.urls.openai}/images/generations`;
	const { body } = await send(url, withJson(A, emulator.keys.openAiKey));
	expect(body).toMatchObject({ output_format: 'png', data: [{ b64_json: expect.any(String) }] });
});

it.each(['localAi', 'together', 'deepInfra', 'openRouter'])('%s needs a model', async (server) => {
	const { status } = await post(server, { model: undefined });
	expect(status).toBe(400);
});

it.each<[string, string, object]>([
	['vllm', 'size', { size: '1024x' }],
	['vllm', 'response_format', { response_format: 'url' }],
	['vllm', 'num_inference_steps', { num_inference_steps: 201 }],
	['sdCpp', 'seed', { seed: 1 }],
	['deepInfra', 'seed', { seed: 1 }],
	['openRouter', 'n', { n: 2 }],
	['together', 'size', { size: '1024x1024' }],
	['azure/flux-2-pro', 'steps', { steps: 4 }],
	['azure/flux-2-flex', 'guidance', { guidance: 1 }],
	['localAi', 'ref_images', { ref_images: ['data:image/png;base64,aGVsbG8='] }],
	['azure/flux-2-pro', 'input_image', { input_image: 'data:image/png;base64,aGVsbG8=' }],
])('%s refuses a wrong %s', async (server, _field, more) => {
	expect((await post(server, more)).status).toBe(400);
	expectNothingGenerated();
});

it.each<[string, object]>([
	['vllm', { detail: expect.any(String) }],
	['sdCpp', { error: expect.any(String) }],
	['localAi', { error: { code: 400, message: expect.any(String), type: '' } }],
	['generic', { error: expect.objectContaining({ message: expect.any(String), param: null }) }],
	['openRouter', { error: { code: 400, message: expect.any(String) } }],
	['azure/flux-2-pro', { error: { code: '400', message: expect.any(String) } }],
])('%s says what is wrong in its own form', async (server, expected) => {
	const { body } = await post(server, { unknown: true });
	expect(body).toEqual(expected);
});

describe('Azure', () => {
	const MODEL = { ...A, model: 'FLUX.2-pro' };
	const url = (query: string) => `${emulator.urls.openai}/azure/flux-2-pro${query}`;

	it('wants the key in its own header', async () => {
		const request = withJson(MODEL, emulator.keys.openAiKey);
		expect((await send(url('?api-version=preview'), request)).status).toBe(401);
	});

	it('wants a version', async () => {
		const { status } = await send(url(''), {
			method: 'POST',
			headers: { 'content-type': 'application/json', 'api-key': emulator.keys.openAiKey },
			body: JSON.stringify(MODEL),
		});
		expect(status).toBe(404);
		expect(emulator.ledger.unexpected).toHaveLength(1);
	});
});

it('stable-diffusion.cpp takes settings from a tag in the prompt', async () => {
	rule();
	const tag = '<sd_cpp_extra_args>{"seed":42}</sd_cpp_extra_args>';
	await post('sdCpp', { prompt: `a red cube ${tag}` });
	expect(lastTask()).toMatchObject({ prompt: 'a red cube', seed: 42 });
});

it('OpenRouter says what it has cost', async () => {
	rule();
	const { body } = await post('openRouter');
	expect(body).toMatchObject({ usage: { cost: lastTask().cost } });
	expect(lastTask().cost).toBeGreaterThan(0);
});

describe('an edit', () => {
	async function edit(server: string, field: string, count = 1, more: Record<string, string> = {}) {
		const photo = await sample(64, 48);
		const form = new FormData();
		for (const [name, value] of Object.entries({ ...A, ...more })) form.append(name, value);
		for (let number = 0; number < count; number++) {
			form.append(field, new Blob([Uint8Array.from(photo)], { type: 'image/png' }), 'a.png');
		}
		return await send(`${emulator.urls.openai}/${server}/images/edits`, {
			method: 'POST',
			headers: keyHeader(server, emulator.keys.openAiKey),
			body: form,
		});
	}

	it.each<[string, string, Record<string, string>]>([
		['vllm', 'image[]', { model: KLEIN, seed: '1' }],
		['vllm', 'image', {}],
		['sdCpp', 'image[]', { output_format: 'png' }],
		['generic', 'image[]', {}],
		['deepInfra', 'image', { model: 'black-forest-labs/FLUX-2-dev' }],
	])('is a form with files (%s, %s)', async (server, field, more) => {
		const { status } = await edit(server, field, 2, more);

		expect(status).toBe(200);
		expect(lastTask()).toMatchObject({ width: 64, height: 48, route: 'openai.edit' });
		expect(emulator.ledger.submissions[0]?.body).toMatchObject({
			[field]: [{ width: 64 }, { width: 64 }],
		});
	});

	it.each<[string, string, number, Record<string, string>]>([
		['vllm', 'photo', 1, {}],
		['vllm', 'image', 0, {}],
		['sdCpp', 'image[]', 1, { output_format: 'webp' }],
		['deepInfra', 'image[]', 1, { model: 'black-forest-labs/FLUX-2-dev' }],
		['vllm', 'image', 1, { seed: 'x' }],
	])('is refused by %s with %s, %i times, %j', async (server, field, count, more) => {
		expect((await edit(server, field, count, more)).status).toBe(400);
		expectNothingGenerated();
	});

	it.each(['localAi', 'together', 'openRouter'])('has no address at %s', async (server) => {
		expect((await edit(server, 'image')).status).toBe(404);
		expect(emulator.ledger.unexpected).toHaveLength(1);
	});
});

it.each<[string, string, string]>([
	['vllm', '/models', KLEIN],
	['sdCpp', '/models', 'sd-cpp-local'],
	['openRouter', '/images/models', 'black-forest-labs/flux.2-max'],
	['together', '/models', 'black-forest-labs/FLUX.2-flex'],
])('%s lists its models at %s', async (server, path, id) => {
	const url = `${emulator.urls.openai}/${server}${path}`;
	const { status, body } = await send(url, { headers: keyHeader(server, emulator.keys.openAiKey) });
	const list = (Array.isArray(body) ? body : (body as { data: unknown }).data) as object[];

	expect(status).toBe(200);
	expect(list).toContainEqual(expect.objectContaining({ id, object: 'model' }));
});

it.each(Object.keys(documentedErrors) as Array<keyof typeof documentedErrors>)(
	'responds with %s when a rule says so',
	async (error) => {
		rule({ error });
		const { status, body } = await post('vllm');
		expect({ status, body }).toEqual({
			status: documentedErrors[error].status,
			body: documentedErrors[error].body,
		});
		expectNothingGenerated();
	},
);

it('fails as a rule says, for nothing', async () => {
	rule({ task: { fail: { message: 'out of memory' } } });
	expect((await post('vllm')).status).toBe(500);
	expect(lastTask().cost).toBe(0);
});
