import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { checkSync, type Diagnostics } from 'recheck';
import ts from 'typescript';

/** No pattern takes more than linear time, whatever text somebody sends. */

const ROOT = path.resolve(__dirname, '../..');
const MEGABYTE = 1_000_000;
/** What a pattern is fed with, again and again, besides the beginning of itself. */
const TEXTS = ['a', ' ', '/', '"', '\\', '<', '<title', '\n', '\r\n', 'é', '0', '-_', 'data:', '#'];
/** The verdict never depends on the machine's speed. */
const NO_TIME_LIMIT = { timeout: null, attackTimeout: null, incubationTimeout: null };

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

function diagnose({ source, flags }: RegExp): Diagnostics['status'] {
	// the checker in JavaScript: the faster ones need a JVM or a binary for this platform
	process.env.RECHECK_SYNC_BACKEND = 'pure';
	return checkSync(source, flags, NO_TIME_LIMIT).status;
}

test.each([/ +$/, /(a+)+b/, /(a|a)*b/, /-+(\w)/, /<[^>]*>/, /x.*?y/s, /"(\\.|[^"])*$/])(
	'%p takes more than linear time: the control of this test',
	(regex) => {
		expect(diagnose(regex)).toBe('vulnerable');
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
			expect(diagnose(regex)).toBe('safe');
		});

		test('takes 1 MB', () => {
			const everywhere = new RegExp(regex, [...new Set(`${regex.flags}g`)].join(''));
			for (const text of [...TEXTS, regex.source]) {
				const filled = text.repeat(Math.ceil(MEGABYTE / text.length));
				expect(filled.replace(everywhere, '').length).toBeLessThanOrEqual(filled.length);
			}
		});
	},
);
