import type { IBinaryData } from 'n8n-workflow';
import sharp from 'sharp';
import { Flux2Error, type Cost } from '../../../nodes/shared/core/errors';
import { createRedactor } from '../../../nodes/shared/core/redact';
import {
	collectImage,
	errorJson,
	submittedItem,
	taskItem,
	type CollectTarget,
	type ImageSummary,
} from '../../../nodes/shared/operations/items';
import {
	binaryField,
	download,
	fileName,
	simplify,
} from '../../../nodes/shared/parameters/options';
import { Settings, type Param } from '../../../nodes/shared/parameters/param';
import type { Done, Task } from '../../../nodes/shared/tasks/protocol';

/** What output items look like, wherever the image comes from. */

const SECRET = 'key-0123456789';
const SUBMITTED_AT = '2026-11-21T12:00:00.000Z';
const IMAGE_URL = 'https://cdn.example.net/1.png';

let bytes: Buffer;
beforeAll(async () => {
	const canvas = { width: 40, height: 30, channels: 3, background: 'teal' } as const;
	bytes = await sharp({ create: canvas }).png().toBuffer();
});

const settingsOf = (...values: Array<[Param, unknown]>) =>
	new Settings(new Map(values.map(([{ property }, value]) => [property.name, value])));

/** A target that stores nothing: its binary says under which name and type it would. */
function targetOf(settings = new Settings(), more: Partial<CollectTarget> = {}): CollectTarget {
	return {
		provider: 'made-up',
		settings,
		redact: createRedactor([SECRET]),
		origin: 'https://api.example.com',
		signal: new AbortController().signal,
		deadline: Date.now() + 10_000,
		helpers: {
			httpRequest: async () => await Promise.reject(new Error('no download was expected')),
			prepareBinaryData: async (_content, name = '', mimeType = ''): Promise<IBinaryData> => ({
				data: '',
				mimeType,
				fileName: name,
			}),
		},
		...more,
	};
}

const task: Task = { id: 't1', model: 'vendor/flux', submittedAt: SUBMITTED_AT };
const doneWith = (more: Partial<Done> = {}): Done => ({
	status: 'done',
	task,
	readyAt: SUBMITTED_AT,
	images: [{ base64: bytes.toString('base64') }],
	raw: { any: 'response' },
	...more,
});

const collect = async (
	settings?: Settings,
	done: Partial<Done> = {},
	summary: ImageSummary = {},
	more: Partial<CollectTarget> = {},
) => await collectImage(targetOf(settings, more), summary, doneWith(done));

const notDownloaded = () => settingsOf([download, false]);

describe('the item of an image', () => {
	test('says what was asked for, what came and how long it took; unknown values are left out', async () => {
		const summary = { model: 'vendor/flux', prompt: 'A fox', seed: 7 };
		const { json, binary } = await collect(undefined, {}, summary, { polls: 3 });

		expect(json).toEqual({
			provider: 'made-up',
			model: 'vendor/flux',
			status: 'completed',
			taskId: 't1',
			prompt: 'A fox',
			seed: 7,
			image: { width: 40, height: 30, mimeType: 'image/png', fileSize: bytes.length },
			timing: {
				submittedAt: SUBMITTED_AT,
				completedAt: expect.any(String),
				seconds: expect.any(Number),
				polls: 3,
			},
		});
		const { seconds, completedAt } = json.timing as { seconds: number; completedAt: string };
		expect(seconds).toBe((Date.parse(completedAt) - Date.parse(SUBMITTED_AT)) / 1000);
		expect(binary).toEqual({
			data: { data: '', mimeType: 'image/png', fileName: 'a-fox-t1.png' },
		});
	});

	test('begins with what matters in a table', async () => {
		const settings = settingsOf([simplify, false]);
		const price = { cost: { amount: 1, currency: 'USD' }, megapixels: { output: 1 } };
		const done = { seed: 7, revisedPrompt: 'A red fox', price };
		const { json } = await collect(settings, done, { prompt: 'A fox', model: 'flux' });
		expect(Object.keys(json)).toEqual([
			'prompt',
			'model',
			'image',
			'cost',
			'seed',
			'status',
			'revisedPrompt',
			'megapixels',
			'taskId',
			'timing',
			'provider',
			'raw',
		]);
	});

	test('has only its URL when it is not downloaded, and bytes that came with the response all the same', async () => {
		const byUrl = await collect(notDownloaded(), { images: [{ url: IMAGE_URL }] });
		expect(byUrl.json.image).toEqual({ url: IMAGE_URL });
		expect(byUrl).not.toHaveProperty('binary');
		expect(await collect(notDownloaded())).toHaveProperty('binary.data');
	});

	test('has the response under raw with Simplify off only', async () => {
		expect((await collect()).json).not.toHaveProperty('raw');
		const { json } = await collect(settingsOf([simplify, false]));
		expect(json.raw).toEqual({ any: 'response' });
	});

	test('shows no secret, neither in a text nor in the name of a field', async () => {
		const { json } = await collect(
			settingsOf([simplify, false], [download, false]),
			{
				images: [{ url: `${IMAGE_URL}?key=${SECRET}` }],
				raw: { [SECRET]: [`Bearer ${SECRET}`] },
			},
			{ prompt: SECRET },
		);
		expect(json).toMatchObject({
			prompt: '***',
			image: { url: `${IMAGE_URL}?key=***` },
			raw: { '***': ['Bearer ***'] },
		});
		expect(JSON.stringify(json)).not.toContain(SECRET);
	});

	test("names the provider's prompt only where it is another one", async () => {
		const summary = { prompt: 'A fox' };
		const changed = await collect(undefined, { revisedPrompt: 'A red fox' }, summary);
		expect(changed.json).toMatchObject({ prompt: 'A fox', revisedPrompt: 'A red fox' });
		const same = await collect(undefined, { revisedPrompt: 'A fox' }, summary);
		expect(same.json).not.toHaveProperty('revisedPrompt');
	});

	test('has the seed that the provider names, and no requested one where several images share it', async () => {
		expect((await collect(undefined, { seed: 9 }, { seed: 7 })).json.seed).toBe(9);
		expect((await collect(undefined, { seed: 0 }, { seed: 7 })).json.seed).toBe(0);
		const second = await collect(undefined, { part: { number: 2, of: 3 } }, { seed: 7 });
		expect(second.json).not.toHaveProperty('seed');
	});

	test('fails where the response has no image', async () => {
		await expect(collect(undefined, { images: [] })).rejects.toMatchObject({
			kind: 'badResponse',
			message: 'The response has no image',
		});
	});
});

describe('the file', () => {
	const nameOf = async (...facts: Parameters<typeof collect>) =>
		(await collect(...facts)).binary?.data?.fileName;
	const named = (name: string) => settingsOf([fileName, name]);
	const noTask = { task: undefined };

	test.each<[string, () => Promise<string | undefined>, string]>([
		['the model and the task ID', async () => await nameOf(), 'flux-t1.png'],
		[
			'the model and the number of the item without a task',
			async () => await nameOf(undefined, noTask, { model: 'a/b', itemIndex: 4 }),
			'b-5.png',
		],
		['its own name', async () => await nameOf(named(' photo ')), 'photo.png'],
		['its own name without a second extension', async () => await nameOf(named('a.JPG')), 'a.png'],
		[
			'no path and no odd letters',
			async () => await nameOf(named('../ä b/c?.d')),
			'..-ä b-c-.d.png',
		],
		[
			'its own name and the number of the image',
			async () => await nameOf(named('photo'), {}, { imageNumber: 2 }),
			'photo-2.png',
		],
		[
			'its own name and the number of its part of the response',
			async () => await nameOf(named('photo'), { part: { number: 3, of: 4 } }),
			'photo-3.png',
		],
		[
			'its own name and the number of the image rather than that of its part',
			async () => await nameOf(named('photo'), { part: { number: 1, of: 2 } }, { imageNumber: 4 }),
			'photo-4.png',
		],
		[
			'the number of its part of the response',
			async () => await nameOf(undefined, { part: { number: 3, of: 4 } }),
			'flux-t1-3.png',
		],
		[
			'the model again where its own name is blank',
			async () => await nameOf(named('  ')),
			'flux-t1.png',
		],
	])('is named by %s', async (_what, name, expected) => {
		expect(await name()).toBe(expected);
	});

	test.each([
		[' photo ', 'photo'],
		['   ', 'data'],
	])('goes to the field that the user has named: %p', async (field, expected) => {
		const { binary } = await collect(settingsOf([binaryField, field]));
		expect(Object.keys(binary ?? {})).toEqual([expected]);
	});
});

describe('the cost', () => {
	const price = { cost: { amount: 0.06, currency: 'USD', credits: 6 } };

	test('is divided among the images of one response', async () => {
		const { json } = await collect(undefined, { price, part: { number: 1, of: 3 } });
		expect(json.cost).toEqual({ amount: 0.02, currency: 'USD', credits: 2 });
	});

	test("is the response's, then the submit's, then what the provider is asked for, then the estimate", async () => {
		const costOf = (amount: number) => ({ cost: { amount, currency: 'USD' } });
		const fetchPrice = jest.fn(async (done: Partial<Done>) => (done.task ? costOf(3) : undefined));
		const estimatedCost: Cost = { amount: 4, currency: 'USD', estimated: true };
		const ask = async (done: Partial<Done>) =>
			(await collect(undefined, done, { estimatedCost }, { fetchPrice })).json.cost;

		const quoted = { ...task, price: costOf(2) };
		expect(await ask({ price: costOf(1), task: quoted })).toMatchObject({ amount: 1 });
		expect(await ask({ task: quoted })).toMatchObject({ amount: 2 });
		expect(fetchPrice).not.toHaveBeenCalled();
		expect(await ask({})).toMatchObject({ amount: 3 });
		expect(await ask({ task: undefined, priceKey: { log: 1 } })).toEqual(estimatedCost);
		expect(fetchPrice.mock.calls.map(([done]) => done)).toEqual([
			{ task, priceKey: undefined },
			{ task: undefined, priceKey: { log: 1 } },
		]);
	});

	test('that is long in coming does not hold the image up for long', async () => {
		const fetchPrice = async () => await new Promise<undefined>(() => undefined);
		const { json } = await collect(undefined, {}, {}, { fetchPrice, maxPriceMs: 10 });
		expect(json.status).toBe('completed');
		expect(json).not.toHaveProperty('cost');
	});

	test('that cannot be asked for loses no image', async () => {
		const fetchPrice = async () => await Promise.reject(new Flux2Error('unavailable', 'no'));
		const { json } = await collect(undefined, {}, {}, { fetchPrice });
		expect(json.status).toBe('completed');
		expect(json).not.toHaveProperty('cost');
	});
});

describe('the item of a task without an image', () => {
	const target = targetOf();

	test('that was submitted is what collects its image later', () => {
		const pollUrl = 'https://api.example.com/tasks/t1';
		expect(submittedItem(target, { model: 'other' }, { task: { ...task, pollUrl } })).toEqual({
			json: {
				provider: 'made-up',
				model: 'other',
				taskId: 't1',
				pollUrl,
				submittedAt: SUBMITTED_AT,
			},
		});
	});

	test('that was submitted says what it costs: the quote, or the estimate', () => {
		const estimatedCost: Cost = { amount: 4, currency: 'USD', estimated: true };
		const cost = { amount: 3, currency: 'USD' };
		const costIn = (submitted: Task) =>
			submittedItem(target, { estimatedCost }, { task: submitted }).json.cost;

		expect(costIn({ ...task, price: { cost } })).toEqual(cost);
		expect(costIn(task)).toEqual(estimatedCost);
	});

	const facts = {
		provider: 'made-up',
		model: 'vendor/flux',
		taskId: 't1',
		submittedAt: SUBMITTED_AT,
	};

	test('begins with its state, and its address stands behind that', () => {
		const withUrl = { ...task, pollUrl: 'https://api.example.com/tasks/t1' };
		const failed = { status: 'failed', task, kind: 'timeout', message: 'no', raw: 1 } as const;
		expect(Object.keys(taskItem(target, withUrl, failed).json)).toEqual([
			'model',
			'status',
			'kind',
			'message',
			'taskId',
			'submittedAt',
			'pollUrl',
			'provider',
		]);
		expect(Object.keys(submittedItem(target, {}, { task: withUrl }).json)).toEqual([
			'model',
			'taskId',
			'submittedAt',
			'pollUrl',
			'provider',
		]);
	});

	test('that runs has its progress', () => {
		expect(
			taskItem(target, task, {
				status: 'pending',
				task,
				progress: 0.5,
				queuePosition: 2,
				raw: {},
			}),
		).toEqual({ json: { ...facts, status: 'pending', progress: 0.5, queuePosition: 2 } });
	});

	test("whose state is unclear may still run, and has the provider's own word", () => {
		expect(
			taskItem(target, task, {
				status: 'unclear',
				task,
				message: 'no document explains it',
				providerStatus: 'archived',
				raw: {},
			}),
		).toEqual({ json: { ...facts, status: 'pending', providerStatus: 'archived' } });
	});

	test.each<[string, string | undefined, string | undefined]>([
		['cut', 'a'.repeat(101), 'a'.repeat(100)],
		['redacted before it is cut', `${'a'.repeat(95)}${SECRET}`, `${'a'.repeat(95)}***`],
		['left out when it is empty', '', undefined],
		['left out when there is none', undefined, undefined],
	])("whose state is unclear has the provider's word %s", (_what, providerStatus, expected) => {
		const state = { status: 'unclear', task, message: '', providerStatus, raw: {} } as const;
		const { json } = taskItem(target, task, state);
		expect(json).toEqual({
			...facts,
			status: 'pending',
			...(expected !== undefined && { providerStatus: expected }),
		});
	});

	test('that has failed has its kind, its message and what was charged', () => {
		const cost = { amount: 0.01, currency: 'USD' };
		expect(
			taskItem(target, task, {
				status: 'failed',
				task,
				kind: 'moderated',
				message: `canceled ${SECRET}`,
				price: { cost },
				raw: {},
			}),
		).toEqual({
			json: { ...facts, status: 'failed', kind: 'moderated', message: 'cancelled ***', cost },
		});
	});
});

test('an error has its message and what to do, redacted, and leaves out what is unknown', () => {
	const error = new Flux2Error('auth', `The key ${SECRET} is wrong`, {
		description: `Not ${SECRET}`,
		httpCode: 401,
		taskId: 't1',
	});
	expect(errorJson({ ...targetOf(), model: 'vendor/flux' }, error)).toEqual({
		message: 'The key *** is wrong',
		description: 'Not ***',
		kind: 'auth',
		taskId: 't1',
		provider: 'made-up',
		model: 'vendor/flux',
		httpCode: 401,
	});
	expect(Object.keys(errorJson(targetOf(), new Flux2Error('timeout', 'too late'))).sort()).toEqual([
		'description',
		'kind',
		'message',
		'provider',
	]);
});
