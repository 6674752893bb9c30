import type { Effect, Emulator, EmulatorOptions } from '../../emulator';
import { MODELS } from '../../emulator/replicate/models';
import { until } from '../../support/lab';
import {
	emulator,
	expectNothingGenerated,
	inspectImage,
	lastTask,
	sample,
	send,
	startOther,
	useEmulator,
	withJson,
} from './support';

useEmulator();

afterEach(() => expect(emulator.ledger.leaks).toEqual([]));

const PRO = 'black-forest-labs/flux-2-pro';
const FLEX = 'black-forest-labs/flux-2-flex';
const DEV = 'black-forest-labs/flux-2-dev';
const KLEIN = 'black-forest-labs/flux-2-klein-4b';
const LORA = 'black-forest-labs/flux-2-klein-9b-base-lora';
const A = { prompt: 'a red cube' };
const PHOTO = 'https://a.example/photo.png';

interface Sent {
	headers?: Record<string, string>;
	/** Beside the input. */
	more?: object;
	at?: Emulator;
	key?: string;
}

const submit = (
	model: string,
	input: unknown = A,
	{ headers, more, at = emulator, key = at.keys.replicateKey }: Sent = {},
) =>
	send(
		`${at.urls.replicate}/models/${model}/predictions`,
		withJson({ input, ...more }, key, headers),
	);

const get = (url: string, key = emulator.keys.replicateKey) =>
	send(url, { headers: { authorization: `Bearer ${key}` } });

const post = (url: string) => send(url, withJson('', emulator.keys.replicateKey));

const urlOf = (id: string, at = emulator) => `${at.urls.replicate}/predictions/${id}`;

const poll = async (at = emulator) => (await get(urlOf(at.ledger.tasks.at(-1)!.id, at))).body;

describe('a create', () => {
	it('responds with the whole prediction, which starts', async () => {
		const { status, body } = await submit(PRO);
		const { id } = lastTask();

		expect({ status, body }).toEqual({
			status: 201,
			body: {
				id,
				model: PRO,
				version: 'hidden',
				input: A,
				logs: '',
				output: null,
				data_removed: false,
				error: null,
				source: 'api',
				status: 'starting',
				created_at: expect.stringMatching(/^20\d\d-.*Z$/),
				urls: {
					get: urlOf(id),
					cancel: `${urlOf(id)}/cancel`,
					web: `https://replicate.com/p/${id}`,
				},
			},
		});
	});

	it.each([...MODELS.keys()])('accepts what every model has (%s)', async (model) => {
		const field = model.includes('klein') ? 'images' : 'input_images';
		const input = { ...A, seed: 1, output_format: 'png', output_quality: 90, [field]: [PHOTO] };
		await submit(model, input);

		expect(lastTask()).toMatchObject({ model, seed: 1, format: 'png', width: 1024, height: 1024 });
		expect(lastTask().cost).toBeGreaterThan(0);
		expect(await poll()).toMatchObject({ status: 'succeeded', input });
	});

	it.each([
		[PRO, {}, 'webp', 1024, 1024],
		[KLEIN, {}, 'jpeg', 1024, 1024],
		[PRO, { aspect_ratio: '16:9', resolution: '4 MP' }, 'webp', 2720, 1536],
		[PRO, { aspect_ratio: 'custom', width: 2048, height: 250 + 6 }, 'webp', 2048, 256],
		[PRO, { aspect_ratio: 'custom', width: 1000, height: 1001 }, 'webp', 992, 992],
		[KLEIN, { aspect_ratio: '9:21', output_megapixels: '0.25' }, 'jpeg', 320, 768],
	])('of %s with %j has its format and size', async (model, input, format, width, height) => {
		await submit(model, { ...A, ...input });
		expect(lastTask()).toMatchObject({ format, width, height });
	});

	it('makes an image like its first reference', async () => {
		const url = `${emulator.urls.results}/references/a.png?width=200&height=100`;
		await submit(KLEIN, { ...A, images: [url], aspect_ratio: 'match_input_image' });
		expect(lastTask()).toMatchObject({ width: 1440, height: 720 });
	});

	it('takes a model by its version field', async () => {
		const { status } = await send(
			`${emulator.urls.replicate}/predictions`,
			withJson({ version: PRO, input: A }, emulator.keys.replicateKey),
		);
		expect(status).toBe(201);
		expect(lastTask().model).toBe(PRO);
	});

	it('takes a webhook and its events', async () => {
		const more = {
			webhook: 'https://n8n.example.com/webhook/a',
			webhook_events_filter: ['completed'],
		};
		expect((await submit(PRO, A, { more })).status).toBe(201);
	});
});

describe('a create is refused for', () => {
	const wrong: Array<[string, string, object, string]> = [
		['a missing prompt', PRO, { prompt: undefined }, 'input: prompt is required'],
		['an unknown field', PRO, { input_image: PHOTO }, 'Additional property input_image'],
		['the other field of references', PRO, { images: [PHOTO] }, 'Additional property images'],
		['a format of others', PRO, { output_format: 'jpeg' }, '"webp", "jpg", "png"'],
		['a tolerance as text', PRO, { safety_tolerance: '2' }, 'safety_tolerance: Invalid type'],
		['a tolerance of 6', PRO, { safety_tolerance: 6 }, 'less than or equal to 5'],
		['steps that [pro] lacks', PRO, { steps: 28 }, 'Additional property steps'],
		['guidance below 1.5', FLEX, { guidance: 1 }, 'greater than or equal to 1.5'],
		['a ninth reference', PRO, { input_images: Array(9).fill(PHOTO) }, 'at most 8 items'],
		['a fifth reference of [dev]', DEV, { input_images: Array(5).fill(PHOTO) }, 'at most 4'],
		['a sixth reference of [klein]', KLEIN, { images: Array(6).fill(PHOTO) }, 'at most 5'],
		['a resolution of others', PRO, { resolution: '1' }, '"1 MP"'],
		['megapixels as a number', KLEIN, { output_megapixels: 1 }, '"0.25"'],
		['a ratio that [pro] lacks', PRO, { aspect_ratio: '21:9' }, 'aspect_ratio must be one of'],
		['a width without custom', PRO, { width: 512 }, 'goes with the aspect ratio custom'],
		['custom without a height', PRO, { aspect_ratio: 'custom', width: 512 }, 'input.height'],
		[
			'a side above 1440 at [dev]',
			DEV,
			{ aspect_ratio: 'custom', width: 1456, height: 512 },
			'less than or equal to 1440',
		],
		[
			'proportions of no reference',
			KLEIN,
			{ aspect_ratio: 'match_input_image' },
			'needs an input image',
		],
		['weights without scales', LORA, { lora_weights: [PHOTO] }, 'as many entries'],
		[
			'a large data URI',
			PRO,
			{ input_images: [`data:image/png;base64,${'A'.repeat(256_000)}`] },
			'256kB',
		],
	];

	it.each(wrong)('%s', async (_what, model, change, words) => {
		const { status, body, headers } = await submit(model, { ...A, ...change });

		expect(status).toBe(422);
		expect(headers.get('content-type')).toBe('application/problem+json');
		expect(body).toMatchObject({ status: 422, detail: expect.stringContaining(words) });
		expectNothingGenerated();
	});

	it('a field beside the input', async () => {
		const { status, body } = await submit(PRO, A, { more: { prompt: 'a' } });

		expect(status).toBe(422);
		expect(body).toMatchObject({
			title: 'Input validation failed',
			invalid_fields: [{ type: 'additional_property_not_allowed', field: '' }],
		});
	});

	it('a webhook that is not https', async () => {
		const { status } = await submit(PRO, A, { more: { webhook: 'http://n8n.example.com' } });
		expect(status).toBe(422);
	});

	it.each([
		['a wrong token', { key: 'made-up-wrong' }, 401, 'Unauthenticated'],
		['no credit', { key: 'made-up-penniless-replicate-token' }, 402, 'Insufficient credit'],
	])('%s', async (_what, options, status, title) => {
		expect(await submit(PRO, A, options)).toMatchObject({ status, body: { title, status } });
		expectNothingGenerated();
	});

	it('a model that is not there', async () => {
		expect(await submit('black-forest-labs/flux-9')).toMatchObject({
			status: 404,
			body: { detail: 'The requested resource could not be found.' },
		});
	});

	it('a deadline of 4 seconds', async () => {
		expect((await submit(PRO, A, { headers: { 'cancel-after': '4s' } })).status).toBe(422);
		expect((await submit(PRO, A, { headers: { 'cancel-after': '1h30m5s' } })).status).toBe(201);
	});
});

describe('a create that waits', () => {
	it.each([
		['has its output in time', { seconds: 0 }, 'wait=5', 201, 'succeeded'],
		['has none yet', { seconds: 60 }, 'wait=1', 202, 'starting'],
	])('%s', async (_what, task, prefer, status, word) => {
		emulator.rule({ route: 'replicate.submit' }, { task });
		const response = await submit(PRO, A, { headers: { prefer } });

		expect(response).toMatchObject({ status, body: { status: word } });
		expect(emulator.ledger.unexpected).toEqual([]);
	});

	it('for too long is noted', async () => {
		await submit(PRO, A, { headers: { prefer: 'wait=61' } });
		expect(emulator.ledger.unexpected).toMatchObject([{ reason: 'header prefer: wait=61' }]);
	});
});

describe('a prediction', () => {
	it('has its image under the URL of its output', async () => {
		await submit(PRO, { ...A, aspect_ratio: 'custom', width: 320, height: 256 });
		const { output, metrics } = await poll();

		expect(metrics).toEqual({ predict_time: 0, total_time: 0 });
		expect(await inspectImage(output as string)).toMatchObject({
			type: 'image/webp',
			width: 320,
			height: 256,
		});
	});

	it('of [klein] has a list', async () => {
		await submit(KLEIN);
		expect((await poll()).output).toEqual([lastTask().url]);
	});

	const fates: Array<[string, NonNullable<Effect['task']>, object]> = [
		['starts', { seconds: 60 }, { status: 'starting', output: null }],
		['runs', { seconds: 60, running: 'processing' }, { status: 'processing', output: null }],
		['fails', { fail: { message: 'no' } }, { status: 'failed', output: null, error: 'no' }],
		[
			'is moderated',
			{ fail: { code: 'E005', message: 'Flagged.' } },
			{ status: 'failed', error: 'Flagged. (E005) (AbCdEfGhIj)' },
		],
		['is aborted', { status: 'aborted' }, { status: 'aborted', output: null, error: null }],
	];

	it.each(fates)('%s', async (_what, task, expected) => {
		emulator.rule({ route: 'replicate.submit' }, { task });
		await submit(PRO);
		expect(await poll()).toMatchObject(expected);
	});

	it('fails where a reference cannot be read', async () => {
		const url = `data:image/png;base64,${Buffer.from('no image').toString('base64')}`;
		await submit(PRO, { ...A, input_images: [url] });
		expect(await poll()).toMatchObject({
			status: 'failed',
			error: 'An input image is not an image that can be decoded',
		});
	});

	it('is not found with the token of somebody else', async () => {
		await submit(PRO);
		const url = urlOf(lastTask().id);
		expect((await get(url, emulator.keys.replicateKeyOfSomebodyElse)).status).toBe(404);
		expect((await get(url)).status).toBe(200);
	});

	it('is cancelled while it runs, and stays as it is afterwards', async () => {
		emulator.rule({ route: 'replicate.submit', times: 1 }, { task: { seconds: 60 } });
		const { body } = await submit(PRO);
		const cancelled = await post((body.urls as { cancel: string }).cancel);
		await submit(PRO);
		const late = await post(`${urlOf(lastTask().id)}/cancel`);

		expect(cancelled).toMatchObject({ status: 200, body: { status: 'canceled' } });
		expect(late).toMatchObject({ status: 200, body: { status: 'succeeded' } });
		expect(emulator.ledger.cancels).toHaveLength(2);
	});
});

describe('files', () => {
	const upload = (parts: Record<string, Blob | string>) => {
		const body = new FormData();
		for (const [name, part] of Object.entries(parts)) body.append(name, part as Blob);
		const headers = { authorization: `Bearer ${emulator.keys.replicateKey}` };
		return send(`${emulator.urls.replicate}/files`, { method: 'POST', headers, body });
	};
	const photo = async () =>
		new File([Uint8Array.from(await sample(300, 200))], 'a.png', { type: 'image/png' });

	it('are references of the token that has uploaded them', async () => {
		const { status, body } = await upload({ content: await photo() });
		const { get: url } = body.urls as { get: string };
		const input = { ...A, images: [url], aspect_ratio: 'match_input_image' };
		await submit(KLEIN, input);

		expect({ status, body }).toMatchObject({
			status: 201,
			body: { content_type: 'image/png', size: (await photo()).size },
		});
		expect(lastTask()).toMatchObject({ width: 1248, height: 832 });
		await submit(KLEIN, input, { key: emulator.keys.replicateKeyOfSomebodyElse });
		expect(lastTask().cost).toBe(0);
	});

	it('are listed, shown and deleted', async () => {
		const { body } = await upload({ content: await photo(), filename: 'b.png' });
		const { get: url } = body.urls as { get: string };
		const headers = { authorization: `Bearer ${emulator.keys.replicateKey}` };

		expect((await get(`${emulator.urls.replicate}/files`)).body.results).toContainEqual(body);
		expect((await get(url)).body).toEqual(body);
		expect((await send(url, { method: 'DELETE', headers })).status).toBe(204);
		expect((await get(url)).status).toBe(404);
	});

	it('need their content', async () => {
		expect((await upload({ filename: 'b.png' })).status).toBe(422);
	});

	it('with an unknown part are noted', async () => {
		await upload({ content: await photo(), quality: 'high' });
		expect(emulator.ledger.unexpected).toMatchObject([{ reason: 'part quality' }]);
	});
});

describe('the list', () => {
	it('has the predictions of the token, the newest first, in pages', async () => {
		const other = await startOther({ seconds: 0, replicatePageSize: 2 });
		for (const prompt of ['one', 'two', 'three']) await submit(PRO, { prompt }, { at: other });
		await submit(PRO, A, { at: other, key: other.keys.replicateKeyOfSomebodyElse });
		const first = await get(`${other.urls.replicate}/predictions`);
		const second = await get(first.body.next as string);

		const promptsOf = ({ body }: typeof first) =>
			(body.results as Array<{ input: { prompt: string } }>).map(({ input }) => input.prompt);
		expect([promptsOf(first), promptsOf(second)]).toEqual([['three', 'two'], ['one']]);
		expect([first.body.previous, second.body.next]).toEqual([null, null]);
	});

	it('has those of a time', async () => {
		await submit(PRO);
		const { acceptedAt } = lastTask();
		const count = async (query: Record<string, string>) => {
			const search = new URLSearchParams(query).toString();
			const { body } = await get(`${emulator.urls.replicate}/predictions?${search}`);
			return (body.results as unknown[]).length;
		};
		const at = (ms: number) => new Date(acceptedAt + ms).toISOString();

		expect(await count({ created_after: at(0) })).toBe(1);
		expect(await count({ created_after: at(1) })).toBe(0);
		expect(await count({ created_before: at(0) })).toBe(0);
		expect(await count({ created_before: at(1) })).toBe(1);
		expect(await count({ source: 'web' })).toBe(0);
	});
});

it('shows the account of a token', async () => {
	const url = `${emulator.urls.replicate}/account`;
	expect((await get(url)).body).toEqual({ type: 'user', username: 'fox', name: 'fox' });
	expect((await get(url, 'made-up-wrong')).status).toBe(401);
});

describe('each reading of what is not documented is an option:', () => {
	const started = async (options: EmulatorOptions) => await startOther({ seconds: 0, ...options });
	const cancel = async (at: Emulator) =>
		await post(`${urlOf(at.ledger.tasks.at(-1)!.id, at)}/cancel`);

	it('the status of a create that does not wait', async () => {
		const at = await started({ replicateCreatedStatus: 202 });
		expect((await submit(PRO, A, { at })).status).toBe(202);
	});

	it('fields that no schema declares', async () => {
		const at = await started({ replicateUndeclared: 'ignored' });
		expect((await submit(PRO, { ...A, num_outputs: 1 }, { at })).status).toBe(201);
	});

	it('the cancelling of what has ended', async () => {
		const at = await started({ replicateLateCancel: 'refused' });
		await submit(PRO, A, { at });
		expect((await cancel(at)).status).toBe(409);
	});

	it('the word of what has ended while it was waited for', async () => {
		const at = await started({ replicateWaitedStatus: 'processing' });
		const { body } = await submit(PRO, A, { at, headers: { prefer: 'wait' } });
		expect(body).toMatchObject({ status: 'processing', output: at.ledger.tasks[0]?.url });
	});

	it('an address of a stream', async () => {
		const at = await started({ replicateStreamUrl: true });
		const { body } = await submit(PRO, A, { at });
		expect(body.urls).toHaveProperty('stream');
	});

	it('the time for which files are kept', async () => {
		const at = await started({ replicateFileSeconds: 0.05 });
		await submit(PRO, A, { at });
		const { url, readyAt } = at.ledger.tasks[0]!;
		await until(() => Date.now() > readyAt + 50);

		expect(await poll(at)).toMatchObject({
			status: 'succeeded',
			data_removed: true,
			output: null,
			input: {},
		});
		expect((await fetch(url)).status).toBe(403);
	});
});
