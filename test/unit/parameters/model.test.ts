import type { ListPrice } from '../../../nodes/shared/parameters/price';
import {
	customModel,
	encodeModelId,
	isPathSafe,
	labelsOf,
	type Model,
} from '../../../nodes/shared/parameters/model';
import { choice, integer, type Param } from '../../../nodes/shared/parameters/param';

const common = { label: 'A Label', description: 'What it does' };
const steps = integer('steps', { ...common, label: 'Steps', min: 1, max: 8, default: 4 });
const moreSteps = integer('steps', {
	...common,
	label: 'More Steps',
	min: 1,
	max: 50,
	default: 30,
});
const format: Param = {
	...choice('output_format', {
		...common,
		label: 'Format',
		options: { png: 'PNG' },
		default: 'png',
	}),
	sendDefault: true,
};

const SIZES = { step: 16, minSide: 64, maxPixels: 1_000_000 };

const modelWith = (parameters: readonly Param[], facts: Partial<Model> = {}): Model => ({
	id: 'listed',
	name: 'Listed',
	description: 'A model of the list',
	parameters,
	maxReferences: 2,
	sizes: SIZES,
	typicalSeconds: 5,
	...facts,
});

test.each([
	['flux-2-pro', true],
	['@cf/black-forest-labs/flux-2-dev', true],
	['an id with spaces and ünïcode', true],
	['..flux', true],
	['what?#is%2e%2e', true],
	['', false],
	['..', false],
	['.', false],
	['../credits', false],
	['models/../credits', false],
	['models/..', false],
	['models/./flux', false],
	['/flux', false],
	['flux/', false],
	['models//flux', false],
	['..\\credits', false],
	['flux\n', false],
	['flux\u0000', false],
	['flux\u007f', false],
])('the ID %p may stand in a path: %p', (id, expected) => {
	expect(isPathSafe(id)).toBe(expected);
});

test.each([
	'@cf/black-forest-labs/flux-2-dev',
	'what?is#this',
	'a b%2e%2e',
	'..%2f..%2fcredits',
	'flux&x=1',
])('a safe ID never leaves its place in the path: %s', (id) => {
	expect(isPathSafe(id)).toBe(true);
	const { pathname, search, hash } = new URL(`https://api.example.com/v1/${encodeModelId(id)}`);
	expect(decodeURIComponent(pathname)).toBe(`/v1/${id}`);
	expect([search, hash]).toEqual(['', '']);
});

describe('a custom model', () => {
	test("takes the first model's parameter of each wire name, and sends no default unasked", () => {
		const { parameters } = customModel('new', [
			modelWith([steps, format]),
			modelWith([moreSteps, format]),
		]);

		expect(parameters).toEqual([
			{ ...steps, sendDefault: false },
			{ ...format, sendDefault: false },
		]);
	});

	test('takes the widest limits of the models that it might be', () => {
		const large = { maxReferences: 10, typicalSeconds: 30 };
		expect(customModel('new', [modelWith([]), modelWith([], large)])).toMatchObject(large);
	});

	test('makes the sizes of the first model that it might be', () => {
		const other = { step: 32, minSide: 256 };
		expect(customModel('new', [modelWith([]), modelWith([], { sizes: other })]).sizes).toBe(SIZES);
	});

	test("copies no other field: a fact of one provider's records says nothing about another model", () => {
		const price: ListPrice = {
			unit: 'image',
			first: 0.03,
			certain: 'all',
			source: 'https://example.com/prices',
			date: '2026-11-21',
		};
		const automaticSize = { width: 1024, height: 768 };
		const withRoute = { ...modelWith([]), route: 'workersAi', price, automaticSize };

		expect(customModel('vendor/new', [withRoute])).toEqual({
			id: 'vendor/new',
			name: 'vendor/new',
			description: '',
			parameters: [],
			maxReferences: 2,
			referenceSidesBelow: Infinity,
			sizes: SIZES,
			typicalSeconds: 5,
		});
	});

	test('leaves the listed models as they are', () => {
		const listed = modelWith([format]);
		customModel('new', [listed]);
		expect(listed.parameters[0]?.sendDefault).toBe(true);
	});
});

test('labels are found by wire name', () => {
	expect([...labelsOf([modelWith([steps]), modelWith([format])])]).toEqual([
		['steps', 'Steps'],
		['output_format', 'Format'],
	]);
});
