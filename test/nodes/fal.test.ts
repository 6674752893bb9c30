import type { Effect } from '../emulator';
import type { Run } from '../support/engine';
import { testCredential } from '../support/credentialTest';
import {
	checkpointsOf,
	items,
	NODE,
	openLab,
	imagesIn,
	imagesOf,
	prompts,
	QUICK,
	until,
	type Lab,
	type LabOptions,
	type NodeUnderTest,
} from '../support/lab';
import { placed } from '../support/placed';

/** What only fal does: its addresses, failures that are results, black images, cancelling, the stream of one task. */

type Mode = 'queue' | 'events';

const CONTINUE = { onError: 'continueRegularOutput' } as const;
const RETRY = { retryOnFail: true, maxTries: 2, waitBetweenTries: 1 };
const MODEL = 'fal-ai/flux-2/klein/4b';

let lab: Lab;

async function open(emulator: LabOptions['emulator'] = {}): Promise<void> {
	lab = await openLab({ emulator: { images: 'plain', ...emulator } });
	lab.emulator.rule({ route: 'fal.submit' }, { as: { width: 64, height: 64 } });
}

afterEach(async () => await lab.close());

const generating = (
	mode: Mode,
	options: object = {},
	settings: NodeUnderTest['settings'] = {},
): NodeUnderTest => ({
	type: 'flux2Fal',
	parameters: {
		model: MODEL,
		prompt: '={{ $json.prompt }}',
		...placed('flux2Fal', { mode, maxConcurrent: 20, ...(mode === 'queue' && QUICK), ...options }),
	},
	settings,
});

const onTask = (operation: string, parameters: object = {}): NodeUnderTest => ({
	type: 'flux2Fal',
	parameters: { resource: 'task', operation, ...parameters },
});

const faultTask = (task: NonNullable<Effect['task']>, times?: number) =>
	lab.emulator.rule({ route: 'fal.submit', times }, { task });

const jsons = (run: Run) => run.items(NODE).map(({ json }) => json);

const errors = (run: Run) => jsons(run).map(({ error }) => error as Record<string, unknown>);

const tasks = () => lab.emulator.ledger.tasks;
const ids = () => tasks().map(({ id }) => id);
const pathsOf = (method: string) =>
	lab.emulator.ledger.requests.filter((one) => one.method === method).map(({ path }) => path);
const polls = (route: 'fal.status' | 'fal.result') =>
	lab.emulator.ledger.polls.filter((poll) => poll.route === route);

async function expectEachImageOnce(run: Run, count: number): Promise<void> {
	expect(run.status).toBe('success');
	expect(lab.emulator.ledger.submissions).toHaveLength(count);
	expect(tasks()).toHaveLength(count);
	expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(count)));
	expect(checkpointsOf(run)).toEqual({});
}

test('an item says everything that is known about its image', async () => {
	await open();
	const run = await lab.run(generating('queue', { seed: 7 }), { items: prompts(1) });

	const [record] = tasks();
	expect(run.items(NODE)).toMatchObject([
		{
			json: {
				provider: 'fal',
				model: MODEL,
				status: 'completed',
				taskId: record?.id,
				prompt: 'item 1',
				seed: 7,
				image: { width: 64, height: 64, mimeType: 'image/png', url: record?.url },
				timing: { polls: polls('fal.status').length },
			},
			binary: { data: { fileExtension: 'png' } },
			pairedItem: { item: 0 },
		},
	]);
	await expectEachImageOnce(run, 1);
});

describe('the addresses of a request', () => {
	const base = () => `/fal/fal-ai/flux-2/requests/${ids()[0]}`;

	test.each([
		['as captured responses have them', {}, ''],
		[
			'as one document has them',
			{ falResponseUrl: 'response', falWaitingStatus: 200 },
			'/response',
		],
	] as const)('are those of the response to the submit (%s)', async (_reading, options, end) => {
		await open(options);
		const run = await lab.run(generating('queue'), { items: prompts(1) });

		await expectEachImageOnce(run, 1);
		expect([...new Set(pathsOf('GET'))]).toEqual([
			`${base()}/status`,
			base() + end,
			`/results/${ids()[0]}.png`,
		]);
	});

	/** Changes the addresses of the response to the submit. */
	const addressed = (change: (body: Record<string, unknown>) => object) =>
		lab.emulator.rule(
			{ route: 'fal.submit' },
			{
				mutate: (response) => ({ ...response, body: change(response.body as never) }),
			},
		);

	test.each([
		[
			'on a foreign host',
			(): object => ({
				status_url: 'https://fal.example.com/status',
				response_url: 'https://fal.example.com/response',
				cancel_url: 'https://fal.example.com/cancel',
			}),
		],
		[
			'of another request',
			(): object => ({
				status_url: `${lab.emulator.urls.fal}/fal-ai/flux-2/requests/another/status`,
				response_url: `${lab.emulator.urls.fal}/fal-ai/flux-2/requests/another`,
			}),
		],
		[
			'that are missing',
			(): object => ({ status_url: null, response_url: null, cancel_url: null }),
		],
	])('%s are replaced by the documented ones', async (_which, addresses) => {
		await open();
		addressed((body) => ({ ...body, ...addresses() }));
		const run = await lab.run(generating('queue'), { items: prompts(1) });

		await expectEachImageOnce(run, 1);
		expect([...new Set(pathsOf('GET'))].slice(0, 2)).toEqual([`${base()}/status`, base()]);
	});

	test('keep their queries', async () => {
		await open();
		addressed((body) => ({ ...body, status_url: `${String(body.status_url)}?logs=1` }));
		await lab.run(generating('queue'), { items: prompts(1) });

		expect(pathsOf('GET')[0]).toBe(`${base()}/status?logs=1`);
	});
});

describe('a failure is a result outside 2xx', () => {
	const ends: Array<[code: string, expected: object]> = [
		['content_policy_violation', { kind: 'moderated', httpCode: 422 }],
		['no_media_generated', { kind: 'invalidInput', httpCode: 422 }],
		['image_too_small', { kind: 'invalidInput', httpCode: 422 }],
		['internal_server_error', { kind: 'unavailable', httpCode: 500 }],
		['generation_timeout', { kind: 'unavailable', httpCode: 500 }],
		['runner_disconnected', { kind: 'unavailable' }],
		['request_timeout', { kind: 'unavailable' }],
	];

	test.each(ends)('of the type %s', async (code, expected) => {
		await open();
		faultTask({ seconds: 0, fail: { code, message: 'No image this time' } });
		const run = await lab.run(generating('queue', {}, CONTINUE), { items: prompts(1) });

		expect(errors(run)).toMatchObject([
			{
				...expected,
				message: expect.stringContaining('No image this time'),
				taskId: ids()[0],
				provider: 'fal',
				model: MODEL,
			},
		]);
		expect(lab.emulator.ledger.submissions).toHaveLength(1);
		// for good: the same result is not asked for twice
		expect(polls('fal.result').length).toBeLessThanOrEqual(1);
	});

	test('also where all failures of a model have the status of a gateway', async () => {
		await open({ falErrorStatus: 504 });
		faultTask({ seconds: 0, fail: { message: 'out of memory' } });
		const run = await lab.run(generating('queue', {}, CONTINUE), { items: prompts(1) });

		expect(errors(run)).toMatchObject([{ kind: 'unavailable', httpCode: 504 }]);
		expect(polls('fal.result')).toHaveLength(1);
	});

	test('as text', async () => {
		await open();
		const fail = {
			code: 'not_listed',
			message: 'The output was flagged',
			style: 'string',
		} as const;
		faultTask({ seconds: 0, fail });
		const run = await lab.run(generating('queue', {}, CONTINUE), { items: prompts(1) });

		expect(errors(run)).toMatchObject([{ kind: 'moderated', httpCode: 422 }]);
	});

	test.each([
		['when the task runs', 'run'],
		['at the submit', 'submit'],
	] as const)('of a wrong parameter, by its label (%s)', async (_when, falValidates) => {
		await open({ falValidates });
		const options = { customBody: '{ "num_inference_steps": 99 }' };
		const node = generating('queue', options, RETRY);
		const run = await lab.run(node, { items: prompts(1) });

		expect(run.error?.message).toContain(
			'Inference Steps: Input should be less than or equal to 8',
		);
		expect(run.error?.context).toMatchObject({ kind: 'invalidInput' });
		expect(lab.emulator.ledger.paidBy(lab.emulator.keys.falKey).count).toBe(0);
		expect(lab.emulator.ledger.submissions).toHaveLength(falValidates === 'run' ? 1 : 2);
	});

	test('of a moderated request is never submitted again', async () => {
		await open();
		faultTask({ fail: { code: 'content_policy_violation', message: 'flagged' } });
		const first = await lab.run(generating('queue', {}, RETRY), { items: prompts(1) });
		const sent = lab.emulator.ledger.requests.length;
		const second = await lab.retry(first, generating('queue', {}, RETRY));

		expect(second.error?.message).toBe(first.error?.message);
		expect(lab.emulator.ledger.requests).toHaveLength(sent);
	});

	const passing: Array<[string, Effect]> = [
		['by a gateway', { html: true }],
		['by a gateway without a word', { status: 504 }],
		['because it is too early', { error: 'fal.tooEarly' }],
		['because it is not known yet', { error: 'fal.notFound' }],
		['because of a limit', { error: 'fal.rateLimit', headers: { 'retry-after': '0.01' } }],
	];

	test.each(passing)('but not where it is refused %s: the task is kept', async (_why, effect) => {
		await open();
		lab.emulator.rule({ route: 'fal.result', times: 2 }, effect);
		const run = await lab.run(generating('queue'), { items: prompts(1) });

		await expectEachImageOnce(run, 1);
	});

	test('nor where the key is refused: a retry collects the image', async () => {
		await open();
		lab.emulator.rule({ route: 'fal.result', times: 1 }, { error: 'fal.credits' });
		const first = await lab.run(generating('queue'), { items: prompts(1) });
		const second = await lab.retry(first, generating('queue'));

		expect(first.error?.context).toMatchObject({ kind: 'credits', taskId: ids()[0] });
		await expectEachImageOnce(second, 1);
	});
});

describe('black images of the safety checker', () => {
	test('are moderated, and the request is never submitted again', async () => {
		await open();
		faultTask({ nsfw: [0] });
		const first = await lab.run(generating('queue', {}, RETRY), { items: prompts(1) });
		const sent = lab.emulator.ledger.requests.length;
		const second = await lab.retry(first, generating('queue', {}, RETRY));

		expect(first.error?.message).toBe("fal's safety checker has blackened the image");
		expect(first.error?.context).toMatchObject({ kind: 'moderated', taskId: ids()[0] });
		expect(second.error?.message).toBe(first.error?.message);
		expect(lab.emulator.ledger.requests).toHaveLength(sent);
		expect(lab.emulator.ledger.downloads).toEqual([]);
	});

	test.each(['queue', 'events'] as const)(
		'among several fail alone; the others are items (%s)',
		async (mode) => {
			await open();
			faultTask({ nsfw: [1] });
			const node = generating(mode, { numberOfImages: 3 }, CONTINUE);
			const run = await lab.run(node, { items: prompts(1) });

			const [first, black, third] = run.items(NODE);
			expect([first, third].map((item) => item?.json.image)).toEqual(
				[0, 2].map((index) => expect.objectContaining({ url: tasks()[index]?.url }) as object),
			);
			expect(black?.json).toEqual({
				error: expect.objectContaining({
					kind: 'moderated',
					message: "The provider's moderation has taken image 2 of 3",
					taskId: ids()[0],
				}),
			});
			expect(lab.emulator.ledger.downloads.map(({ taskId }) => taskId).sort()).toEqual(
				[ids()[0], ids()[2]].sort(),
			);
			expect(lab.emulator.ledger.submissions).toHaveLength(1);
		},
	);

	test('among several stay failures when the node is run again, and nothing is paid for twice', async () => {
		await open();
		faultTask({ nsfw: [1] });
		const first = await lab.run(generating('queue', { numberOfImages: 2 }), { items: prompts(1) });
		const sent = lab.emulator.ledger.requests.length;
		const second = await lab.retry(first, generating('queue', { numberOfImages: 2 }));

		expect(first.error?.context).toMatchObject({ kind: 'moderated' });
		expect(second.error?.message).toBe(first.error?.message);
		expect(lab.emulator.ledger.requests).toHaveLength(sent);
		expect(lab.emulator.ledger.submissions).toHaveLength(1);
	});

	test('are reported by Task: Get, with the others', async () => {
		await open({ seconds: 0 });
		faultTask({ nsfw: [0] });
		const submitting = { model: MODEL, prompt: 'two', numberOfImages: 2 };
		const submitted = await lab.run(onTask('submit', submitting));
		const getting = { ...onTask('get', { options: QUICK }), settings: CONTINUE };
		const given = items(...jsons(submitted));
		Object.assign(getting.parameters, {
			taskId: '={{ $json.taskId }}',
			pollUrl: '={{ $json.pollUrl }}',
		});
		const run = await lab.run(getting, { items: given });

		expect(jsons(run)).toMatchObject([
			{ error: { kind: 'moderated', taskId: ids()[0] } },
			{ status: 'completed', image: { url: tasks()[1]?.url } },
		]);
	});
});

describe('the cost', () => {
	const priced = async (
		model: string,
		units: number | null,
		options: object = {},
		referenceImages: object = {},
	) => {
		faultTask({ billableUnits: units });
		const node = generating('queue', { size: '1:1', ...options }, CONTINUE);
		Object.assign(node.parameters, { model, referenceImages });
		return jsons(await lab.run(node, { items: prompts(1) }));
	};
	const usd = (amount: number, estimated = true) => ({
		amount,
		currency: 'USD',
		...(estimated && { estimated }),
	});
	const photo = { image: [{ source: 'url', url: 'https://a.example/photo.png' }] };

	test.each([
		['fal-ai/flux-2/klein/4b', 3, 0.015],
		['fal-ai/flux-2-flex', 2.5, 0.125],
		['fal-ai/flux-2/klein/9b/base/lora', 1, 0.02],
	])('is what fal has counted, at the list price (%s, %d units)', async (model, units, amount) => {
		await open();
		expect(await priced(model, units)).toMatchObject([{ cost: usd(amount) }]);
	});

	test('of an edit is counted at the price of edits', async () => {
		await open();
		expect(await priced('fal-ai/flux-2/klein/4b', 2, {}, photo)).toMatchObject([
			{ cost: usd(0.02) },
		]);
	});

	test('is divided among the images of a request', async () => {
		await open();
		const items = await priced(MODEL, 4, { numberOfImages: 4 });

		expect(items.map(({ cost }) => cost)).toEqual(Array(4).fill(usd(0.005)));
	});

	test.each([
		['the result counts nothing', 'fal-ai/flux-2/klein/4b', null, 0.005],
		['the first megapixel costs more', 'fal-ai/flux-2-pro', 7, 0.03],
	])('is the estimate of the request where %s', async (_why, model, units, amount) => {
		await open();
		expect(await priced(model, units)).toMatchObject([{ cost: usd(amount) }]);
	});

	test('is known where nothing was counted', async () => {
		await open();
		expect(await priced('fal-ai/flux-2-pro', 0)).toMatchObject([{ cost: usd(0, false) }]);
	});

	test('of a black image is in its error', async () => {
		await open();
		faultTask({ nsfw: [0] });
		expect(await priced(MODEL, 1)).toEqual([
			{
				error: expect.objectContaining({
					kind: 'moderated',
					cost: usd(0.005),
					description: expect.stringContaining('It cost about $0.005.') as string,
				}) as object,
			},
		]);
	});

	test('of a black image among several is in its error, and the sum is right', async () => {
		await open();
		faultTask({ nsfw: [1] });
		const items = await priced(MODEL, 3, { numberOfImages: 3 });
		const costs = items.map(({ cost, error }) => cost ?? (error as { cost?: unknown }).cost);

		expect(costs).toEqual(Array(3).fill(usd(0.005)));
	});

	test('of a request that a model has refused is in its error', async () => {
		await open();
		faultTask({ fail: { code: 'content_policy_violation', message: 'flagged' } });
		const run = await lab.run(generating('queue', {}, CONTINUE), { items: prompts(1) });

		expect(errors(run)).toMatchObject([
			{
				kind: 'moderated',
				cost: usd(0, false),
				description: expect.stringContaining('It cost $0.00.') as string,
			},
		]);
	});
});

describe('Image: Outpaint', () => {
	const outpainting = (parameters: object = {}, options: object = {}): NodeUnderTest => ({
		type: 'flux2Fal',
		parameters: {
			operation: 'outpaint',
			imageSource: 'url',
			imageUrl: 'https://a.example/photo.png',
			...parameters,
			options: { mode: 'queue', ...QUICK, ...options },
		},
		settings: CONTINUE,
	});
	const ENDPOINT = 'fal-ai/flux-2-pro/outpaint';

	test('sends each parameter as the endpoint has it, and neither prompt nor seed', async () => {
		await open();
		const run = await lab.run(
			outpainting(
				{ expandTop: 1, expandBottom: '2', expandLeft: 2048, expandRight: 4 },
				{ autoCrop: true, quality: 'fast', outputFormat: 'png' },
			),
		);

		expect(pathsOf('POST')).toEqual([`/fal/${ENDPOINT}`]);
		expect(lab.emulator.ledger.submissions.map(({ body }) => body)).toEqual([
			{
				image_url: 'https://a.example/photo.png',
				expand_top: 1,
				expand_bottom: 2,
				expand_left: 2048,
				expand_right: 4,
				auto_crop: true,
				mode: 'fast',
				output_format: 'png',
			},
		]);
		expect(jsons(run)).toMatchObject([{ model: ENDPOINT, status: 'completed', taskId: ids()[0] }]);
		expect(jsons(run)[0]).not.toHaveProperty('prompt');
		expect(pathsOf('GET')[0]).toBe(`/fal/fal-ai/flux-2-pro/requests/${ids()[0]}/status`);
	});

	test.each([
		[{}, 'Expand Top, Expand Bottom, Expand Left, Expand Right: set at least one'],
		[{ expandTop: 2049 }, 'Expand Top: 2049 is not between 0 and 2048; try 2048'],
	])('refuses %j before anything is sent', async (parameters, message) => {
		await open();
		const run = await lab.run(outpainting(parameters));

		expect(errors(run)).toMatchObject([
			{ kind: 'invalidInput', message: expect.stringContaining(message) as string },
		]);
		expect(lab.emulator.ledger.requests).toEqual([]);
	});
});

describe("through Hugging Face's router", () => {
	const BASE = '/fal/router/fal-ai/fal-ai/flux-2';
	const DEV = 'fal-ai/flux-2';

	async function openRouted(credential: Record<string, string> = {}): Promise<void> {
		await open();
		const { urls, keys } = lab.emulator;
		lab.credentials.flux2FalApi = {
			service: 'huggingFace',
			apiKey: keys.falToken,
			routerUrl: `${urls.fal}/router/fal-ai/`,
			...credential,
		};
	}

	const routed = (parameters: object = {}, options: object = {}): NodeUnderTest => {
		const node = generating('queue', options);
		Object.assign(node.parameters, { model: DEV, ...parameters });
		return node;
	};

	test('an image is submitted, polled and read below the paths of fal', async () => {
		await openRouted();
		const run = await lab.run(routed(), { items: prompts(1) });

		await expectEachImageOnce(run, 1);
		const [id] = ids();
		expect(pathsOf('POST')).toEqual([`${BASE}?_subdomain=queue`]);
		expect([...new Set(pathsOf('GET'))].slice(0, 2)).toEqual([
			`${BASE}/requests/${id}/status?_subdomain=queue`,
			`${BASE}/requests/${id}?_subdomain=queue`,
		]);
	});

	test('an edit goes to its endpoint, and the organization pays', async () => {
		await openRouted({ billTo: 'acme ' });
		const referenceImages = { image: [{ source: 'url', url: 'https://a.example/photo.png' }] };
		const run = await lab.run(routed({ referenceImages }), { items: prompts(1) });

		await expectEachImageOnce(run, 1);
		expect(pathsOf('POST')).toEqual([`${BASE}/edit?_subdomain=queue`]);
		expect(lab.emulator.ledger.submissions[0]?.headers).toMatchObject({ 'x-hf-bill-to': 'acme' });
	});

	test('a task is collected by its item', async () => {
		await openRouted();
		const submitted = await lab.run(onTask('submit', { model: DEV, prompt: 'one' }));
		const [{ taskId, pollUrl }] = jsons(submitted) as [Record<string, unknown>];
		const run = await lab.run(onTask('get', { taskId, pollUrl, options: QUICK }));

		expect(pollUrl).toBe(
			`${lab.emulator.urls.fal}/router/fal-ai/fal-ai/flux-2/requests/${String(taskId)}/status`,
		);
		expect(jsons(run)).toMatchObject([{ taskId, status: 'completed' }]);
	});

	test('a lost submit is not sent again', async () => {
		await openRouted();
		lab.emulator.rule({ route: 'fal.submit' }, { status: 503, accepted: true });
		const node = routed();
		node.settings = RETRY;
		const run = await lab.run(node, { items: prompts(1) });

		expect(lab.emulator.ledger.submissions).toHaveLength(1);
		expect(run.error?.description).toContain('Nobody knows whether this request was billed');
	});

	const unknown: Array<[what: string, parameters: object, options: object, message: string]> = [
		[
			'a model that it is not known to have',
			{ model: 'fal-ai/flux-2-pro' },
			{},
			'Model: images from text with FLUX.2 [pro] are not available with a token of Hugging Face',
		],
		['events', {}, { mode: 'events' }, 'How to Wait: must be Poll with a token of Hugging Face'],
		[
			'headers of fal',
			{},
			{ queuePriority: 'low' },
			'Queue Priority: must be unset with a token of Hugging Face',
		],
	];

	test.each(unknown)(
		'%s is refused before anything is sent',
		async (_what, own, options, message) => {
			await openRouted();
			const run = await lab.run(routed(own, options), { items: prompts(1) });

			expect(run.error?.message).toBe(message);
			expect(lab.emulator.ledger.requests).toEqual([]);
		},
	);

	test('a custom model is tried, and the refusal says what it is', async () => {
		await openRouted();
		const custom = { model: 'custom', customModel: 'fal-ai/flux-9' };
		const run = await lab.run(routed(custom), { items: prompts(1) });

		expect(run.error?.message).toContain('Model not supported by provider fal-ai');
		expect(lab.emulator.ledger.submissions).toHaveLength(1);
	});

	test.each([
		['hf_madeUpWrong', 'auth'],
		['falTokenWithoutCredits', 'credits'],
	] as const)('the token %s is refused as what it is: %s', async (token, kind) => {
		await openRouted();
		const known: Record<string, string> = lab.emulator.keys;
		lab.credentials.flux2FalApi!.apiKey = known[token] ?? token;
		const run = await lab.run(routed(), { items: prompts(1) });

		expect(run.error?.context).toMatchObject({ kind });
	});

	test('nothing can be cancelled: a stop ends the waiting only', async () => {
		await openRouted();
		faultTask({ seconds: 60 });
		const running = lab.start(routed({}, QUICK), { items: prompts(1) });
		await until(() => polls('fal.status').length > 0);
		running.stop();
		await running.done;
		const run = await lab.run(onTask('cancel', { taskId: ids()[0], model: DEV }));

		expect(pathsOf('PUT')).toEqual([]);
		expect(run.error?.message).toBe('Operation: this service cannot cancel');
	});
});

describe('a submit', () => {
	const lost: Array<[string, Effect]> = [
		['answered with 503', { status: 503, body: { detail: 'Service Unavailable' }, accepted: true }],
		['whose connection is cut', { reset: 'beforeHeaders', accepted: true }],
		['whose response is cut short', { truncateJson: true }],
	];

	test.each(lost)('%s is not sent again, and the error says so', async (_how, effect) => {
		await open();
		lab.emulator.rule({ route: 'fal.submit' }, effect);
		const run = await lab.run(generating('queue', {}, RETRY), { items: prompts(1) });

		expect(lab.emulator.ledger.submissions).toHaveLength(1);
		expect(run.error?.description).toContain('Nobody knows whether this request was billed');
	});

	const refused: Array<[string, Effect['error'], string]> = [
		['a key that is unknown', 'fal.key', 'auth'],
		['a key without permission', 'fal.permission', 'auth'],
		['an account without balance', 'fal.credits', 'credits'],
		['an application that does not exist', 'fal.model', 'notFound'],
	];

	test.each(refused)('with %s is refused as what it is', async (_what, error, kind) => {
		await open();
		lab.emulator.rule({ route: 'fal.submit' }, { error });
		const run = await lab.run(generating('queue'), { items: prompts(1) });

		expect(run.error?.context).toMatchObject({ kind });
		expect(lab.emulator.ledger.submissions).toHaveLength(1);
	});

	test('over a limit is sent again', async () => {
		await open();
		const headers = { 'retry-after': '0.01' };
		lab.emulator.rule({ route: 'fal.submit', times: 1 }, { error: 'fal.rateLimit', headers });
		const run = await lab.run(generating('queue'), { items: prompts(1) });

		expect(run.status).toBe('success');
		expect(lab.emulator.ledger.submissions.map(({ status }) => status)).toEqual([429, 200]);
	});
});

describe('Task: Cancel', () => {
	async function cancelled(task: NonNullable<Effect['task']>): Promise<unknown> {
		faultTask(task);
		const submitted = await lab.run(onTask('submit', { model: MODEL, prompt: 'one' }));
		const [{ taskId, pollUrl }] = jsons(submitted) as [Record<string, unknown>];
		const run = await lab.run(onTask('cancel', { taskId, pollUrl }));
		expect(pathsOf('PUT')).toEqual([`/fal/fal-ai/flux-2/requests/${String(taskId)}/cancel`]);
		return jsons(run)[0]?.status;
	}

	test('of a running task reports that it has ended by it', async () => {
		await open();
		expect(await cancelled({ seconds: 60 })).toBe('cancelled');
	});

	test('of a running task that is not known afterwards claims no more than the request', async () => {
		await open({ falCancelled: 'missing' });
		expect(await cancelled({ seconds: 60 })).toBe('cancellationRequested');
	});

	test('of a task that has ended reports its end', async () => {
		await open();
		expect(await cancelled({ seconds: 0 })).toBe('completed');
	});

	test('of a task that has failed reports its failure', async () => {
		await open();
		expect(await cancelled({ seconds: 0, fail: { message: 'no' } })).toBe('failed');
	});

	test('of a task that does not exist is an error', async () => {
		await open();
		const model = 'fal-ai/flux-2-max';
		const run = await lab.run(onTask('cancel', { taskId: 'unknown', pollUrl: '', model }));

		expect(pathsOf('PUT')).toEqual(['/fal/fal-ai/flux-2-max/requests/unknown/cancel']);
		expect(run.error?.context).toMatchObject({ kind: 'notFound' });
	});

	test.each(['queue', 'events'] as const)(
		'by somebody else is reported as that, and the task is kept (%s)',
		async (mode) => {
			await open();
			faultTask({ seconds: 60 });
			const { done } = lab.start(generating(mode, QUICK, CONTINUE), { items: prompts(1) });
			await until(() => polls('fal.status').length > 0);
			const { urls, keys } = lab.emulator;
			await fetch(`${urls.fal}/fal-ai/flux-2/requests/${ids()[0]}/cancel`, {
				method: 'PUT',
				headers: { authorization: `Key ${keys.falKey}` },
			});

			expect(errors(await done)).toMatchObject([
				{
					kind: 'unavailable',
					message: 'fal could not make this image: Request was cancelled, client_cancelled',
					description: expect.stringContaining('not submitted again by itself'),
					taskId: ids()[0],
				},
			]);
		},
	);
});

describe('Task: Get', () => {
	test('needs no poll URL where the item or the panel names the model', async () => {
		await open({ seconds: 0 });
		await lab.run(onTask('submit', { model: 'fal-ai/flux-2-max', prompt: 'one' }));
		const [taskId] = ids();
		const options = QUICK;
		const byPanel = onTask('get', { taskId, pollUrl: '', model: 'fal-ai/flux-2-max', options });
		const byItem = onTask('get', { taskId, pollUrl: '', options });
		const given = items({ taskId, model: 'fal-ai/flux-2-max' });
		const runs = [await lab.run(byPanel), await lab.run(byItem, { items: given })];

		expect(runs.map((run) => jsons(run)[0])).toMatchObject([
			{ taskId, status: 'completed' },
			{ taskId, status: 'completed' },
		]);
	});

	test('refuses a poll URL that may not see the key, before anything is sent', async () => {
		await open();
		const pollUrl = 'https://fal.example.com/fal-ai/flux-2/requests/a/status';
		const run = await lab.run(onTask('get', { taskId: 'a', pollUrl }));

		expect(run.error?.message).toBe('Poll URL: is no address of fal that may see the key');
		expect(lab.emulator.ledger.requests).toEqual([]);
	});

	test('without waiting shows the place in the queue', async () => {
		await open();
		faultTask({ seconds: 60, queuePosition: 3 });
		const submitted = await lab.run(onTask('submit', { model: MODEL, prompt: 'one' }));
		const [{ taskId, pollUrl }] = jsons(submitted) as [Record<string, unknown>];
		const run = await lab.run(onTask('get', { taskId, pollUrl, waitForCompletion: false }));

		expect(jsons(run)).toMatchObject([{ status: 'pending', taskId, pollUrl, queuePosition: 3 }]);
	});
});

describe('events', () => {
	test('make polls needless but one, on a stream for each task', async () => {
		await open({ seconds: 0.2 });
		const run = await lab.run(generating('events'), { items: prompts(4) });

		await expectEachImageOnce(run, 4);
		expect(
			polls('fal.status')
				.map(({ taskId }) => taskId)
				.sort(),
		).toEqual(ids().sort());
		const { streams } = lab.emulator.ledger;
		expect(streams.flatMap(({ taskIds }) => taskIds).sort()).toEqual(ids().sort());
		await until(() => streams.every(({ closedAt }) => closedAt !== undefined));
	});

	const faults: Array<[string, Effect]> = [
		['are refused', { error: 'fal.internal' }],
		['break off before the end', { stream: { breaks: 'beforeEvent' } }],
		['break off within it', { stream: { breaks: 'inEvent' } }],
		['break off after it', { stream: { breaks: 'afterEvent' } }],
		['are silent', { stream: { silent: true } }],
		['come in small pieces', { slowBytes: true }],
	];

	test.each(faults)('that %s cost nothing', async (_how, effect) => {
		await open();
		lab.emulator.rule({ route: 'fal.events' }, effect);
		const run = await lab.run(generating('events', { pollInterval: 0.1 }), { items: prompts(2) });

		await expectEachImageOnce(run, 2);
	});

	test.each(['lost', 'twice'] as const)('whose end is %s cost nothing', async (event) => {
		await open();
		faultTask({ event });
		const run = await lab.run(generating('events', { pollInterval: 0.1 }), { items: prompts(2) });

		await expectEachImageOnce(run, 2);
	});

	test('bring a failure too', async () => {
		await open();
		faultTask({ fail: { code: 'content_policy_violation', message: 'flagged' } });
		const run = await lab.run(generating('events', {}, CONTINUE), { items: prompts(1) });

		expect(errors(run)).toMatchObject([{ kind: 'moderated', taskId: ids()[0] }]);
		expect(polls('fal.status')).toHaveLength(1);
	});
});

describe('the credential', () => {
	const testing = async (data: Record<string, string>) =>
		await testCredential(lab.engine, 'flux2FalApi', { baseUrl: lab.emulator.urls.fal, ...data });

	test("is tested at Hugging Face's router, where its token is for it", async () => {
		await open();
		const { urls, keys, ledger } = lab.emulator;
		const router = { service: 'huggingFace', routerUrl: `${urls.fal}/router/fal-ai` };
		const results = [
			await testing({ ...router, apiKey: keys.falToken }),
			await testing({ ...router, apiKey: keys.falKey }),
		];

		expect(results.map(({ status }) => status)).toEqual(['OK', 'Error']);
		expect(ledger.submissions).toEqual([]);
	});

	test('is tested without making anything', async () => {
		await open();
		const { keys, ledger } = lab.emulator;
		const results = [
			await testing({ apiKey: ` ${keys.falKey}\n` }),
			await testing({ apiKey: 'made-up-id:made-up-wrong' }),
			await testing({ apiKey: keys.falKeyWithoutPermission }),
		];

		expect(results).toEqual([
			{ status: 'OK', message: expect.any(String) },
			{ status: 'Error', message: 'This API key is not accepted by the chosen server' },
			{
				status: 'Error',
				message: 'The API key is not permitted to run models, or the account has no balance',
			},
		]);
		expect(ledger.submissions).toEqual([]);
	});
});
