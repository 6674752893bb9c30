import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { countSteps, partsOf } from '../support/regexSteps';

/** No pattern takes more than linear time, whatever text somebody sends. */

const ROOT = path.resolve(__dirname, '../..');
const MEGABYTE = 1_000_000;
const MIN_LENGTH = 150;
/** Twice the text: twice the steps are linear, four times are not. */
const MAX_GROWTH = 3;
const MAX_PAIRED = 5;

interface Pattern {
	place: string;
	regex: RegExp;
}

const files = ['nodes', 'credentials'].flatMap((folder) =>
	readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
		.filter((name) => name.endsWith('.ts'))
		.map((name) => path.join(folder, name)),
);

function nodesIn(file: string): ts.Node[] {
	const text = readFileSync(path.join(ROOT, file), 'utf8');
	const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
	const below = (node: ts.Node): ts.Node[] => [node, ...node.getChildren(source).flatMap(below)];
	return below(source);
}

const patterns = files.flatMap((file) =>
	nodesIn(file).flatMap((node): Pattern[] => {
		if (!ts.isRegularExpressionLiteral(node)) return [];
		const { line } = node.getSourceFile().getLineAndCharacterOfPosition(node.getStart());
		const [, source = '', flags] = /^\/(.*)\/(\w*)$/s.exec(node.text)!;
		return [{ place: `${file}:${line + 1}`, regex: new RegExp(source, flags) }];
	}),
);

/** Repeats it up to that length. */
const fill = (repeated: string, length: number) => repeated.repeat(length / repeated.length);

/** What is behind a repeated part so that it does not match in the end. */
const TAILS = ['', '\u0000', '!\n', '"'];
const EVERYWHERE = ['a', ' ', '/', '"', '\\', '<', '\n', '\r\n', 'é'];

/** Texts of any length with which a pattern may be slow, by what they are made of. */
function textsFor(regex: RegExp, tails = TAILS): Map<string, (length: number) => string> {
	const { repeats, examples, characters } = partsOf(regex);
	const few = characters.slice(0, MAX_PAIRED);
	const pairs = few.flatMap((one) => few.map((two) => one + two));
	const cut = examples.map((example) => example.slice(0, -1));
	const whole = [...EVERYWHERE, ...characters, ...pairs, ...examples, ...cut].filter(Boolean);
	return new Map(
		tails.flatMap((tail) => [
			...whole.map((repeated): [string, (length: number) => string] => [
				`${JSON.stringify(repeated)} repeated, ${JSON.stringify(tail)}`,
				(length) => fill(repeated, length) + tail,
			]),
			...repeats.flatMap(
				({ before, repeated }): Array<[string, (length: number) => string]> => [
					[
						`${JSON.stringify(before)}, then ${JSON.stringify(repeated)} repeated, ${JSON.stringify(tail)}`,
						(length) => before + fill(repeated, length) + tail,
					],
					[
						`${JSON.stringify(before + repeated)} repeated, ${JSON.stringify(tail)}`,
						(length) => fill(before + repeated, length) + tail,
					],
				],
			),
		]),
	);
}

/** A text with which it takes more than linear time. */
const findSlowText = (regex: RegExp): string | undefined =>
	[...textsFor(regex)].find(([, textOf]) => {
		// what looks so far ahead looks no further in a longer text
		const length = Math.max(MIN_LENGTH, 2 * partsOf(regex).longestLook);
		const steps = countSteps(regex, textOf(length));
		return steps === Infinity || countSteps(regex, textOf(2 * length)) > MAX_GROWTH * steps;
	})?.[0];

test.each([
	/ +$/,
	/a+b/,
	/(a+)+b/,
	/(a|a)*b/,
	/-+(\w)/,
	/<[^>]*>/,
	/x.*?y/s,
	/a(?=a*b)/,
	/"(\\.|[^"])*$/,
])('%p takes more than linear time: the control of this test', (regex) => {
	expect(findSlowText(regex)).toBeDefined();
});

test.each([/^ +$/, /a{1,90}b/, /^(a|b)+c/, /(?<!a)b\s+/, /^x.*?y/, /\bno\b/i, /^a(?=a*b)/])(
	'%p takes linear time: the control of this test',
	(regex) => {
		expect(findSlowText(regex)).toBeUndefined();
	},
);

test('there are patterns, and each is a literal', () => {
	expect(patterns.length).toBeGreaterThan(20);
	const made = files.filter((file) =>
		nodesIn(file).some((node) => ts.isIdentifier(node) && node.text === 'RegExp'),
	);
	expect(made).toEqual([]);
});

describe.each(patterns.map(({ place, regex }) => [`${place} ${String(regex)}`, regex] as const))(
	'%s',
	(_place, regex) => {
		test('takes linear time', () => {
			expect(findSlowText(regex)).toBeUndefined();
		});

		test('takes 1 MB', () => {
			const everywhere = new RegExp(regex, [...new Set(`${regex.flags}g`)].join(''));
			for (const [, textOf] of textsFor(regex, ['\u0000']))
				textOf(MEGABYTE).replace(everywhere, '');
		});
	},
);
