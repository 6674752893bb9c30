import {
	estimatePrice,
	formatAmount,
	roundUsd,
	type ListPrice,
	type PriceFacts,
} from '../../../nodes/shared/parameters/price';
import { providers } from '../../support/providers';

/** The prices that the providers' documents work out, and how sure an estimate is. */

const priceOfModel = (id: string): ListPrice => {
	const models = providers.flatMap((provider) => provider.models);
	return models.find((model) => model.id === id && model.price)!.price!;
};

const square = (side: number) => ({ width: side, height: side });
const facts = (
	width: number,
	height: number,
	references: PriceFacts['references'] = [],
	steps?: number,
): PriceFacts => ({ width, height, references, images: 1, ...(steps && { steps }) });

const usd = (price: ListPrice, request: PriceFacts) => estimatePrice({ price }, request)!.amount;

type Row = [model: string, request: PriceFacts, usd: number];

const ONE = facts(1024, 1024);
const EDIT = facts(1024, 1024, [square(1024)]);

describe('a model of the package costs what the documents work out:', () => {
	test.each<Row>([
		['flux-2-klein-4b', ONE, 0.014],
		['flux-2-klein-4b', EDIT, 0.015],
		['flux-2-klein-9b', ONE, 0.015],
		['flux-2-klein-9b', EDIT, 0.017],
		['flux-2-klein-9b-preview', EDIT, 0.017],
		['flux-2-pro', ONE, 0.03],
		['flux-2-pro', EDIT, 0.045],
		['flux-2-pro-preview', EDIT, 0.045],
		['flux-2-max', ONE, 0.07],
		['flux-2-max', EDIT, 0.1],
		['flux-2-flex', ONE, 0.05],
		['flux-2-flex', EDIT, 0.1],
		['flux-2-klein-4b', facts(2048, 1024), 0.015],
		['flux-2-pro', facts(1920, 1080, [square(1024), square(1024)]), 0.075],
		// 1376 × 768 is 1.008 megapixels, 1360 × 768 is 0.996
		['flux-2-pro', facts(1376, 768), 0.045],
		['flux-2-pro', facts(1360, 768), 0.03],
		['flux-2-pro', facts(64, 64, [square(64), square(64)]), 0.06],
		// made smaller before it counts
		['flux-2-pro', facts(1024, 1024, [square(8000)]), 0.09],
		['black-forest-labs/flux-2-max', facts(2048, 2048, [square(1024)]), 0.19],
		['black-forest-labs/flux-2-pro-preview', ONE, 0.03],
		['black-forest-labs/flux-2-flex', facts(1920, 1088), 0.1],
		['@cf/black-forest-labs/flux-2-dev', facts(1024, 1024, [], 25), 0.04125],
		['@cf/black-forest-labs/flux-2-dev', facts(1920, 1080, [], 28), 0.1386],
		['@cf/black-forest-labs/flux-2-dev', facts(512, 512, [square(500)], 100), 0.061875],
		['@cf/black-forest-labs/flux-2-klein-4b', ONE, 0.001148],
		['@cf/black-forest-labs/flux-2-klein-4b', facts(512, 512, [square(500)]), 0.000346],
		['@cf/black-forest-labs/flux-2-klein-9b', ONE, 0.015],
		['@cf/black-forest-labs/flux-2-klein-9b', facts(1920, 1088), 0.017],
	])('%s, %j: %d', (model, request, expected) => {
		expect(usd(priceOfModel(model), request)).toBe(expected);
	});
});

describe('a formula can say the price of other services:', () => {
	const published = { source: 'https://example.com/prices', date: '2026-11-21' } as const;
	const started = { ...published, unit: 'startedMegapixel', certain: 'all' } as const;
	const exactly = { ...published, unit: 'megapixel', certain: 'all' } as const;
	const byImage = { ...published, unit: 'image', certain: 'all' } as const;
	/** Replicate names a price for the run, and one for each megapixel in and out. */
	const perRun = (run: number, megapixel: number): ListPrice => ({
		...started,
		first: roundUsd(run + megapixel),
		further: megapixel,
		reference: megapixel,
	});
	const prices: Record<string, ListPrice> = {
		'fal pro': { ...started, first: 0.03, further: 0.015, reference: 0.015 },
		'fal flex': { ...started, first: 0.05, reference: 0.05 },
		'fal klein 9B edit': { ...started, first: 0.006, reference: 0.011 },
		'Replicate pro': perRun(0.015, 0.015),
		'Replicate max': perRun(0.04, 0.03),
		'Replicate flex': perRun(0, 0.06),
		'DeepInfra dev': { ...exactly, first: 0.01, perSteps: 28 },
		'DeepInfra klein 4B': { ...exactly, first: 0.014 },
		'DeepInfra max': { ...byImage, first: 0.07 },
		'Together pro': { ...byImage, first: 0.03 },
		'Azure pro': { ...started, first: 0.03, further: 0.015, reference: 0.015 },
		'OpenRouter max': { ...started, first: 0.07, further: 0.03, reference: 0.03 },
		'self-hosted': { ...byImage, first: 0 },
	};

	test.each<Row>([
		['fal pro', ONE, 0.03],
		['fal pro', facts(1920, 1080), 0.045],
		['fal pro', facts(512, 512), 0.03],
		['fal flex', ONE, 0.05],
		['fal flex', facts(1920, 1080), 0.1],
		['fal flex', facts(512, 512), 0.05],
		['fal klein 9B edit', EDIT, 0.017],
		['Replicate pro', ONE, 0.03],
		['Replicate max', facts(2048, 1024, [square(1024)]), 0.13],
		['Replicate flex', EDIT, 0.12],
		['DeepInfra dev', facts(1024, 1024, [], 28), 0.01],
		['DeepInfra dev', facts(2048, 2048, [], 28), 0.04],
		['DeepInfra dev', facts(1024, 1024, [], 14), 0.005],
		['DeepInfra klein 4B', facts(512, 1024), 0.007],
		['DeepInfra max', facts(2048, 2048), 0.07],
		['Together pro', facts(2048, 2048), 0.03],
		['Azure pro', facts(1920, 1080, [square(1024)]), 0.06],
		['OpenRouter max', facts(2048, 1024, [square(1024)]), 0.13],
		['self-hosted', facts(2048, 2048), 0],
	])('%s, %j: %d', (service, request, expected) => {
		expect(usd(prices[service]!, request)).toBe(expected);
	});
});

describe('an estimate', () => {
	const pro = { price: priceOfModel('flux-2-pro') };
	const dev = {
		price: priceOfModel('@cf/black-forest-labs/flux-2-dev'),
		automaticSize: { width: 1024, height: 768 },
	};
	const estimated = { currency: 'USD', basis: 'formula' };

	test('is exact where the documents leave no doubt and the request nothing open', () => {
		expect(estimatePrice(pro, EDIT)).toEqual({ ...estimated, amount: 0.045, exact: true });
		expect(estimatePrice(dev, facts(512, 512, [], 4))).toEqual({
			...estimated,
			amount: 0.00165,
			exact: false,
		});
	});

	test('is not exact for what nobody has documented', () => {
		const price: ListPrice = { ...pro.price, certain: 'withoutReferences' };
		expect(estimatePrice({ price }, ONE)?.exact).toBe(true);
		expect(estimatePrice({ price }, EDIT)?.exact).toBe(false);
		expect(estimatePrice(pro, facts(1024, 1024, [square(2049)]))?.exact).toBe(false);
	});

	test.each<[what: string, request: PriceFacts, usd: number]>([
		['no size', { references: [], images: 1 }, 0.03],
		['one side', { width: 2048, references: [], images: 1 }, 0.045],
		['a reference of unknown size', facts(1024, 1024, [undefined, square(2048)]), 0.105],
		['fields of which nothing is known', { ...ONE, hasUnknownFields: true }, 0.03],
	])('counts the least, and says so, with %s', (_what, request, amount) => {
		expect(estimatePrice(pro, request)).toEqual({
			...estimated,
			amount,
			exact: false,
			atLeast: true,
		});
	});

	test('counts the size and the steps that the model takes by itself', () => {
		const request = { references: [], images: 1 };
		expect(estimatePrice(dev, { ...request, steps: 10 })).toEqual({
			...estimated,
			amount: 0.0165,
			exact: false,
		});
		expect(estimatePrice(dev, request)).toMatchObject({ amount: 0.04125, atLeast: true });
		expect(estimatePrice(dev, { ...request, height: 1920, steps: 1 })).toMatchObject({
			amount: 0.0033,
		});
	});

	test('does not ask for sizes that do not matter', () => {
		const price: ListPrice = { ...pro.price, unit: 'image', reference: undefined };
		const request = { references: [undefined], images: 1 };
		expect(estimatePrice({ price }, request)).not.toHaveProperty('atLeast');
	});

	test('counts every image of the request', () => {
		expect(estimatePrice(pro, { ...EDIT, images: 4 })).toMatchObject({ amount: 0.18, exact: true });
	});

	test('stays unknown for a model without a price', () => {
		expect(estimatePrice({}, ONE)).toBeUndefined();
	});
});

const described = providers
	.flatMap(({ models }) => models)
	.flatMap((model) => {
		const [, text] = /about \$([\d.]+)/.exec(model.description) ?? [];
		return text ? [[model.id, model, text] as const] : [];
	});

test.each(described)('the editor names the price of %s as it is', (_id, model, text) => {
	const { amount } = estimatePrice(model, { ...ONE, steps: 25 })!;
	expect(amount.toFixed(text.split('.')[1]!.length)).toBe(text);
});

test('every price says where it is published and when it was read', () => {
	const priced = providers.flatMap(({ models }) => models).flatMap(({ price }) => price ?? []);
	expect(priced.length).toBeGreaterThan(10);
	for (const { source, date } of priced) {
		expect(source).toMatch(/^https:\/\/\S+$/);
		expect(new Date(date).toISOString()).toBe(`${date}T00:00:00.000Z`);
	}
});

test.each([
	[0.03, 'USD', '$0.03'],
	[0.3, 'USD', '$0.30'],
	[0.1 + 0.2, 'USD', '$0.30'],
	[0.00115, 'USD', '$0.00115'],
	[0, 'USD', '$0.00'],
	[2, 'EUR', '2.00 EUR'],
])('%p %s is written as %p', (amount, currency, expected) => {
	expect(formatAmount(amount, currency)).toBe(expected);
});
