import {
	choice,
	decimal,
	integer,
	jsonObject,
	withValues,
	encodedAs,
	text,
	toggle,
	withRange,
	type Param,
} from '../../../nodes/shared/parameters/param';

const common = { label: 'A Label', description: 'What it does' };

/** The value on the wire, or the words of the refusal. */
function read(param: Param, value: unknown): unknown {
	const result = param.schema().safeParse(value);
	return result.success ? result.data : `refused: ${result.error.issues[0]!.message}`;
}

test('a parameter is named after its wire name, or by its own name', () => {
	expect(integer('num_inference_steps', { ...common, min: 1, max: 50, default: 30 })).toMatchObject(
		{
			wireName: 'num_inference_steps',
			goesTo: 'body',
			property: {
				displayName: 'A Label',
				name: 'numInferenceSteps',
				type: 'number',
				typeOptions: { minValue: 1, maxValue: 50 },
				default: 30,
				description: 'What it does',
			},
		},
	);
	const header = text('cf-aig-cache-key', { ...common, name: 'cacheKey', goesTo: 'header' });
	expect([header.wireName, header.property.name, header.goesTo]).toEqual([
		'cf-aig-cache-key',
		'cacheKey',
		'header',
	]);
});

test.each([
	[0, 0],
	[-5, -5],
	['7', 7],
	[' 7 ', 7],
	['1e2', 100],
	['-0', -0],
	['0x10', 16],
	[1.5, 'refused: must be a whole number'],
	['seven', 'refused: must be a number'],
	['', 'refused: must be a number'],
	['  ', 'refused: must be a number'],
	[true, 'refused: must be a number'],
	[[7], 'refused: must be a number'],
	[NaN, 'refused: must be a number'],
	[Infinity, 'refused: must be a number'],
	['Infinity', 'refused: must be a number'],
	[2 ** 53, 'refused: must be a safe whole number'],
])('reads the integer %p as %p', (value, expected) => {
	expect(read(integer('seed', { ...common, default: 0 }), value)).toEqual(expected);
});

test('tells the limits that there are', () => {
	const low = decimal('guidance', { ...common, min: 1.5, default: 5 });
	const high = decimal('guidance', { ...common, max: 10, default: 5 });
	const both = decimal('guidance', { ...common, min: 1.5, max: 10, default: 5 });
	const steps = integer('width', { ...common, multipleOf: 32, default: 64 });

	expect([read(low, 1), read(high, 11), read(both, 1), read(steps, 33)]).toEqual([
		'refused: must be at least 1.5',
		'refused: must be at most 10',
		'refused: must be between 1.5 and 10',
		'refused: must be a multiple of 32',
	]);
	expect([1.5, '10', 7.25].map((value) => read(both, value))).toEqual([1.5, 10, 7.25]);
});

test("a model's narrower limits leave the editor's field as it is", () => {
	const width = integer('width', { ...common, min: 64, default: 1024 });
	const narrow = withRange(width, { min: 256, max: 1920 });
	const guidance = withRange(decimal('guidance', { ...common, default: 5 }), { min: 1.5 });

	expect(narrow.property).toBe(width.property);
	expect([read(width, 64), read(narrow, 64), read(narrow, 256.5), read(guidance, 1.75)]).toEqual([
		64,
		'refused: must be between 256 and 1920',
		'refused: must be a whole number',
		1.75,
	]);
});

test.each([
	[true, true],
	[false, false],
	['true', true],
	[' False ', false],
	['yes', 'refused: must be true or false'],
	[0, 'refused: must be true or false'],
	['', 'refused: must be true or false'],
])('reads the toggle %p as %p', (value, expected) => {
	expect(read(toggle('on', { ...common, default: true }), value)).toEqual(expected);
});

test('a choice takes its words alone, a model perhaps fewer, and writes them as the API wants', () => {
	const tolerance = choice('safety_tolerance', {
		...common,
		options: { '0': 'Strict', '6': 'Lax' },
		default: '0',
	});
	const strict = withValues(tolerance, '0');
	const asNumber = encodedAs(strict, Number);

	expect(tolerance.property.options).toEqual([
		{ name: 'Strict', value: '0' },
		{ name: 'Lax', value: '6' },
	]);
	expect([
		read(tolerance, 6),
		read(tolerance, '7'),
		read(strict, '6'),
		read(asNumber, '0'),
		read(asNumber, '6'),
	]).toEqual([
		'6',
		'refused: must be one of 0, 6',
		'refused: must be one of 0',
		0,
		'refused: must be one of 0',
	]);
	expect(asNumber.property).toBe(tolerance.property);
});

test('text takes objects as JSON and keeps its length', () => {
	const prompt = text('prompt', { ...common, maxLength: 12 });

	expect([' a ', { a: 1 }, [1], 7, 'thirteen long'].map((value) => read(prompt, value))).toEqual([
		' a ',
		'{"a":1}',
		'[1]',
		'7',
		'refused: must be at most 12 characters',
	]);
});

test('JSON takes objects, typed in or given', () => {
	const body = jsonObject('customBody', common);

	expect(
		['{"a": 1}', { a: 1 }, '{', '[1]', [1], 'null', 7].map((value) => read(body, value)),
	).toEqual([{ a: 1 }, { a: 1 }, ...Array<string>(5).fill('refused: must be a JSON object')]);
});
