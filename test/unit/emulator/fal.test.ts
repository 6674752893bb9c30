import type { Effect, EmulatorOptions, TaskFailure } from '../../emulator';
import { drawReference } from '../../emulator/images';
import { ENDPOINTS } from '../../emulator/fal/models';
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
	type JsonResponse,
} from './support';

useEmulator();

afterEach(() => expect(emulator.ledger.leaks).toEqual([]));

const PRO = 'fal-ai/flux-2-pro';
const DEV = 'fal-ai/flux-2';
const KLEIN = 'fal-ai/flux-2/klein/4b';
const A = { prompt: 'a red cube' };
const PHOTO = 'https://a.example/photo.png';

const authorization = () => `Key ${emulator.keys.falKey}`;

const submit = (
	endpoint: string,
	body: unknown = A,
	headers: Record<string, string> = {},
	at = emulator,
) =>
	send(`${at.urls.fal}/${endpoint}`, {
		method: 'POST',
		headers: { authorization: authorization(), 'content-type': 'application/json', ...headers },
		body: typeof body === 'string' ? body : JSON.stringify(body),
	});

const get = (url: string, key = authorization()) => send(url, { headers: { authorization: key } });

const put = (url: string) =>
	send(url, { method: 'PUT', headers: { authorization: authorization() } });

/** Status and result of a submitted request, once it has ended. */
async function ended({ body }: JsonResponse) {
	let status = await get(body.status_url as string);
	while (status.status === 202) status = await get(body.status_url as string);
	return { status, result: await get(body.response_url as string) };
}

const resultOf = async (endpoint: string, body: unknown) =>
	(await ended(await submit(endpoint, body))).result;

describe('a submit', () => {
	it('responds with the ID and three addresses below owner and application', async () => {
		const { status, body } = await submit('fal-ai/flux-2/klein/4b/edit', {
			...A,
			image_urls: [PHOTO],
		});
		const id = lastTask().id;
		const address = `${emulator.urls.fal}/fal-ai/flux-2/requests/${id}`;

		expect({ status, body }).toEqual({
			status: 200,
			body: {
				request_id: id,
				gateway_request_id: id,
				status: 'IN_QUEUE',
				queue_position: 0,
				response_url: address,
				status_url: `${address}/status`,
				cancel_url: `${address}/cancel`,
			},
		});
	});

	it('has a place in the queue', async () => {
		emulator.rule({ route: 'fal.submit' }, { task: { seconds: 60, queuePosition: 2 } });
		const { body } = await submit(PRO);
		expect(body).toMatchObject({ status: 'IN_QUEUE', queue_position: 2 });
	});

	const generating = [...ENDPOINTS].flatMap(([id, { outpaints }]) => (outpaints ? [] : [id]));

	it.each(generating)('accepts what every model has (%s)', async (endpoint) => {
		const isEdit = /\/edit\b/.test(endpoint);
		const image_urls = isEdit ? { image_urls: [PHOTO] } : {};
		const body = { ...A, ...image_urls, seed: 1, image_size: 'square', output_format: 'png' };
		const result = await resultOf(endpoint, body);

		expect(result.status).toBe(200);
		expect(lastTask()).toMatchObject({ model: endpoint, width: 512, height: 512, format: 'png' });
		expect(lastTask().cost).toBeGreaterThan(0);
	});

	it('makes an image larger on the sides that are named', async () => {
		const image_url = `data:image/png;base64,${(await drawReference('lamp', 64, 32, 'png')).bytes.toString('base64')}`;
		const result = await resultOf(`${PRO}/outpaint`, {
			image_url,
			expand_left: 64,
			expand_top: 32,
		});

		expect(result.status).toBe(200);
		expect(lastTask()).toMatchObject({ width: 128, height: 64 });
	});

	it('records the headers of the queue', async () => {
		const headers = {
			'x-fal-queue-priority': 'low',
			'x-fal-request-timeout': '30',
			'x-fal-object-lifecycle-preference': '{"expiration_duration_seconds":3600}',
		};
		await submit(PRO, A, headers);
		expect(emulator.ledger.submissions[0]?.headers).toMatchObject(headers);
		expect(emulator.ledger.unexpected).toEqual([]);
	});

	it.each([
		['an unknown header', { 'x-fal-quality': 'high' }],
		['another priority', { 'x-fal-queue-priority': 'urgent' }],
		['a limit of a second', { 'x-fal-request-timeout': '1' }],
		['another life of files', { 'x-fal-object-lifecycle-preference': '3600' }],
	])('notes %s', async (_what, headers) => {
		await submit(PRO, A, headers);
		expect(emulator.ledger.unexpected).toMatchObject([
			{ reason: expect.stringMatching(/^header x-fal-/) as string },
		]);
	});
});

describe('an input is refused for', () => {
	const wrong: Array<[string, string, object, unknown[]]> = [
		['a missing prompt', PRO, { prompt: undefined }, ['prompt']],
		['an unknown field', PRO, { width: 512 }, ['width']],
		['a number as tolerance', PRO, { safety_tolerance: 2 }, ['safety_tolerance']],
		['a tolerance of 6', PRO, { safety_tolerance: '6' }, ['safety_tolerance']],
		['steps that [pro] lacks', PRO, { num_inference_steps: 28 }, ['num_inference_steps']],
		['several images, which [pro] lacks', PRO, { num_images: 2 }, ['num_images']],
		['WebP at [pro]', PRO, { output_format: 'webp' }, ['output_format']],
		['references without the endpoint for them', PRO, { image_urls: [PHOTO] }, ['image_urls']],
		['no reference at the endpoint for them', `${PRO}/edit`, {}, ['image_urls']],
		['an empty list of references', `${DEV}/edit`, { image_urls: [] }, ['image_urls']],
		['a fifth reference', `${DEV}/edit`, { image_urls: Array(5).fill(PHOTO) }, ['image_urls']],
		[
			'a fourth reference beside weights',
			`${DEV}/lora/edit`,
			{ image_urls: Array(4).fill(PHOTO) },
			['image_urls'],
		],
		['3 steps', DEV, { num_inference_steps: 3 }, ['num_inference_steps']],
		['9 steps of [klein]', KLEIN, { num_inference_steps: 9 }, ['num_inference_steps']],
		['guidance that [klein] lacks', KLEIN, { guidance_scale: 2 }, ['guidance_scale']],
		[
			'guidance above 10 at [flex]',
			'fal-ai/flux-2-flex',
			{ guidance_scale: 11 },
			['guidance_scale'],
		],
		['five images', DEV, { num_images: 5 }, ['num_images']],
		['weights at a model without them', DEV, { loras: [{ path: 'a' }] }, ['loras']],
		['weights without a path', `${DEV}/lora`, { loras: [{ scale: 1 }] }, ['loras', 0, 'path']],
		['four weights', `${DEV}/lora`, { loras: Array(4).fill({ path: 'a' }) }, ['loras']],
		['an unknown size', PRO, { image_size: 'huge' }, ['image_size']],
		['an automatic size without references', PRO, { image_size: 'auto' }, ['image_size']],
		['a side below 512', DEV, { image_size: { width: 480 } }, ['image_size', 'width']],
		['a side above 2048', DEV, { image_size: { height: 2080 } }, ['image_size', 'height']],
		['a size that is no multiple', PRO, { image_size: { width: 1000 } }, ['image_size', 'width']],
		['another field of the size', DEV, { image_size: { depth: 3 } }, ['image_size', 'depth']],
		[
			'more than 4 megapixels',
			KLEIN,
			{ image_size: { width: 4096, height: 2048 } },
			['image_size'],
		],
		[
			'a reference that is no image',
			`${DEV}/edit`,
			{ image_urls: ['data:image/png;base64,AAAA'] },
			['image_urls', 0],
		],
		['a GIF', `${DEV}/edit`, { image_urls: ['data:image/gif;base64,AAAA'] }, ['image_urls', 0]],
		['a prompt that is no text', PRO, { prompt: 1 }, ['prompt']],
		['weights that are no list', `${DEV}/lora`, { loras: 'a' }, ['loras']],
	];

	it.each(wrong)('%s: the task fails', async (_what, endpoint, fields, loc) => {
		const { status, headers, body } = await resultOf(endpoint, { ...A, ...fields });

		expect(status).toBe(422);
		expect(body.detail[0]).toMatchObject({
			loc: ['body', ...loc],
			type: expect.any(String) as string,
		});
		expect(headers.get('x-fal-billable-units')).toBe('0');
		expect(headers.get('x-fal-retryable')).toBe('false');
		expect(lastTask().cost).toBe(0);
	});

	it('the same at the submit, as an option has it', async () => {
		const other = await startOther({ seconds: 0, falValidates: 'submit' });
		const { status } = await submit(PRO, { prompt: 1 }, {}, other);
		expect(status).toBe(422);
		expect(other.ledger.tasks).toEqual([]);
	});

	it('a body that is no JSON', async () => {
		expect((await submit(PRO, '{')).status).toBe(400);
		expectNothingGenerated();
	});
});

describe('the image has', () => {
	const sizeOf = async (endpoint: string, fields: object) => {
		await resultOf(endpoint, { ...A, ...fields });
		const { width, height, format } = lastTask();
		return [width, height, format];
	};

	it.each([
		['that of the model', PRO, {}, [1024, 768, 'jpeg']],
		['that of another model', KLEIN, {}, [1024, 768, 'png']],
		['a square for a fast edit', `${DEV}/turbo/edit`, { image_urls: [PHOTO] }, [1024, 1024, 'png']],
		['a preset', PRO, { image_size: 'portrait_16_9' }, [576, 1024, 'jpeg']],
		['sides', DEV, { image_size: { width: 640, height: 768 } }, [640, 768, 'png']],
		['one side, and 512 for the other', DEV, { image_size: { width: 640 } }, [640, 512, 'png']],
	])('a size: %s', async (_what, endpoint, fields, expected) => {
		expect(await sizeOf(endpoint, fields)).toEqual(expected);
	});

	it.each([
		['automatically', `${PRO}/edit`, { image_size: 'auto' }],
		['without a word', `${DEV}/edit`, {}],
	])('the size of the first reference, %s', async (_how, endpoint, fields) => {
		const uri = `data:image/png;base64,${(await sample(96, 64)).toString('base64')}`;
		expect((await sizeOf(endpoint, { ...fields, image_urls: [uri, PHOTO] })).slice(0, 2)).toEqual([
			96, 64,
		]);
	});
});

describe("through Hugging Face's router", () => {
	const token = () => ({ authorization: `Bearer ${emulator.keys.falToken}` });
	const submitRouted = (endpoint: string, headers = token(), query = '_subdomain=queue') =>
		send(`${emulator.urls.fal}/router/fal-ai/${endpoint}?${query}`, {
			method: 'POST',
			headers: { ...headers, 'content-type': 'application/json' },
			body: JSON.stringify(A),
		});

	it('a request has the addresses of fal itself, and its result below the same paths', async () => {
		const { body } = await submitRouted(DEV);
		const { id } = lastTask();
		const address = `/fal-ai/flux-2/requests/${id}`;
		expect(body).toMatchObject({
			response_url: `https://queue.fal.run${address}`,
			status_url: `https://queue.fal.run${address}/status`,
		});
		const base = `${emulator.urls.fal}/router/fal-ai${address}`;
		const read = (url: string) => send(`${url}?_subdomain=queue`, { headers: token() });

		expect((await read(`${base}/status`)).body).toMatchObject({ status: 'COMPLETED' });
		expect((await read(base)).body).toMatchObject({ images: [{ url: lastTask().url }] });
		expect(emulator.ledger.unexpected).toEqual([]);
	});

	it.each([
		['a model that is not mapped', PRO, token, 400, 'Model not supported by provider fal-ai'],
		[
			'a key of fal',
			DEV,
			() => ({ authorization: authorization() }),
			401,
			'Invalid username or password.',
		],
		[
			'a token without credits',
			DEV,
			() => ({ authorization: `Bearer ${emulator.keys.falTokenWithoutCredits}` }),
			402,
			'You have exceeded your monthly included credits for Inference Providers.',
		],
	])('%s is refused', async (_what, endpoint, headers, status, error) => {
		expect(await submitRouted(endpoint, headers())).toMatchObject({ status, body: { error } });
		expectNothingGenerated();
	});

	it('what no client sends is recorded', async () => {
		await submitRouted(DEV, { ...token(), 'x-fal-no-retry': '1' } as never, 'fal_webhook=a');
		expect(emulator.ledger.unexpected.map(({ reason }) => reason)).toEqual([
			'query _subdomain: undefined',
			'query fal_webhook',
			'header x-fal-no-retry',
		]);
	});

	it('fal itself refuses the token', async () => {
		const { status, body } = await submit(DEV, A, token());
		expect({ status, body }).toEqual({
			status: 401,
			body: { detail: 'bearer: unable to decode issuer' },
		});
	});
});

describe('a result', () => {
	const SMALL = { width: 64, height: 64 };

	it('of [dev] and [klein] says everything', async () => {
		emulator.rule({ route: 'fal.submit' }, { as: SMALL });
		const { status, headers, body } = await resultOf(KLEIN, {
			...A,
			seed: 5,
			output_format: 'webp',
		});
		const { url } = lastTask();
		const { bytes, format } = await inspectImage(url);

		expect({ status, body }).toEqual({
			status: 200,
			body: {
				images: [
					{
						url,
						content_type: 'image/webp',
						file_name: url.split('/').at(-1),
						file_size: bytes,
						...SMALL,
					},
				],
				timings: { inference: 0 },
				seed: 5,
				has_nsfw_concepts: [false],
				prompt: A.prompt,
			},
		});
		expect(format).toBe('webp');
		expect(headers.get('x-fal-request-id')).toBe(lastTask().id);
		expect(headers.get('x-fal-billable-units')).toBe('1');
	});

	it('of [pro], [flex] and [max] has images and seed alone', async () => {
		emulator.rule({ route: 'fal.submit' }, { as: SMALL });
		const { body } = await resultOf(PRO, A);
		expect(Object.keys(body as object).sort()).toEqual(['images', 'seed']);
	});

	it('has several images, each of which is paid', async () => {
		emulator.rule({ route: 'fal.submit' }, { as: SMALL });
		const { headers, body } = await resultOf(KLEIN, { ...A, num_images: 3 });
		const { tasks, submissions } = emulator.ledger;

		expect(body.images.map(({ url }: { url: string }) => url)).toEqual(tasks.map(({ url }) => url));
		expect(new Set(tasks.map(({ sha256 }) => sha256)).size).toBe(3);
		expect(headers.get('x-fal-billable-units')).toBe('3');
		expect(submissions).toMatchObject([{ taskId: tasks[0]?.id, cost: 0.015 }]);
	});

	it('has black images where the safety checker was against them; they are paid for', async () => {
		emulator.rule({ route: 'fal.submit' }, { as: SMALL, task: { nsfw: [1] } });
		const { body } = await resultOf(KLEIN, { ...A, num_images: 2 });
		const response = await fetch(body.images[1].url as string);
		const bytes = Buffer.from(await response.arrayBuffer());

		expect(body.has_nsfw_concepts).toEqual([false, true]);
		expect(bytes).toEqual((await emulator.ledger.image(emulator.ledger.tasks[1]!.id)).bytes);
		expect(emulator.ledger.paidBy(emulator.keys.falKey).count).toBe(2);
	});

	it.each([
		['another number', 1.5, '1.5'],
		['no number', null, null],
	])('names %s of units, as a rule says', async (_what, billableUnits, expected) => {
		emulator.rule({ route: 'fal.submit' }, { as: SMALL, task: { billableUnits } });
		const { headers } = await resultOf(KLEIN, A);
		expect(headers.get('x-fal-billable-units')).toBe(expected);
	});

	it('is not there before the request is completed', async () => {
		emulator.rule({ route: 'fal.submit' }, { task: { seconds: 60 } });
		const { body } = await submit(PRO);
		expect(await get(body.response_url as string)).toMatchObject({
			status: 400,
			body: { detail: 'Request is still in progress' },
		});
	});

	const failures: Array<[TaskFailure, number, object, object]> = [
		[{ message: 'oom' }, 500, { detail: [{ type: 'internal_server_error', msg: 'oom' }] }, {}],
		[
			{ message: 'no', code: 'content_policy_violation' },
			422,
			{ detail: [{ type: 'content_policy_violation', msg: 'no' }] },
			{},
		],
		[{ message: 'no', code: 'odd', style: 'string' }, 422, { detail: 'no' }, {}],
		[
			{ message: 'Request timed out', code: 'request_timeout' },
			504,
			{ detail: 'Request timed out', error_type: 'request_timeout' },
			{ error: 'Request timed out', error_type: 'request_timeout' },
		],
	];

	it.each(failures)('may be the failure %j', async (fail, code, body, said) => {
		emulator.rule({ route: 'fal.submit' }, { task: { fail } });
		const { status, result } = await ended(await submit(PRO));

		expect(status.body).toMatchObject({ status: 'COMPLETED', ...said });
		expect(result).toMatchObject({ status: code, body });
		expect(lastTask().cost).toBe(0);
	});

	it('of a failed model may have the status of a gateway', async () => {
		const other = await startOther({ seconds: 0, falErrorStatus: 504 });
		other.rule({ route: 'fal.submit' }, { task: { fail: { message: 'oom' } } });
		expect((await ended(await submit(PRO, A, {}, other))).result.status).toBe(504);
	});
});

describe('a request', () => {
	it('waits, is processed and is completed', async () => {
		emulator.rule({ route: 'fal.submit' }, { task: { polls: 20 } });
		const { body } = await submit(PRO);
		const seen: JsonResponse[] = [];
		do seen.push(await get(body.status_url as string));
		while (seen.at(-1)?.body.status !== 'COMPLETED');

		expect([...new Set(seen.map(({ status, body: said }) => `${status} ${said.status}`))]).toEqual([
			'202 IN_QUEUE',
			'202 IN_PROGRESS',
			'200 COMPLETED',
		]);
		expect(seen[0]?.body).toHaveProperty('queue_position');
		expect(seen.at(-1)?.body).toMatchObject({ logs: [], metrics: { inference_time: 0 } });
	});

	it('has one word more, or another end, as a rule says', async () => {
		emulator.rule({ route: 'fal.submit', times: 1 }, { task: { running: 'PAUSED', polls: 1 } });
		emulator.rule({ route: 'fal.submit' }, { task: { status: 'LOST' } });
		const urls = [await submit(PRO), await submit(PRO)].map(
			({ body }) => body.status_url as string,
		);
		const words = await Promise.all(urls.map(async (url) => (await get(url)).body.status));
		expect(words).toEqual(['PAUSED', 'LOST']);
	});

	const readings: Array<[EmulatorOptions, object]> = [
		[{}, { waiting: 202, end: '' }],
		[
			{ falWaitingStatus: 200, falResponseUrl: 'response' },
			{ waiting: 200, end: '/response' },
		],
	];

	it.each(readings)('is read as %j has it', async (options, expected) => {
		const other = await startOther({ seconds: 60, ...options });
		const { body } = await submit(PRO, A, {}, other);
		const waiting = (await get(body.status_url as string)).status;
		const end = (body.response_url as string).split(body.request_id as string)[1];
		expect({ waiting, end }).toEqual(expected);
	});

	it('is found below its own application alone, at both addresses of the result', async () => {
		const { body } = await submit(KLEIN);
		const address = (application: string, end: string) =>
			`${emulator.urls.fal}/${application}/requests/${body.request_id}${end}`;
		const statuses = await Promise.all(
			[
				address('fal-ai/flux-2', ''),
				address('fal-ai/flux-2', '/response'),
				address('fal-ai/flux-2-pro', '/status'),
				address('fal-ai/flux-2', '/status'),
			].map(async (url) => (await get(url)).status),
		);
		expect(statuses).toEqual([200, 200, 404, 200]);

		await get(address('fal-ai/flux-2/klein/4b', '/status'));
		expect(emulator.ledger.unexpected).toMatchObject([{ reason: 'no such route' }]);
	});

	it('is seen by its own key alone, and never where it has vanished', async () => {
		emulator.rule({ route: 'fal.submit', times: 1 }, { task: { vanish: true } });
		const vanished = (await submit(PRO)).body.status_url as string;
		const own = (await submit(PRO)).body.status_url as string;
		const foreign = `Key ${emulator.keys.falKeyOfSomebodyElse}`;

		expect((await get(vanished)).status).toBe(404);
		expect(await get(own, foreign)).toMatchObject({
			status: 404,
			body: { detail: 'Request not found' },
		});
	});
});

describe('a cancel', () => {
	const cancelled = async (task: object, at = emulator) => {
		at.rule({ route: 'fal.submit' }, { task });
		const { body } = await submit(PRO, A, {}, at);
		const response = await put(body.cancel_url as string);
		const status = await get(body.status_url as string);
		const result = await get(body.response_url as string);
		return { response, status, result };
	};

	it('ends a request', async () => {
		const { response, status, result } = await cancelled({ seconds: 60 });
		expect(response).toMatchObject({ status: 202, body: { status: 'CANCELLATION_REQUESTED' } });
		expect(status.body).toMatchObject({ status: 'COMPLETED', error_type: 'client_cancelled' });
		expect(result.status).toBe(499);
		expect(lastTask().cost).toBe(0);
	});

	it('removes a request, as an option has it', async () => {
		const other = await startOther({ seconds: 60, falCancelled: 'missing' });
		const { status, result } = await cancelled({}, other);
		expect([status.status, result.status]).toEqual([404, 404]);
	});

	it('comes too late', async () => {
		const { response, result } = await cancelled({ seconds: 0 });
		expect(response).toMatchObject({ status: 400, body: { status: 'ALREADY_COMPLETED' } });
		expect(result.status).toBe(200);
	});

	it('of what does not exist is not found', async () => {
		expect(await put(`${emulator.urls.fal}/${DEV}/requests/none/cancel`)).toMatchObject({
			status: 404,
			body: { status: 'NOT_FOUND' },
		});
	});
});

describe('the stream of a request', () => {
	const streamed = async (task: object, rule: object = {}) => {
		emulator.rule({ route: 'fal.submit' }, { task });
		if (Object.keys(rule).length > 0) emulator.rule({ route: 'fal.events' }, rule);
		const { body } = await submit(PRO);
		const { text } = await fetched(`${body.status_url as string}/stream?logs=1`);
		return text
			.split('\n\n')
			.filter(Boolean)
			.map((event) => event.replace(/^data: /, ''));
	};

	async function fetched(url: string) {
		const response = await fetch(url, { headers: { authorization: authorization() } });
		return { response, text: await response.text().catch(() => '') };
	}

	const words = (events: string[]) =>
		events.map((event) => (JSON.parse(event) as { status: string }).status);

	it('has an event for each change and ends with the request', async () => {
		expect(words(await streamed({ polls: 20 }))).toEqual(['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED']);
		expect(emulator.ledger.streams).toMatchObject([
			{ taskIds: [lastTask().id], closedAt: expect.any(Number) as number },
		]);
	});

	it('sends its end twice, or late, as a rule says', async () => {
		expect(words(await streamed({ seconds: 0, event: 'twice', eventDelay: 0.02 }))).toEqual([
			'COMPLETED',
			'COMPLETED',
		]);
	});

	it.each(['beforeEvent', 'inEvent', 'afterEvent'])('breaks %s', async (breaks) => {
		await streamed({ seconds: 0 }, { stream: { breaks } });
		expect(emulator.ledger.streams[0]?.taskIds).toHaveLength(breaks === 'afterEvent' ? 1 : 0);
	});

	const quiet: Array<[string, Effect, Effect]> = [
		['is silent', {}, { stream: { silent: true } }],
		['loses its end', { task: { event: 'lost' } }, {}],
	];

	it.each(quiet)('%s, and stays open until the client leaves', async (_how, effect, rule) => {
		emulator.rule({ route: 'fal.submit' }, { task: { seconds: 60, ...effect.task } });
		if (rule.stream) emulator.rule({ route: 'fal.events' }, rule);
		const { body } = await submit(PRO);
		const leaving = new AbortController();
		const response = await fetch(`${body.status_url as string}/stream`, {
			headers: { authorization: authorization() },
			signal: leaving.signal,
		});
		expect(response.headers.get('content-type')).toBe('text/event-stream');
		leaving.abort();
		await until(() => emulator.ledger.streams[0]?.closedAt !== undefined);
	});
});

describe('the call that waits', () => {
	it('responds with the result', async () => {
		emulator.rule({ route: 'fal.run' }, { as: { width: 64, height: 64 } });
		const { status, body } = await submit(`run/${PRO}`);
		expect({ status, url: body.images[0].url }).toEqual({ status: 200, url: lastTask().url });
	});

	it('is refused for a wrong input, and over the limit of its account', async () => {
		const other = await startOther({ seconds: 60, maxRunning: 0 });
		expect((await submit(`run/${PRO}`, { prompt: 1 })).status).toBe(422);
		expect(await submit(`run/${PRO}`, A, {}, other)).toMatchObject({
			status: 429,
			body: { type: 'concurrent_requests_limit' },
		});
	});
});

describe('a key', () => {
	const withKey = (value: string) => submit(PRO, A, { authorization: value });

	it.each([
		['that is unknown', () => 'Key a:b', 401, 'invalid key credentials'],
		['as a bearer', () => `Bearer ${emulator.keys.falKey}`, 401, 'bearer: unable to decode issuer'],
		[
			'without a secret',
			() => 'Key abc',
			401,
			"Invalid Key Authorization header format. Expected '<key_id>:<key_secret>'.",
		],
		[
			'without a permission',
			() => `Key ${emulator.keys.falKeyWithoutPermission}`,
			403,
			'This key is not permitted to access this application.',
		],
		[
			'of an account without balance',
			() => `Key ${emulator.keys.falKeyWithoutCredits}`,
			403,
			expect.stringContaining('Exhausted balance') as string,
		],
	])('%s is refused', async (_which, value, status, detail) => {
		expect(await withKey(value())).toMatchObject({ status, body: { detail } });
		expectNothingGenerated();
	});

	it('must be there', async () => {
		const { status } = await send(`${emulator.urls.fal}/${PRO}`, { method: 'POST' });
		expect(status).toBe(401);
	});

	it('is needed for an unknown application too', async () => {
		expect(await submit('fal-ai/flux-9/turbo')).toMatchObject({
			status: 404,
			body: { detail: "Application 'flux-9' not found" },
		});
	});
});
