import {
	choice,
	decimal,
	encodedAs,
	integer,
	inGroup,
	inPanel,
	jsonObject,
	Settings,
	shownWhen,
	text,
	toggle,
	withCheck,
	withRange,
	withValues,
	zeroAsUnset,
	type Param,
} from '../../../nodes/shared/parameters/param';

const common = { label: 'A Label', description: 'What it does' };

/** The value on the wire, or the message of the refusal. */
function read(param: Param, value: unknown): unknown {
	const result = param.schema().safeParse(value);
	return result.success ? result.data : `refused: ${result.error.issues[0]!.message}`;
}

test('a parameter is named after its wire name, or by its own name', () => {
	expect(integer('num_inference_steps', { ...common, min: 1, max: 50, default: 30 })).toMatchObject(
		{
			wireName: 'num_inference_steps',
			in: 'body',
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
	const header = text('cf-aig-cache-key', { ...common, name: 'cacheKey', in: 'header' });
	expect([header.wireName, header.property.name, header.in]).toEqual([
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
	[1.5, 'refused: 1.5 is not a whole number; try 1 or 2'],
	['seven', 'refused: "seven" is not a number'],
	['', 'refused: "" is not a number'],
	['  ', 'refused: "  " is not a number'],
	[true, 'refused: true is not a number'],
	[[7], 'refused: [7] is not a number'],
	[NaN, 'refused: NaN is not a number'],
	[Infinity, 'refused: Infinity is not a number'],
	['Infinity', 'refused: Infinity is not a number'],
	[2 ** 53, 'refused: 9007199254740992 is too large'],
])('reads the integer %p as %p', (value, expected) => {
	expect(read(integer('seed', { ...common, default: 0 }), value)).toEqual(expected);
});

test('a refusal names the limits that there are', () => {
	const low = decimal('guidance', { ...common, min: 1.5, default: 5 });
	const high = decimal('guidance', { ...common, max: 10, default: 5 });
	const both = decimal('guidance', { ...common, min: 1.5, max: 10, default: 5 });
	const steps = integer('width', { ...common, multipleOf: 32, default: 64 });

	expect([read(low, 1), read(high, 11), read(both, 1), read(steps, 33)]).toEqual([
		'refused: 1 is less than 1.5; try 1.5',
		'refused: 11 is more than 10; try 10',
		'refused: 1 is not between 1.5 and 10; try 1.5',
		'refused: 33 is not a multiple of 32; try 32 or 64',
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
		'refused: 64 is not between 256 and 1920; try 256',
		'refused: 256.5 is not a whole number; try 256 or 257',
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

test('a choice takes its own values, a model perhaps fewer, and encodes them as the API wants', () => {
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

test('0 counts as unset where a parameter says so, typed in or as text', () => {
	const width = zeroAsUnset(integer('width', { ...common, min: 256, max: 1920, default: 0 }));

	expect([0, '0', 256, 100].map((value) => read(width, value))).toEqual([
		undefined,
		undefined,
		256,
		'refused: 100 is not between 256 and 1920; try 256',
	]);
	expect(width.property.typeOptions).toEqual({ minValue: 0, maxValue: 1920 });
});

test('a check of its own refuses with its own message', () => {
	const even = withCheck(
		integer('count', { ...common, default: 2 }),
		(value) => value % 2 === 0,
		'must be even',
	);
	expect([read(even, 4), read(even, 3)]).toEqual([4, 'refused: must be even']);
});

test('a parameter that has another place or condition in the editor is read as before', () => {
	const steps = integer('steps', { ...common, default: 4 });
	const group = { name: 'gateway', label: 'Gateway' };
	const conditional = shownWhen(inPanel(steps), { size: ['custom'] });

	expect(conditional.property.displayOptions).toEqual({ show: { size: ['custom'] } });
	expect([conditional.place, inGroup(group, steps).place, steps.place]).toEqual([
		'panel',
		group,
		undefined,
	]);
	expect([read(conditional, 4), read(inGroup(group, steps), 4)]).toEqual([4, 4]);
});

test('the entries of a list may have descriptions', () => {
	const wait = choice('wait', {
		...common,
		options: { poll: { name: 'Poll', description: 'Asks' }, call: 'One Call' },
		default: 'poll',
	});

	expect(wait.property.options).toEqual([
		{ name: 'Poll', description: 'Asks', value: 'poll' },
		{ name: 'One Call', value: 'call' },
	]);
	expect([read(wait, 'call'), read(wait, 'Poll')]).toEqual([
		'call',
		'refused: must be one of poll, call',
	]);
});

test('the default of a parameter has the type of its value on the wire', () => {
	const tolerance = choice('tolerance', { ...common, options: { '0': 'Strict' }, default: '0' });
	const asNumber: Param<number> = encodedAs(tolerance, Number);

	expect([asNumber.default, asNumber.property.default]).toEqual([0, '0']);
	expect(jsonObject('customBody', common).default).toEqual({});
	expect(toggle('on', { ...common, default: false }).default).toBe(false);
});

test("settings yield an option's value, false and 0 too, or the default that the editor shows", () => {
	const on = toggle('on', { ...common, default: true });
	const count = integer('count', { ...common, default: 4 });
	const set = new Settings(
		new Map<string, unknown>([
			['on', false],
			['count', 0],
		]),
	);
	const unset = new Settings();

	expect([set.get(on), set.getOrDefault(on), set.getOrDefault(count)]).toEqual([false, false, 0]);
	expect([unset.get(on), unset.getOrDefault(on), unset.getOrDefault(count)]).toEqual([
		undefined,
		true,
		4,
	]);
});
