import { drawReference } from '../emulator/images';
import { items, NODE, openLab, type Lab, type NodeUnderTest } from '../support/lab';
import { placed } from '../support/placed';
import type { NodeType } from '../support/providers';

/** Image: Estimate Cost. Nothing is generated, and where a list price is enough, no key is needed. */

let lab: Lab;

beforeAll(async () => {
	lab = await openLab();
});

afterEach(() => {
	const { unexpected, leaks, submissions, tasks } = lab.emulator.ledger;
	expect({ unexpected, leaks, submissions, tasks }).toEqual({
		unexpected: [],
		leaks: [],
		submissions: [],
		tasks: [],
	});
	lab.emulator.reset();
});

afterAll(async () => await lab.close());

const estimating = (
	type: NodeType,
	parameters: object,
	options: Record<string, unknown> = {},
): NodeUnderTest => ({
	type,
	parameters: {
		operation: 'estimateCost',
		prompt: 'A fox',
		...parameters,
		...placed(type, options),
	},
});

/** The node as the editor has it before any credential was chosen. */
const withoutCredential = (node: NodeUnderTest): NodeUnderTest => ({
	...node,
	settings: { credentials: {} },
});

const estimateOf = async (node: NodeUnderTest, item: object = {}) => {
	const run = await lab.run(node, { items: [{ json: {}, ...item }] });
	if (run.error) throw run.error;
	return run.items(NODE).map(({ json, pairedItem }) => ({ ...json, pairedItem }));
};

const usd = { currency: 'USD' };
const SQUARE = { width: 1024, height: 1024 };

const stored = async (width: number, height: number, format: 'png' | 'jpeg' | 'webp') => {
	const { bytes, mimeType } = await drawReference('any', width, height, format);
	return { data: bytes.toString('base64'), mimeType };
};

describe('without a key, by the list price', () => {
	test.each<[NodeType, object, Record<string, unknown>, object]>([
		['flux2Bfl', { model: 'flux-2-pro' }, SQUARE, { amount: 0.03, exact: true }],
		[
			'flux2Bfl',
			{ model: 'flux-2-max' },
			{ width: 2048, height: 2048 },
			{ amount: 0.16, exact: true },
		],
		['flux2Bfl', { model: 'flux-2-flex' }, {}, { amount: 0.05, exact: false, atLeast: true }],
		[
			'flux2Cloudflare',
			{ model: 'black-forest-labs/flux-2-pro-preview' },
			SQUARE,
			{ amount: 0.03, exact: false },
		],
		[
			'flux2Cloudflare',
			{ model: '@cf/black-forest-labs/flux-2-dev' },
			{ ...SQUARE, steps: 25 },
			{ amount: 0.04125, exact: false },
		],
		[
			'flux2Cloudflare',
			{ model: '@cf/black-forest-labs/flux-2-klein-4b' },
			{},
			{ amount: 0.001148, exact: false },
		],
	])('%s, %j, %j', async (type, parameters, options, expected) => {
		const node = withoutCredential(estimating(type, parameters, options));
		const provider = type === 'flux2Bfl' ? 'bfl' : 'cloudflare';

		expect(await estimateOf(node)).toEqual([
			{
				provider,
				...parameters,
				estimate: { ...usd, ...expected, basis: 'formula' },
				pairedItem: { item: 0 },
			},
		]);
		expect(lab.emulator.ledger.requests).toEqual([]);
	});

	test('reads the sizes of reference images from their headers', async () => {
		const binary = {
			small: await stored(64, 64, 'png'),
			large: await stored(1600, 1200, 'jpeg'),
			wide: await stored(1920, 600, 'webp'),
		};
		const node = withoutCredential(
			estimating(
				'flux2Bfl',
				{
					model: 'flux-2-pro',
					referenceImages: {
						image: [{ source: 'binary', binaryPropertyName: 'small, large, wide' }],
					},
				},
				SQUARE,
			),
		);

		const [item] = await estimateOf(node, { binary });
		// 1 + 2 + 2 megapixels
		expect(item).toMatchObject({ estimate: { amount: 0.105, exact: true } });
	});

	test('does not fetch a reference that has a URL only: it counts one megapixel at least', async () => {
		const url = `${lab.emulator.urls.results}/references/a.png?width=2048&height=2048`;
		const referenceImages = { image: [{ source: 'url', url }] };
		const node = withoutCredential(
			estimating('flux2Bfl', { model: 'flux-2-pro', referenceImages }, SQUARE),
		);

		const [item] = await estimateOf(node);
		expect(item).toMatchObject({ estimate: { amount: 0.045, exact: false, atLeast: true } });
		expect(lab.emulator.ledger.requests).toEqual([]);
	});

	test('is that of the size of a reference image that has a URL, which is fetched by https only', async () => {
		const url = `${lab.emulator.urls.results}/references/a.png?width=2048&height=2048`;
		const referenceImages = { image: [{ source: 'url', url }] };
		const node = estimating('flux2Bfl', {
			model: 'flux-2-pro',
			referenceImages,
			size: 'likeReference',
		});

		const withKey = { ...node, parameters: { ...node.parameters, priceFrom: 'provider' } };
		lab.emulator.rule({ route: 'bfl.pricing' }, { status: 404, body: {} });
		expect(await estimateOf(withKey)).toMatchObject([
			{ estimate: { amount: 0.09, atLeast: true } },
		]);
		const { error } = await lab.run(withoutCredential(node), { items: [{ json: {} }] });
		expect(error?.message).toMatch(/http:.* was not opened, because it is not https$/);
	});

	test('is left out for a model that has none', async () => {
		const node = estimating('flux2Bfl', { model: 'custom', customModel: 'flux-9' }, SQUARE);

		expect(await estimateOf(withoutCredential(node))).toEqual([
			{ provider: 'bfl', model: 'flux-9', pairedItem: { item: 0 } },
		]);
	});

	test.each<[what: string, customBody: object, expected: object | undefined]>([
		['a size', { width: 2048, height: 1024 }, { amount: 0.045, exact: true }],
		['what nobody knows', { shiny: true }, { amount: 0.03, exact: false, atLeast: true }],
		['another model', { model: 'flux-9' }, undefined],
	])('goes by Custom Body too: %s', async (_what, customBody, expected) => {
		const node = estimating('flux2Bfl', { model: 'flux-2-pro' }, { ...SQUARE, customBody });

		const [item] = await estimateOf(withoutCredential(node));
		expect((item as { estimate?: object }).estimate).toEqual(
			expected && { ...usd, basis: 'formula', ...expected },
		);
	});
});

describe('checks the request as Generate does', () => {
	const failureOf = async (node: NodeUnderTest, item: object = {}) =>
		(await lab.run(node, { items: [{ json: {}, ...item }] })).error?.message;

	test('the parameters', async () => {
		const node = estimating(
			'flux2Bfl',
			{ model: 'flux-2-pro', prompt: '={{ "" }}' },
			{ width: 70 },
		);
		expect(await failureOf(node)).toBe(
			'Prompt: must not be empty; Width: 70 is not a multiple of 16; try 64 or 80',
		);
	});

	test('the reference images', async () => {
		const referenceImages = { image: [{ source: 'allBinary' }] };
		const model = '@cf/black-forest-labs/flux-2-dev';
		const binary = {
			a: await stored(512, 100, 'png'),
			b: { data: 'bm8gaW1hZ2U=', mimeType: 'image/png' },
		};

		const message = await failureOf(estimating('flux2Cloudflare', { model, referenceImages }), {
			binary,
		});
		expect(message).toMatch(/^Reference image 1 \(field "a"\): is 512 × 100 pixels, but this/);
		expect(message).toMatch(/Reference image 2 \(field "b"\): is not a PNG, JPEG or WebP image$/);
	});
});

describe("asks Black Forest Labs' pricing call", () => {
	const node = estimating(
		'flux2Bfl',
		{
			model: 'flux-2-pro',
			priceFrom: 'provider',
			referenceImages: { image: [{ source: 'binary', binaryPropertyName: 'data' }] },
		},
		{ width: 2048, height: 1024 },
	);

	test('with the sizes', async () => {
		const [item] = await estimateOf(node, { binary: { data: await stored(1600, 1200, 'png') } });

		expect(item).toMatchObject({
			estimate: { amount: 0.075, ...usd, exact: true, basis: 'pricing API' },
		});
	});

	test.each([
		['is not there', { status: 404, body: { detail: 'Not Found' } }],
		['knows no price', { status: 200, body: { cost: null, cost_usd: null } }],
		['says something else', { status: 200, body: 'maintenance' }],
	])('and goes by the list price where it %s', async (_what, effect) => {
		lab.emulator.rule({ route: 'bfl.pricing' }, effect);
		const [item] = await estimateOf(node, { binary: { data: await stored(64, 64, 'png') } });

		expect(item).toMatchObject({
			estimate: { amount: 0.06, ...usd, exact: true, basis: 'formula' },
		});
	});
});

describe('asks the others, who have no list price', () => {
	test.each([['wrapped'], ['flat']])('Vtrix for what it would charge (%s)', async (bodyFormat) => {
		expect(await estimateOf(estimating('flux2Task', {}, { ...SQUARE, bodyFormat }))).toEqual([
			{
				provider: 'task',
				model: 'flux_2_pro',
				estimate: { amount: 0.03, ...usd, exact: false, basis: 'precharge' },
				pairedItem: { item: 0 },
			},
		]);
	});

	test.each([
		['knows no such call', { status: 404, body: 'no such route' }],
		['has no earlier call like it', { error: 'task.precharge.miss' as const }],
		['fails', { error: 'task.internal' as const }],
		['counts in another currency', { body: { data: { cost: '1', currency: 'CNY' } } }],
	])('and leaves the estimate out where it %s', async (_what, effect) => {
		lab.emulator.rule({ route: 'task.precharge' }, effect);

		expect(await estimateOf(estimating('flux2Task', {}))).toEqual([
			{ provider: 'task', model: 'flux_2_pro', pairedItem: { item: 0 } },
		]);
	});

	test('but not the dialect Queue, which has no such call', async () => {
		const node = estimating('flux2Task', { dialect: 'queue' });
		expect(await estimateOf(node)).toEqual([
			{ provider: 'task', model: 'flux_2_pro', pairedItem: { item: 0 } },
		]);
		expect(lab.emulator.ledger.requests).toEqual([]);
	});

	test('Oxen.ai for the price of an image', async () => {
		const options = { resolution: '2 MP', numberOfImages: 3 };
		const [item] = await estimateOf(estimating('flux2Oxen', { model: 'flux-2-pro' }, options));

		expect(item).toMatchObject({
			estimate: { amount: 0.27, ...usd, exact: false, basis: 'pricing API' },
		});
	});

	test('and not without a key, which they need', async () => {
		const run = await lab.run(withoutCredential(estimating('flux2Task', {})));
		expect(run.error?.message).toMatch(/credentials/);
	});
});

test('each item has its own estimate, in order and linked to its input', async () => {
	const run = await lab.run(
		estimating('flux2Bfl', { model: '={{ $json.model }}' }, { width: 1024, height: 1024 }),
		{
			items: items({ model: 'flux-2-max' }, { model: 'flux-2-klein-4b' }, { model: 'flux-2-pro' }),
		},
	);

	expect(run.items(NODE).map(({ json, pairedItem }) => [json.estimate, pairedItem])).toEqual(
		[0.07, 0.014, 0.03].map((amount, item) => [
			{ amount, ...usd, exact: true, basis: 'formula' },
			{ item },
		]),
	);
});
