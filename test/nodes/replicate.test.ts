import type { Effect } from '../emulator';
import type { Run } from '../support/engine';
import { testCredential } from '../support/credentialTest';
import {
	checkpointsOf,
	imagesIn,
	imagesOf,
	items,
	NODE,
	openLab,
	prompts,
	QUICK,
	until,
	type Lab,
	type LabOptions,
	type NodeUnderTest,
} from '../support/lab';
import { placed } from '../support/placed';

/** What only Replicate does: six states, moderation as an error text, files that go after an hour, uploads, pages. */

const CONTINUE = { onError: 'continueRegularOutput' } as const;
const RETRY = { retryOnFail: true, maxTries: 2, waitBetweenTries: 1 };
const MODEL = 'black-forest-labs/flux-2-pro';
const KLEIN = 'black-forest-labs/flux-2-klein-4b';
const BASE = '/replicate/v1';

let lab: Lab;

async function open(emulator: LabOptions['emulator'] = {}): Promise<void> {
	lab = await openLab({ emulator: { images: 'plain', ...emulator } });
	lab.emulator.rule({ route: 'replicate.submit' }, { as: { width: 64, height: 64 } });
}

afterEach(async () => await lab.close());

const generating = (
	options: object = {},
	settings: NodeUnderTest['settings'] = {},
): NodeUnderTest => ({
	type: 'flux2Replicate',
	parameters: {
		model: MODEL,
		prompt: '={{ $json.prompt }}',
		...placed('flux2Replicate', { maxConcurrent: 20, ...QUICK, ...options }),
	},
	settings,
});

const onTask = (operation: string, parameters: object = {}): NodeUnderTest => ({
	type: 'flux2Replicate',
	parameters: { resource: 'task', operation, ...parameters },
});

const faultTask = (task: NonNullable<Effect['task']>, times?: number) =>
	lab.emulator.rule({ route: 'replicate.submit', times }, { task });

const jsons = (run: Run) => run.items(NODE).map(({ json }) => json);
const errors = (run: Run) => jsons(run).map(({ error }) => error as Record<string, unknown>);
const tasks = () => lab.emulator.ledger.tasks;
const ids = () => tasks().map(({ id }) => id);
const pathsOf = (method: string) =>
	lab.emulator.ledger.requests.filter((one) => one.method === method).map(({ path }) => path);

async function expectEachImageOnce(run: Run, count: number): Promise<void> {
	expect(run.status).toBe('success');
	expect(lab.emulator.ledger.submissions).toHaveLength(count);
	expect(tasks()).toHaveLength(count);
	expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(count)));
	expect(checkpointsOf(run)).toEqual({});
}

describe('an image', () => {
	test('comes with everything that is known about it', async () => {
		await open();
		const run = await lab.run(generating({ seed: 7 }), { items: prompts(1) });

		const [record] = tasks();
		expect(run.items(NODE)).toMatchObject([
			{
				json: {
					provider: 'replicate',
					model: MODEL,
					status: 'completed',
					taskId: record?.id,
					prompt: 'item 1',
					seed: 7,
					cost: { amount: 0.03, currency: 'USD', estimated: true },
					image: { width: 64, height: 64, mimeType: 'image/webp', url: record?.url },
					timing: { polls: lab.emulator.ledger.polls.length },
				},
				binary: { data: { fileExtension: 'webp' } },
				pairedItem: { item: 0 },
			},
		]);
		await expectEachImageOnce(run, 1);
	});

	test.each([
		['a create that has another status', { replicateCreatedStatus: 202 }],
		['an address of a stream', { replicateStreamUrl: true }],
	] as const)('comes with %s too', async (_reading, options) => {
		await open(options);
		await expectEachImageOnce(await lab.run(generating(), { items: prompts(2) }), 2);
	});

	test('of [klein] stands in a list', async () => {
		await open();
		const node = generating();
		Object.assign(node.parameters, { model: KLEIN });
		await expectEachImageOnce(await lab.run(node, { items: prompts(1) }), 1);
	});

	test('that the response to the create brings is not asked for again', async () => {
		await open();
		faultTask({ immediate: true });
		await expectEachImageOnce(await lab.run(generating(), { items: prompts(1) }), 1);
		expect(lab.emulator.ledger.polls).toEqual([]);
	});

	test('is one of several, each a prediction of its own', async () => {
		await open();
		const run = await lab.run(generating({ numberOfImages: 3, seed: 5 }), { items: prompts(1) });

		expect(jsons(run).map(({ seed }) => seed)).toEqual([5, 6, 7]);
		expect(lab.emulator.ledger.submissions).toHaveLength(3);
	});
});

describe('the addresses of a prediction', () => {
	const addressed = (urls: unknown) =>
		lab.emulator.rule(
			{ route: 'replicate.submit' },
			{ mutate: (response) => ({ ...response, body: { ...(response.body as object), urls } }) },
		);

	test.each([
		['without any', undefined],
		['on a foreign host', { get: 'https://api.example.com/v1/predictions/1' }],
		['of another prediction', { get: 'http://127.0.0.1/replicate/v1/predictions/1' }],
		['that are no text', { get: 1, cancel: null }],
	])('follow from its ID (%s)', async (_what, urls) => {
		await open();
		addressed(urls);
		const run = await lab.run(generating(), { items: prompts(1) });

		await expectEachImageOnce(run, 1);
		expect(pathsOf('GET')).toContain(`${BASE}/predictions/${ids()[0]}`);
	});
});

describe('a failure', () => {
	const kinds: Array<[string, string | undefined, string]> = [
		['The input or output was flagged as sensitive. Please try again.', 'E005', 'moderated'],
		['Please try again with different inputs.', 'E005', 'moderated'],
		[
			'NSFW content detected. Try running it again, or try a different prompt.',
			undefined,
			'moderated',
		],
		['Director: unexpected error handling prediction', 'E6716', 'unavailable'],
		['Out of memory', 'E1001', 'unavailable'],
		['Something new', 'E9999', 'unavailable'],
		['', undefined, 'unavailable'],
	];

	test.each(kinds)('"%s" with the code %s is %s … of kind', async (message, code, kind) => {
		await open();
		faultTask({ fail: { message, code } });
		const run = await lab.run(generating({}, CONTINUE), { items: prompts(1) });

		expect(errors(run)).toMatchObject([
			{ kind, taskId: ids()[0], message: expect.stringContaining(message) },
		]);
		expect(lab.emulator.ledger.submissions).toHaveLength(1);
	});

	test('of a moderated prediction is never submitted again', async () => {
		await open();
		faultTask({ fail: { message: 'Try other inputs.', code: 'E005' } });
		const first = await lab.run(generating({}, RETRY), { items: prompts(1) });
		const sent = lab.emulator.ledger.requests.length;
		const second = await lab.retry(first, generating({}, RETRY));

		expect(second.error?.message).toBe(first.error?.message);
		expect(lab.emulator.ledger.requests).toHaveLength(sent);
	});

	test('never holds the word that makes n8n take it for a stop', async () => {
		await open();
		faultTask({ fail: { message: 'The prediction was canceled by the system' } });
		const run = await lab.run(generating(), { items: prompts(1) });

		expect(run.status).toBe('error');
		expect(run.error?.message).toMatch(/cancelled by the system/);
		expect(run.error?.message).not.toMatch(/canceled/);
	});

	test('of a prediction that was aborted has never run, and is submitted again by a retry', async () => {
		await open();
		faultTask({ status: 'aborted' }, 1);
		const run = await lab.run(generating({}, RETRY), { items: prompts(1) });

		expect(run.status).toBe('success');
		expect(lab.emulator.ledger.submissions).toHaveLength(2);
	});

	test('by somebody who has cancelled it is reported as that, and the task is kept', async () => {
		await open();
		faultTask({ seconds: 60 });
		const { done } = lab.start(generating({}, CONTINUE), { items: prompts(1) });
		await until(() => lab.emulator.ledger.polls.length > 0);
		const { urls, keys } = lab.emulator;
		await fetch(`${urls.replicate}/predictions/${ids()[0]}/cancel`, {
			method: 'POST',
			headers: { authorization: `Bearer ${keys.replicateKey}` },
		});

		expect(errors(await done)).toMatchObject([
			{
				message: 'The task was cancelled at Replicate',
				description: expect.stringContaining('not submitted again by itself'),
				taskId: ids()[0],
			},
		]);
	});

	test('of a wrong parameter names it by its label', async () => {
		await open();
		const node = generating({ customBody: '{ "input": { "output_format": "jpeg" } }' }, RETRY);
		const run = await lab.run(node, { items: prompts(1) });

		expect(run.error?.message).toBe(
			'Replicate did not accept this request: Output Format: output_format must be one of the following: "webp", "jpg", "png" (HTTP 422)',
		);
		expect(run.error?.context).toMatchObject({ kind: 'invalidInput' });
		expect(tasks()).toEqual([]);
	});
});

describe('files that are gone', () => {
	test('fail as expired, and are not paid for again by a retry of the node', async () => {
		await open({ seconds: 0, replicateFileSeconds: 0 });
		const run = await lab.run(generating({}, RETRY), { items: prompts(1) });

		expect(run.error?.message).toBe(
			'Replicate no longer has what was asked for: the files of a prediction are deleted an hour after it has ended',
		);
		expect(run.error?.context).toMatchObject({ kind: 'expired', taskId: ids()[0] });
		expect(lab.emulator.ledger.submissions).toHaveLength(1);
	}, 40_000);
});

describe('a create', () => {
	const lost: Array<[string, Effect]> = [
		['answered with 503', { status: 503, body: { detail: 'Service Unavailable' }, accepted: true }],
		['whose connection is cut', { reset: 'beforeHeaders', accepted: true }],
		['whose response is cut short', { truncateJson: true }],
	];

	test.each(lost)('%s is not sent again, and the error says so', async (_how, effect) => {
		await open();
		lab.emulator.rule({ route: 'replicate.submit' }, effect);
		const run = await lab.run(generating({}, RETRY), { items: prompts(1) });

		expect(lab.emulator.ledger.submissions).toHaveLength(1);
		expect(run.error?.description).toContain('Nobody knows whether this request was billed');
	});

	const refused: Array<[string, Effect['error'], string]> = [
		['a token that is unknown', 'replicate.key', 'auth'],
		['an account without credit', 'replicate.credits', 'credits'],
		['a spending limit', 'replicate.spendLimit', 'credits'],
		['a model that does not exist', 'replicate.notFound', 'notFound'],
	];

	test.each(refused)('with %s is refused as what it is', async (_what, error, kind) => {
		await open();
		lab.emulator.rule({ route: 'replicate.submit' }, { error });
		const run = await lab.run(generating(), { items: prompts(1) });

		expect(run.error?.context).toMatchObject({ kind });
		expect(lab.emulator.ledger.submissions).toHaveLength(1);
	});

	test.each(['replicate.rateLimit', 'replicate.rateLimitOfLowCredit'] as const)(
		'over a limit is sent again when its body says (%s)',
		async (error) => {
			await open();
			lab.emulator.rule({ route: 'replicate.submit', times: 1 }, { error });
			const startedAt = Date.now();
			const run = await lab.run(generating(), { items: prompts(1) });

			expect(run.status).toBe('success');
			expect(lab.emulator.ledger.submissions.map(({ status }) => status)).toEqual([429, 201]);
			expect(Date.now() - startedAt).toBeGreaterThanOrEqual(1000);
		},
	);
});

describe('the upload of a reference image', () => {
	async function editing(effects: Effect[] = []): Promise<Run> {
		await open();
		effects.forEach((effect) => lab.emulator.rule({ route: 'replicate.upload', times: 1 }, effect));
		const bytes = await noise();
		const binary = await lab.engine.store(bytes, 'image/png', 'a.png');
		const node = generating({}, { retryOnFail: false });
		Object.assign(node.parameters, {
			operation: 'edit',
			referenceImages: { image: [{ source: 'binary', binaryPropertyName: 'data' }] },
		});
		return await lab.run(node, {
			items: [{ json: { prompt: 'item 1' }, binary: { data: binary } }],
		});
	}

	async function noise(): Promise<Buffer> {
		const url = `${lab.emulator.urls.results}/references/a.png?width=2048&height=2048`;
		return Buffer.from(await (await fetch(url)).arrayBuffer());
	}
	const uploads = () => pathsOf('POST').filter((path) => path === `${BASE}/files`);

	test('is tried again, because it costs nothing', async () => {
		const run = await editing([{ status: 503 }, { reset: 'beforeHeaders' }]);

		expect(run.status).toBe('success');
		expect(uploads()).toHaveLength(3);
		expect(lab.emulator.ledger.submissions).toHaveLength(1);
	});

	test('that is refused leaves nothing to pay for', async () => {
		const run = await editing([{ error: 'replicate.fileTooLarge' }]);

		expect(run.error?.message).toBe(
			'Replicate did not accept this request: Files must be less than 100MB in size (HTTP 413)',
		);
		expect(lab.emulator.ledger.submissions).toEqual([]);
	});
});

describe('Task: Cancel', () => {
	async function cancelled(task: NonNullable<Effect['task']>): Promise<unknown> {
		faultTask(task);
		const submitted = await lab.run(onTask('submit', { prompt: 'one' }));
		const [{ taskId }] = jsons(submitted) as [Record<string, unknown>];
		const run = await lab.run(onTask('cancel', { taskId }));
		expect(pathsOf('POST').at(-1)).toBe(`${BASE}/predictions/${String(taskId)}/cancel`);
		return jsons(run)[0]?.status;
	}

	test.each([
		['running', { seconds: 60 }, 'cancelled'],
		['finished', { seconds: 0 }, 'completed'],
		['failed', { seconds: 0, fail: { message: 'no' } }, 'failed'],
	])('of a %s task reports what became of it', async (_what, task, status) => {
		await open();
		expect(await cancelled(task)).toBe(status);
	});

	test('of a task that has ended reports its end, also where it is refused', async () => {
		await open({ replicateLateCancel: 'refused' });
		expect(await cancelled({ seconds: 0 })).toBe('completed');
	});

	test('of a task that does not exist is an error', async () => {
		await open();
		const run = await lab.run(onTask('cancel', { taskId: 'unknown' }));
		expect(run.error?.context).toMatchObject({ kind: 'notFound' });
	});
});

describe('Task: Get', () => {
	test('needs the ID only, and says the model', async () => {
		await open({ seconds: 0 });
		await lab.run(onTask('submit', { model: KLEIN, prompt: 'one' }));
		const [taskId] = ids();
		const run = await lab.run(onTask('get', { taskId, options: QUICK }));

		expect(jsons(run)).toMatchObject([{ taskId, model: KLEIN, status: 'completed' }]);
	});

	test('shows the whole response without the bytes of reference images', async () => {
		await open({ seconds: 0 });
		const url = `${lab.emulator.urls.results}/references/a.png?width=64&height=64`;
		const bytes = Buffer.from(await (await fetch(url)).arrayBuffer());
		const dataUri = `data:image/png;base64,${bytes.toString('base64')}`;
		const referenceImages = { image: [{ source: 'url', url: dataUri }] };
		await lab.run(onTask('submit', { prompt: 'one', referenceImages }));
		const run = await lab.run(onTask('get', { taskId: ids()[0], options: { simplify: false } }));

		expect(jsons(run)).toMatchObject([
			{ raw: { status: 'succeeded', input: { prompt: 'one', input_images: ['(data URI)'] } } },
		]);
	});
});

describe('Task: Get Many', () => {
	async function submitThree(): Promise<void> {
		await open({ seconds: 0, replicatePageSize: 2 });
		const node = onTask('submit', { prompt: '={{ $json.prompt }}', options: { maxConcurrent: 1 } });
		await lab.run(node, { items: items(...['one', 'two', 'three'].map((prompt) => ({ prompt }))) });
	}
	const listed = async (parameters: object) => jsons(await lab.run(onTask('getMany', parameters)));
	const pages = () => pathsOf('GET').filter((path) => path.startsWith(`${BASE}/predictions?`));

	test('lists the newest first, on as many pages as are needed', async () => {
		await submitThree();
		const rows = await listed({ returnAll: true });

		expect(rows.map(({ prompt }) => prompt)).toEqual(['three', 'two', 'one']);
		expect(pages()).toHaveLength(1);
		expect(rows[0]).toEqual({
			provider: 'replicate',
			taskId: ids()[2],
			model: MODEL,
			status: 'succeeded',
			prompt: 'three',
			url: tasks()[2]?.url,
			submittedAt: expect.stringMatching(/^20\d\d-.*Z$/),
			completedAt: expect.stringMatching(/^20\d\d-.*Z$/),
		});
	});

	test('asks for no more pages than the limit needs', async () => {
		await submitThree();

		expect(await listed({ returnAll: false, limit: 2 })).toHaveLength(2);
		expect(pages()).toEqual([]);
	});

	test('finds those of a time: where the response to a submit was lost', async () => {
		await submitThree();
		const at = new Date(tasks()[1]!.acceptedAt).toISOString();
		const after = await listed({ returnAll: true, filters: { createdAfter: at } });
		const before = await listed({ returnAll: true, filters: { createdBefore: at } });

		expect([...after, ...before].map(({ prompt }) => prompt)).toEqual(['three', 'two', 'one']);
		expect(await listed({ returnAll: true, filters: { source: 'web' } })).toEqual([]);
	});

	test('follows the pages on its own host, and never in a circle', async () => {
		await submitThree();
		const next = 'https://foreign.example/v1/predictions?cursor=1';
		lab.emulator.rule(
			{ route: 'replicate.list' },
			{ mutate: (response) => ({ ...response, body: { ...(response.body as object), next } }) },
		);

		expect((await listed({ returnAll: true })).length).toBeGreaterThan(2);
		expect(pages()).toEqual([`${BASE}/predictions?cursor=1`]);
		expect(lab.emulator.ledger.leaks).toEqual([]);
	});

	test('with Simplify off, shows each prediction as it is', async () => {
		await submitThree();
		const [row] = await listed({ returnAll: false, limit: 1, simplify: false });
		expect(row).toMatchObject({ provider: 'replicate', raw: { id: ids()[2], version: 'hidden' } });
	});
});

describe('the credential test', () => {
	const result = async (changes: object) => {
		const credential = { ...lab.credentials.flux2ReplicateApi, ...changes };
		return await testCredential(lab.engine, 'flux2ReplicateApi', credential);
	};

	test('accepts a token, and refuses another one', async () => {
		await open();
		expect(await result({})).toMatchObject({ status: 'OK' });
		expect(await result({ baseUrl: ` ${lab.emulator.urls.replicate}/ ` })).toMatchObject({
			status: 'OK',
		});
		expect(await result({ apiToken: 'made-up-wrong' })).toEqual({
			status: 'Error',
			message: 'Replicate does not accept this API token',
		});
		expect(lab.emulator.ledger.submissions).toEqual([]);
	});
});

test('what the price list says is the estimate, without a credential', async () => {
	await open();
	const estimating = (parameters: object): NodeUnderTest => ({
		type: 'flux2Replicate',
		parameters: { operation: 'estimateCost', prompt: 'one', ...parameters },
	});
	const estimate = async (parameters: object) =>
		jsons(await lab.run(estimating(parameters)))[0]?.estimate;
	const formula = { currency: 'USD', exact: false, basis: 'formula' };

	expect(await estimate({ model: MODEL })).toEqual({ amount: 0.03, ...formula });
	expect(await estimate({ model: MODEL, size: '1:1', megapixels: 4 })).toEqual({
		amount: 0.075,
		...formula,
	});
	expect(await estimate({ model: KLEIN, size: '1:1' })).toBeUndefined();
	expect(lab.emulator.ledger.requests).toEqual([]);
});
