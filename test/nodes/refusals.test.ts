import { models as cloudflareModels } from '../../nodes/Flux2Cloudflare/models';
import { models as taskModels } from '../../nodes/Flux2Task/models';
import type { Model } from '../../nodes/shared/parameters/model';
import { submitOptions, syncOptions } from '../../nodes/shared/parameters/options';
import type { RouteName } from '../emulator';
import { items, NODE, openLab, type Lab, type NodeType } from '../support/lab';
import { placed } from '../support/placed';
import { fromItems } from '../support/wire';

/** Bad values by option, each with the message that follows the label. */
type Bad = Record<string, [label: string, ...cases: Array<[value: unknown, message: string]>]>;

const TOO_LARGE = 2 ** 53;
const PRO = 'black-forest-labs/flux-2-pro-preview';

const settings: Bad = {
	maxConcurrent: [
		'Max Concurrent',
		[0, '0 is not between 1 and 100; try 1'],
		[101, '101 is not between 1 and 100; try 100'],
	],
	numberOfImages: [
		'Number of Images',
		[0, '0 is not between 1 and 10; try 1'],
		['11', '11 is not between 1 and 10; try 10'],
		[2.5, '2.5 is not a whole number; try 2 or 3'],
	],
	simplify: ['Simplify', ['maybe', 'must be true or false'], [1, 'must be true or false']],
	customBody: [
		'Custom Body',
		['{"a":', 'must be a JSON object'],
		['[1]', 'must be a JSON object'],
		[[{}], 'must be a JSON object'],
	],
	timeout: [
		'Timeout',
		[0, '0 is not between 1 and 86400; try 1'],
		[86_401, '86401 is not between 1 and 86400; try 86400'],
		[1.5, '1.5 is not a whole number; try 1 or 2'],
		['soon', '"soon" is not a number'],
	],
	download: ['Download', ['no', 'must be true or false']],
	maxCost: [
		'Max Cost',
		[-0.01, '-0.01 is less than 0; try 0'],
		['cheap', '"cheap" is not a number'],
	],
	assumedCost: ['Assumed Cost', [-1, '-1 is less than 0; try 0']],
	linkLifetime: [
		'Link Lifetime',
		[
			'soon',
			'must be a time from 1 second to 365 days, such as 15 minutes, 1 hour, 7 days or 30 days',
		],
	],
};
/** Any text will do for these. */
const takeAnything = ['binaryField', 'fileName'];

const seed: Bad = {
	seed: [
		'Seed',
		[0.5, '0.5 is not a whole number; try 0 or 1'],
		['lucky', '"lucky" is not a number'],
		[true, 'true is not a number'],
		[
			TOO_LARGE,
			'9007199254740992 is not between -9007199254740991 and 9007199254740991; try 9007199254740991',
		],
		[
			-TOO_LARGE,
			'-9007199254740992 is not between -9007199254740991 and 9007199254740991; try -9007199254740991',
		],
	],
};
const size: Bad = {
	size: [
		'Size',
		[
			'huge',
			'must be one of automatic, likeReference, 1:1, 16:9, 9:16, 4:3, 3:4, 3:2, 2:3, 4:5, 5:4, 21:9, custom',
		],
	],
	megapixels: [
		'Megapixels',
		[0.09, '0.09 is not between 0.1 and 4; try 0.1'],
		[4.01, '4.01 is not between 0.1 and 4; try 4'],
		['many', '"many" is not a number'],
	],
};

const catalogue: Bad = {
	...seed,
	...size,
	width: [
		'Width',
		[63, '63 is less than 64; try 64'],
		[64.5, '64.5 is not a whole number; try 64 or 65'],
		['wide', '"wide" is not a number'],
		[{ pixels: 64 }, '{"pixels":64} is not a number'],
	],
	height: ['Height', [0, '0 is less than 64; try 64'], [-64, '-64 is less than 64; try 64']],
	outputFormat: [
		'Output Format',
		['gif', 'must be one of jpeg, png, webp'],
		['PNG', 'must be one of jpeg, png, webp'],
	],
	safetyTolerance: [
		'Safety Tolerance',
		[-1, '-1 is not between 0 and 5; try 0'],
		[6, '6 is not between 0 and 5; try 5'],
	],
	gatewayId: [
		'Gateway ID',
		['tür', 'must be plain ASCII text'],
		['a\r\nx-evil: 1', 'must be plain ASCII text'],
	],
	skipCache: ['Skip Cache', ['perhaps', 'must be true or false']],
	cacheTtl: [
		'Cache TTL',
		[59, '59 is not between 60 and 2592000; try 60'],
		[2_592_001, '2592001 is not between 60 and 2592000; try 2592000'],
	],
	cacheKey: ['Cache Key', ['schlüssel', 'must be plain ASCII text']],
	collectLog: ['Collect Log', [0, 'must be true or false']],
	noUnifiedBilling: ['No Unified Billing', ['yes', 'must be true or false']],
	requestTimeout: ['Request Timeout', [0, '0 is less than 1; try 1']],
	lookUpCost: ['Look Up Cost', ['maybe', 'must be true or false']],
	metadata: [
		'Metadata',
		['team', 'must be a JSON object'],
		[{ nested: { no: 1 } }, 'must have at most 5 entries of text, numbers or booleans'],
		[
			{ a: 1, b: 2, c: 3, d: 4, e: 5, f: 6 },
			'must have at most 5 entries of text, numbers or booleans',
		],
	],
};
const flex: Bad = {
	...catalogue,
	guidance: [
		'Guidance',
		[1.49, '1.49 is not between 1.5 and 10; try 1.5'],
		[10.01, '10.01 is not between 1.5 and 10; try 10'],
	],
	steps: [
		'Steps',
		[0, '0 is not between 1 and 50; try 1'],
		[51, '51 is not between 1 and 50; try 50'],
		[1.5, '1.5 is not a whole number; try 1 or 2'],
	],
	promptUpsampling: ['Prompt Upsampling', ['off', 'must be true or false']],
};
const workersAi: Bad = {
	...seed,
	...size,
	megapixels: ['Megapixels', [3.52, '3.52 is not between 0.1 and 3.51; try 3.51']],
	width: [
		'Width',
		[255, '255 is not between 256 and 1920; try 256'],
		[1921, '1921 is not between 256 and 1920; try 1920'],
	],
	height: [
		'Height',
		[64, '64 is not between 256 and 1920; try 256'],
		['2048', '2048 is not between 256 and 1920; try 1920'],
	],
	guidance: ['Guidance', [-0.1, '-0.1 is less than 0; try 0'], ['much', '"much" is not a number']],
};
const dev: Bad = {
	...workersAi,
	steps: ['Steps', [0, '0 is less than 1; try 1'], [2.5, '2.5 is not a whole number; try 2 or 3']],
};

const task: Bad = {
	...seed,
	...size,
	width: [
		'Width',
		[63, '63 is less than 64; try 64'],
		[100, '100 is not a multiple of 32; try 96 or 128'],
		[64.5, '64.5 is not a whole number; try 64 or 96'],
	],
	height: ['Height', ['1000', '1000 is not a multiple of 32; try 992 or 1024']],
	safetyTolerance: [
		'Safety Tolerance',
		['7', 'must be one of 0, 1, 2, 3, 4, 5, 6'],
		[-1, 'must be one of 0, 1, 2, 3, 4, 5, 6'],
	],
	outputFormat: ['Output Format', ['webp', 'must be one of jpeg, png']],
};
const queue: Bad = {
	...task,
	safetyTolerance: ['Safety Tolerance', ['6', 'must be one of 0, 1, 2, 3, 4, 5']],
	outputFormat: ['Output Format', ['gif', 'must be one of jpeg, png, webp']],
};

interface Variant {
	type: NodeType;
	parameters: Record<string, unknown>;
	bad: Bad;
	parametersOf: Model;
	own: Model['parameters'];
}

const cloudflareBad = [workersAi, workersAi, dev, catalogue, flex, catalogue];
const variants: Array<[string, Variant]> = [
	...cloudflareModels.map((model, index): [string, Variant] => [
		model.id,
		{
			type: 'flux2Cloudflare',
			parameters: { model: model.id },
			bad: { ...cloudflareBad[index]!, ...settings },
			parametersOf: model,
			own: syncOptions,
		},
	]),
	...taskModels.map((model): [string, Variant] => {
		const { download: _download, linkLifetime: _link, timeout: _timeout, ...ofSubmit } = settings;
		const bad = {
			...(model.dialect === 'queue' ? queue : task),
			...ofSubmit,
		};
		const parameters = { resource: 'task', operation: 'submit', dialect: model.dialect };
		return [
			`${model.id}, ${model.dialect}`,
			{ type: 'flux2Task', parameters, bad, parametersOf: model, own: submitOptions },
		];
	}),
];

const NOTHING_SENT =
	'Nothing was sent, so nothing was billed. Change what the message names, then run again.';

const refused = (item: number, provider: string, message: string) => ({
	json: { error: { message, description: NOTHING_SENT, kind: 'invalidInput', provider } },
	pairedItem: { item },
});

let lab: Lab;

beforeAll(async () => {
	lab = await openLab({ emulator: { seconds: 0 } });
});
beforeEach(() => {
	lab.emulator.reset();
	for (const route of ['cloudflare.run', 'cloudflare.workersAi', 'task.submit'] as RouteName[]) {
		lab.emulator.rule({ route }, { as: { width: 16, height: 16 } });
	}
});
afterAll(async () => await lab.close());

const sentPrompts = () => lab.emulator.ledger.submissions.map(({ prompt }) => prompt);

const continuing = { onError: 'continueRegularOutput' as const };

describe('a bad value is refused by its label before anything is sent', () => {
	test.each(variants)(
		'%s: every parameter has bad values here',
		(_name, { bad, parametersOf, own }) => {
			const names = [...parametersOf.parameters, ...own].map(({ property }) => property.name);

			expect(Object.keys(bad).sort()).toEqual(
				names.filter((name) => !takeAnything.includes(name)).sort(),
			);
		},
	);

	test.each(variants)('%s', async (_name, { type, parameters, bad }) => {
		const names = Object.keys(bad);
		const cases = names.flatMap((name) => {
			const [label, ...values] = bad[name]!;
			return values.map(([value, words]) => ({ name, value, message: `${label}: ${words}` }));
		});
		const node = {
			type,
			parameters: {
				...parameters,
				...fromItems(type, names),
			},
		};
		const input = items(
			{ prompt: 'good one', options: {} },
			...cases.map(({ name, value }) => ({ prompt: 'bad', options: { [name]: value as string } })),
			{ prompt: 'good two', options: {} },
		);
		const provider = type === 'flux2Task' ? 'task' : 'cloudflare';

		const stopped = await lab.run(node, { items: input });
		expect({ message: stopped.error?.message, description: stopped.error?.description }).toEqual({
			message: cases[0]!.message,
			description: NOTHING_SENT,
		});
		expect(stopped.error).toMatchObject({ context: { itemIndex: 1, kind: 'invalidInput' } });
		expect(lab.emulator.ledger.requests).toEqual([]);

		const run = await lab.run({ ...node, settings: continuing }, { items: input });
		const output = run.items(NODE);
		expect(output.slice(1, -1)).toEqual(
			cases.map(({ message }, index) => refused(index + 1, provider, message)),
		);
		expect([output.at(0), output.at(-1)]).toEqual([
			expect.objectContaining({ pairedItem: { item: 0 } }),
			expect.objectContaining({ pairedItem: { item: cases.length + 1 } }),
		]);
		expect(output.filter(({ json }) => 'error' in json)).toHaveLength(cases.length);
		expect(sentPrompts().sort()).toEqual(['good one', 'good two']);
	});
});

describe('all that is wrong with an item is reported at once', () => {
	test('Cloudflare', async () => {
		const parameters = {
			model: '={{ "black-forest-labs/flux-2-flex" }}',
			prompt: '={{ " " }}',
			referenceImages: {
				image: [
					{ source: 'binary', binaryPropertyName: 'photo, logo' },
					{ source: 'url', url: 'photo.jpg' },
					{ source: 'url', url: '' },
					{ source: 'allBinary' },
				],
			},
			operation: 'edit',
			...placed('flux2Cloudflare', { width: 10, steps: 0.5, metadata: 'team', timeout: 0 }),
		};
		const run = await lab.run({ type: 'flux2Cloudflare', parameters, settings: continuing });

		expect(run.items(NODE)).toEqual([
			refused(
				0,
				'cloudflare',
				[
					'Prompt: must not be empty',
					'Reference Images (entry 1): the input item has no binary field "photo"',
					'Reference Images (entry 1): the input item has no binary field "logo"',
					'Reference Images (entry 2): "photo.jpg" is not an https URL',
					'Reference Images (entry 3): the URL is empty',
					'Reference Images (entry 4): the input item has no binary images',
					'Width: 10 is less than 64; try 64',
					'Metadata: must be a JSON object',
					'Steps: 0.5 is not between 1 and 50; try 1',
					'Timeout: 0 is not between 1 and 86400; try 1',
				].join('; '),
			),
		]);
		expect(lab.emulator.ledger.requests).toEqual([]);
	});

	test('task API', async () => {
		const parameters = {
			model: 'custom',
			prompt: '={{ null }}',
			...placed('flux2Task', { width: 0, height: 10, safetyTolerance: '={{ 9 }}' }),
		};
		const run = await lab.run({ type: 'flux2Task', parameters, settings: continuing });

		expect(run.items(NODE)).toEqual([
			refused(
				0,
				'task',
				[
					'Custom Model: must not be empty',
					'Prompt: must not be empty',
					// nobody knows the sizes of a model that is not on the list
					'Width: 0 is less than 1; try 1',
					'Safety Tolerance: must be one of 0, 1, 2, 3, 4, 5, 6',
				].join('; '),
			),
		]);
		expect(lab.emulator.ledger.requests).toEqual([]);
	});
});

const REFERENCES = { image: [{ source: 'url', url: '={{ $json.urls }}' }] };

test.each<[string, NodeType, Record<string, unknown>, Record<string, unknown>, string]>([
	[
		'a model of another provider',
		'flux2Cloudflare',
		{ model: '={{ "flux-9" }}' },
		{},
		'Model: "flux-9" is not on the list; choose Custom to use an ID of your own',
	],
	['no model', 'flux2Task', { model: '={{ $json.nothing }}' }, {}, 'Model: must not be empty'],
	[
		'no custom model',
		'flux2Cloudflare',
		{ model: 'custom', customModel: '={{ "  " }}' },
		{},
		'Custom Model: must not be empty',
	],
	['no prompt', 'flux2Task', { prompt: '={{ $json.nothing }}' }, {}, 'Prompt: must not be empty'],
	[
		'too many references for the catalogue',
		'flux2Cloudflare',
		{ model: PRO, referenceImages: REFERENCES },
		{ urls: Array(9).fill('https://example.com/a.png') },
		'Reference Images: 9 given, but FLUX.2 [pro] Preview takes at most 8',
	],
	[
		'too many references for Workers AI',
		'flux2Cloudflare',
		{ model: '@cf/black-forest-labs/flux-2-dev', referenceImages: REFERENCES },
		{ urls: Array(5).fill('https://example.com/a.png') },
		'Reference Images: 5 given, but FLUX.2 [dev] (Workers AI) takes at most 4',
	],
	[
		'too many references for the task API',
		'flux2Task',
		{ referenceImages: REFERENCES },
		{ urls: Array(9).fill('https://example.com/a.png') },
		'Reference Images: 9 given, but FLUX.2 [pro] takes at most 8',
	],
	[
		'a ratio that is too small for its narrow side',
		'flux2Cloudflare',
		{ size: '21:9', megapixels: 0.1 },
		{},
		'Size: FLUX.2 [klein] 4B (Workers AI) makes no image of 21:9 with so few megapixels',
	],
	[
		'the size of a reference image that is not there',
		'flux2Oxen',
		{ size: 'likeReference' },
		{},
		'Size: Like the Reference Image needs a reference image',
	],
	[
		'an edit without an image',
		'flux2Task',
		{ operation: 'edit' },
		{},
		'Reference Images: add at least one',
	],
	[
		'an edit whose expression yields no image',
		'flux2Cloudflare',
		{ operation: 'edit', referenceImages: REFERENCES },
		{ urls: [] },
		'Reference Images: add at least one',
	],
	[
		'more than four megapixels',
		'flux2Cloudflare',
		{ model: PRO, size: 'custom', width: 4096, height: 4096 },
		{},
		'Width, Height: 4096 × 4096 is more than the 4 megapixels that FLUX.2 [pro] Preview makes; try 2048 × 2048',
	],
	[
		'no task ID',
		'flux2Task',
		{ resource: 'task', operation: 'get' },
		{},
		'Task ID: must not be empty',
	],
	[
		'a bad poll interval',
		'flux2Task',
		{ options: { pollInterval: 0 } },
		{},
		'Poll Interval: 0 is not between 0.01 and 3600; try 0.01',
	],
	[
		'a poll interval that is no number',
		'flux2Task',
		{ options: { pollInterval: '={{ "often" }}' } },
		{},
		'Poll Interval: "often" is not a number',
	],
	[
		'a bad option of Get',
		'flux2Task',
		{ resource: 'task', operation: 'get', taskId: 'a', options: { timeout: -1 } },
		{},
		'Timeout: -1 is not between 1 and 86400; try 1',
	],
])('%s is refused before the good item is sent', async (_name, type, parameters, json, message) => {
	const node = { type, parameters: { prompt: 'a pier', ...parameters } };
	const run = await lab.run(node, { items: [{ json: json as object }] as never });

	expect(run.error).toMatchObject({
		message,
		description: NOTHING_SENT,
		context: { itemIndex: 0, kind: 'invalidInput' },
	});
	expect(lab.emulator.ledger.requests).toEqual([]);
});
