import {
	hideBase64,
	jsonObjectSchema,
	mergeJson,
	omitUndefined,
	parseJson,
} from '../../../nodes/shared/core/json';

test.each<[string, Buffer | string, unknown]>([
	['an object', '{"a":[1]}', { a: [1] }],
	['bytes', Buffer.from('{"a":"é"}'), { a: 'é' }],
	['a byte order mark before it', '\ufeff{"a":1}', { a: 1 }],
	['such a mark inside it', '{"a":"\ufeff1"}', { a: '\ufeff1' }],
	['null', 'null', null],
	['an HTML page', '<html></html>', undefined],
	['half an object', '{"a":', undefined],
	['nothing', '', undefined],
])('parses %s', (_what, text, expected) => {
	expect(parseJson(text)).toEqual(expected);
});

test.each<[string, unknown, unknown, unknown]>([
	['a list that holds more than objects is replaced', [{ a: 1 }], [{ b: 1 }, 2], [{ b: 1 }, 2]],
	['an empty list leaves a list of objects as it is', [{ a: 1 }], [], [{ a: 1 }]],
	[
		'lists of objects are merged entry by entry',
		[{ a: 1 }, { b: 2 }],
		[{ c: 3 }],
		[{ a: 1, c: 3 }, { b: 2 }],
	],
	['a list replaces an object', { a: 1 }, [{ b: 1 }], [{ b: 1 }]],
	['null replaces an object', { a: 1 }, null, null],
])('merging: %s', (_what, base, extra, expected) => {
	expect(mergeJson(base, extra)).toEqual(expected);
});

test('merging a key that an object inherits adds the key, and changes no prototype', () => {
	const merged = mergeJson({ a: 1 }, JSON.parse('{"__proto__": {"b": 2}, "constructor": 3}'));
	expect(JSON.stringify(merged)).toBe('{"a":1,"__proto__":{"b":2},"constructor":3}');
	expect(({} as { b?: number }).b).toBeUndefined();
});

test('hides base64 in the named field at any depth, and keeps URLs and other fields', () => {
	const urls = [{ b64: 'https://cdn.example.net/1.png' }, { b64: 'HTTP://127.0.0.1/1.png' }];
	const response = {
		images: [{ b64: 'aGVsbG8=' }, { b64: 'data:https:' }, ...urls, { b64: null }],
		text: 'aGVsbG8=',
	};
	expect(hideBase64(response, 'b64')).toEqual({
		images: [{ b64: '(base64)' }, { b64: '(base64)' }, ...urls, { b64: null }],
		text: 'aGVsbG8=',
	});
	expect(hideBase64(undefined, 'b64')).toBeNull();
});

test('omits what is undefined, and keeps every other value', () => {
	const values = { none: undefined, zero: 0, no: false, empty: '', list: [] };
	expect(Object.keys(omitUndefined(values))).toEqual(['zero', 'no', 'empty', 'list']);
});

test.each<[unknown, boolean]>([
	[{}, true],
	[{ a: [null] }, true],
	[[], false],
	[null, false],
	['{}', false],
	[undefined, false],
])('%p as a JSON object: %p', (value, expected) => {
	const { success, error } = jsonObjectSchema().safeParse(value);
	expect(success).toBe(expected);
	if (!expected) expect(error!.issues[0]!.message).toBe('must be a JSON object');
});
