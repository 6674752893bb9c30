import OpenAI, { APIError, toFile } from 'openai';
import { emulator, lastTask, sample, useEmulator } from './support';

/** OpenAI's own client, which nobody here wrote. The emulator must please it as it is. */

useEmulator();

afterEach(() => {
	const { unexpected, leaks } = emulator.ledger;
	expect({ unexpected, leaks }).toEqual({ unexpected: [], leaks: [] });
});

const createClient = (server: string, apiKey = emulator.keys.openAiKey) =>
	new OpenAI({ apiKey, baseURL: `${emulator.urls.openai}/${server}`, maxRetries: 0 });

const small = () =>
	['openai.generate' as const, 'openai.edit' as const].forEach((route) =>
		emulator.rule({ route }, { as: { width: 64, height: 64 } }),
	);

const posts = () =>
	emulator.ledger.requests.filter(({ method }) => method === 'POST').map(({ path }) => path);

describe.each(['generic', 'vllm', 'sdCpp', 'deepInfra'])('at %s', (server) => {
	const model = server === 'deepInfra' ? 'black-forest-labs/FLUX-2-dev' : 'flux-2';

	it('generates an image', async () => {
		small();
		const response = await createClient(server).images.generate({
			model,
			prompt: 'a red cube',
			n: 1,
			size: '1024x1024',
			...(server !== 'sdCpp' && { response_format: 'b64_json' as const }),
		});
		const bytes = Buffer.from(response.data?.[0]?.b64_json ?? '', 'base64');

		expect(bytes.equals((await emulator.ledger.image(lastTask().id)).bytes)).toBe(true);
		expect(posts()).toEqual([`/openai/${server}/images/generations`]);
	});

	it('lists models', async () => {
		const ids = [];
		for await (const { id } of createClient(server).models.list()) ids.push(id);
		expect(ids.length).toBeGreaterThan(0);
	});
});

// the client writes `image[]`, which DeepInfra does not know
it.each(['generic', 'vllm', 'sdCpp'])('edits two images at %s', async (server) => {
	small();
	const photo = await sample(64, 48);
	const image = [
		await toFile(photo, 'a.png', { type: 'image/png' }),
		await toFile(photo, 'b.png', { type: 'image/png' }),
	];
	const { data } = await createClient(server).images.edit({
		model: 'flux-2',
		prompt: 'blue',
		image,
	});

	expect(data).toHaveLength(1);
	expect(posts()).toEqual([`/openai/${server}/images/edits`]);
	expect(emulator.ledger.submissions[0]?.body).toMatchObject({
		'image[]': [{ filename: 'a.png' }, { filename: 'b.png' }],
	});
});

it("takes a refusal as the client's own error", async () => {
	const failing = createClient('generic', 'made-up-by-a-test').images.generate({
		model: 'flux-2',
		prompt: 'a red cube',
	});
	await expect(failing).rejects.toBeInstanceOf(APIError);
	await expect(failing).rejects.toMatchObject({ status: 401 });
});
