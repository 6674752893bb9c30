import { models } from '../../nodes/Flux2OpenAi/models';
import type { ServerName } from '../../nodes/Flux2OpenAi/servers';
import { syncOptions } from '../../nodes/shared/parameters/options';
import { drawReference } from '../emulator/images';
import { NODE, openLab, QUICK, type Lab } from '../support/lab';
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
const MODEL = 'black-forest-labs/FLUX.2-klein-4B';

const asSize = (width: number, height: number) => ({ size: `${width}x${height}` });
const asSides = (width: number, height: number) => ({ width, height });

const sizes = (sized: (width: number, height: number) => object): Rows => ({
	size: [
		['automatic'],
		['custom', sized(1024, 1024)],
		['1:1', sized(1024, 1024)],
		['16:9', sized(1360, 768)],
		['9:16', sized(768, 1360)],
		['21:9', sized(1552, 672)],
	],
	megapixels: [
		[0.25, sized(512, 512)],
		[4, sized(2048, 2048)],
	],
});

const verbatim = (name: string, ...values: unknown[]): Row[] =>
	values.map((value) => [value, { [name]: value }]);

const seed = (): Rows => ({ seed: verbatim('seed', 0, -1, SAFE, -SAFE) });
const format = (...values: string[]): Rows => ({
	outputFormat: verbatim('output_format', ...values),
});
const range = (wireName: string, min: number, max: number): Row[] => [
	[min, { [wireName]: min }],
	[String(max), { [wireName]: max }],
];
const negative: Rows = { negativePrompt: verbatim('negative_prompt', 'text') };

const all: Rows = {
	...sizes(asSize),
	...seed(),
	...negative,
	...format('png', 'jpeg', 'webp'),
	steps: range('num_inference_steps', 1, 200),
	guidance: range('guidance_scale', 0, 20),
};

/** What stands in the prompt of stable-diffusion.cpp, by the number of its item. */
const tagged = (json: object) => (prompt: string) =>
	`${prompt} <sd_cpp_extra_args>${JSON.stringify(json)}</sd_cpp_extra_args>`;
type Tagged = ReturnType<typeof tagged>;

interface Wire {
	path: string;
	model: string;
	rows: Rows;
	/** In every body. */
	always: object;
}

const AZURE = '?api-version=preview';
const azure = { ...sizes(asSides), ...seed(), ...format('png', 'jpeg') };

const wires: Record<string, Wire & { server: ServerName; below?: string }> = {
	vllm: {
		server: 'vllm',
		path: '/images/generations',
		model: MODEL,
		rows: all,
		always: { response_format: 'b64_json' },
	},
	generic: {
		server: 'generic',
		path: '/images/generations',
		model: 'flux-2',
		rows: all,
		always: { response_format: 'b64_json' },
	},
	localAi: {
		server: 'localAi',
		path: '/images/generations',
		model: 'flux.2-klein',
		rows: { ...sizes(asSize), ...seed(), steps: range('step', 1, 200) },
		always: { response_format: 'b64_json' },
	},
	sdCpp: {
		server: 'sdCpp',
		path: '/images/generations',
		model: 'sd-cpp-local',
		rows: { ...sizes(asSize), ...format('png', 'jpeg', 'webp') },
		always: {},
	},
	deepInfra: {
		server: 'deepInfra',
		path: '/images/generations',
		model: 'black-forest-labs/FLUX-2-dev',
		rows: sizes(asSize),
		always: { response_format: 'b64_json' },
	},
	together: {
		server: 'together',
		path: '/images/generations',
		model: 'black-forest-labs/FLUX.2-pro',
		rows: {
			...sizes(asSides),
			...seed(),
			...negative,
			...format('png', 'jpeg'),
			steps: range('steps', 1, 200),
			guidance: range('guidance_scale', 0, 20),
		},
		always: { response_format: 'base64' },
	},
	openRouter: {
		server: 'openRouter',
		path: '/images',
		model: 'black-forest-labs/flux.2-pro',
		rows: { ...sizes(asSize), ...seed(), ...format('png', 'jpeg', 'webp') },
		always: {},
	},
	'azure, FLUX.2-pro': {
		server: 'azure',
		path: `/flux-2-pro${AZURE}`,
		model: 'FLUX.2-pro',
		rows: azure,
		always: {},
	},
	'azure, FLUX.2-flex': {
		server: 'azure',
		path: `/flux-2-flex${AZURE}`,
		model: 'FLUX.2-flex',
		rows: { ...azure, steps: range('steps', 1, 50), guidance: range('guidance', 1.5, 10) },
		always: {},
	},
};
const everyWire = Object.entries(wires);

let lab: Lab;

beforeAll(async () => {
	lab = await openLab({ emulator: { seconds: 0, images: 'plain' } });
});
beforeEach(() => {
	lab.emulator.reset();
	for (const route of ['openai.generate', 'openai.edit'] as const) {
		lab.emulator.rule({ route }, { as: { width: 16, height: 16 } });
	}
});
afterAll(async () => await lab.close());

function useServer(server: ServerName): void {
	const { keys, urls } = lab.emulator;
	lab.credentials.flux2OpenAiApi = {
		service: server,
		baseUrl: `${urls.openai}/${server}`,
		apiKey: keys.openAiKey,
	};
}

const numberOf = ({ prompt = '' }: { prompt?: string }) => Number(/\d+/.exec(prompt)?.[0] ?? 0);

/** What was submitted, in the order of the items, and where it went. */
async function sent({ server, model, rows }: (typeof wires)[string]) {
	useServer(server);
	const parameters = {
		model: { __rl: true, mode: 'id', value: model },
		...fromItems('flux2OpenAi', Object.keys(rows)),
	};
	const continuing = { onError: 'continueRegularOutput' as const };
	const node = { type: 'flux2OpenAi', parameters, settings: continuing } as const;
	const run = await lab.run(node, { items: itemsOf(rows) });
	const { requests, submissions } = lab.emulator.ledger;
	const inOrder = [...submissions].sort((a, b) => numberOf(a) - numberOf(b));
	const posts = requests.filter(({ method }) => method === 'POST');
	return {
		errors: run.items(NODE).flatMap(({ json }) => (json.error ? [json.error] : [])),
		bodies: inOrder.map(({ body }) => body),
		paths: [...new Set(posts.map(({ path }) => path))],
		isAccepted: inOrder.every(({ accepted }) => accepted),
	};
}

/** Together they make a custom size; they are in a test of their own. */
const SIDES = ['height', 'width'];

test('the table has every parameter that the editor offers', () => {
	for (const { parameters } of models) {
		expect([...Object.keys(all), ...SIDES].sort()).toEqual(namesOf(parameters));
	}
});

test("the node's own options are all in the table", () => {
	const { pollInterval: _polls, ...own } = settings;
	expect([...Object.keys(own), 'customBody'].sort()).toEqual(namesOf(syncOptions));
});

describe('each parameter alone is on the wire as the server documents it', () => {
	test.each(everyWire)('%s', async (_name, wire) => {
		const { pollInterval: _polls, ...own } = settings;
		const rows = { ...wire.rows, ...own };
		const { errors, bodies, paths, isAccepted } = await sent({ ...wire, rows });

		expect(errors).toEqual([]);
		expect(bodies).toEqual(bodiesOf(rows, { model: wire.model, ...wire.always }));
		expect(paths).toEqual([`/openai/${wire.server}${wire.path}`]);
		expect(isAccepted).toBe(true);
	});
});

/** One item with these options. */
async function submitted(
	server: ServerName,
	options: Record<string, unknown> = {},
	more: Record<string, unknown> = {},
) {
	useServer(server);
	const model = everyWire.find(([, wire]) => wire.server === server)![1].model;
	const parameters = {
		prompt: 'A fox',
		model,
		...placed('flux2OpenAi', { ...options, ...QUICK }),
		...more,
	};
	return await lab.run({ type: 'flux2OpenAi', parameters });
}

const bodies = () => lab.emulator.ledger.submissions.map(({ body }) => body);

test.each<[Record<string, unknown>, Tagged]>([
	[{ seed: 42 }, tagged({ seed: 42 })],
	[{ steps: 4 }, tagged({ sample_params: { sample_steps: 4 } })],
	[
		{ steps: 4, guidance: 3.5 },
		tagged({ sample_params: { sample_steps: 4, guidance: { distilled_guidance: 3.5 } } }),
	],
	[{ negativePrompt: 'text' }, tagged({ negative_prompt: 'text' })],
])('stable-diffusion.cpp takes %j in a tag behind the prompt', async (options, expected) => {
	const run = await submitted('sdCpp', options);

	expect(run.status).toBe('success');
	expect(bodies()).toEqual([{ model: 'sd-cpp-local', prompt: expected('A fox') }]);
	expect(lab.emulator.ledger.tasks).toEqual([expect.objectContaining({ prompt: 'A fox' })]);
});

test('a negative prompt cannot end the tag', async () => {
	const evil = '</sd_cpp_extra_args><sd_cpp_extra_args>{"seed":1}';
	const run = await submitted('sdCpp', { seed: 42, negativePrompt: evil });
	const [{ prompt }] = bodies() as [{ prompt: string }];

	expect(run.status).toBe('success');
	expect(prompt.match(/sd_cpp_extra_args>/g)).toHaveLength(2 + evil.split('_args>').length - 1);
	expect(prompt.match(/<\/?sd_cpp_extra_args>/g)).toHaveLength(2);
	expect(lab.emulator.ledger.tasks).toEqual([expect.objectContaining({ seed: 42 })]);
});

const SMUGGLED = [
	'A fox <sd_cpp_extra_args>{"seed":1}</sd_cpp_extra_args>',
	'A fox <SD_CPP_EXTRA_ARGS>{"seed":1}',
	'A fox <sd_cpp_extra_args',
];
const REFUSED = 'Prompt: must not contain "sd_cpp_extra_args": servers take settings from it';

describe.each<ServerName>(['sdCpp', 'generic', 'localAi'])('%s', (server) => {
	test.each(SMUGGLED)('gets no settings by a prompt: %s', async (prompt) => {
		const run = await submitted(server, { seed: 42 }, { prompt });

		expect(run.error?.message).toBe(REFUSED);
		expect(bodies()).toEqual([]);
	});
});

test('nor by Custom Body or a structured prompt', async () => {
	const [prompt] = SMUGGLED;
	const byBody = await submitted('sdCpp', { customBody: JSON.stringify({ prompt }) });
	const structuredPrompt = { scene: prompt };
	const byForm = await submitted('sdCpp', {}, { promptType: 'structured', structuredPrompt });

	expect([byBody.error?.message, byForm.error?.message]).toEqual([REFUSED, REFUSED]);
	expect(bodies()).toEqual([]);
});

test('LocalAI takes the negative prompt behind a bar, which no prompt may have then', async () => {
	await submitted('localAi', { negativePrompt: 'text' });
	const inPrompt = await submitted('localAi', {}, { prompt: 'A fox | a cat' });
	const inNegative = await submitted('localAi', { negativePrompt: 'text | hands' });

	expect(bodies()).toEqual([expect.objectContaining({ prompt: 'A fox|text' })]);
	expect(inPrompt.error?.message).toBe(
		'Prompt: must not contain "|" at LocalAI; use Negative Prompt',
	);
	expect(inNegative.error?.message).toBe('Negative Prompt: must not contain "|"');
});

describe('width and height', () => {
	test.each<[ServerName, object]>([
		['vllm', asSize(640, 480)],
		['together', asSides(640, 480)],
	])('go together (%s)', async (server, expected) => {
		await submitted(server, { width: 640, height: 480 });
		expect(bodies()).toEqual([expect.objectContaining(expected)]);
	});

	test('are both there, or none', async () => {
		const run = await submitted('vllm', { width: 640, height: 0 });
		expect(run.error?.message).toBe('Width, Height: set both, or none');
	});
});

describe('reference images', () => {
	let photos: Array<{ bytes: Buffer; base64: string }>;

	beforeAll(async () => {
		const drawn = await Promise.all(
			['one', 'two'].map(async (name) => await drawReference(name, 64, 48, 'png')),
		);
		photos = drawn.map(({ bytes }) => ({ bytes, base64: bytes.toString('base64') }));
	});

	const referenceImages = {
		image: [{ source: 'binary', binaryPropertyName: 'one, two' }],
	};

	async function edited(server: ServerName, options: Record<string, unknown> = {}) {
		useServer(server);
		const binary = Object.fromEntries(
			['one', 'two'].map((name, index) => [
				name,
				{ data: photos[index]!.base64, mimeType: 'image/png' },
			]),
		);
		const model = everyWire.find(([, wire]) => wire.server === server)![1].model;
		const parameters = {
			operation: 'edit',
			prompt: 'Make it blue',
			model,
			referenceImages,
			...placed('flux2OpenAi', { ...options, ...QUICK }),
		};
		return await lab.run({ type: 'flux2OpenAi', parameters }, { items: [{ json: {}, binary }] });
	}

	const file = (number: number) => ({
		filename: `image_${number}.png`,
		mimetype: 'image/png',
		bytes: photos[number - 1]!.bytes.length,
		width: 64,
		height: 48,
	});
	const posted = () =>
		lab.emulator.ledger.requests.filter(({ method }) => method === 'POST').map(({ path }) => path);

	test.each<[ServerName, string, object]>([
		['vllm', 'image[]', { model: MODEL, response_format: 'b64_json' }],
		['generic', 'image[]', { model: 'flux-2', response_format: 'b64_json' }],
		['sdCpp', 'image[]', { model: 'sd-cpp-local' }],
		['deepInfra', 'image', { model: 'black-forest-labs/FLUX-2-dev', response_format: 'b64_json' }],
	])('are files of a form (%s)', async (server, field, fields) => {
		const run = await edited(server);

		expect(run.status).toBe('success');
		expect(posted()).toEqual([`/openai/${server}/images/edits`]);
		expect(bodies()).toEqual([{ ...fields, prompt: 'Make it blue', [field]: [file(1), file(2)] }]);
	});

	test.each<[ServerName, string, () => object]>([
		['localAi', '/images/generations', () => ({ ref_images: photos.map(({ base64 }) => base64) })],
		[
			'together',
			'/images/generations',
			() => ({ reference_images: photos.map(({ base64 }) => `data:image/png;base64,${base64}`) }),
		],
		[
			'openRouter',
			'/images',
			() => ({
				input_references: photos.map(({ base64 }) => ({
					type: 'image_url',
					image_url: { url: `data:image/png;base64,${base64}` },
				})),
			}),
		],
		[
			'azure',
			`/flux-2-pro${AZURE}`,
			() => ({ input_image: photos[0]!.base64, input_image_2: photos[1]!.base64 }),
		],
	])('are in the JSON (%s)', async (server, path, fields) => {
		const run = await edited(server);

		expect(run.status).toBe('success');
		expect(posted()).toEqual([`/openai/${server}${path}`]);
		expect(bodies()).toEqual([expect.objectContaining(fields())]);
	});

	test('of stable-diffusion.cpp make no WebP', async () => {
		const run = await edited('sdCpp', { outputFormat: 'webp' });
		expect(run.error?.message).toBe(
			'Output Format: stable-diffusion.cpp makes no WebP of reference images',
		);
	});
});

describe('what a server lacks is refused by its label', () => {
	test.each<[ServerName, Record<string, unknown>, string]>([
		['deepInfra', { seed: 1 }, 'Seed: black-forest-labs/FLUX-2-dev (DeepInfra)'],
		['localAi', { guidance: 3 }, 'Guidance: flux.2-klein (LocalAI)'],
		['openRouter', { steps: 3 }, 'Steps: black-forest-labs/flux.2-pro (OpenRouter)'],
		['azure', { steps: 3 }, 'Steps: FLUX.2-pro (Azure AI Foundry)'],
	])('%s, %j', async (server, options, expected) => {
		const run = await submitted(server, options);

		expect(run.error?.message).toBe(`${expected} has no such parameter here`);
		expect(bodies()).toEqual([]);
	});

	test('Azure knows an address for two models only; a deployment is named in Custom Body', async () => {
		const unknown = await submitted('azure', {}, { model: 'my-deployment' });
		await submitted('azure', { customBody: { model: 'my-deployment' } });

		expect(unknown.error?.message).toBe(
			'Model: must be FLUX.2-pro or FLUX.2-flex; name a deployment of your own as "model" in Custom Body',
		);
		expect(bodies()).toEqual([{ model: 'my-deployment', prompt: 'A fox' }]);
	});
});

describe('several images', () => {
	test('of one prompt are one request at vLLM-Omni', async () => {
		const run = await submitted('vllm', { numberOfImages: 3 });

		expect(bodies()).toEqual([expect.objectContaining({ n: 3 })]);
		expect(run.items(NODE)).toHaveLength(3);
	});

	test('are one request each elsewhere, and where a seed is set', async () => {
		await submitted('generic', { numberOfImages: 2 });
		await submitted('vllm', { numberOfImages: 2, seed: 5 });

		expect(bodies()).toHaveLength(4);
		expect(bodies().slice(2)).toEqual([
			expect.objectContaining({ seed: 5 }),
			expect.objectContaining({ seed: 6 }),
		]);
	});
});
