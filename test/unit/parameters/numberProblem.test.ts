import fc from 'fast-check';
import { numberProblem, type Limits } from '../../../nodes/shared/parameters/numberProblem';

test.each<[unknown, Limits, string | undefined]>([
	[1024, { min: 64, multipleOf: 16, whole: true }, undefined],
	[1001, { min: 64, multipleOf: 16, whole: true }, '1001 is not a multiple of 16; try 992 or 1008'],
	[1000.5, { multipleOf: 16, whole: true }, '1000.5 is not a whole number; try 992 or 1008'],
	[2047, { max: 2047, multipleOf: 16, whole: true }, '2047 is not a multiple of 16; try 2032'],
	[2500, { min: 64, max: 2047, multipleOf: 16 }, '2500 is not between 64 and 2047; try 2032'],
	[50, { min: 60, multipleOf: 16 }, '50 is less than 60; try 64'],
	[5, { max: 4, whole: true }, '5 is more than 4; try 4'],
	[0.5, { min: 1.5, max: 10 }, '0.5 is not between 1.5 and 10; try 1.5'],
	[2, { min: 1, max: 1, whole: true }, '2 is not possible here; try 1'],
	[2.5, { min: 0 }, undefined],
	[-0.5, { min: 0 }, '-0.5 is less than 0; try 0'],
	[-0.5, { whole: true }, '-0.5 is not a whole number; try -1 or 0'],
	[2 ** 53, { whole: true }, '9007199254740992 is too large'],
	['wide', {}, '"wide" is not a number'],
	[null, {}, 'null is not a number'],
	[undefined, {}, 'undefined is not a number'],
	[NaN, {}, 'NaN is not a number'],
	[-Infinity, {}, '-Infinity is not a number'],
	['x'.repeat(41), {}, 'The value is not a number'],
])('of %p within %j: %p', (value, limits, expected) => {
	expect(numberProblem(value, limits)).toBe(expected);
});

test('what it advises would do, and nothing nearer would', () => {
	const limitsAndValue = fc
		.record({
			min: fc.integer({ min: -200, max: 200 }),
			width: fc.integer({ min: 32, max: 400 }),
			multipleOf: fc.option(fc.integer({ min: 2, max: 32 }), { nil: undefined }),
		})
		.map(({ min, width, multipleOf }) => ({ min, max: min + width, multipleOf, whole: true }));
	const anyValue = fc.integer({ min: -1000, max: 1000 }).map((tenths) => tenths / 2);
	fc.assert(
		fc.property(limitsAndValue, anyValue, (limits, value) => {
			const problem = numberProblem(value, limits);
			if (problem === undefined) return;
			const advised = problem.split('; try ')[1]!.split(' or ').map(Number);
			expect(advised.map((number) => numberProblem(number, limits))).toEqual(
				advised.map(() => undefined),
			);
			const distance = Math.min(...advised.map((number) => Math.abs(number - value)));
			const nearer = Array.from({ length: limits.max - limits.min + 1 }, (_, i) => limits.min + i)
				.filter((number) => numberProblem(number, limits) === undefined)
				.filter((number) => Math.abs(number - value) < distance);
			expect(nearer).toEqual([]);
		}),
	);
});
