import type { IDataObject } from 'n8n-workflow';
import { toProsePrompt } from '../../../nodes/shared/parameters/prosePrompt';
import {
	toJsonPrompt,
	toStructuredPrompt,
} from '../../../nodes/shared/parameters/structuredPrompt';
import fc from '../../support/properties';

/** Whatever a form holds, both ways to send it say all of it. */

// what people type, in any script; a clause loses only the stops at its end
const words = fc
	.string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
	.map((value) => value.trim())
	.filter((value) => withoutStops(value) !== '');

const hex = fc
	.array(fc.constantFrom(...'0123456789abcdefABCDEF'), { minLength: 6, maxLength: 6 })
	.map((digits) => `#${digits.join('')}`);

const optional = <T>(values: Record<string, fc.Arbitrary<T>>, ...required: string[]) =>
	fc.record(values, { requiredKeys: required }) as fc.Arbitrary<IDataObject>;

const entries = (group: string, entry: fc.Arbitrary<IDataObject>) =>
	fc.array(entry, { maxLength: 3 }).map((list) => ({ [group]: list }));

const form = fc.record(
	{
		scene: words,
		subjects: entries(
			'subject',
			optional({ description: words, position: words, action: words }, 'description'),
		),
		text: entries(
			'text',
			optional({ content: words, position: words, style: words, color: hex }, 'content'),
		),
		colorPalette: entries(
			'color',
			optional({ color: hex, name: words, appliesTo: words }, 'color'),
		),
		camera: optional({
			angle: words,
			distance: words,
			lens: words,
			aperture: words,
			focus: words,
			depthOfField: words,
		}).map((camera) => ({ camera })),
		style: words,
		lighting: words,
		mood: words,
		background: words,
		composition: words,
	},
	{ requiredKeys: [] },
) as fc.Arbitrary<IDataObject>;

/** No name of the form's own: such a field is meant to replace what the form says. */
const names = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }).map((name) => `x${name}`);
const additional = fc.dictionary(
	names,
	fc.oneof(words, fc.array(words, { maxLength: 3 }), fc.integer(), fc.boolean()),
	{
		maxKeys: 3,
	},
) as fc.Arbitrary<IDataObject>;

function withoutStops(value: string): string {
	return value.replace(/[\s.,;]+$/, '');
}

/** Every text, number and truth value in it, as text. */
function leavesOf(value: unknown): string[] {
	if (Array.isArray(value)) return value.flatMap(leavesOf);
	if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(leavesOf);
	return [String(value)];
}

/** Every value in it, at any depth. */
const partsOf = (value: unknown): unknown[] =>
	typeof value === 'object' && value !== null
		? Object.values(value).flatMap((part: unknown) => [part, ...partsOf(part)])
		: [];

const isEmpty = (value: unknown) =>
	value === null || ['""', '[]', '{}'].includes(JSON.stringify(value));

const folded = (value: string) => withoutStops(value).toLowerCase();

test('as prose, no value that was given is lost', () => {
	fc.assert(
		fc.property(form, additional, (given, extra) => {
			const prose = toProsePrompt(toStructuredPrompt(given, extra)).toLowerCase();
			const lost = [...leavesOf(given), ...leavesOf(extra)].filter(
				(value) => !prose.includes(folded(value)),
			);
			expect(lost).toEqual([]);
		}),
	);
});

test('as JSON, no value that was given is lost', () => {
	fc.assert(
		fc.property(form, additional, (given, extra) => {
			const sent = leavesOf(JSON.parse(toJsonPrompt(toStructuredPrompt(given, extra))));
			// a color, its name and what has it are one text
			const lost = [...leavesOf(given), ...leavesOf(extra)].filter(
				(value) => !sent.some((text) => text.includes(value)),
			);
			expect(lost).toEqual([]);
		}),
	);
});

test('nothing is said that was not given: no value of the JSON is empty', () => {
	const blank = fc.constantFrom('', ' ', null, [], {}, [''], { a: null });
	const withBlanks = fc.tuple(
		form,
		fc.dictionary(fc.constantFrom('scene', 'style', 'mood', 'camera'), blank),
	);
	fc.assert(
		fc.property(withBlanks, ([given, blanks]) => {
			const structured = toStructuredPrompt({ ...given, ...(blanks as IDataObject) });
			expect(partsOf(structured).filter(isEmpty)).toEqual([]);
			expect(Object.keys(structured).filter((key) => key in blanks)).toEqual([]);
		}),
	);
});
