import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

/** The floors of nodes/shared, and that no file needs itself. */

const ROOT = path.resolve(__dirname, '../..');
const FLOORS = ['core', 'parameters', 'http', 'images', 'tasks', 'operations', 'node'];
const VENDOR = 'nodes/shared/core/vendor.ts';

/** What a source text imports, types and `await import(…)` included, as it names them. */
function importsIn(fileName: string, text: string): string[] {
	const found: string[] = [];
	const visit = (node: ts.Node): void => {
		const name = importedName(node);
		if (name && ts.isStringLiteralLike(name)) found.push(name.text);
		ts.forEachChild(node, visit);
	};
	visit(ts.createSourceFile(fileName, text, ts.ScriptTarget.Latest, true));
	return found;
}

/** The node that names the module, where this one imports or passes on another module. */
function importedName(node: ts.Node): ts.Node | undefined {
	if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
	if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
		return node.argument.literal;
	if (ts.isExternalModuleReference(node)) return node.expression;
	const isCall = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
	return isCall ? node.arguments[0] : undefined;
}

const files = readdirSync(path.join(ROOT, 'nodes'), { recursive: true, encoding: 'utf8' })
	.filter((file) => file.endsWith('.ts'))
	.map((file) => path.posix.join('nodes', file.split(path.sep).join('/')));

/** The files of nodes/ that each of them imports. */
const graph = new Map(
	files.map((file) => [
		file,
		importsIn(file, readFileSync(path.join(ROOT, file), 'utf8'))
			.filter((name) => name.startsWith('.'))
			.map((name) => path.posix.join(path.posix.dirname(file), name))
			.map((target) => (/\.\w+$/.test(target) && files.includes(target) ? target : `${target}.ts`)),
	]),
);

/** The shortest way from a file back to itself; undefined where there is none. */
function circleThrough(
	start: string,
	imports: ReadonlyMap<string, string[]>,
): string[] | undefined {
	const ways = [[start]];
	const seen = new Set<string>();
	for (const way of ways) {
		for (const next of imports.get(way.at(-1)!) ?? []) {
			if (next === start) return [...way, next];
			if (!seen.has(next)) ways.push([...way, next]);
			seen.add(next);
		}
	}
	return undefined;
}

const floorOf = (file: string): number =>
	FLOORS.indexOf(/^nodes\/shared\/([^/]+)\//.exec(file)?.[1] ?? '');

test('every kind of import is seen, and no other text', () => {
	const text = `
		import { a } from './value';
		import type { B } from './type';
		import './effect';
		export * from './everything';
		export { c } from './name';
		export type { D } from './exportedType';
		import e = require('./require');
		type F = import('./importType').F;
		const g = async () => await import('./dynamic');
		const h = "from './text'"; // import './comment'
		export { h };`;
	expect(importsIn('any.ts', text)).toEqual(
		[
			'value',
			'type',
			'effect',
			'everything',
			'name',
			'exportedType',
			'require',
			'importType',
			'dynamic',
		].map((name) => `./${name}`),
	);
});

test('every import of nodes/ is found, and nodes/ is not empty', () => {
	expect(files.length).toBeGreaterThan(60);
	const unknown = [...graph].flatMap(([file, targets]) =>
		targets.filter((target) => !files.includes(target)).map((target) => `${file}: ${target}`),
	);
	expect(unknown).toEqual([]);
	expect([...graph.values()].flat().length).toBeGreaterThan(200);
});

test('no file reaches itself through imports, types included', () => {
	const circles = files.flatMap((file) => circleThrough(file, graph)?.join(' → ') ?? []);
	expect(circles).toEqual([]);

	const withCircle = new Map([
		['a.ts', ['b.ts']],
		['b.ts', ['c.ts', 'd.ts']],
		['c.ts', []],
		['d.ts', ['b.ts']],
	]);
	expect(circleThrough('a.ts', withCircle)).toBeUndefined();
	expect(circleThrough('b.ts', withCircle)).toEqual(['b.ts', 'd.ts', 'b.ts']);
});

describe('nodes/shared', () => {
	const shared = files.filter((file) => file.startsWith('nodes/shared/'));

	test('has every file on a floor, and every floor has files', () => {
		expect(shared.filter((file) => floorOf(file) < 0)).toEqual([]);
		expect(new Set(shared.map(floorOf)).size).toBe(FLOORS.length);
	});

	test('imports from its own floor and from those below, and from no provider', () => {
		const upward = shared.flatMap((file) =>
			graph
				.get(file)!
				.filter((target) => floorOf(target) < 0 || floorOf(target) > floorOf(file))
				.map((target) => `${file} imports ${target}`),
		);
		expect(upward).toEqual([]);
	});
});

describe('ESLint itself', () => {
	/** A text of one import, as if it stood in this file. */
	interface Sample {
		file: string;
		code: string;
	}

	/** What the rule about imports says to each sample. It needs no types, which take long to load. */
	function lint(samples: Sample[]): string[][] {
		const program = `
			import { ESLint } from 'eslint';
			const eslint = new ESLint({
				overrideConfig: { languageOptions: { parserOptions: { projectService: false } } },
				ruleFilter: ({ ruleId }) => ruleId === 'no-restricted-imports',
			});
			const results = [];
			for (const { file, code } of ${JSON.stringify(samples)}) {
				const [{ messages }] = await eslint.lintText(code, { filePath: file });
				results.push(messages.map(({ message }) => message));
			}
			console.log(JSON.stringify(results));`;
		const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
			cwd: ROOT,
			encoding: 'utf8',
		});
		return JSON.parse(output) as string[][];
	}

	const valueOf = (name: string) => `import { a } from '${name}';\nexport const b = a;\n`;
	const typeOf = (name: string) => `import type { A } from '${name}';\nexport type B = A;\n`;
	const passOn = (name: string) => `export { a } from '${name}';\n`;
	const forms = [valueOf, typeOf, passOn];
	const fileOn = (floor: string) => `nodes/shared/${floor}/virtual.ts`;
	const pairs = FLOORS.flatMap((from) => FLOORS.map((to) => ({ from, to })));

	test('refuses an import from a higher floor and from a provider, and no other', () => {
		const samples = pairs.map(({ from, to }, index) => ({
			file: fileOn(from),
			code: forms[index % forms.length]!(from === to ? './other' : `../${to}/other`),
			refused: FLOORS.indexOf(to) > FLOORS.indexOf(from),
		}));
		const others = [
			...FLOORS.flatMap((floor) =>
				forms.map((form) => ({
					file: fileOn(floor),
					code: form('../../Flux2Bfl/models'),
					refused: true,
				})),
			),
			...forms.map((form) => ({
				file: fileOn('core'),
				code: form('../node/execute'),
				refused: true,
			})),
			...['zod', 'node:fs', '@n8n/di'].map((name) => ({
				file: fileOn('core'),
				code: valueOf(name),
				refused: true,
			})),
			...['n8n-workflow', 'node:crypto'].map((name) => ({
				file: fileOn('node'),
				code: valueOf(name),
				refused: false,
			})),
			{ file: VENDOR, code: passOn('zod'), refused: false },
			{
				file: 'nodes/Flux2Bfl/virtual.ts',
				code: valueOf('../shared/node/execute'),
				refused: false,
			},
		];
		const all = [...samples, ...others];
		const messages = lint(all);

		const wrong = all.filter(({ refused }, index) => refused !== messages[index]!.length > 0);
		expect(wrong).toEqual([]);
		expect(messages[1]?.join()).toContain('nodes/shared/core lies below.');
	});
});
