import { models } from '../../nodes/Flux2Fal/models';
import { generateOptions, submitOptions } from '../../nodes/shared/parameters/options';
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

/** Of headers the body knows nothing; they are in a test of their own. */
const headers: Rows = {
	queuePriority: [['low'], ['normal']],
	startTimeout: [[2], ['300']],
	fileLifetime: [[60], ['86400']],
	// of the query too
	webhookUrl: [['https://n8n.example/a']],
};

const sized = (width: number, height: number) => ({ image_size: { width, height } });

const shared: Rows = {
	...headers,
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
	seed: [
		[0, { seed: 0 }],
		['-1', { seed: -1 }],
		[-SAFE, { seed: -SAFE }],
		[SAFE, { seed: SAFE }],
	],
	enableSafetyChecker: onOff('enable_safety_checker'),
};

const closed: Rows = {
	...shared,
	outputFormat: verbatim('output_format', 'jpeg', 'png'),
	safetyTolerance: [
		[1, { safety_tolerance: '1' }],
		['5', { safety_tolerance: '5' }],
	],
};
const flex: Rows = {
	...closed,
	numInferenceSteps: range('num_inference_steps', 2, 50),
	guidanceScale: range('guidance_scale', 1.5, 10),
};
const open: Rows = {
	...shared,
	outputFormat: verbatim('output_format', 'jpeg', 'png', 'webp'),
};
const fastDev: Rows = {
	...open,
	guidanceScale: range('guidance_scale', 0, 20),
	enablePromptExpansion: onOff('enable_prompt_expansion'),
};
const dev: Rows = {
	...fastDev,
	numInferenceSteps: range('num_inference_steps', 4, 50),
	acceleration: verbatim('acceleration', 'none', 'regular', 'high'),
};
const klein: Rows = { ...open, numInferenceSteps: range('num_inference_steps', 4, 8) };
const base: Rows = {
	...open,
	numInferenceSteps: range('num_inference_steps', 4, 50),
	guidanceScale: range('guidance_scale', 0, 20),
	acceleration: verbatim('acceleration', 'none', 'regular', 'high'),
	negativePrompt: verbatim('negative_prompt', 'text'),
};

/** n8n takes no expression for a list: it is in a test of its own. */
const loras: Row[] = [[{}]];

/** The rows of each model, and the endpoint for requests with reference images. */
const table: Record<string, [rows: Rows, edit: string, references: number]> = {
	'fal-ai/flux-2-pro': [closed, 'fal-ai/flux-2-pro/edit', 8],
	'fal-ai/flux-2-max': [closed, 'fal-ai/flux-2-max/edit', 8],
	'fal-ai/flux-2-flex': [flex, 'fal-ai/flux-2-flex/edit', 8],
	'fal-ai/flux-2': [dev, 'fal-ai/flux-2/edit', 4],
	'fal-ai/flux-2/turbo': [fastDev, 'fal-ai/flux-2/turbo/edit', 4],
	'fal-ai/flux-2/flash': [fastDev, 'fal-ai/flux-2/flash/edit', 4],
	'fal-ai/flux-2/lora': [{ ...dev, loras }, 'fal-ai/flux-2/lora/edit', 3],
	'fal-ai/flux-2/klein/4b': [klein, 'fal-ai/flux-2/klein/4b/edit', 4],
	'fal-ai/flux-2/klein/4b/base': [base, 'fal-ai/flux-2/klein/4b/base/edit', 4],
	'fal-ai/flux-2/klein/4b/lora': [{ ...klein, loras }, 'fal-ai/flux-2/klein/4b/edit/lora', 4],
	'fal-ai/flux-2/klein/9b': [klein, 'fal-ai/flux-2/klein/9b/edit', 4],
	'fal-ai/flux-2/klein/9b/base': [base, 'fal-ai/flux-2/klein/9b/base/edit', 4],
	'fal-ai/flux-2/klein/9b/lora': [{ ...klein, loras }, 'fal-ai/flux-2/klein/9b/edit/lora', 4],
	'fal-ai/flux-2/klein/9b/base/lora': [
		{ ...base, loras },
		'fal-ai/flux-2/klein/9b/base/edit/lora',
		4,
	],
};

let lab: Lab;

beforeAll(async () => {
	lab = await openLab({ emulator: { seconds: 0, images: 'plain' } });
});
beforeEach(() => {
	lab.emulator.reset();
	lab.emulator.rule({ route: 'fal.submit' }, { as: { width: 16, height: 16 } });
});
afterAll(async () => await lab.close());

const numberOf = ({ prompt = '' }: { prompt?: string }) => Number(/\d+/.exec(prompt)?.[0] ?? 0);

/** What was submitted, in the order of the items, and where it went. */
async function sent(parameters: NodeUnderTest['parameters'], rows: Rows, options: object = {}) {
	const node = { ...parameters, ...fromItems('flux2Fal', Object.keys(rows)) };
	Object.assign(node.options as object, options);
	const continuing = { onError: 'continueRegularOutput' as const };
	const items = itemsOf(rows);
	await lab.run({ type: 'flux2Fal', parameters: node, settings: continuing }, { items });
	const { requests, submissions } = lab.emulator.ledger;
	const inOrder = [...submissions].sort((a, b) => numberOf(a) - numberOf(b));
	const posts = requests.filter(({ method }) => method === 'POST');
	return {
		bodies: inOrder.map(({ body }) => body),
		headers: inOrder.map((submission) => submission.headers),
		paths: [...new Set(posts.map(({ path }) => path.split('?')[0]))],
	};
}

/** A task that fails for its parameters costs nothing. */
const allMade = () => {
	const { submissions, tasks } = lab.emulator.ledger;
	return submissions.every(({ accepted }) => accepted) && tasks.every(({ cost }) => cost > 0);
};

describe('the table has every parameter and nothing else', () => {
	/** Width and height go together: they are in a test of their own. */
	const together = ['height', 'width'];

	test.each(models.map((model) => [model.id, model] as const))('%s', (id, { parameters }) => {
		const names = [...Object.keys(table[id]?.[0] ?? {}), ...together];
		expect(names.sort()).toEqual(namesOf(parameters));
	});

	test('every model, with its endpoint for editing and its number of references', () => {
		expect(
			models.map(({ id, editEndpoint, maxReferences }) => [id, editEndpoint, maxReferences]),
		).toEqual(Object.entries(table).map(([id, [, edit, references]]) => [id, edit, references]));
	});
});

describe('each parameter alone is on the wire as documented', () => {
	test.each(Object.entries(table))('by Task: Submit (%s)', async (model, [own]) => {
		const submitNames = namesOf(submitOptions);
		const mine = Object.entries(settings).filter(([name]) => submitNames.includes(name));
		const rows = { ...own, ...Object.fromEntries(mine) };
		const { bodies, paths } = await sent({ resource: 'task', operation: 'submit', model }, rows);

		expect(bodies).toEqual(bodiesOf(rows, {}));
		expect(paths).toEqual([`/fal/${model}`]);
		expect(allMade()).toBe(true);
	});

	test.each(Object.entries(table))(
		'with a reference image, at the endpoint for editing (%s)',
		async (model, [rows, edit]) => {
			const url = 'https://example.com/photo.png';
			const referenceImages = { image: [{ source: 'url', url }] };
			const submitting = { resource: 'task', operation: 'submit', model, referenceImages };
			const { bodies, paths } = await sent(submitting, rows);

			expect(bodies).toEqual(bodiesOf(rows, { image_urls: [url] }));
			expect(paths).toEqual([`/fal/${edit}`]);
			expect(allMade()).toBe(true);
		},
	);

	test.each(['queue', 'events'])('by Image: Generate, as Task: Submit does (%s)', async (mode) => {
		const rows = { ...klein, ...settings };
		const { bodies, paths } = await sent({ model: 'fal-ai/flux-2/klein/4b' }, rows, { mode });

		expect(bodies).toEqual(bodiesOf(rows, {}));
		expect(paths).toEqual(['/fal/fal-ai/flux-2/klein/4b']);
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
		...placed('flux2Fal', options),
		...more,
	};
	const run = await lab.run({ type: 'flux2Fal', parameters });
	return { run, submissions: lab.emulator.ledger.submissions };
};

test('the options of the queue are headers', async () => {
	const { submissions } = await submitted({
		queuePriority: 'low',
		startTimeout: 30,
		fileLifetime: 3600,
	});

	expect(submissions).toMatchObject([
		{
			body: { prompt: 'one' },
			headers: {
				'x-fal-queue-priority': 'low',
				'x-fal-request-timeout': '30',
				'x-fal-object-lifecycle-preference': '{"expiration_duration_seconds":3600}',
			},
		},
	]);
});

test.each([
	[' https://n8n.example/a ', 'https://n8n.example/a?model=fal-ai%2Fflux-2-pro'],
	['https://n8n.example/a?b=c', 'https://n8n.example/a?b=c&model=fal-ai%2Fflux-2-pro'],
	['https://n8n.example/a?model=mine', 'https://n8n.example/a?model=mine'],
])('the address to call, %p, is in the query, with the model in its own', async (url, called) => {
	await submitted({ webhookUrl: url });

	expect(lab.emulator.ledger.requests.map(({ path }) => path)).toEqual([
		`/fal/fal-ai/flux-2-pro?fal_webhook=${encodeURIComponent(called)}`,
	]);
});

test('nothing is sent that was not asked for', async () => {
	const { submissions } = await submitted({});
	const [{ body, headers: sentHeaders } = { body: undefined, headers: {} }] = submissions;

	expect(body).toEqual({ prompt: 'one' });
	expect(Object.keys(sentHeaders).filter((name) => name.startsWith('x-fal-'))).toEqual([]);
	expect(lab.emulator.ledger.requests.map(({ path }) => path)).toEqual(['/fal/fal-ai/flux-2-pro']);
});

test('width and height are one field', async () => {
	const { submissions } = await submitted({ width: 2048, height: 512 });

	expect(submissions.map(({ body }) => body)).toEqual([{ prompt: 'one', ...sized(2048, 512) }]);
});

test.each([
	[{ width: 1024, height: 0 }, 'Width, Height: set both, or none'],
	[{ width: 1000, height: 1024 }, 'Width: 1000 is not a multiple of 32; try 992 or 1024'],
	[{ width: 480, height: 1024 }, 'Width: 480 is not between 512 and 2048; try 512'],
	[{ numInferenceSteps: 20 }, 'Inference Steps: FLUX.2 [pro] has no such parameter here'],
	[{ outputFormat: 'webp' }, 'Output Format: must be one of jpeg, png'],
	[{ webhookUrl: 'http://n8n.example/a' }, 'Notify URL: must be an https URL'],
])('%j is refused, and nothing is sent', async (options, message) => {
	// n8n drops what a model that the editor shows does not have
	const { run } = await submitted(options, { model: '={{ "fal-ai/flux-2-pro" }}' });

	expect(run.error?.message).toBe(message);
	expect(lab.emulator.ledger.requests).toEqual([]);
});

const lora = (...entry: object[]) =>
	submitted({ loras: { entry } }, { model: 'fal-ai/flux-2/lora' });

test('LoRAs are a list of paths and scales', async () => {
	const { submissions } = await lora(
		{ path: 'https://example.com/style.safetensors', scale: 0.5 },
		{ path: '={{ "me/b" }}', scale: '={{ "4" }}' },
		{ path: 'me/c' },
	);

	expect(submissions.map(({ body }) => body)).toEqual([
		{
			prompt: 'one',
			loras: [
				{ path: 'https://example.com/style.safetensors', scale: 0.5 },
				{ path: 'me/b', scale: 4 },
				{ path: 'me/c', scale: 1 },
			],
		},
	]);
	expect(allMade()).toBe(true);
});

test.each([
	[[{ path: '' }], 'LoRAs: entry 1: Path must not be empty'],
	[
		[{ path: 'a' }, { path: 'b', scale: 5 }],
		'LoRAs: entry 2: Scale 5 is not between 0 and 4; try 4',
	],
	[Array(4).fill({ path: 'a' }), 'LoRAs: must have at most 3 entries'],
])('LoRAs %j are refused, and nothing is sent', async (entries, message) => {
	const { run } = await lora(...(entries as object[]));

	expect(run.error?.message).toBe(message);
	expect(lab.emulator.ledger.requests).toEqual([]);
});

describe('a custom model', () => {
	const custom = (customModel: string) => ({ model: 'custom', customModel });

	test('has the parameters of all models with their widest limits', async () => {
		const options = {
			outputFormat: 'webp',
			numInferenceSteps: 2,
			guidanceScale: 20,
			safetyTolerance: 5,
			loras: { entry: [{ path: 'me/a' }] },
		};
		const { submissions } = await submitted(options, custom('fal-ai/flux-9/turbo'));

		expect(submissions).toMatchObject([
			{
				body: {
					prompt: 'one',
					output_format: 'webp',
					num_inference_steps: 2,
					guidance_scale: 20,
					safety_tolerance: '5',
					loras: [{ path: 'me/a', scale: 1 }],
				},
			},
		]);
		expect(lab.emulator.ledger.requests).toMatchObject([{ path: '/fal/fal-ai/flux-9/turbo' }]);
	});

	test('gets reference images where its ID says, not at an endpoint that is guessed', async () => {
		const image = [{ source: 'url', url: 'https://example.com/photo.png' }];
		const id = 'fal-ai/flux-2/klein/4b/base/edit/lora';
		await submitted({}, { ...custom(id), referenceImages: { image } });

		expect(lab.emulator.ledger.requests).toMatchObject([{ path: `/fal/${id}` }]);
	});
});

test('references are URLs and data URIs in one list', async () => {
	const url = `${lab.emulator.urls.results}/references/a.png?width=64&height=32`;
	const bytes = Buffer.from(await (await fetch(url)).arrayBuffer());
	const binary = await lab.engine.store(bytes, 'image/png', 'a.png');
	const parameters = {
		prompt: 'edit @Image1',
		referenceImages: {
			image: [
				{ source: 'url', url },
				{ source: 'binary', binaryPropertyName: 'data' },
			],
		},
		options: QUICK,
	};
	const run = await lab.run(
		{ type: 'flux2Fal', parameters },
		{ items: [{ json: {}, binary: { data: binary } }] },
	);

	expect(run.items(NODE)).toMatchObject([{ json: { status: 'completed' } }]);
	expect(lab.emulator.ledger.submissions).toMatchObject([
		{
			model: 'fal-ai/flux-2-pro/edit',
			body: {
				prompt: 'edit @Image1',
				image_urls: [url, expect.stringMatching(/^data:image\/png;base64,iVBORw0KGgo/)],
			},
		},
	]);
});

test('a reference image more than the model uses is refused instead of dropped', async () => {
	const image = [1, 2, 3, 4].map((n) => ({ source: 'url', url: `https://example.com/${n}.png` }));
	const { run } = await submitted({}, { model: 'fal-ai/flux-2/lora', referenceImages: { image } });

	expect(run.error?.message).toBe(
		'Reference Images: 4 given, but FLUX.2 [dev] LoRA takes at most 3',
	);
	expect(lab.emulator.ledger.requests).toEqual([]);
});

test('Custom Body is merged in last', async () => {
	const { submissions } = await submitted({
		seed: 1,
		customBody: '{"seed": 7, "image_size": "portrait_16_9"}',
	});

	expect(submissions.map(({ body }) => body)).toEqual([
		{ prompt: 'one', seed: 7, image_size: 'portrait_16_9' },
	]);
	expect(allMade()).toBe(true);
});
