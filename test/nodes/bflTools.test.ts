import type { INodeExecutionData } from 'n8n-workflow';
import sharp from 'sharp';
import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { tools, type Tool } from '../../nodes/Flux2Bfl/tools';
import { bfl } from '../../nodes/Flux2Bfl/provider';
import contract from '../emulator/bfl/tools.json';
import type { Run } from '../support/engine';
import { NODE, openLab, QUICK, shortId, type Lab, type NodeUnderTest } from '../support/lab';
import { namesOf, type Rows } from '../support/wire';

/** The tools of Black Forest Labs: erase, outpaint, deblur, try on. */

const CONTINUE = { onError: 'continueRegularOutput' } as const;
const SAFE = Number.MAX_SAFE_INTEGER;

type Operation = Tool['operation'];

let lab: Lab;

beforeAll(async () => {
	lab = await openLab({ emulator: { images: 'plain' } });
});

afterEach(() => {
	const { unexpected, leaks } = lab.emulator.ledger;
	expect({ unexpected, leaks }).toEqual({ unexpected: [], leaks: [] });
	lab.emulator.reset();
});

afterAll(async () => await lab.close());

const ID: Record<Operation, string> = {
	erase: 'flux-tools/erase-v1',
	outpaint: 'flux-tools/outpainting-v1',
	deblur: 'flux-tools/deblur-v1',
	tryOn: 'flux-tools/vto-v2',
};

const PROMPT = 'The person of image 1, wearing the red jacket of image 2.';

/** What the tools cannot do without, beside their images. */
const PANEL: Record<Operation, object> = {
	erase: {},
	outpaint: { width: 640, height: 480 },
	deblur: {},
	tryOn: { prompt: PROMPT },
};

/** The fields on the wire that stand for it. */
const ALWAYS: Record<Operation, object> = { ...PANEL };

/** The input field of each image, by its field on the wire. */
const IMAGES: Record<Operation, Record<string, string>> = {
	erase: { image: 'data', mask: 'mask' },
	outpaint: { input_image: 'data' },
	deblur: { image: 'data' },
	tryOn: { person: 'person', garment: 'garment' },
};

const toPng = async (width: number, height: number, background = '#123456') =>
	await sharp({ create: { width, height, channels: 3, background } })
		.png()
		.toBuffer();

/** An item with binary images of these sizes, by field; and the same in base64. */
async function itemWith(sizes: Record<string, readonly [width: number, height: number]>) {
	const entries = await Promise.all(
		Object.entries(sizes).map(async ([field, [width, height]], index) => {
			const bytes = await toPng(width, height, `#00000${index}`);
			return { field, bytes, file: await lab.engine.store(bytes, 'image/png', `${field}.png`) };
		}),
	);
	return {
		item: {
			json: {},
			binary: Object.fromEntries(entries.map(({ field, file }) => [field, file])),
		} as INodeExecutionData,
		base64: Object.fromEntries(
			entries.map(({ field, bytes }) => [field, bytes.toString('base64')]),
		),
	};
}

const SQUARE = [320, 320] as const;
const allImages = () => itemWith({ data: SQUARE, mask: SQUARE, person: SQUARE, garment: [64, 64] });

const node = (
	operation: Operation,
	parameters: object = {},
	options: object = {},
	settings: NodeUnderTest['settings'] = {},
): NodeUnderTest => ({
	type: 'flux2Bfl',
	parameters: {
		operation,
		...PANEL[operation],
		...parameters,
		options: { ...QUICK, ...options },
	},
	settings,
});

const bodies = () => lab.emulator.ledger.submissions.map(({ body }) => body);
const posts = () => lab.emulator.ledger.requests.filter(({ method }) => method === 'POST');
const errorsOf = (run: Run) =>
	run.items(NODE).map(({ json }) => (json.error ?? 'none') as Record<string, unknown>);

describe('the wire has every parameter of', () => {
	const seed: Rows[string] = [
		[0, { seed: 0 }],
		['-1', { seed: -1 }],
		[SAFE, { seed: SAFE }],
	];
	const common: Rows = {
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
	const notify = (id: string): Rows => ({
		webhookUrl: [
			[
				'https://n8n.example/a',
				{ webhook_url: `https://n8n.example/a?model=${encodeURIComponent(id)}` },
			],
		],
		webhookSecret: [['a made-up secret', { webhook_secret: 'a made-up secret' }]],
	});
	const rowsOf: Record<Operation, Rows> = {
		erase: {
			...common,
			seed,
			dilatePixels: [
				[0, { dilate_pixels: 0 }],
				['25', { dilate_pixels: 25 }],
			],
			...notify(ID.erase),
		},
		outpaint: {
			...common,
			width: [[700, { width: 700 }]],
			height: [['500', { height: 500 }]],
			referenceOffsetX: [
				[0, { reference_offset_x: 0 }],
				['320', { reference_offset_x: 320 }],
			],
			referenceOffsetY: [[160, { reference_offset_y: 160 }]],
			autoCrop: [
				[false, { auto_crop: false }],
				['true', { auto_crop: true }],
			],
			mode: [
				['high', { mode: 'high' }],
				['fast', { mode: 'fast' }],
			],
		},
		deblur: { ...common, seed, ...notify(ID.deblur) },
		tryOn: { ...common, seed, ...notify(ID.tryOn) },
	};
	const inPanel = ['width', 'height'];
	const ajv = addFormats(new Ajv2020({ strict: false })).addSchema(contract, 'tools');
	const schemaOf = (operation: Operation): ValidateFunction => {
		const { post } = contract.paths[`/v1/${ID[operation]}` as '/v1/flux-tools/erase-v1'];
		const { $ref } = post.requestBody.content['application/json'].schema;
		return ajv.compile({ $ref: `tools${$ref}` });
	};

	test.each(tools)('$operation', async ({ operation, parameters, id }) => {
		expect(Object.keys(rowsOf[operation]).sort()).toEqual(namesOf(parameters));
		const { item, base64 } = await allImages();
		const images = Object.fromEntries(
			Object.entries(IMAGES[operation]).map(([wireName, field]) => [wireName, base64[field]]),
		);
		const cases: Array<[name: string, value: unknown, fields?: object]> = [
			['none', undefined, {}],
			...Object.entries(rowsOf[operation]).flatMap(([name, rows]) =>
				rows.map(([value, fields]): [string, unknown, object?] => [name, value, fields]),
			),
		];
		const validate = schemaOf(operation);
		for (const [name, value, fields] of cases) {
			lab.emulator.reset();
			const set = value === undefined ? {} : { [name]: value };
			const isInPanel = inPanel.includes(name);
			// these are about a call to an address that is not there
			const submits = name.startsWith('webhook');
			const tool = node(operation, isInPanel ? set : {}, isInPanel ? {} : set);
			const { pollInterval: _quick, ...options } = tool.parameters.options as Record<
				string,
				unknown
			>;
			const parameters = submits
				? { ...tool.parameters, resource: 'task', operation: 'submit', tool: operation, options }
				: tool.parameters;
			const run = await lab.run({ type: 'flux2Bfl', parameters }, { items: [item] });

			expect([name, value, run.error?.message]).toEqual([name, value, undefined]);
			const body = { ...ALWAYS[operation], ...images, ...fields };
			expect(bodies()).toEqual([body]);
			expect(validate(bodies()[0]) || validate.errors).toBe(true);
			expect(posts().map(({ path }) => path)).toEqual([`/v1/${id}`]);
		}
	});

	test('the documents, which the node offers with every field', () => {
		const names = Object.fromEntries(
			Object.entries(contract.paths).map(([path, { post }]) => {
				const { $ref } = post.requestBody.content['application/json'].schema;
				const { properties } = contract.components.schemas[$ref.split('/').at(-1) as 'EraseInputs'];
				return [path, Object.keys(properties).sort()];
			}),
		);
		const offered = Object.fromEntries(
			tools.map(({ id, images, parameters, prompt }) => [
				`/v1/${id}`,
				[
					...images.map(({ wireName }) => wireName),
					...parameters.map(({ wireName }) => wireName),
					...(prompt === 'none' ? [] : ['prompt']),
				].sort(),
			]),
		);
		expect(offered).toEqual(names);
		expect(tools.map(({ operation }) => `image:${operation}` in bfl.operations)).toEqual(
			tools.map(() => true),
		);
	});
});

test('an item says what is known about the image, and names no prompt where there is none', async () => {
	const { item } = await allImages();
	const run = await lab.run(node('erase', {}, { seed: 7 }), { items: [item] });

	const { id, url } = lab.emulator.ledger.tasks[0]!;
	expect(run.items(NODE)).toMatchObject([
		{
			json: {
				provider: 'bfl',
				model: 'flux-tools/erase-v1',
				status: 'completed',
				taskId: id,
				seed: 7,
				image: {
					width: 320,
					height: 320,
					mimeType: 'image/png',
					url: expect.stringContaining(url),
				},
				cost: { amount: 0.038, currency: 'USD', credits: 3.8 },
			},
			binary: { data: { fileName: `erase-v1-${id}.png` } },
		},
	]);
	expect(run.items(NODE)[0]?.json).not.toHaveProperty('prompt');
	expect(run.items(NODE)[0]?.json).not.toHaveProperty('revisedPrompt');
});

test('a tool with a prompt passes it on, and names the file by it', async () => {
	const { item } = await allImages();
	const run = await lab.run(node('tryOn'), { items: [item] });

	const [{ id } = {}] = lab.emulator.ledger.tasks;
	const [out] = run.items(NODE);
	expect(out?.json).toMatchObject({ prompt: PROMPT, image: { mimeType: 'image/jpeg' } });
	expect(out?.binary?.data?.fileName).toMatch(
		new RegExp(`^the-person-of-.*-${shortId(id)}\\.jpg$`),
	);
});

test('Try On has words that do for every garment', async () => {
	const { item } = await allImages();
	const parameters = { operation: 'tryOn', options: QUICK };
	await lab.run({ type: 'flux2Bfl', parameters }, { items: [item] });

	expect(bodies()).toMatchObject([
		{
			prompt:
				'The person of image 1, maintaining exactly their face and pose, wearing the garments of image 2.',
		},
	]);
});

test('the prompt of Outpaint may be empty, and is sent otherwise', async () => {
	const { item } = await allImages();
	await lab.run(node('outpaint', { prompt: '={{ " " }}' }), { items: [item] });
	await lab.run(node('outpaint', { prompt: 'a long beach' }), { items: [item] });

	const prompts = lab.emulator.ledger.submissions.map(
		({ body }) => (body as { prompt?: string }).prompt,
	);
	expect(prompts).toEqual([undefined, 'a long beach']);
});

test('images go by URL unfetched, or in base64, side by side', async () => {
	const { item, base64 } = await allImages();
	const url = 'https://pictures.example/room.png';
	const byUrl = { imageSource: 'url', imageUrl: ` ${url} ` };
	await lab.run(node('erase', byUrl), { items: [item] });
	const dataUri = `data:image/png;base64,${base64.mask}`;
	await lab.run(node('erase', { maskSource: 'url', maskUrl: dataUri }), { items: [item] });

	expect(bodies()).toEqual([
		{ image: url, mask: base64.mask },
		{ image: base64.data, mask: base64.mask },
	]);
});

describe('an image that does not fit is refused by its label, and nothing is sent', () => {
	const twoMegapixels = "n8n's Edit Image node (Resize) first";
	test.each<
		[what: string, Operation, Record<string, readonly [number, number]>, object, object, string]
	>([
		[
			'a mask of another size',
			'erase',
			{ data: [320, 320], mask: [320, 319] },
			{},
			{},
			'Mask: is 320 × 319 pixels, and the image is 320 × 320; both must have the same size',
		],
		[
			'an image that is too small',
			'erase',
			{ data: [320, 200], mask: [320, 200] },
			{},
			{},
			'Image: is 320 × 200 pixels, and Erase takes at least 256 × 256',
		],
		[
			'no mask',
			'erase',
			{ data: [320, 320] },
			{},
			{},
			'Mask: the input item has no binary field "mask"',
		],
		[
			'two images in one place',
			'deblur',
			{ data: [320, 320], mask: [320, 320] },
			{ imageField: 'data, mask' },
			{},
			'Image: takes one image, and 2 are given',
		],
		[
			'no URL',
			'deblur',
			{},
			{ imageSource: 'url', imageUrl: '={{ "" }}' },
			{},
			'Image: the URL is empty',
		],
		[
			'more than 4 megapixels',
			'deblur',
			{ data: [2049, 2048] },
			{},
			{},
			`Image: is 2049 × 2048 pixels, more than the 4 megapixels that Deblur takes. Make it smaller with ${twoMegapixels}`,
		],
		[
			'an image beyond the canvas',
			'outpaint',
			{ data: [640, 481] },
			{},
			{},
			`Image: is 640 × 481 pixels, and does not fit into the 640 × 480 of the finished image at this place. Enlarge Width and Height, turn on Auto Crop, or make the image smaller with ${twoMegapixels}`,
		],
		[
			'an image that an offset moves beyond the canvas',
			'outpaint',
			{ data: [320, 320] },
			{},
			{ referenceOffsetX: 321 },
			`Image: is 320 × 320 pixels, and does not fit into the 640 × 480 of the finished image at this place. Enlarge Width and Height, turn on Auto Crop, or make the image smaller with ${twoMegapixels}`,
		],
		[
			'a canvas of more than 4 megapixels',
			'outpaint',
			{ data: [320, 320] },
			{ width: 2049, height: 2048 },
			{},
			'Width, Height: 2049 × 2048 is more than the 4 megapixels that Outpaint makes',
		],
		[
			'a canvas that is too small',
			'outpaint',
			{ data: [32, 32] },
			{ width: 63 },
			{},
			'Width: 63 is less than 64; try 64',
		],
		[
			'an empty prompt',
			'tryOn',
			{ person: SQUARE, garment: SQUARE },
			{ prompt: '' },
			{},
			'Prompt: must not be empty',
		],
	])('%s', async (_what, operation, sizes, parameters, options, message) => {
		const { item } = await itemWith(sizes);
		const tool = node(operation, parameters, options);
		const run = await lab.run(tool, { items: [item] });

		expect(run.error?.message).toBe(message);
		expect(lab.emulator.ledger.requests).toEqual([]);
	});

	test('but Auto Crop cuts it, and a negative offset with it', async () => {
		const { item } = await itemWith({ data: [700, 600] });
		const run = await lab.run(node('outpaint', {}, { autoCrop: true, referenceOffsetX: -20 }), {
			items: [item],
		});

		expect(run.error).toBeUndefined();
		expect(lab.emulator.ledger.tasks).toMatchObject([{ width: 640, height: 480 }]);
	});
});

test('Number of Images makes several, with the next seeds', async () => {
	const { item } = await allImages();
	const run = await lab.run(node('erase', { numberOfImages: 2 }, { seed: 5 }), { items: [item] });

	expect(run.items(NODE)).toHaveLength(2);
	expect(
		bodies()
			.map((body) => (body as { seed: number }).seed)
			.sort(),
	).toEqual([5, 6]);
});

test("the provider's refusal names the image, and its moderation is remembered", async () => {
	const { item } = await allImages();
	const detail = [{ loc: ['body', 'mask'], msg: 'Field required', type: 'missing' }];
	lab.emulator.rule({ route: 'bfl.submit', times: 1 }, { status: 422, body: { detail } });
	const refused = await lab.run(node('erase', {}, {}, CONTINUE), { items: [item] });
	lab.emulator.rule({ route: 'bfl.submit' }, { task: { status: 'Content Moderated' } });
	const moderated = await lab.run(node('erase', {}, {}, CONTINUE), { items: [item] });

	expect(errorsOf(refused)).toMatchObject([
		{ kind: 'invalidInput', message: expect.stringContaining('Mask: Field required') },
	]);
	expect(errorsOf(moderated)).toMatchObject([
		{ kind: 'moderated', model: 'flux-tools/erase-v1', taskId: lab.emulator.ledger.tasks[0]?.id },
	]);
});

test('Retry On Fail resumes the task instead of paying for another', async () => {
	const { item } = await allImages();
	lab.emulator.rule({ route: 'bfl.result', times: 4 }, { status: 503, body: 'busy' });
	const settings = { retryOnFail: true, maxTries: 2, waitBetweenTries: 1 };
	const run = await lab.run(node('outpaint', {}, {}, settings), { items: [item] });

	expect(run.error).toBeUndefined();
	expect(lab.emulator.ledger.submissions).toHaveLength(1);
	expect(run.items(NODE)).toHaveLength(1);
});

test('Submit starts a tool, and Get collects its image', async () => {
	const { item } = await allImages();
	const parameters = { resource: 'task', operation: 'submit', tool: 'deblur' };
	const submitted = await lab.run({ type: 'flux2Bfl', parameters }, { items: [item] });
	const [task] = submitted.items(NODE);
	const get = { resource: 'task', operation: 'get', options: QUICK };
	const run = await lab.run(
		{ type: 'flux2Bfl', parameters: get },
		{ items: [{ json: task!.json }] },
	);

	expect(task?.json).toMatchObject({ model: 'flux-tools/deblur-v1' });
	expect(run.items(NODE)).toMatchObject([
		{ json: { status: 'completed', taskId: task?.json.taskId, model: 'flux-tools/deblur-v1' } },
	]);
	expect(lab.emulator.ledger.submissions).toHaveLength(1);
});

describe('before it is paid', () => {
	const estimate = async (
		tool: string,
		parameters: object,
		sizes: Parameters<typeof itemWith>[0],
	) => {
		const { item } = await itemWith(sizes);
		const run = await lab.run(
			{ type: 'flux2Bfl', parameters: { operation: 'estimateCost', tool, ...parameters } },
			{ items: [item] },
		);
		expect(lab.emulator.ledger.requests).toEqual([]);
		return run.items(NODE)[0]?.json.estimate;
	};

	test('Erase is estimated by the size of its image and its mask, and Outpaint by the canvas', async () => {
		const known = { currency: 'USD', exact: false, basis: 'formula' };
		const sizes = { data: [1025, 1024], mask: [1025, 1024] } as const;
		expect(await estimate('erase', {}, sizes)).toEqual({ amount: 0.05, ...known });
		expect(await estimate('outpaint', { width: 1920, height: 1080 }, sizes)).toEqual({
			amount: 0.2,
			...known,
		});
	});

	test('Max Cost counts what is known, and refuses what is not', async () => {
		const { item } = await allImages();
		const limited = (operation: Operation, options: object) =>
			lab.run(node(operation, {}, options, CONTINUE), { items: [item] });
		const [over, unknown, assumed] = [
			await limited('outpaint', { maxCost: 0.09 }),
			await limited('deblur', { maxCost: 0.09 }),
			await limited('deblur', { maxCost: 0.09, assumedCost: 0.05 }),
		];

		expect(errorsOf(over)).toMatchObject([{ kind: 'budget' }]);
		expect(errorsOf(unknown)).toMatchObject([{ kind: 'budget' }]);
		expect(errorsOf(assumed)).toEqual(['none']);
		expect(lab.emulator.ledger.submissions).toHaveLength(1);
	});
});
