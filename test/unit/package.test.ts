import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type Engine, startEngine } from '../support/engine';

const ROOT = path.resolve(__dirname, '../..');

interface Manifest {
	n8n: { credentials: string[]; nodes: string[] };
	dependencies?: object;
	peerDependencies: object;
}

const manifest = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as Manifest;

function filesIn(folder: string, extension: string): string[] {
	return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
		.map((file) => path.join(folder, file))
		.filter((file) => file.endsWith(extension));
}

const nodeFolders = readdirSync(path.join(ROOT, 'nodes')).filter((name) => name !== 'shared');

describe('the built code', () => {
	const isShipped = (file: string, wanted: string) =>
		['', '.js', '.json'].some((ending) => {
			const target = path.join(path.dirname(file), wanted + ending);
			const isFile = path.extname(target) !== '' && existsSync(path.join(ROOT, target));
			return isFile && target.startsWith(`dist${path.sep}`);
		});

	test.each(filesIn('dist', '.js'))('%s requires nothing that n8n does not have', (file) => {
		const code = readFileSync(path.join(ROOT, file), 'utf8');
		const calls = [...code.matchAll(/\b(?:require|import)\((.*?)\)/g)].map(([, name = '']) => name);
		const foreign = calls
			.map((name) => name.replace(/^['"]|['"]$/g, ''))
			.filter((name) => !['n8n-workflow', 'node:crypto', 'crypto'].includes(name))
			.filter((name) => !name.startsWith('.') || !isShipped(file, name));
		expect(foreign).toEqual([]);
	});

	/** The files of dist/ that are loaded when these are. */
	function loadedWith(entries: string[]): string[] {
		const program = `
			for (const file of ${JSON.stringify(entries)}) require('./' + file);
			console.log(JSON.stringify(Object.keys(require.cache)));`;
		const loaded = JSON.parse(
			execFileSync(process.execPath, ['-e', program], { cwd: ROOT, encoding: 'utf8' }),
		) as string[];
		return loaded
			.map((file) => path.relative(ROOT, file).split(path.sep).join('/'))
			.filter((file) => file.startsWith('dist/'));
	}

	/** What only an execution or a webhook needs: five floors of shared/, and the providers' protocols. */
	const neededLate = (file: string) =>
		/^dist\/nodes\/shared\/(http|images|tasks|operations|node)\//.test(file) ||
		/\/(provider|responses)\.js$/.test(file);

	test("loads what the editor shows at n8n's start, and everything else with the first execution", () => {
		const loaded = loadedWith([...manifest.n8n.credentials, ...manifest.n8n.nodes]);

		expect(loaded).toEqual(
			expect.arrayContaining([...manifest.n8n.credentials, ...manifest.n8n.nodes]),
		);
		expect(loaded).toEqual(
			expect.arrayContaining([
				'dist/nodes/Flux2Bfl/models.js',
				'dist/nodes/shared/parameters/properties.js',
			]),
		);
		expect(loaded.filter(neededLate)).toEqual([]);
	});

	test('would show what is loaded too early: an execution loads all five floors and its provider', () => {
		const late = loadedWith([
			'dist/nodes/Flux2Bfl/provider.js',
			'dist/nodes/shared/node/execute.js',
		]);
		const folders = new Set(late.filter(neededLate).map((file) => path.posix.dirname(file)));

		expect([...folders].sort()).toEqual([
			'dist/nodes/Flux2Bfl',
			...['http', 'images', 'node', 'operations', 'tasks'].map(
				(name) => `dist/nodes/shared/${name}`,
			),
		]);
	});
});

describe('the package', () => {
	test('brings no dependencies along', () => {
		expect(manifest.dependencies ?? {}).toEqual({});
		expect(manifest.peerDependencies).toEqual({ 'n8n-workflow': '*' });
	});

	test('is small and holds the built code of every source, its papers, and nothing else', () => {
		const [packed] = JSON.parse(
			execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
				cwd: ROOT,
				encoding: 'utf8',
				shell: process.platform === 'win32',
				stdio: ['ignore', 'pipe', 'ignore'],
			}),
		) as [{ size: number; files: Array<{ path: string }> }];
		const sources = ['nodes', 'credentials'].flatMap((folder) => filesIn(folder, ''));
		const built = sources
			.filter((file) => path.extname(file) !== '')
			.map((file) => `dist/${file.split(path.sep).join('/').replace(/\.ts$/, '.js')}`);

		expect(packed.size).toBeLessThan(150_000);
		expect(packed.files.map((file) => file.path).sort()).toEqual(
			['LICENSE.md', 'README.md', 'package.json', ...built].sort(),
		);
	});

	test('registers every credential', () => {
		const built = filesIn('credentials', '.credentials.ts').map(
			(file) => `dist/${file.replace(/\.ts$/, '.js')}`,
		);
		expect(manifest.n8n.credentials).toEqual(built.sort());
	});

	test('registers every node', () => {
		const built = nodeFolders.map((name) => `dist/nodes/${name}/${name}.node.js`);
		expect(manifest.n8n.nodes).toEqual(built.sort());
	});

	test.each([...manifest.n8n.nodes, ...manifest.n8n.credentials])('has %s', (file) => {
		expect(existsSync(path.join(ROOT, file))).toBe(true);
	});

	const providerFolders = nodeFolders.filter((name) => !name.endsWith('Trigger'));

	test.each(providerFolders)('keeps %s in the files every provider has', (name) => {
		const icon = name.replace(/^./, (first) => first.toLowerCase());
		expect(readdirSync(path.join(ROOT, 'nodes', name))).toEqual(
			expect.arrayContaining([
				`${name}.node.ts`,
				`${name}.node.json`,
				'models.ts',
				'responses.ts',
				'provider.ts',
				`${icon}.svg`,
				`${icon}.dark.svg`,
			]),
		);
	});
});

test.each(nodeFolders.filter((name) => name.endsWith('Trigger')))(
	'%s has a description and a codex',
	(name) => {
		expect(readdirSync(path.join(ROOT, 'nodes', name))).toEqual(
			expect.arrayContaining([`${name}.node.ts`, `${name}.node.json`]),
		);
	},
);

describe('n8n', () => {
	let types: Engine['loader']['types'];

	beforeAll(async () => {
		const engine = await startEngine();
		({ types } = engine.loader);
		await engine.close();
	});

	test('loads every node, with its codex', () => {
		expect(types.nodes).toHaveLength(manifest.n8n.nodes.length);
		for (const { codex } of types.nodes) {
			expect(codex?.categories).toEqual(['Marketing & Content', 'Utility']);
			expect(codex?.alias).toContain('FLUX.2');
		}
	});

	test('finds the credentials that the nodes name', () => {
		const known = types.credentials.map(({ name }) => name);
		const named = types.nodes.flatMap(({ credentials = [] }) => credentials);
		expect(named.map(({ name }) => name).filter((name) => !known.includes(name))).toEqual([]);
	});

	test('finds every icon, for light and dark', () => {
		const icons = [...types.nodes, ...types.credentials].flatMap(({ iconUrl }) => {
			const { light, dark } = iconUrl as { light: string; dark: string };
			return [light, dark].map((url) => url.replace(/^icons\/[^/]+\//, ''));
		});
		expect(icons.filter((file) => !existsSync(path.join(ROOT, file)))).toEqual([]);
	});
});
