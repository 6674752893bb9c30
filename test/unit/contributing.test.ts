import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import ts from 'typescript';

/** What CONTRIBUTING.md shows as code can be copied as it is. */

const ROOT = path.resolve(__dirname, '../..');
const DEMO = 'test/workflows/demo.json';
const page = readFileSync(path.join(ROOT, 'CONTRIBUTING.md'), 'utf8');

interface Block {
	language: string;
	/** The last line of text above it. */
	above: string;
	code: string;
}

const blocks = [...page.matchAll(/(.*)\n\n```(\w*)\n([^]*?)\n```\n/g)].map(
	([, above = '', language = '', code = '']): Block => ({ language, above, code }),
);

/** "at the end of `models` in [`nodes/…/models.ts`](…)" says where a block of TypeScript belongs. */
const PLACE = /at the end of `(\w+)` in \[`([^`]+)`\]/;

const options = readOptions();

function readOptions(): ts.CompilerOptions {
	const file = path.join(ROOT, 'tsconfig.json');
	const { config } = ts.readConfigFile(file, (name) => ts.sys.readFile(name)) as {
		config: object;
	};
	return ts.parseJsonConfigFileContent(config, ts.sys, ROOT).options;
}

/** The file's text with the code as the last entries of one of its lists. */
function insert(file: string, list: string, code: string): string {
	const text = readFileSync(file, 'utf8');
	const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
	const literal = source.statements
		.filter(ts.isVariableStatement)
		.flatMap(({ declarationList }) => [...declarationList.declarations])
		.filter(({ name }) => name.getText() === list)
		.map(({ initializer }) => initializer && literalIn(initializer))
		.at(0);
	if (!literal) throw new Error(`${file} has no list "${list}"`);
	const end = literal.getEnd() - 1;
	return `${text.slice(0, end)}\n${code}\n${text.slice(end)}`;
}

function literalIn(node: ts.Expression): ts.Expression | undefined {
	if (ts.isArrayLiteralExpression(node) || ts.isObjectLiteralExpression(node)) return node;
	if (ts.isAsExpression(node) || ts.isSatisfiesExpression(node)) return literalIn(node.expression);
	return undefined;
}

/** What the compiler says about a file that has another text. */
function problemsOf(file: string, text: string): string[] {
	const host = ts.createCompilerHost(options);
	const read = host.readFile.bind(host);
	host.readFile = (name) => (path.resolve(name) === file ? text : read(name));
	const program = ts.createProgram([file], { ...options, noEmit: true }, host);
	const source = program.getSourceFile(file);
	return [
		...program.getSyntacticDiagnostics(source),
		...program.getSemanticDiagnostics(source),
	].map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
}

const codeOf = (language: string) => blocks.filter((block) => block.language === language);

describe('a block of TypeScript compiles where the line above puts it', () => {
	test('there is one', () => {
		expect(codeOf('ts')).not.toEqual([]);
	});

	test.each(codeOf('ts').map(({ above, code }) => [above, code] as const))(
		'%s',
		(above, code) => {
			const [, list = '', name = ''] = PLACE.exec(above) ?? [];
			expect(above).toMatch(PLACE);
			const file = path.join(ROOT, name);
			expect(problemsOf(file, insert(file, list, code))).toEqual([]);
			// the compiler does look at it
			const misspelt = insert(file, list, `${code}\nnameOfNothing,`);
			expect(problemsOf(file, misspelt)).toEqual([expect.stringContaining('nameOfNothing')]);
		},
		60_000,
	);
});

test('every function that is shown with arguments exists', () => {
	const folders = ['nodes', 'test'].map((folder) => path.join(ROOT, folder));
	const files = folders.flatMap((folder) =>
		readdirSync(folder, { recursive: true, encoding: 'utf8' })
			.filter((file) => file.endsWith('.ts') && !file.includes('node_modules'))
			.map((file) => readFileSync(path.join(folder, file), 'utf8')),
	);
	const calls = [...page.matchAll(/`(\w+)\([^`)]+\)`/g)].map(([, name = '']) => name);
	const isDeclared = (name: string) =>
		files.some((text) => new RegExp(`(const|function) ${name}\\b|^\\t*${name}\\(`, 'm').test(text));

	expect(calls).toContain('withRange');
	expect(calls.filter((name) => !isDeclared(name))).toEqual([]);
});

test('the command that adds an image to the demo adds it', () => {
	const [block] = codeOf('sh').filter(({ code }) => code.startsWith('node -e'));
	const folder = mkdtempSync(path.join(tmpdir(), 'flux2-contributing-'));
	const copy = path.join(folder, DEMO);
	try {
		cpSync(path.join(ROOT, DEMO), copy);
		execFileSync('sh', ['-c', block!.code], { cwd: folder });
		const added = linesOf(copy).filter((line) => !linesOf(path.join(ROOT, DEMO)).includes(line));
		expect(added).toEqual([expect.stringContaining('paper-fox')]);
	} finally {
		rmSync(folder, { recursive: true });
	}
});

const linesOf = (file: string) => readFileSync(file, 'utf8').split('\n');
