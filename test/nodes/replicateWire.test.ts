import { models } from '../../nodes/Flux2Replicate/models';
import { generateOptions, submitOptions } from '../../nodes/shared/parameters/options';
import { RATIOS } from '../../nodes/shared/parameters/size';
import { NODE, openLab, QUICK, type Lab, type NodeUnderTest } from '../support/lab';
import { placed } from '../support/placed';
import {
	bodiesOf,
	fromItems,
	itemsOf,
	namesOf,
	settings,
	type Row,
	type Rows,
} from '../support/wire';

const SAFE = Number.MAX_SAFE_INTEGER;

/** Rows for values that are sent as they are. */
const verbatim = (wireName: string, ...values: string[]): Row[] =>
	values.map((value) => [value, { [wireName]: value }]);

const onOff = (wireName: string): Row[] => [
	[true, { [wireName]: true }],
	['false', { [wireName]: false }],
];

const range = (wireName: string, min: number, max: number): Row[] => [
	[min, { [wireName]: min }],
	[String(max), { [wireName]: max }],
];

const everywhere: Rows = {
	// a header: it is in a test of its own
	cancelAfter: [[5], ['86400']],
	// beside the input: it is in a test of its own too
	webhookUrl: [['https://n8n.example/a']],
	seed: [
		[0, { seed: 0 }],
		['-1', { seed: -1 }],
		[-SAFE, { seed: -SAFE }],
		[SAFE, { seed: SAFE }],
	],
	outputFormat: verbatim('output_format', 'jpg', 'png', 'webp'),
	outputQuality: range('output_quality', 0, 100),
};

const sized = (width: number, height: number) => ({ aspect_ratio: 'custom', width, height });

const pixels: Rows = {
	...everywhere,
	size: [
		['automatic'],
		['custom', sized(1024, 1024)],
		['1:1', sized(1024, 1024)],
		['16:9', sized(1344, 768)],
		['9:16', sized(768, 1344)],
		['4:3', sized(1152, 864)],
		['3:4', sized(864, 1152)],
		['3:2', sized(1248, 832)],
		['2:3', sized(832, 1248)],
		['4:5', sized(896, 1120)],
		['5:4', sized(1120, 896)],
		['21:9', sized(1536, 672)],
	],
	megapixels: [
		[0.25, sized(512, 512)],
		['2', sized(1440, 1440)],
		[4, sized(2048, 2048)],
	],
};
const closed: Rows = { ...pixels, safetyTolerance: range('safety_tolerance', 1, 5) };
const flex: Rows = {
	...closed,
	promptUpsampling: onOff('prompt_upsampling'),
	steps: range('steps', 1, 50),
	guidance: range('guidance', 1.5, 10),
};
const dev: Rows = {
	...pixels,
	size: pixels.size!.map(
		([ratio, body]): Row => [ratio, ratio === '21:9' ? sized(1440, 608) : body],
	),
	megapixels: [
		[0.25, sized(512, 512)],
		['1.97', sized(1408, 1408)],
	],
	goFast: onOff('go_fast'),
	disableSafetyChecker: onOff('disable_safety_checker'),
};

const withMegapixels = (megapixels: string, aspectRatio = '1:1') => ({
	aspect_ratio: aspectRatio,
	output_megapixels: megapixels,
});
const anyKlein: Rows = {
	...everywhere,
	size: [
		['automatic'],
		['custom'],
		...RATIOS.map((ratio): Row => [ratio, withMegapixels('1', ratio)]),
	],
	megapixels: [
		[0.25, withMegapixels('0.25')],
		[0.99, withMegapixels('0.5')],
		['2', withMegapixels('2')],
		[4, withMegapixels('4')],
	],
	aspectRatio: verbatim('aspect_ratio', ...RATIOS, '9:21'),
	resolution: verbatim('output_megapixels', '0.25', '0.5', '1', '2', '4'),
	disableSafetyChecker: onOff('disable_safety_checker'),
};
const klein: Rows = { ...anyKlein, goFast: onOff('go_fast') };
const base: Rows = { ...klein, guidance: range('guidance', 1, 10) };
/** n8n takes no expression for a list: it is in a test of its own. */
const baseLora: Rows = { ...anyKlein, loras: [[{}]] };

/** The rows of each model, and the field of its reference images with their number. */
const table: Record<string, [rows: Rows, field: string, references: number]> = {
	'black-forest-labs/flux-2-pro': [closed, 'input_images', 8],
	'black-forest-labs/flux-2-max': [closed, 'input_images', 8],
	'black-forest-labs/flux-2-flex': [flex, 'input_images', 10],
	'black-forest-labs/flux-2-dev': [dev, 'input_images', 4],
	'black-forest-labs/flux-2-klein-4b': [klein, 'images', 5],
	'black-forest-labs/flux-2-klein-4b-base': [base, 'images', 5],
	'black-forest-labs/flux-2-klein-4b-base-lora': [baseLora, 'images', 5],
	'black-forest-labs/flux-2-klein-9b': [klein, 'images', 5],
	'black-forest-labs/flux-2-klein-9b-base': [base, 'images', 5],
	'black-forest-labs/flux-2-klein-9b-base-lora': [baseLora, 'images', 5],
};
const PRO = 'black-forest-labs/flux-2-pro';
const KLEIN = 'black-forest-labs/flux-2-klein-4b';
const LORA = 'black-forest-labs/flux-2-klein-4b-base-lora';

let lab: Lab;

beforeAll(async () => {
	lab = await openLab({ emulator: { seconds: 0, images: 'plain' } });
});
beforeEach(() => {
	lab.emulator.reset();
	lab.emulator.rule({ route: 'replicate.submit' }, { as: { width: 16, height: 16 } });
});
afterAll(async () => await lab.close());

const pathOf = (model: string) => `/replicate/v1/models/${model}/predictions`;

const numberOf = ({ prompt = '' }: { prompt?: string }) => Number(/\d+/.exec(prompt)?.[0] ?? 0);

/** What was submitted, in the order of the items, and where it went. */
async function sent(parameters: NodeUnderTest['parameters'], rows: Rows) {
	const node = { ...parameters, ...fromItems('flux2Replicate', Object.keys(rows)) };
	const continuing = { onError: 'continueRegularOutput' as const };
	const items = itemsOf(rows);
	await lab.run({ type: 'flux2Replicate', parameters: node, settings: continuing }, { items });
	const { requests, submissions } = lab.emulator.ledger;
	const inOrder = [...submissions].sort((a, b) => numberOf(a) - numberOf(b));
	const posts = requests.filter(({ method }) => method === 'POST');
	return {
		bodies: inOrder.map(({ body }) => withoutWebhook(body as Record<string, unknown>)),
		paths: [...new Set(posts.map(({ path }) => path))],
	};
}

const withoutWebhook = ({
	webhook: _webhook,
	webhook_events_filter: _events,
	...body
}: Record<string, unknown>) => body;

/** Everything is an input. */
const inputsOf = (rows: Rows, always: object) => bodiesOf(rows, always).map((input) => ({ input }));

const allMade = () => lab.emulator.ledger.submissions.every(({ accepted }) => accepted);

describe('the table has every parameter and nothing else', () => {
	/** Width and height go together: they are in a test of their own. */
	const together = ['height', 'width'];

	test.each(models.map((model) => [model.id, model] as const))('%s', (id, { parameters }) => {
		const rows = table[id]?.[0] ?? {};
		const names = [...Object.keys(rows), ...('aspectRatio' in rows ? [] : together)];
		expect(names.sort()).toEqual(namesOf(parameters));
	});

	test('every model, with the field for its reference images and their number', () => {
		expect(
			models.map(({ id, referencesField, maxReferences }) => [id, referencesField, maxReferences]),
		).toEqual(Object.entries(table).map(([id, [, field, references]]) => [id, field, references]));
	});
});

describe('each parameter alone is on the wire as documented', () => {
	test.each(Object.entries(table))('by Task: Submit (%s)', async (model, [own]) => {
		const submitNames = namesOf(submitOptions);
		const mine = Object.entries(settings).filter(([name]) => submitNames.includes(name));
		const rows = { ...own, ...Object.fromEntries(mine) };
		const { bodies, paths } = await sent({ resource: 'task', operation: 'submit', model }, rows);

		expect(bodies).toEqual(inputsOf(rows, {}));
		expect(paths).toEqual([pathOf(model)]);
		expect(allMade()).toBe(true);
	});

	test.each(Object.entries(table))(
		'with a reference image, in the field that the model has (%s)',
		async (model, [rows, field]) => {
			const url = 'https://example.com/photo.png';
			const referenceImages = { image: [{ source: 'url', url }] };
			const submitting = { resource: 'task', operation: 'submit', model, referenceImages };
			const { bodies, paths } = await sent(submitting, rows);

			expect(bodies).toEqual(inputsOf(rows, { [field]: [url] }));
			expect(paths).toEqual([pathOf(model)]);
			expect(allMade()).toBe(true);
		},
	);

	test('by Image: Generate, as Task: Submit does', async () => {
		const rows = { ...klein, ...settings };
		const { bodies, paths } = await sent({ model: KLEIN }, rows);

		expect(bodies).toEqual(inputsOf(rows, {}));
		expect(paths).toEqual([pathOf(KLEIN)]);
		expect(allMade()).toBe(true);
	});
});

test("the node's own options are all in the table", () => {
	expect([...Object.keys(settings), 'customBody'].sort()).toEqual(namesOf(generateOptions));
});

/** One item with these options, submitted. */
const submitted = async (options: Record<string, unknown>, more: object = {}) => {
	const parameters = {
		resource: 'task',
		operation: 'submit',
		prompt: 'one',
		...placed('flux2Replicate', options),
		...more,
	};
	const run = await lab.run({ type: 'flux2Replicate', parameters });
	return { run, submissions: lab.emulator.ledger.submissions };
};

const photo = (url = 'https://example.com/photo.png') => ({
	referenceImages: { image: [{ source: 'url', url }] },
});

test('the time after which a prediction is stopped is a header', async () => {
	const { submissions } = await submitted({ cancelAfter: 300 });

	expect(submissions).toMatchObject([
		{ body: { input: { prompt: 'one' } }, headers: { 'cancel-after': '300s' } },
	]);
	expect(allMade()).toBe(true);
});

test('the address to call, and when, stands beside the input', async () => {
	const { submissions } = await submitted({ webhookUrl: ' https://n8n.example/a?b=c ' });

	expect(submissions.map(({ body }) => body)).toEqual([
		{
			input: { prompt: 'one' },
			webhook: 'https://n8n.example/a?b=c',
			webhook_events_filter: ['completed'],
		},
	]);
});

test('nothing is sent that was not asked for', async () => {
	const { submissions } = await submitted({});
	const [{ body, headers } = { body: undefined, headers: {} }] = submissions;

	expect(body).toEqual({ input: { prompt: 'one' } });
	expect(headers).not.toHaveProperty('cancel-after');
	expect(headers).not.toHaveProperty('prefer');
});

test('width and height are a custom aspect ratio', async () => {
	const { submissions } = await submitted({ width: 2048, height: 256 });

	expect(submissions.map(({ body }) => body)).toEqual([
		{ input: { prompt: 'one', ...sized(2048, 256) } },
	]);
	expect(allMade()).toBe(true);
});

test.each([
	[{ size: 'likeReference' }, { aspect_ratio: 'match_input_image' }],
	[
		{ size: 'likeReference', megapixels: 2 },
		{ aspect_ratio: 'match_input_image', output_megapixels: '2' },
	],
	[
		{ aspectRatio: 'match_input_image', resolution: '4' },
		{ aspect_ratio: 'match_input_image', output_megapixels: '4' },
	],
])('[klein] follows the reference image by itself (%j)', async (options, fields) => {
	const { submissions } = await submitted(options, { model: KLEIN, ...photo() });
	const { images: _images, ...input } = (submissions[0]?.body as { input: Record<string, object> })
		.input;

	expect(input).toEqual({ prompt: 'one', ...fields });
	expect(allMade()).toBe(true);
});

test.each([
	[PRO, { width: 1024, height: 0 }, 'Width, Height: set both, or none'],
	[PRO, { webhookUrl: 'http://n8n.example/a' }, 'Notify URL: must be an https URL'],
	[PRO, { width: 1000, height: 1024 }, 'Width: 1000 is not a multiple of 32; try 992 or 1024'],
	[PRO, { width: 128, height: 1024 }, 'Width: 128 is not between 256 and 2048; try 256'],
	[
		'black-forest-labs/flux-2-dev',
		{ width: 1024, height: 2048 },
		'Height: 2048 is not between 256 and 1440; try 1440',
	],
	[PRO, { steps: 20 }, 'Steps: FLUX.2 [pro] has no such parameter here'],
	[PRO, { goFast: true }, 'Go Fast: FLUX.2 [pro] has no such parameter here'],
	[KLEIN, { safetyTolerance: 5 }, 'Safety Tolerance: FLUX.2 [klein] 4B has no such parameter here'],
	[
		KLEIN,
		{ aspectRatio: 'match_input_image' },
		'Aspect Ratio: Match Input Image needs a reference image',
	],
	[PRO, { outputFormat: 'jpeg' }, 'Output Format: must be one of jpg, png, webp'],
	[PRO, { cancelAfter: 4 }, 'Cancel After: 4 is not between 5 and 86400; try 5'],
])('%s with %j is refused, and nothing is sent', async (model, options, message) => {
	// n8n drops what a model that the editor shows does not have
	const { run } = await submitted(options, { model: `={{ "${model}" }}` });

	expect(run.error?.message).toBe(message);
	expect(lab.emulator.ledger.requests).toEqual([]);
});

test('LoRAs are two lists of the same length', async () => {
	const entry = [
		{ path: 'https://example.com/style.safetensors', scale: 0.5 },
		{ path: '={{ "https://example.com/b.safetensors" }}', scale: '={{ "-1.5" }}' },
		{ path: 'https://example.com/c.safetensors' },
	];
	const { submissions } = await submitted({ loras: { entry } }, { model: LORA });

	expect(submissions.map(({ body }) => body)).toEqual([
		{
			input: {
				prompt: 'one',
				lora_weights: ['style', 'b', 'c'].map((name) => `https://example.com/${name}.safetensors`),
				lora_scales: [0.5, -1.5, 1],
			},
		},
	]);
	expect(allMade()).toBe(true);
});

test('a LoRA without a path is refused, and nothing is sent', async () => {
	const { run } = await submitted({ loras: { entry: [{ path: '' }] } }, { model: LORA });

	expect(run.error?.message).toBe('LoRAs: entry 1: Path must not be empty');
	expect(lab.emulator.ledger.requests).toEqual([]);
});

test('a custom model has the parameters of all models with their widest limits', async () => {
	const options = {
		width: 2048,
		height: 2048,
		guidance: 1,
		safetyTolerance: 5,
		goFast: false,
		loras: { entry: [{ path: 'https://example.com/a.safetensors', scale: 2 }] },
	};
	const custom = { model: 'custom', customModel: 'somebody/flux-9' };
	const { submissions } = await submitted(options, { ...custom, ...photo() });

	expect(submissions).toMatchObject([
		{
			body: {
				input: {
					prompt: 'one',
					...sized(2048, 2048),
					guidance: 1,
					safety_tolerance: 5,
					go_fast: false,
					lora_weights: ['https://example.com/a.safetensors'],
					lora_scales: [2],
					input_images: ['https://example.com/photo.png'],
				},
			},
		},
	]);
	expect(lab.emulator.ledger.requests).toMatchObject([{ path: pathOf('somebody/flux-9') }]);
});

describe('reference images', () => {
	const LIMIT = 256_000;

	/** A run that edits a binary image with so many bytes of noise. */
	async function edited(side: number, format: 'png' | 'jpeg') {
		const size = `width=${side}&height=${side}&format=${format}`;
		const url = `${lab.emulator.urls.results}/references/a.png?${size}`;
		const bytes = Buffer.from(await (await fetch(url)).arrayBuffer());
		const binary = await lab.engine.store(bytes, `image/${format}`, `a.${format}`);
		const parameters = {
			prompt: 'edit image 1',
			referenceImages: {
				image: [
					{ source: 'url', url },
					{ source: 'binary', binaryPropertyName: 'data' },
				],
			},
			options: QUICK,
		};
		const items = [{ json: {}, binary: { data: binary } }];
		const run = await lab.run({ type: 'flux2Replicate', parameters }, { items });
		const [submission] = lab.emulator.ledger.submissions;
		const { input } = submission?.body as { input: { input_images: string[] } };
		return { run, url, bytes, images: input.input_images };
	}
	const uploads = () =>
		lab.emulator.ledger.requests.filter(({ path }) => path === '/replicate/v1/files');

	test('are URLs and, where they are small, data URIs in one list', async () => {
		const { run, url, images } = await edited(64, 'png');

		expect(run.items(NODE)).toMatchObject([{ json: { status: 'completed' } }]);
		expect(images).toEqual([url, expect.stringMatching(/^data:image\/png;base64,iVBORw0KGgo/)]);
		expect(uploads()).toEqual([]);
	});

	test('are uploaded first where they are larger than a data URI may be', async () => {
		const { run, url, bytes, images } = await edited(2048, 'png');

		expect(bytes.length).toBeGreaterThan(LIMIT * 0.75);
		expect(run.items(NODE)).toMatchObject([{ json: { status: 'completed' } }]);
		const file = expect.stringContaining(`${lab.emulator.urls.replicate}/files/`) as string;
		expect(images).toEqual([url, file]);
		expect(uploads()).toHaveLength(1);
	});

	test('more than the model takes are refused', async () => {
		const image = [1, 2, 3, 4, 5, 6].map((n) => ({
			source: 'url',
			url: `https://example.com/${n}.png`,
		}));
		const { run } = await submitted({}, { model: KLEIN, referenceImages: { image } });

		expect(run.error?.message).toBe(
			'Reference Images: 6 given, but FLUX.2 [klein] 4B takes at most 5',
		);
		expect(lab.emulator.ledger.requests).toEqual([]);
	});
});

test('Custom Body is merged in last', async () => {
	const { submissions } = await submitted({
		seed: 1,
		customBody: '{"input": {"seed": 7, "resolution": "0.5 MP"}}',
	});

	expect(submissions.map(({ body }) => body)).toEqual([
		{ input: { prompt: 'one', seed: 7, resolution: '0.5 MP' } },
	]);
	expect(allMade()).toBe(true);
});
