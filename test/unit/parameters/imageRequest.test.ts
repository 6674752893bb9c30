import { withCustomBody } from '../../../nodes/shared/parameters/body';

const merged = (body: object, customBody?: unknown) =>
	withCustomBody(
		body as never,
		new Map(customBody === undefined ? [] : [['customBody', customBody]]),
	);

test.each<[string, object, unknown, object]>([
	['nothing to merge', { a: 1 }, undefined, { a: 1 }],
	['a new field', { a: 1 }, { b: { c: 2 } }, { a: 1, b: { c: 2 } }],
	['a changed field', { a: 1, b: 2 }, { a: 'x' }, { a: 'x', b: 2 }],
	[
		'a field set to null, false or nothing',
		{ a: 1, b: 2, c: 3 },
		{ a: null, b: false, c: '' },
		{ a: null, b: false, c: '' },
	],
	[
		'objects, key by key',
		{ a: { b: 1, c: { d: 2 } } },
		{ a: { c: { e: 3 } } },
		{ a: { b: 1, c: { d: 2, e: 3 } } },
	],
	[
		'lists of objects, entry by entry',
		{ input: [{ params: { a: 1 } }] },
		{ input: [{ params: { b: 2 } }, { x: 1 }] },
		{ input: [{ params: { a: 1, b: 2 } }, { x: 1 }] },
	],
	[
		'a shorter list of objects',
		{ input: [{ a: 1 }, { b: 2 }] },
		{ input: [{ c: 3 }] },
		{ input: [{ a: 1, c: 3 }, { b: 2 }] },
	],
	[
		'a list of words, which is replaced',
		{ images: ['a', 'b'] },
		{ images: ['c'] },
		{ images: ['c'] },
	],
	['an object in place of a value', { a: 1 }, { a: { b: 2 } }, { a: { b: 2 } }],
])('%s', (_name, body, customBody, expected) => {
	expect(merged(body, customBody)).toEqual(expected);
});

test('leaves the request as it was', () => {
	const body = { input: [{ params: { a: 1 } }] };
	merged(body, { input: [{ params: { b: 2 } }] });

	expect(body).toEqual({ input: [{ params: { a: 1 } }] });
});
