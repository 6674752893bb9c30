import type { IDataObject } from 'n8n-workflow';
import { withCustomBody } from '../../../nodes/shared/parameters/imageRequest';
import { customBody } from '../../../nodes/shared/parameters/options';
import { Settings } from '../../../nodes/shared/parameters/param';

const merged = (body: IDataObject, custom?: unknown) =>
	withCustomBody(
		body,
		new Settings(custom === undefined ? undefined : new Map([[customBody.property.name, custom]])),
	);

test.each<[string, IDataObject, unknown, IDataObject]>([
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
])('Custom Body: %s', (_name, body, custom, expected) => {
	expect(merged(body, custom)).toEqual(expected);
});

test('Custom Body leaves the request itself as it was', () => {
	const body = { input: [{ params: { a: 1 } }] };
	merged(body, { input: [{ params: { b: 2 } }] });

	expect(body).toEqual({ input: [{ params: { a: 1 } }] });
});
