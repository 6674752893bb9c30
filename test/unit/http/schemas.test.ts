import { z } from '../../../nodes/shared/core/vendor';
import {
	entriesOf,
	idSchema,
	optionalAmountSchema,
	optionalIdSchema,
	optionalNumberSchema,
	optionalTextSchema,
	wordSchema,
} from '../../../nodes/shared/http/schemas';

/** Small schemas that ask for what they need and ignore the rest. */

const read = (schema: z.ZodTypeAny, value: unknown): unknown => {
	const result = schema.safeParse(value);
	return result.success ? result.data : 'refused';
};

test.each<[unknown, unknown]>([
	['t1', 't1'],
	[7, '7'],
	[0, '0'],
	['', 'refused'],
	[null, 'refused'],
	[true, 'refused'],
	[undefined, 'refused'],
])('an ID: %p is %p', (value, expected) => {
	expect(read(idSchema, value)).toBe(expected);
	expect(read(optionalIdSchema, value)).toBe(expected === 'refused' ? undefined : expected);
});

test.each<[unknown, string | undefined]>([
	['text', 'text'],
	['', ''],
	[7, undefined],
	[null, undefined],
	[undefined, undefined],
])('a text, or a word: %p is %p', (value, expected) => {
	expect(read(optionalTextSchema, value)).toBe(expected);
	expect(read(wordSchema, value)).toBe(expected ?? '');
});

test.each<[unknown, unknown, unknown]>([
	[7, 7, 7],
	[0, 0, 0],
	['0.03', undefined, 0.03],
	['', undefined, undefined],
	['a lot', undefined, undefined],
	[null, undefined, undefined],
	[false, undefined, undefined],
	[undefined, undefined, undefined],
])('%p as a number is %p, as an amount %p', (value, number, amount) => {
	expect(read(optionalNumberSchema, value)).toBe(number);
	expect(read(optionalAmountSchema, value)).toBe(amount);
});

test.each<[unknown, unknown]>([
	[
		[{ url: 'a' }, null, { url: 7 }, 'text', { url: 'b', more: 1 }],
		[{ url: 'a' }, { url: 'b' }],
	],
	[[], []],
	[{ url: 'a' }, []],
	[null, []],
	[undefined, []],
])('the entries of %p are %p', (value, expected) => {
	expect(read(entriesOf(z.object({ url: z.string() })), value)).toEqual(expected);
});
