import sharp from 'sharp';
import type { INodeExecutionData } from 'n8n-workflow';
import { drawReference } from '../emulator/images';
import { items, NODE, openLab, QUICK, type Lab, type NodeType } from '../support/lab';
import { placed } from '../support/placed';

/** "Like the Reference Image": the size comes from the image's own header, before anything is sent to the provider. */

let lab: Lab;

beforeAll(async () => {
	lab = await openLab({ emulator: { seconds: 0 } });
});
afterEach(() => {
	const { unexpected, leaks } = lab.emulator.ledger;
	expect({ unexpected, leaks }).toEqual({ unexpected: [], leaks: [] });
	lab.emulator.reset();
});
afterAll(async () => await lab.close());

const KLEIN = '@cf/black-forest-labs/flux-2-klein-4b';
const BINARY = { source: 'binary', binaryPropertyName: 'data' };

const photo = async (width: number, height: number, orientation?: number): Promise<Buffer> => {
	const { bytes } = await drawReference('a photo', width, height, 'jpeg');
	return orientation === undefined
		? bytes
		: await sharp(bytes).withMetadata({ orientation }).jpeg().toBuffer();
};

const withPhoto = async (bytes: Buffer): Promise<INodeExecutionData[]> => [
	{ json: {}, binary: { data: await lab.engine.store(bytes, 'image/jpeg', 'a.jpg') } },
];

const editing = (
	type: NodeType,
	values: Record<string, unknown> = {},
	reference: object = BINARY,
	parameters: object = {},
) => ({
	type,
	parameters: {
		operation: 'edit',
		prompt: 'edit it',
		referenceImages: { image: [reference] },
		...placed(type, { size: 'likeReference', ...QUICK, ...values }),
		...parameters,
	},
});

/** The fields of the one request that say a size. */
function sentSize(): Record<string, unknown> {
	const { submissions } = lab.emulator.ledger;
	expect(submissions).toHaveLength(1);
	const body = submissions[0]!.body as Record<string, unknown>;
	const [wrapped] = (body.input as Array<{ params: object }> | undefined) ?? [];
	const fields = Object.entries({ ...body, ...wrapped?.params });
	const names = ['width', 'height', 'aspect_ratio', 'resolution'];
	return Object.fromEntries(fields.filter(([name]) => names.includes(name)));
}

describe('an edit is as large as its first reference image', () => {
	test.each<[string, NodeType, object, number[], object]>([
		['in steps of 16', 'flux2Bfl', {}, [300, 200], { width: 288, height: 192 }],
		['in steps of 32', 'flux2Task', {}, [300, 200], { width: 288, height: 192 }],
		[
			'upright too',
			'flux2Cloudflare',
			{ model: KLEIN },
			[300, 400],
			{ width: '304', height: '400' },
		],
		['turned as EXIF says', 'flux2Bfl', {}, [300, 200, 6], { width: 192, height: 288 }],
		['not turned without need', 'flux2Bfl', {}, [300, 200, 3], { width: 288, height: 192 }],
		[
			'with other megapixels',
			'flux2Bfl',
			{ megapixels: 1 },
			[300, 200],
			{ width: 1248, height: 832 },
		],
		[
			'without a number of megapixels',
			'flux2Bfl',
			{ megapixels: 0 },
			[304, 208],
			{ width: 304, height: 208 },
		],
	])('%s (%s)', async (_what, type, values, [width, height, orientation], expected) => {
		const { model, ...others } = values as { model?: string };
		const node = editing(type, others, BINARY, model ? { model } : {});
		const run = await lab.run(node, {
			items: await withPhoto(await photo(width!, height!, orientation)),
		});

		expect(run.error).toBeUndefined();
		expect(sentSize()).toEqual(expected);
		const { image } = run.items(NODE)[0]!.json as { image: { width: number; height: number } };
		const [asked, shown] = [expected, image].map((size) =>
			['width', 'height'].map((side) => Number((size as Record<string, unknown>)[side])),
		);
		expect(shown).toEqual(asked);
	});

	test('by URL, of which the header is fetched without the key', async () => {
		const url = `${lab.emulator.urls.results}/references/a.png?width=512&height=256`;
		const run = await lab.run(editing('flux2Bfl', {}, { source: 'url', url }));

		expect(run.error).toBeUndefined();
		expect(sentSize()).toEqual({ width: 512, height: 256 });
		expect(lab.emulator.ledger.submissions[0]!.body).toMatchObject({ input_image: url });
		const fetched = lab.emulator.ledger.requests.filter(({ path }) =>
			path.startsWith('/references'),
		);
		// by the node and by the provider; the emulator would report a key that reaches its host of images
		expect(fetched).toHaveLength(2);
	});

	test('as a data URI', async () => {
		const { bytes } = await drawReference('inline', 256, 128, 'png');
		const url = `data:image/png;base64,${bytes.toString('base64')}`;
		await lab.run(editing('flux2Bfl', {}, { source: 'url', url }));

		expect(sentSize()).toEqual({ width: 256, height: 128 });
	});

	test('in the words of a provider that has some, without a look at the image', async () => {
		const url = 'https://images.example/never-fetched.png';
		lab.emulator.rule(
			{ route: 'oxen.enqueue' },
			{ status: 400, body: { error: { message: 'no' } } },
		);
		await lab.run(editing('flux2Oxen', { megapixels: 2 }, { source: 'url', url }));

		expect(sentSize()).toEqual({ aspect_ratio: 'match_input_image', resolution: '2 MP' });
	});

	test('by the nearest ratio where the model has a list of them', async () => {
		const model = 'black-forest-labs-flux-2-klein-4b';
		const node = editing('flux2Oxen', {}, BINARY, { model });
		await lab.run(node, { items: await withPhoto(await photo(200, 300)) });

		expect(sentSize()).toEqual({ aspect_ratio: '3:4' });
	});

	test('also when the task is submitted to be collected later', async () => {
		const node = editing('flux2Bfl', {}, BINARY, { resource: 'task', operation: 'submit' });
		await lab.run(node, { items: await withPhoto(await photo(300, 200)) });

		expect(sentSize()).toEqual({ width: 288, height: 192 });
	});
});

describe('a reference image that cannot give its size is refused by name, and nothing is sent', () => {
	test.each<[string, NodeType, () => Promise<Buffer>, string]>([
		[
			'proportions that the model cannot make',
			'flux2Cloudflare',
			async () => await photo(500, 60),
			'Size: the reference image is 500 × 60 pixels, and FLUX.2 [klein] 4B (Workers AI) makes no image of these proportions; choose a ratio, or Custom',
		],
		[
			'no image',
			'flux2Bfl',
			async () => Buffer.from('not an image, but long enough to be read as one'),
			'Reference image 1 (field "data"): is not a PNG, JPEG or WebP image',
		],
	])('%s', async (_what, type, bytes, message) => {
		const run = await lab.run(editing(type), { items: await withPhoto(await bytes()) });

		expect(run.error).toMatchObject({ message, context: { kind: 'invalidInput' } });
		expect(lab.emulator.ledger.submissions).toEqual([]);
	});

	test('a URL that is not https', async () => {
		const url = 'http://images.example/a.png';
		const run = await lab.run(editing('flux2Bfl', {}, { source: 'url', url }));

		expect(run.error?.message).toBe(
			`Reference image 1 (${url}): The address http://images.example was not opened, because it is not https`,
		);
		expect(lab.emulator.ledger.submissions).toEqual([]);
	});
});

test('a retry resumes an edit whose size came from its reference image', async () => {
	lab.emulator.rule(
		{ route: 'download', times: 8 },
		{ status: 503, headers: { 'retry-after': '0.01' } },
	);
	const node = editing('flux2Bfl');
	const input = await withPhoto(await photo(300, 200));
	const failed = await lab.run(node, { items: input });
	expect(failed.status).toBe('error');
	const run = await lab.retry(failed, node);

	expect(run.items(NODE)).toMatchObject([{ json: { image: { width: 288, height: 192 } } }]);
	expect(sentSize()).toEqual({ width: 288, height: 192 });
});

test('each item of a table says its own size', async () => {
	const node = {
		type: 'flux2Bfl' as const,
		parameters: {
			prompt: '={{ $json.prompt }}',
			...placed('flux2Bfl', {
				size: '={{ $json.size }}',
				megapixels: '={{ $json.megapixels }}',
				maxConcurrent: 1,
				...QUICK,
			}),
			width: '={{ $json.width }}',
			height: '={{ $json.height }}',
		},
	};
	const run = await lab.run(node, {
		items: items(
			{ prompt: 'a', size: '16:9' },
			{ prompt: 'b', size: '4:5', megapixels: 0.5 },
			{ prompt: 'c', size: 'custom', width: 256, height: 512 },
			{ prompt: 'd' },
		),
	});

	expect(run.error).toBeUndefined();
	expect(lab.emulator.ledger.submissions.map(({ body }) => body)).toEqual([
		{ prompt: 'a', width: 1360, height: 768 },
		{ prompt: 'b', width: 640, height: 800 },
		{ prompt: 'c', width: 256, height: 512 },
		{ prompt: 'd' },
	]);
});
