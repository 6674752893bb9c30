import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

/** No pattern takes more than linear time, whatever text somebody sends. */

const ROOT = path.resolve(__dirname, '../..');
const MEGABYTE = 1_000_000;
/** What a pattern is fed with, again and again, besides the beginning of itself. */
const TEXTS = ['a', ' ', '/', '"', '\\', '<', '<title', '\n', '\r\n', 'é', '0', '-_', 'data:', '#'];

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

/** All at once, because the checker takes a while to start. */
function diagnose(regexes: readonly RegExp[]): string[] {
	const script = path.join(ROOT, 'test/support/diagnosePatterns.mjs');
	const input = JSON.stringify(regexes.map(({ source, flags }) => [source, flags]));
	return JSON.parse(
		execFileSync(process.execPath, [script], { input, encoding: 'utf8' }),
	) as string[];
}

test('what takes more than linear time is found: the control of this test', () => {
	const slow = [/ +$/, /(a+)+b/, /(a|a)*b/, /-+(\w)/, /<[^>]*>/, /x.*?y/s, /"(\\.|[^"])*$/];
	expect(diagnose(slow)).toEqual(slow.map(() => 'vulnerable'));
});

test('each takes linear time', () => {
	const verdicts = diagnose(patterns.map(({ regex }) => regex));
	expect(patterns.filter((_, index) => verdicts[index] !== 'safe')).toEqual([]);
	expect(verdicts).toHaveLength(patterns.length);
});

test('there are patterns, and each is a literal', () => {
	expect(patterns.length).toBeGreaterThan(20);
	const made = files.filter((file) =>
		nodesIn(file).some((node) => ts.isIdentifier(node) && node.text === 'RegExp'),
	);
	expect(made).toEqual([]);
});

test.each(patterns.map(({ place, regex }) => [`${place} ${String(regex)}`, regex] as const))(
	'%s takes 1 MB',
	(_place, regex) => {
		const everywhere = new RegExp(regex, [...new Set(`${regex.flags}g`)].join(''));
		for (const text of [...TEXTS, regex.source]) {
			const filled = text.repeat(Math.ceil(MEGABYTE / text.length));
			expect(filled.replace(everywhere, '').length).toBeLessThanOrEqual(filled.length);
		}
	},
);
