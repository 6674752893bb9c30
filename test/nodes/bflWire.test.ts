import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { models } from '../../nodes/Flux2Bfl/models';
import { generateOptions, submitOptions } from '../../nodes/shared/parameters/options';
import { startListener } from '../emulator';
import openapi from '../emulator/bfl/contract.json';
import { openLab, QUICK, type Lab, type NodeUnderTest } from '../support/lab';
import { placed } from '../support/placed';
import { bodiesOf, fromItems, itemsOf, namesOf, settings, type Rows } from '../support/wire';

const SAFE = Number.MAX_SAFE_INTEGER;

const flux2: Rows = {
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
	// automatic is an unset field: the schema does not take the 0 that its text speaks of
	width: [[0], ['0'], [64, { width: 64 }], [' 1040 ', { width: 1040 }]],
	height: [[0], ['0'], [64, { height: 64 }], ['1040', { height: 1040 }]],
	seed: [
		[0, { seed: 0 }],
		['-1', { seed: -1 }],
		[-SAFE, { seed: -SAFE }],
		[SAFE, { seed: SAFE }],
	],
	safetyTolerance: [
		[0, { safety_tolerance: 0 }],
		['5', { safety_tolerance: 5 }],
	],
	outputFormat: [
		['jpeg', { output_format: 'jpeg' }],
		['png', { output_format: 'png' }],
		['webp', { output_format: 'webp' }],
	],
};

const upsampled: Rows = {
	...flux2,
	disablePup: [
		[false, { disable_pup: false }],
		['true', { disable_pup: true }],
	],
};

const flex: Rows = {
	...flux2,
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
		['true', { prompt_upsampling: true }],
	],
};

/** The address names the model, which the call itself does not. Tests call no other computer. */
const notifying = (model: string, rows: Rows): [string, Rows] => {
	const url = 'https://n8n.example/a';
	return [
		model,
		{
			...rows,
			webhookUrl: [
				[` ${url} `, { webhook_url: `${url}?model=${model}` }],
				[`${url}?b=c`, { webhook_url: `${url}?b=c&model=${model}` }],
				[`${url}?model=mine`, { webhook_url: `${url}?model=mine` }],
			],
			webhookSecret: [['a made-up secret', { webhook_secret: 'a made-up secret' }]],
		},
	];
};

const rowsOf: Record<string, Rows> = Object.fromEntries([
	notifying('flux-2-pro', upsampled),
	notifying('flux-2-max', upsampled),
	notifying('flux-2-flex', flex),
	notifying('flux-2-klein-4b', flux2),
	notifying('flux-2-klein-9b', flux2),
	notifying('flux-2-pro-preview', upsampled),
	notifying('flux-2-klein-9b-preview', flux2),
]);

const ajv = addFormats(new Ajv2020({ strict: false })).addSchema(openapi, 'bfl');

/** The published schema of a model's body, closed: the API would pass over a misspelt field in silence. */
function contractOf(model: string): ValidateFunction {
	const { post } = openapi.paths[`/v1/${model}` as '/v1/flux-2-pro'];
	const { $ref } = post.requestBody.content['application/json'].schema;
	return ajv.compile({ $ref: `bfl${$ref}`, unevaluatedProperties: false });
}

let lab: Lab;

beforeAll(async () => {
	lab = await openLab({ emulator: { seconds: 0 } });
});
beforeEach(() => {
	lab.emulator.reset();
	lab.emulator.rule({ route: 'bfl.submit' }, { as: { width: 16, height: 16 } });
});
afterAll(async () => await lab.close());

const numberOf = ({ prompt = '' }: { prompt?: string }) => Number(/\d+/.exec(prompt)?.[0] ?? 0);

/** What was on the wire, in the order of the items. */
async function sent(parameters: NodeUnderTest['parameters'], rows: Rows) {
	const node = { ...parameters, ...fromItems('flux2Bfl', Object.keys(rows)) };
	const continuing = { onError: 'continueRegularOutput' as const };
	await lab.run(
		{ type: 'flux2Bfl', parameters: node, settings: continuing },
		{ items: itemsOf(rows) },
	);
	const { requests, submissions } = lab.emulator.ledger;
	const posts = requests.filter(({ method }) => method === 'POST');
	return {
		bodies: [...submissions].sort((a, b) => numberOf(a) - numberOf(b)).map(({ body }) => body),
		paths: [...new Set(posts.map(({ path }) => path))],
		ignored: submissions.flatMap(({ ignored = [] }) => ignored),
		accepted: submissions.every(({ accepted }) => accepted),
	};
}

describe('the table has every parameter and nothing else', () => {
	test.each(models.map((model) => [model.id, model] as const))('%s', (id, { parameters }) => {
		expect(Object.keys(rowsOf[id] ?? {}).sort()).toEqual(namesOf(parameters));
	});

	test('every model, which are those of the OpenAPI', () => {
		const paths = Object.entries(openapi.paths).filter(([, operations]) => 'post' in operations);
		expect(models.map(({ id }) => id)).toEqual(Object.keys(rowsOf));
		expect(models.map(({ id }) => `/v1/${id}`).sort()).toEqual(paths.map(([path]) => path).sort());
	});

	test('every field of the OpenAPI but a place in storage that is not ours', () => {
		const fields = Object.fromEntries(
			['Flux2Inputs', 'Flux2FlexInputs', 'Flux2KleinInputs'].map((name) => {
				const { properties } = openapi.components.schemas[name as 'Flux2Inputs'];
				return [
					name,
					Object.keys(properties)
						.filter((field) => !/^(prompt$|input_image)/.test(field))
						.sort(),
				];
			}),
		);
		const wireNames = (id: string) =>
			models
				.find((model) => model.id === id)
				?.parameters.filter((param) => param.in === 'body')
				.map(({ wireName }) => wireName)
				.sort();
		expect({
			Flux2Inputs: wireNames('flux-2-pro'),
			Flux2FlexInputs: wireNames('flux-2-flex'),
			Flux2KleinInputs: wireNames('flux-2-klein-4b'),
		}).toEqual(fields);
	});
});

describe('each parameter alone is on the wire as the OpenAPI has it, and nothing when unset', () => {
	const submitNames = namesOf(submitOptions);
	const own = Object.fromEntries(
		Object.entries(settings).filter(([name]) => submitNames.includes(name)),
	);

	test.each(Object.entries(rowsOf))('%s', async (model, ofModel) => {
		const rows = { ...ofModel, ...own };
		const parameters = { resource: 'task', operation: 'submit', model };
		const { bodies, ...rest } = await sent(parameters, rows);

		expect(bodies).toEqual(bodiesOf(rows, {}));
		expect(rest).toEqual({ paths: [`/v1/${model}`], ignored: [], accepted: true });
		const validate = contractOf(model);
		expect(bodies.filter((body) => !validate(body))).toEqual([]);
	});

	test('Image: Generate sends what Task: Submit sends', async () => {
		const { pollInterval: _quick, ...mine } = settings;
		const rows = { ...flex, ...mine };
		const parameters = fromItems('flux2Bfl', Object.keys(rows));
		const options = { ...(parameters.options as object), ...QUICK };
		await lab.run(
			{ type: 'flux2Bfl', parameters: { ...parameters, model: 'flux-2-flex', options } },
			{ items: itemsOf(rows) },
		);

		const { submissions } = lab.emulator.ledger;
		const bodies = [...submissions]
			.sort((a, b) => numberOf(a) - numberOf(b))
			.map(({ body }) => body);
		expect(bodies).toEqual(bodiesOf(rows, {}));
	});
});

test("the node's own options are all in the table", () => {
	expect([...Object.keys(settings), 'customBody'].sort()).toEqual(namesOf(generateOptions));
});

test('a custom model has the parameters of all models, and its name becomes a part of the path', async () => {
	const listener = await startListener();
	const { baseUrl } = lab.credentials.flux2BflApi!;
	lab.credentials.flux2BflApi!.baseUrl = `http://127.0.0.1:${listener.port}`;
	await sent(
		{ resource: 'task', operation: 'submit', model: 'custom', customModel: 'flux-3' },
		flex,
	);
	lab.credentials.flux2BflApi!.baseUrl = baseUrl!;
	await listener.close();

	const bodies = listener.requests.map(({ body }) => JSON.parse(body) as { prompt: string });
	expect(bodies.sort((a, b) => numberOf(a) - numberOf(b))).toEqual(bodiesOf(flex, {}));
	expect(new Set(listener.requests.map(({ path }) => path))).toEqual(new Set(['/v1/flux-3']));
});

test('all parameters of a model at once', async () => {
	const options = { width: 512, height: 256, seed: 0, outputFormat: 'png', safetyTolerance: 0 };
	const ofFlex = { guidance: 2, steps: 1, promptUpsampling: false };
	const parameters = {
		model: 'flux-2-flex',
		prompt: 'all',
		...placed('flux2Bfl', { ...options, ...ofFlex, ...QUICK }),
	};
	await lab.run({ type: 'flux2Bfl', parameters });

	const body = {
		prompt: 'all',
		width: 512,
		height: 256,
		seed: 0,
		output_format: 'png',
		safety_tolerance: 0,
		guidance: 2,
		steps: 1,
		prompt_upsampling: false,
	};
	expect(lab.emulator.ledger.submissions).toMatchObject([{ body, ignored: [], accepted: true }]);
	expect(Object.keys(lab.emulator.ledger.submissions[0]?.body as object).sort()).toEqual(
		Object.keys(body).sort(),
	);
});

describe('reference images', () => {
	const reference = () => `${lab.emulator.urls.results}/references/a.png?width=64&height=32`;

	async function edit(model: string, count: number) {
		const bytes = Buffer.from(await (await fetch(reference())).arrayBuffer());
		const binary = await lab.engine.store(bytes, 'image/png', 'a.png');
		lab.emulator.ledger.requests.length = 0;
		const image = Array.from({ length: count }, (_, index) =>
			index % 2 === 0
				? { source: 'url', url: reference() }
				: { source: 'binary', binaryPropertyName: 'data' },
		);
		const parameters = { model, prompt: 'edit it', referenceImages: { image }, options: QUICK };
		const run = await lab.run(
			{ type: 'flux2Bfl', parameters },
			{ items: [{ json: {}, binary: { data: binary } }] },
		);
		return { run, base64: bytes.toString('base64') };
	}

	test.each([
		['flux-2-pro', 8],
		['flux-2-flex', 8],
		['flux-2-klein-9b', 4],
	])('of %s are up to %i fields, by URL or as base64', async (model, most) => {
		const { base64 } = await edit(model, most);

		const fields = Array.from({ length: most }, (_, index) => [
			index === 0 ? 'input_image' : `input_image_${index + 1}`,
			index % 2 === 0 ? reference() : base64,
		]);
		const [submission] = lab.emulator.ledger.submissions;
		expect(submission).toMatchObject({ ignored: [], accepted: true });
		expect(submission?.body).toEqual({ prompt: 'edit it', ...Object.fromEntries(fields) });
		expect(contractOf(model)(submission?.body)).toBe(true);
	});

	test('beyond the model’s number are refused before anything is sent', async () => {
		const { run } = await edit('flux-2-klein-4b', 5);

		expect(run.error?.message).toBe(
			'Reference Images: 5 given, but FLUX.2 [klein] 4B takes at most 4',
		);
		expect(lab.emulator.ledger.requests).toEqual([]);
	});
});

test.each([
	[{ width: 100 }, 'Width: 100 is not a multiple of 16; try 96 or 112'],
	[{ width: 48 }, 'Width: 48 is less than 64; try 64'],
	[
		{ width: 2064, height: 2048 },
		'Width, Height: 2064 × 2048 is more than the 4 megapixels that FLUX.2 [pro] makes; try 2048 × 2032',
	],
	[{ steps: 4 }, 'Steps: FLUX.2 [pro] has no such parameter here'],
	[{ megapixels: 5, size: '1:1' }, 'Megapixels: 5 is not between 0.1 and 4; try 4'],
	[{ webhookUrl: 'http://n8n.example/a' }, 'Notify URL: must be an https URL'],
	[{ webhookUrl: 'n8n' }, 'Notify URL: must be an https URL'],
])('%j is refused by label, and nothing is sent', async (options, message) => {
	const parameters = {
		model: '={{ "flux-2-pro" }}',
		prompt: 'refused',
		...placed('flux2Bfl', options),
	};
	const run = await lab.run({ type: 'flux2Bfl', parameters });

	expect(run.error?.message).toBe(message);
	expect(lab.emulator.ledger.requests).toEqual([]);
});

test.each(['../credits', 'flux-2-pro/..', 'a\\b', 'a//b', 'a\tb'])(
	'the custom model %j, which would change the path, is refused by label',
	async (customModel) => {
		const parameters = { model: 'custom', customModel, prompt: 'refused' };
		const run = await lab.run({ type: 'flux2Bfl', parameters });

		expect(run.error?.message).toBe(
			'Custom Model: must not have empty or dot segments, backslashes or control characters',
		);
		expect(lab.emulator.ledger.requests).toEqual([]);
	},
);

test('Custom Body is merged in last', async () => {
	const options = placed('flux2Bfl', {
		seed: 1,
		width: 64,
		height: 0,
		customBody: '{"seed": 7, "new_field": {"on": true}}',
		...QUICK,
	});
	await lab.run({ type: 'flux2Bfl', parameters: { prompt: 'merged', ...options } });

	expect(lab.emulator.ledger.submissions).toMatchObject([
		{
			body: { prompt: 'merged', seed: 7, width: 64, new_field: { on: true } },
			ignored: ['new_field'],
		},
	]);
});
