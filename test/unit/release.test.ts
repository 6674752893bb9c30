import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import manifest from '../../package.json';

const ROOT = path.resolve(__dirname, '../..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const scripts: Record<string, string> = manifest.scripts;

const workflows = {
	ci: read('.github/workflows/ci.yml'),
	e2e: read('.github/workflows/e2e.yml'),
	publish: read('.github/workflows/publish.yml'),
};

/** The shell lines of a workflow, in order, without its comments. */
const commandsOf = (workflow: string) =>
	[...workflow.matchAll(/^ +(?:- )?run: (?:\|\n((?: {10}.*\n)+)|(.*)$)/gm)]
		.flatMap(([, block, line]) => (block ?? line ?? '').split('\n'))
		.map((line) => line.trim())
		.filter((line) => line !== '');

describe.each(Object.entries(workflows))('%s.yml', (_name, workflow) => {
	test('is indented by spaces, two for each level, and has the keys of a workflow', () => {
		expect(workflow).not.toContain('\t');
		expect(workflow.split('\n').filter((line) => /^ */.exec(line)![0].length % 2 === 1)).toEqual(
			[],
		);
		const keys = [...workflow.matchAll(/^(\w+):/gm)].map(([, key]) => key);
		expect(keys).toEqual(expect.arrayContaining(['name', 'on', 'permissions', 'jobs']));
		expect(new Set(keys).size).toBe(keys.length);
	});

	test('names scripts and files that exist', () => {
		const commands = commandsOf(workflow);
		expect(commands.length).toBeGreaterThan(2);
		const named = commands.flatMap((line) =>
			[...line.matchAll(/npm (?:run )?([\w:-]+)/g)].map(([, name]) => name!),
		);
		const own = ['ci', 'install', 'publish', 'config'];
		expect(named.filter((name) => !own.includes(name) && !(name in scripts))).toEqual([]);
		const files = commands.flatMap((line) => line.match(/(?:test|\.ci)\/[\w./-]+/g) ?? []);
		expect(files.filter((file) => !existsSync(path.join(ROOT, file)))).toEqual([]);
	});

	test('installs what the lock file says, and grants nothing but reading the code', () => {
		expect(workflow).toMatch(/npm ci|\.ci\/run/);
		const granted = /^permissions:\n((?: {2}.*\n)+)/m.exec(workflow)![1]!.trim().split(/\n\s*/);
		expect(granted.filter((line) => line !== 'id-token: write')).toEqual(['contents: read']);
	});
});

describe('ci.yml', () => {
	test('checks every Node.js that n8n runs on, and the oldest and newest n8n-workflow', () => {
		expect(workflows.ci).toContain('node: [20, 22, 24]');
		expect(workflows.ci).toContain("n8n-workflow: ['2.0.0', latest]");
	});

	test('runs all that a change must pass, and leaves the lock file alone', () => {
		const commands = commandsOf(workflows.ci);
		expect(commands).toContain('.ci/run');
		const installs = commands.filter((line) => line.startsWith('npm install'));
		expect(installs.filter((line) => !line.includes('--no-save'))).toEqual([]);
	});
});

describe('publish.yml', () => {
	const commands = commandsOf(workflows.publish);

	test('is started by the tag of a version, and by nothing else', () => {
		expect(/^on:\n((?: .*\n)+)/m.exec(workflows.publish)![1]).toBe(
			"  push:\n    tags: ['*.*.*']\n",
		);
	});

	test('lets npm state where the package was built', () => {
		expect(workflows.publish).toContain('id-token: write');
		expect(commands.at(-1)).toBe('npm publish --provenance --access public');
	});

	test('proves the package before it publishes, since npm runs no scripts here', () => {
		expect(read('.npmrc')).toContain('ignore-scripts=true');
		const steps = [
			'npm ci',
			'npm run lint',
			'npm run typecheck',
			'npm test',
			'npm run scan',
			'npm run build',
		];
		const order = [...steps, 'npm publish'].map((step) =>
			commands.findIndex((line) => line.startsWith(step)),
		);
		expect(order).not.toContain(-1);
		expect([...order].sort((a, b) => a - b)).toEqual(order);
	});
});

describe('a release', () => {
	const folder = mkdtempSync(path.join(tmpdir(), 'flux2-release-'));
	afterAll(() => rmSync(folder, { recursive: true, force: true }));

	/** What the check says about a tag; empty when the release may go on. */
	function complaints(tag: string, version: string, heading: string): string[] {
		writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ version }));
		writeFileSync(path.join(folder, 'CHANGELOG.md'), `# Changelog\n\n${heading}\n\n- A change\n`);
		const script = path.join(ROOT, 'test/support/release.mjs');
		const { status, stderr } = spawnSync(process.execPath, [script, tag], {
			cwd: folder,
			encoding: 'utf8',
		});
		const lines = stderr.split('\n').filter((line) => line !== '');
		expect(status).toBe(lines.length > 0 ? 1 : 0);
		return lines;
	}

	test('needs a tag, a version and a dated section of the changelog that agree', () => {
		expect(complaints('1.2.3', '1.2.3', '## [1.2.3] - 2026-11-21')).toEqual([]);
		expect(complaints('1.2.4', '1.2.3', '## [1.2.3] - 2026-11-21')).toEqual([
			'The tag is "1.2.4", and package.json says "1.2.3"',
		]);
		expect(complaints('1.2.3', '1.2.3', '## [Unreleased]')).toEqual([
			'CHANGELOG.md has no section "## [1.2.3] - date"',
		]);
		expect(complaints('1.2.3', '1.2.3', '## [1.2.3]')).toEqual([
			'CHANGELOG.md gives no date: "## [1.2.3]"',
		]);
		expect(complaints('v1.2.3', '1.2.3', '## [11.2.3] - 2026-11-21')).toHaveLength(2);
	});
});
