import Ajv2020 from 'ajv/dist/2020';
import { models as cloudflareModels } from '../../nodes/Flux2Cloudflare/models';
import { models as taskModels } from '../../nodes/Flux2Task/models';
import type { Model } from '../../nodes/shared/parameters/model';
import { generateOptions, submitOptions, syncOptions } from '../../nodes/shared/parameters/options';
import type { RouteName, SubmissionRecord } from '../emulator';
import catalogueContract from '../emulator/cloudflare/contract.json';
import { items, NODE, openLab, type Lab, type NodeUnderTest } from '../support/lab';
import { placed } from '../support/placed';
import { fromItems } from '../support/wire';

/** A value as the editor or an expression gives it, what the body gets, and what the headers get. */
type Row = [value: unknown, body?: object, headers?: object];
type Rows = Record<string, Row[]>;

const SAFE = Number.MAX_SAFE_INTEGER;
const PRO = 'black-forest-labs/flux-2-pro-preview';
const FLEX = 'black-forest-labs/flux-2-flex';
const DEV = '@cf/black-forest-labs/flux-2-dev';

/** The node's own options never reach the wire. */
const settings: Rows = {
	binaryField: [['image']],
	download: [[false], ['true']],
	fileName: [['photo']],
	linkLifetime: [['7 days'], ['90 min']],
	maxConcurrent: [[7], ['3']],
	numberOfImages: [[1], ['1']],
	assumedCost: [[0.1], ['0.1']],
	// compared before anything is sent: see budget.test.ts
	maxCost: [],
	simplify: [[false]],
	timeout: [[30], ['30']],
};
const pollingSettings: Rows = { ...settings, pollInterval: [[0.05]] };

const catalogue: Rows = {
	width: [
		[64, { width: 64 }],
		['1920', { width: 1920 }],
	],
	height: [
		[64, { height: 64 }],
		[' 1088 ', { height: 1088 }],
	],
	size: [
		['automatic'],
		['custom'],
		['1:1', { width: 1024, height: 1024 }],
		['16:9', { width: 1360, height: 768 }],
		['9:16', { width: 768, height: 1360 }],
		['4:3', { width: 1168, height: 880 }],
		['3:4', { width: 880, height: 1168 }],
		['3:2', { width: 1248, height: 832 }],
		['2:3', { width: 832, height: 1248 }],
		['4:5', { width: 912, height: 1136 }],
		['5:4', { width: 1136, height: 912 }],
		['21:9', { width: 1552, height: 672 }],
	],
	megapixels: [
		[0.5, { width: 720, height: 720 }],
		['4', { width: 2048, height: 2048 }],
	],
	seed: [
		[0, { seed: 0 }],
		['0', { seed: 0 }],
		[-1, { seed: -1 }],
		[-SAFE, { seed: -SAFE }],
		[SAFE, { seed: SAFE }],
	],
	outputFormat: [
		['jpeg', { output_format: 'jpeg' }],
		['png', { output_format: 'png' }],
		['webp', { output_format: 'webp' }],
	],
	safetyTolerance: [
		[0, { safety_tolerance: 0 }],
		['5', { safety_tolerance: 5 }],
	],
	lookUpCost: [[false], ['false']],
	gatewayId: [['my-gateway', {}, { 'cf-aig-gateway-id': 'my-gateway' }]],
	skipCache: [
		[true, {}, { 'cf-aig-skip-cache': 'true' }],
		[false, {}, { 'cf-aig-skip-cache': 'false' }],
	],
	cacheTtl: [
		[60, {}, { 'cf-aig-cache-ttl': '60' }],
		['2592000', {}, { 'cf-aig-cache-ttl': '2592000' }],
	],
	cacheKey: [['of my own', {}, { 'cf-aig-cache-key': 'of my own' }]],
	collectLog: [
		[false, {}, { 'cf-aig-collect-log': 'false' }],
		['TRUE', {}, { 'cf-aig-collect-log': 'true' }],
	],
	noUnifiedBilling: [['false', {}, { 'cf-aig-no-wholesale': 'false' }]],
	requestTimeout: [[180_000, {}, { 'cf-aig-request-timeout': '180000' }]],
	metadata: [
		[
			{ team: 'Köln', tries: 0, draft: false },
			{},
			{ 'cf-aig-metadata': '{"team":"K\\u00f6ln","tries":0,"draft":false}' },
		],
		['{ "team": "a" }', {}, { 'cf-aig-metadata': '{"team":"a"}' }],
	],
};

const flex: Rows = {
	...catalogue,
	guidance: [
		[1.5, { guidance: 1.5 }],
		['7.25', { guidance: 7.25 }],
		[10, { guidance: 10 }],
	],
	steps: [
		[1, { steps: 1 }],
		['50', { steps: 50 }],
	],
	promptUpsampling: [
		[false, { prompt_upsampling: false }],
		['false', { prompt_upsampling: false }],
		[true, { prompt_upsampling: true }],
	],
};

/** A form has text only. */
const workersAi: Rows = {
	width: [
		[256, { width: '256' }],
		['1920', { width: '1920' }],
	],
	height: [
		[256, { height: '256' }],
		['1920', { height: '1920' }],
	],
	size: [
		['automatic'],
		['custom'],
		['1:1', { width: '1024', height: '1024' }],
		['16:9', { width: '1360', height: '768' }],
		['9:16', { width: '768', height: '1360' }],
		['4:3', { width: '1168', height: '880' }],
		['3:4', { width: '880', height: '1168' }],
		['3:2', { width: '1248', height: '832' }],
		['2:3', { width: '832', height: '1248' }],
		['4:5', { width: '912', height: '1136' }],
		['5:4', { width: '1136', height: '912' }],
		['21:9', { width: '1552', height: '672' }],
	],
	megapixels: [
		[0.5, { width: '720', height: '720' }],
		['3.51', { width: '1904', height: '1904' }],
	],
	seed: [
		[0, { seed: '0' }],
		['-1', { seed: '-1' }],
		[-SAFE, { seed: String(-SAFE) }],
		[SAFE, { seed: String(SAFE) }],
	],
	guidance: [
		[0, { guidance: '0' }],
		['3.5', { guidance: '3.5' }],
	],
};
const dev: Rows = {
	...workersAi,
	steps: [
		[1, { steps: '1' }],
		['50', { steps: '50' }],
	],
};

const taskCommon: Rows = {
	width: [
		[64, { width: 64 }],
		['1920', { width: 1920 }],
	],
	height: [[96, { height: 96 }]],
	size: [
		['automatic'],
		['custom'],
		['1:1', { width: 1024, height: 1024 }],
		['16:9', { width: 1344, height: 768 }],
		['9:16', { width: 768, height: 1344 }],
		['4:3', { width: 1152, height: 864 }],
		['3:4', { width: 864, height: 1152 }],
		['3:2', { width: 1248, height: 832 }],
		['2:3', { width: 832, height: 1248 }],
		['4:5', { width: 896, height: 1120 }],
		['5:4', { width: 1120, height: 896 }],
		['21:9', { width: 1536, height: 672 }],
	],
	megapixels: [
		[0.5, { width: 704, height: 704 }],
		['4', { width: 2048, height: 2048 }],
	],
	seed: catalogue.seed!,
};
const task: Rows = {
	...taskCommon,
	safetyTolerance: [
		['0', { safety_tolerance: '0' }],
		[2, { safety_tolerance: '2' }],
		['6', { safety_tolerance: '6' }],
	],
	outputFormat: [
		['jpeg', { output_format: 'jpeg' }],
		['png', { output_format: 'png' }],
	],
};
const queue: Rows = {
	...taskCommon,
	safetyTolerance: [
		['0', { safety_tolerance: 0 }],
		[5, { safety_tolerance: 5 }],
	],
	outputFormat: [
		['jpeg', { output_format: 'jpeg' }],
		['png', { output_format: 'png' }],
		['webp', { output_format: 'webp' }],
	],
};

interface Variant {
	/** As the editor saves them. */
	parameters: Record<string, unknown>;
	options?: Record<string, unknown>;
	/** The model that the request names. */
	model: string;
	rows: Rows;
	/** Its record; a custom model has none, and the emulator does not know it. */
	record?: Model;
}

const cloudflareRows: Record<string, Rows> = {
	'@cf/black-forest-labs/flux-2-klein-4b': workersAi,
	'@cf/black-forest-labs/flux-2-klein-9b': workersAi,
	[DEV]: dev,
	[PRO]: catalogue,
	[FLEX]: flex,
	'black-forest-labs/flux-2-max': catalogue,
};

const listed = cloudflareModels.map((record): [string, Variant] => [
	record.id,
	{ parameters: { model: record.id }, model: record.id, rows: cloudflareRows[record.id]!, record },
]);
const custom = (id: string, rows: Rows): [string, Variant] => [
	`custom ${id}`,
	{ parameters: { model: 'custom', customModel: id }, model: id, rows },
];
const cloudflareVariants = [
	...listed,
	custom('black-forest-labs/flux-2-new', flex),
	custom('@cf/black-forest-labs/flux-2-new', dev),
];

const [taskRecord, queueRecord] = (['task', 'queue'] as const).map((dialect) =>
	taskModels.find((model) => model.dialect === dialect),
);
const inTask = { resource: 'task', operation: 'submit', dialect: 'task' };
const inQueue = { ...inTask, dialect: 'queue' };
const taskVariants: Array<[string, Variant]> = [
	[
		'as it comes',
		{ parameters: { resource: 'task' }, model: 'flux_2_pro', rows: task, record: taskRecord },
	],
	[
		'flat',
		{
			parameters: inTask,
			options: { bodyFormat: 'flat' },
			model: 'flux_2_pro',
			rows: task,
			record: taskRecord,
		},
	],
	['queue', { parameters: inQueue, model: 'flux_2_pro', rows: queue, record: queueRecord }],
	[
		'custom, wrapped',
		{
			parameters: { ...inTask, model: 'custom', customModel: 'flux_2_max' },
			model: 'flux_2_max',
			rows: task,
		},
	],
	[
		'custom, queue',
		{
			parameters: { ...inQueue, model: 'custom', customModel: 'flux_2_max' },
			model: 'flux_2_max',
			rows: queue,
		},
	],
];

interface Sent {
	path: string;
	contentType: string;
	gateway: object;
	body: unknown;
}

const namesOf = (params: ReadonlyArray<Model['parameters'][number]>) =>
	params.map(({ property }) => property.name).sort();

const casesOf = (rows: Rows) =>
	Object.entries(rows).flatMap(([name, values]) => values.map((row) => ({ name, row })));

/** One item without options, then one for each row. */
const itemsOf = (rows: Rows) =>
	items(
		{ prompt: 'case 0', options: {} },
		...casesOf(rows).map(({ name, row }, index) => ({
			prompt: `case ${index + 1}`,
			options: { [name]: row[0] as string },
		})),
	);

let lab: Lab;

beforeAll(async () => {
	lab = await openLab({ emulator: { seconds: 0 } });
});
beforeEach(() => {
	lab.emulator.reset();
	const small = { as: { width: 16, height: 16 } };
	for (const route of [
		'cloudflare.run',
		'cloudflare.workersAi',
		'task.submit',
		'queue.submit',
	] as RouteName[]) {
		lab.emulator.rule({ route }, small);
	}
});
afterAll(async () => await lab.close());

const numberOf = ({ prompt }: SubmissionRecord) => Number(prompt?.match(/\d+/)?.[0] ?? 0);

/** Every submission as it was on the wire, in the order of the items. */
function sent(): Sent[] {
	const { requests, submissions } = lab.emulator.ledger;
	const paths = requests.filter(({ method }) => method === 'POST').map(({ path }) => path);
	return submissions
		.map((submission, index) => ({ submission, path: paths[index]! }))
		.sort((a, b) => numberOf(a.submission) - numberOf(b.submission))
		.map(({ submission: { headers, body }, path }) => ({
			path,
			contentType: headers['content-type']!.split(';')[0]!,
			gateway: Object.fromEntries(
				Object.entries(headers).filter(([name]) => name.startsWith('cf-')),
			),
			body,
		}));
}

async function send(
	type: NodeUnderTest['type'],
	parameters: NodeUnderTest['parameters'],
	input = items({ prompt: 'case 0' }),
): Promise<Sent[]> {
	const node = { type, parameters, settings: { onError: 'continueRegularOutput' as const } };
	const run = await lab.run(node, { items: input });
	expect(run.status).toBe('success');
	return sent();
}

const accepted = () => lab.emulator.ledger.submissions.every((submission) => submission.accepted);

const ACCOUNT = '/client/v4/accounts/decafbad000000000000000000c0ffee/ai/run';

function onCloudflare(model: string, prompt: string, [, body, headers]: Row): Sent {
	return model.startsWith('@cf/')
		? {
				path: `${ACCOUNT}/${model}`,
				contentType: 'multipart/form-data',
				gateway: {},
				body: { prompt, ...body },
			}
		: {
				path: ACCOUNT,
				contentType: 'application/json',
				gateway: { ...headers },
				body: { model, input: { prompt, ...body } },
			};
}

function onTask({ parameters, options, model }: Variant, prompt: string, [, body]: Row): Sent {
	const params = { prompt, ...body };
	const json = { contentType: 'application/json', gateway: {} };
	if (parameters.dialect === 'queue')
		return { ...json, path: `/model/v1/queue/${model}`, body: params };
	const path = '/model/v1/generation';
	if (options?.bodyFormat === 'flat') return { ...json, path, body: { model, ...params } };
	return { ...json, path, body: { model, input: [{ params }] } };
}

describe('the table has every parameter and nothing else', () => {
	test.each([...cloudflareVariants, ...taskVariants].filter(([, { record }]) => record))(
		'%s',
		(_name, { record, rows }) => {
			expect(Object.keys(rows).sort()).toEqual(namesOf(record!.parameters));
		},
	);

	test("the node's own options", () => {
		expect([...Object.keys(settings), 'customBody'].sort()).toEqual(namesOf(syncOptions));
		expect([...Object.keys(pollingSettings), 'customBody'].sort()).toEqual(
			namesOf(generateOptions),
		);
	});

	test('every model', () => {
		expect(cloudflareModels.map(({ id }) => id)).toEqual(Object.keys(cloudflareRows));
		expect(taskModels.map(({ id, dialect }) => [id, dialect])).toEqual([
			['flux_2_pro', 'task'],
			['flux_2_pro', 'queue'],
		]);
	});
});

describe('Cloudflare: each parameter alone is on the wire as documented, and nothing when unset', () => {
	const validator = new Ajv2020();
	const contracts: Record<string, object> = catalogueContract.input;

	test.each(cloudflareVariants)('%s', async (_name, { parameters, model, rows, record }) => {
		const all = { ...rows, ...settings };
		const calls = await send(
			'flux2Cloudflare',
			{ ...parameters, ...fromItems('flux2Cloudflare', Object.keys(all)) },
			itemsOf(all),
		);

		expect(calls).toEqual([
			onCloudflare(model, 'case 0', [undefined]),
			...casesOf(all).map(({ row }, index) => onCloudflare(model, `case ${index + 1}`, row)),
		]);
		expect(accepted()).toBe(record !== undefined);
		if (model.startsWith('@cf/')) return;
		const validate = validator.compile(contracts[model] ?? contracts[FLEX]!);
		for (const { body } of calls) {
			validate((body as { input: unknown }).input);
			expect(validate.errors ?? []).toEqual([]);
		}
	});

	test('No Unified Billing, which a gateway without a key of its own refuses', async () => {
		const calls = await send('flux2Cloudflare', {
			model: PRO,
			prompt: 'case 0',
			options: { gateway: { noUnifiedBilling: true } },
		});

		expect(calls).toEqual([
			onCloudflare(PRO, 'case 0', [true, {}, { 'cf-aig-no-wholesale': 'true' }]),
		]);
	});

	test('all parameters of a model at once', async () => {
		const options = { width: 512, height: 256, seed: 0, outputFormat: 'png', safetyTolerance: 0 };
		const ofFlex = {
			guidance: 2,
			steps: 1,
			promptUpsampling: false,
			gatewayId: 'default',
			skipCache: true,
		};
		const calls = await send('flux2Cloudflare', {
			model: FLEX,
			prompt: 'all',
			...placed('flux2Cloudflare', { ...options, ...ofFlex }),
		});

		expect(calls).toEqual([
			{
				path: ACCOUNT,
				contentType: 'application/json',
				gateway: { 'cf-aig-gateway-id': 'default', 'cf-aig-skip-cache': 'true' },
				body: {
					model: FLEX,
					input: {
						prompt: 'all',
						width: 512,
						height: 256,
						seed: 0,
						output_format: 'png',
						safety_tolerance: 0,
						guidance: 2,
						steps: 1,
						prompt_upsampling: false,
					},
				},
			},
		]);
	});
});

describe('task API: each parameter alone is on the wire as documented, and nothing when unset', () => {
	const submitNames = namesOf(submitOptions);
	const own = Object.fromEntries(
		Object.entries(settings).filter(([name]) => submitNames.includes(name)),
	);

	test.each(taskVariants)('%s', async (_name, variant) => {
		const all = { ...variant.rows, ...own };
		const parameters = { ...variant.parameters, ...fromItems('flux2Task', Object.keys(all)) };
		Object.assign(parameters.options as object, variant.options);
		const calls = await send('flux2Task', parameters, itemsOf(all));

		expect(calls).toEqual([
			onTask(variant, 'case 0', [undefined]),
			...casesOf(all).map(({ row }, index) => onTask(variant, `case ${index + 1}`, row)),
		]);
		expect(accepted()).toBe(true);
	});

	test('Image: Generate sends what Task: Submit sends', async () => {
		lab.emulator.clearRules();
		lab.emulator.rule(
			{ route: 'task.submit' },
			{ task: { immediate: true }, as: { width: 16, height: 16 } },
		);
		const all: Rows = { ...task, ...pollingSettings };
		const calls = await send('flux2Task', fromItems('flux2Task', Object.keys(all)), itemsOf(all));

		const variant = taskVariants[0]![1];
		expect(calls).toEqual([
			onTask(variant, 'case 0', [undefined]),
			...casesOf(all).map(({ row }, index) => onTask(variant, `case ${index + 1}`, row)),
		]);
	});

	test('the body format by an expression', async () => {
		const input = items({ prompt: 'case 0', form: 'flat' }, { prompt: 'case 1', form: 'wrapped' });
		const parameters = {
			...inTask,
			prompt: '={{ $json.prompt }}',
			options: { bodyFormat: '={{ $json.form }}' },
		};

		expect((await send('flux2Task', parameters, input)).map(({ body }) => body)).toEqual([
			{ model: 'flux_2_pro', prompt: 'case 0' },
			{ model: 'flux_2_pro', input: [{ params: { prompt: 'case 1' } }] },
		]);
	});
});

describe('a model given as an expression', () => {
	test('takes each item its own way', async () => {
		const input = items(
			{ prompt: 'case 0', model: FLEX, steps: 3 },
			{ prompt: 'case 1', model: DEV, steps: 4 },
			{ prompt: 'case 2', model: 'custom', id: 'black-forest-labs/flux-2-new', steps: 5 },
			{ prompt: 'case 3', model: 'custom', id: '@cf/black-forest-labs/flux-2-new', steps: 6 },
			{ prompt: 'case 4', model: 'custom', id: ` ${PRO} ` },
		);
		const parameters = {
			model: '={{ $json.model }}',
			customModel: '={{ $json.id }}',
			prompt: '={{ $json.prompt }}',
			options: { steps: '={{ $json.steps }}' },
		};

		expect(await send('flux2Cloudflare', parameters, input)).toEqual([
			onCloudflare(FLEX, 'case 0', [3, { steps: 3 }]),
			onCloudflare(DEV, 'case 1', [4, { steps: '4' }]),
			onCloudflare('black-forest-labs/flux-2-new', 'case 2', [5, { steps: 5 }]),
			onCloudflare('@cf/black-forest-labs/flux-2-new', 'case 3', [6, { steps: '6' }]),
			onCloudflare(PRO, 'case 4', [undefined]),
		]);
	});

	test('refuses by label what the resolved model lacks, and sends nothing', async () => {
		const parameters = {
			model: '={{ $json.model }}',
			prompt: 'refused',
			options: {
				steps: 4,
				promptUpsampling: false,
				gateway: { gatewayId: 'default' },
				outputFormat: 'png',
			},
		};
		const run = await lab.run(
			{ type: 'flux2Cloudflare', parameters, settings: { onError: 'continueRegularOutput' } },
			{ items: items({ model: PRO }, { model: '@cf/black-forest-labs/flux-2-klein-4b' }) },
		);

		expect(run.items(NODE).map(({ json }) => (json.error as { message: string }).message)).toEqual([
			'Prompt Upsampling: FLUX.2 [pro] Preview has no such parameter here; Steps: FLUX.2 [pro] Preview has no such parameter here',
			[
				'Output Format: FLUX.2 [klein] 4B (Workers AI) has no such parameter here',
				'Prompt Upsampling: FLUX.2 [klein] 4B (Workers AI) has no such parameter here',
				'Steps: FLUX.2 [klein] 4B (Workers AI) has no such parameter here',
				'Gateway ID: FLUX.2 [klein] 4B (Workers AI) has no such parameter here',
			].join('; '),
		]);
		expect(lab.emulator.ledger.requests).toEqual([]);
	});
});

test.each(['../user', 'a/b', '..', 'a\\b'])(
	'the account ID %j, which would change the path, is refused by label',
	async (accountId) => {
		const working = lab.credentials.flux2CloudflareApi!;
		lab.credentials.flux2CloudflareApi = { ...working, accountId };
		const parameters = { model: PRO, prompt: 'refused' };
		const run = await lab.run({ type: 'flux2Cloudflare', parameters });
		lab.credentials.flux2CloudflareApi = working;

		expect(run.error?.message).toBe(
			'Account ID: must consist of letters and digits; correct the credential',
		);
		expect(lab.emulator.ledger.requests).toEqual([]);
	},
);

test('an option that was left behind by another model is not sent', async () => {
	const calls = await send('flux2Cloudflare', {
		model: '@cf/black-forest-labs/flux-2-klein-4b',
		prompt: 'left behind',
		options: { steps: 4, gateway: { gatewayId: 'default' }, seed: 0 },
	});

	expect(calls).toEqual([
		onCloudflare('@cf/black-forest-labs/flux-2-klein-4b', 'left behind', [0, { seed: '0' }]),
	]);
});

test('null and empty text out of an expression leave a parameter unset', async () => {
	const all = Object.keys({ ...flex, ...settings, customBody: [] });
	const empty = Object.fromEntries(all.map((name, index) => [name, index % 2 ? null : '']));
	const swapped = Object.fromEntries(all.map((name, index) => [name, index % 2 ? '' : null]));
	const input = items({ prompt: 'case 0', options: empty }, { prompt: 'case 1', options: swapped });

	expect(
		await send('flux2Cloudflare', { model: FLEX, ...fromItems('flux2Cloudflare', all) }, input),
	).toEqual([onCloudflare(FLEX, 'case 0', [undefined]), onCloudflare(FLEX, 'case 1', [undefined])]);
});

test.each([
	[
		'an object',
		{ scene: 'a pier', colors: ['#ff8800'], case: 1 },
		'{"scene":"a pier","colors":["#ff8800"],"case":1}',
	],
	['a list', ['a pier', 2], '["a pier",2]'],
	['a number', 42, '42'],
	['text with quotes, lines and other scripts', 'a "pier"\nat 夜 🌊', 'a "pier"\nat 夜 🌊'],
])('a prompt given as %s reaches each kind of body as text', async (_kind, prompt, text) => {
	const input = [{ json: { prompt: prompt as string } }];
	const parameters = { prompt: '={{ $json.prompt }}' };
	await send('flux2Cloudflare', { ...parameters, model: PRO }, input);
	await send('flux2Cloudflare', { ...parameters, model: DEV }, input);
	await send('flux2Task', { ...parameters, ...inTask }, input);

	expect(lab.emulator.ledger.submissions.map(({ body }) => body)).toEqual([
		{ model: PRO, input: { prompt: text } },
		// a form's lines end with both characters, as RFC 7578 has it
		{ prompt: text.replaceAll('\n', '\r\n') },
		{ model: 'flux_2_pro', input: [{ params: { prompt: text } }] },
	]);
});

describe('Custom Body is merged in last', () => {
	test('into the catalogue body, key by key', async () => {
		const customBody = { input: { seed: 7, new_field: { on: true } } };
		const options = { seed: 1, width: 64, height: '', customBody: JSON.stringify(customBody) };
		const parameters = {
			model: PRO,
			prompt: 'merged',
			...placed('flux2Cloudflare', options),
		};

		expect((await send('flux2Cloudflare', parameters)).map(({ body }) => body)).toEqual([
			{ model: PRO, input: { prompt: 'merged', seed: 7, width: 64, new_field: { on: true } } },
		]);
	});

	test('into the form, field by field, as JSON text where it is no text', async () => {
		const customBody = { seed: 7, negative: 'fog', extra: { on: true } };
		const parameters = {
			model: DEV,
			prompt: 'merged',
			options: { seed: 1, customBody: JSON.stringify(customBody) },
		};

		expect((await send('flux2Cloudflare', parameters)).map(({ body }) => body)).toEqual([
			{ prompt: 'merged', seed: '7', negative: 'fog', extra: '{"on":true}' },
		]);
	});

	test('beside and inside the wrapped parameters', async () => {
		const customBody = { moderation: false, input: [{ params: { seed: 7, width: 96 } }] };
		const input = [{ json: { customBody: customBody as never } }];
		const options = placed('flux2Task', {
			seed: 1,
			width: '',
			height: 64,
			customBody: '={{ $json.customBody }}',
		});

		expect(
			(await send('flux2Task', { ...inTask, prompt: 'merged', ...options }, input)).map(
				({ body }) => body,
			),
		).toEqual([
			{
				model: 'flux_2_pro',
				moderation: false,
				input: [{ params: { prompt: 'merged', seed: 7, height: 64, width: 96 } }],
			},
		]);
		expect(accepted()).toBe(true);
	});

	test.each([
		['flat', inTask, { bodyFormat: 'flat' }, { model: 'flux_2_pro' }],
		['queue', inQueue, {}, {}],
	])('beside the %s parameters', async (_name, parameters, form, model) => {
		const options = { ...form, seed: 1, customBody: '{"seed": 7, "moderation": true}' };

		expect(
			(await send('flux2Task', { ...parameters, prompt: 'merged', options })).map(
				({ body }) => body,
			),
		).toEqual([{ ...model, prompt: 'merged', seed: 7, moderation: true }]);
	});
});
