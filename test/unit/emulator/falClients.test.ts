import { createFal } from '@ai-sdk/fal';
import { ApiError, createFalClient, ValidationError } from '@fal-ai/client';
import { InferenceClient } from '@huggingface/inference';
import { emulator, lastTask, sample, useEmulator } from './support';

/** Clients that nobody here wrote: fal's own, and that of the AI SDK. The emulator must please them as they are. */

useEmulator();

afterEach(() => {
	const { unexpected, leaks } = emulator.ledger;
	expect({ unexpected, leaks }).toEqual({ unexpected: [], leaks: [] });
});

const EDIT = 'fal-ai/flux-2/klein/4b/edit';
const INPUT = { prompt: 'a red cube', image_urls: ['https://a.example/b.png'] };

/** What the client takes for fal's hosts is the emulator. */
const HOSTS: Record<string, string> = { 'queue.fal.run': '', 'fal.run': '/run' };

const toEmulator = (address: string): string => {
	const { host, pathname, search } = new URL(address);
	const base = HOSTS[host];
	return base === undefined ? address : emulator.urls.fal + base + pathname + search;
};

const createClient = () =>
	createFalClient({
		credentials: emulator.keys.falKey,
		fetch: async (request: string | URL | Request, init?: RequestInit) =>
			await fetch(toEmulator(request instanceof Request ? request.url : String(request)), init),
	});

const paths = (method: string) =>
	emulator.ledger.requests.filter((one) => one.method === method).map(({ path }) => path);

describe("fal's own client", () => {
	it('submits, polls and reads the result', async () => {
		emulator.rule({ route: 'fal.submit' }, { as: { width: 64, height: 64 }, task: { polls: 2 } });
		const { requestId, data } = await createClient().subscribe(EDIT, {
			input: INPUT,
			pollInterval: 5,
			startTimeout: 30,
			storageSettings: { expiresIn: '1h' },
		});
		const { id, url } = lastTask();
		const address = `/fal/fal-ai/flux-2/requests/${id}`;

		expect(requestId).toBe(id);
		expect(data).toMatchObject({ images: [{ url, width: 64, height: 64 }] });
		expect(paths('POST')).toEqual([`/fal/${EDIT}`]);
		expect([...new Set(paths('GET'))]).toEqual([`${address}/status?logs=0`, address]);
		expect(emulator.ledger.submissions[0]?.headers).toMatchObject({
			'x-fal-queue-priority': 'normal',
			'x-fal-request-timeout': '30',
			'x-fal-object-lifecycle-preference': '{"expiration_duration_seconds":3600}',
		});
	});

	it('follows the stream of a request to its end', async () => {
		emulator.rule({ route: 'fal.submit' }, { task: { polls: 20 } });
		const { queue } = createClient();
		const { request_id: requestId } = await queue.submit(EDIT, { input: INPUT });
		const stream = await queue.streamStatus(EDIT, { requestId, logs: true });
		const words: string[] = [];
		for await (const { status } of stream) words.push(status);

		expect(words).toEqual(['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED']);
		expect(await stream.done()).toMatchObject({ status: 'COMPLETED' });
	});

	it('cancels, and learns that it was too late', async () => {
		emulator.rule({ route: 'fal.submit', times: 1 }, { task: { seconds: 60 } });
		const { queue } = createClient();
		const first = await queue.submit(EDIT, { input: INPUT });
		const second = await queue.submit(EDIT, { input: INPUT });

		await queue.cancel(EDIT, { requestId: first.request_id });
		const late = queue.cancel(EDIT, { requestId: second.request_id });
		await expect(late).rejects.toMatchObject({
			status: 400,
			body: { status: 'ALREADY_COMPLETED' },
		});
		expect(emulator.ledger.cancels).toHaveLength(2);
	});

	it('reads a moderated result as what it is, and asks for it once', async () => {
		const message = 'flagged';
		emulator.rule(
			{ route: 'fal.submit' },
			{ task: { fail: { code: 'content_policy_violation', message } } },
		);
		const { queue } = createClient();
		const { request_id: requestId } = await queue.submit(EDIT, { input: INPUT });
		const error = await queue.result(EDIT, { requestId }).catch((thrown: unknown) => thrown);

		expect(error).toBeInstanceOf(ValidationError);
		expect((error as ValidationError).fieldErrors).toMatchObject([
			{ type: 'content_policy_violation', msg: message },
		]);
		expect(emulator.ledger.polls).toHaveLength(1);
	});

	it('is refused with a wrong key', async () => {
		const client = createFalClient({
			credentials: 'made-up:wrong',
			fetch: (async (request: string, init?: RequestInit) =>
				await fetch(toEmulator(request), init)) as typeof fetch,
		});
		const error = await client.queue
			.submit(EDIT, { input: INPUT })
			.catch((thrown: unknown) => thrown);
		expect(error).toBeInstanceOf(ApiError);
		expect((error as ApiError<unknown>).status).toBe(401);
	});

	it('sends a lost submit again, and pays twice: this package must not do as it does', async () => {
		emulator.rule({ route: 'fal.submit', times: 1 }, { status: 503, accepted: true });
		await createClient().queue.submit(EDIT, { input: INPUT });

		expect(emulator.ledger.submissions).toHaveLength(2);
		expect(emulator.ledger.paidBy(emulator.keys.falKey).count).toBe(2);
	});
});

describe("the AI SDK's client", () => {
	const createModel = (id: string) =>
		createFal({ apiKey: emulator.keys.falKey, baseURL: `${emulator.urls.fal}/run` }).image(id);

	const call = {
		prompt: 'a red cube',
		n: 1,
		size: undefined,
		aspectRatio: undefined,
		seed: 7,
		files: undefined,
		mask: undefined,
	};

	it('makes an image in a call that waits', async () => {
		emulator.rule({ route: 'fal.run' }, { as: { width: 64, height: 64 } });
		const { images } = await createModel('fal-ai/flux-2').doGenerate({
			...call,
			size: '1024x768',
			providerOptions: {},
		});

		expect(images).toEqual([new Uint8Array((await emulator.ledger.image(lastTask().id)).bytes)]);
		expect(emulator.ledger.submissions).toMatchObject([
			{ body: { prompt: 'a red cube', seed: 7, image_size: { width: 1024, height: 768 } } },
		]);
	});

	it('sends references as data URIs', async () => {
		emulator.rule({ route: 'fal.run' }, { as: { width: 64, height: 64 } });
		const data = new Uint8Array(await sample(64, 32));
		await createModel('fal-ai/flux-2/edit').doGenerate({
			...call,
			files: [{ type: 'file', mediaType: 'image/png', data }],
			providerOptions: { fal: { useMultipleImages: true } },
		});

		expect(emulator.ledger.submissions).toMatchObject([
			{ body: { image_urls: [expect.stringMatching(/^data:image\/png;base64,/) as string] } },
		]);
	});

	it('shows what is wrong with an input', async () => {
		const providerOptions = { fal: { num_inference_steps: 3 } };
		const making = createModel('fal-ai/flux-2').doGenerate({ ...call, providerOptions });
		await expect(making).rejects.toThrow('Input should be greater than or equal to 4');
	});
});

describe("Hugging Face's client", () => {
	/** What its hub says about the models, and what is behind its router. */
	const MODELS: Record<string, { providerId: string; task: string }> = {
		'black-forest-labs/FLUX.2-klein-4B': {
			providerId: 'fal-ai/flux-2/klein/4b',
			task: 'text-to-image',
		},
		'black-forest-labs/FLUX.2-dev': { providerId: 'fal-ai/flux-2/edit', task: 'image-to-image' },
	};
	const hub = 'https://huggingface.co/api/models/';
	const router = 'https://router.huggingface.co';

	const respondAsHub = (address: string): Response => {
		const model = MODELS[address.slice(hub.length).replace(/\?.*/, '')];
		const mapping = { 'fal-ai': { ...model, status: 'live' } };
		return Response.json({ inferenceProviderMapping: mapping });
	};

	/** The client names an image twice, the first time for other models; the emulator takes what is documented. */
	const withoutForeignField = ({ body, ...init }: RequestInit = {}): RequestInit =>
		typeof body === 'string'
			? { ...init, body: JSON.stringify({ ...JSON.parse(body), image_url: undefined }) }
			: init;

	const send = globalThis.fetch;
	beforeEach(() => {
		jest.spyOn(globalThis, 'fetch').mockImplementation(async (request, init) => {
			const address = request instanceof Request ? request.url : String(request);
			if (address.startsWith(hub)) return respondAsHub(address);
			const url = address.replace(router, `${emulator.urls.fal}/router`);
			return await send(url, withoutForeignField(init));
		});
	});
	afterEach(() => jest.restoreAllMocks());

	const createHfClient = () => new InferenceClient(emulator.keys.falToken);

	it('reaches text to image through the router', async () => {
		emulator.rule({ route: 'fal.submit' }, { as: { width: 64, height: 64 } });
		const url = await createHfClient().textToImage(
			{
				provider: 'fal-ai',
				model: 'black-forest-labs/FLUX.2-klein-4B',
				inputs: 'a red cube',
				parameters: { seed: 7 },
			},
			{ outputType: 'url', billTo: 'acme' },
		);
		const { id, url: expected } = lastTask();
		const base = '/fal/router/fal-ai/fal-ai/flux-2';

		expect(url).toBe(expected);
		expect(paths('POST')).toEqual([`${base}/klein/4b?_subdomain=queue`]);
		expect([...new Set(paths('GET'))]).toEqual([
			`${base}/requests/${id}/status?_subdomain=queue`,
			`${base}/requests/${id}?_subdomain=queue`,
		]);
		expect(emulator.ledger.submissions).toMatchObject([
			{ body: { prompt: 'a red cube', seed: 7 }, headers: { 'x-hf-bill-to': 'acme' } },
		]);
	});

	it('reaches edits through the router', async () => {
		emulator.rule({ route: 'fal.submit' }, { as: { width: 64, height: 64 } });
		const image = await createHfClient().imageToImage({
			provider: 'fal-ai',
			model: 'black-forest-labs/FLUX.2-dev',
			inputs: new Blob([new Uint8Array(await sample(64, 32))], { type: 'image/png' }),
			parameters: { prompt: 'make it blue' },
		});
		const { bytes } = await emulator.ledger.image(lastTask().id);

		expect(Buffer.from(await image.arrayBuffer())).toEqual(bytes);
		expect(paths('POST')).toEqual(['/fal/router/fal-ai/fal-ai/flux-2/edit?_subdomain=queue']);
	});

	it('is refused with a wrong token', async () => {
		const client = new InferenceClient('hf_madeUpWrong');
		const making = client.textToImage({
			provider: 'fal-ai',
			model: 'black-forest-labs/FLUX.2-klein-4B',
			inputs: 'a red cube',
		});
		await expect(making).rejects.toThrow('Invalid username or password.');
	});
});
