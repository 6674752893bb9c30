import { spawnSync } from 'node:child_process';
import {
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import manifest from '../../package.json';

const ROOT = path.resolve(__dirname, '../..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const scripts: Record<string, string> = manifest.scripts;

interface Step {
	name?: string;
	uses?: string;
	run?: string;
	with?: Record<string, unknown>;
}

interface Job {
	permissions?: Record<string, string>;
	environment?: string;
	needs?: string;
	steps: Step[];
}

interface Workflow {
	name: string;
	on: Record<string, unknown>;
	permissions: Record<string, string>;
	jobs: Record<string, Job>;
}

const WORKFLOWS = '.github/workflows';
const workflows = readdirSync(path.join(ROOT, WORKFLOWS)).map(
	(file) => [file, parse(read(`${WORKFLOWS}/${file}`)) as Workflow] as const,
);
const workflow = (file: string) => new Map(workflows).get(file)!;
const jobsOf = ({ jobs }: Workflow) => Object.values(jobs);
const stepsOf = (source: Workflow) => jobsOf(source).flatMap(({ steps }) => steps);

/** The shell lines of some steps, in order. */
const commandsOf = (steps: Step[]) =>
	steps
		.flatMap(({ run = '' }) => run.split('\n'))
		.map((line) => line.trim())
		.filter((line) => line !== '');

const actionOf = ({ uses = '' }: Step) => uses.split('@')[0];

/** What a job may do: its own permissions replace those of the workflow. */
const permissionsOf = (source: Workflow) =>
	jobsOf(source).map(({ permissions }) => permissions ?? source.permissions);

test('every workflow is known here', () => {
	expect(workflows.map(([file]) => file)).toEqual(['ci.yml', 'e2e.yml', 'publish.yml']);
});

describe.each(workflows)('%s', (file, source) => {
	test('names scripts and files that exist', () => {
		const commands = commandsOf(stepsOf(source));
		expect(commands.length).toBeGreaterThan(2);
		const named = commands.flatMap((line) =>
			[...line.matchAll(/npm (?:run )?([\w:-]+)/g)].map(([, name]) => name!),
		);
		const own = ['ci', 'install', 'pack', 'publish', 'config'];
		expect(named.filter((name) => !own.includes(name) && !(name in scripts))).toEqual([]);
		const files = commands.flatMap((line) => line.match(/(?:test|\.ci)\/[\w./-]+/g) ?? []);
		expect(files.filter((name) => !existsSync(path.join(ROOT, name)))).toEqual([]);
	});

	test('installs what the lock file says', () => {
		expect(commandsOf(stepsOf(source)).join('\n')).toMatch(/npm ci|\.ci\/run/);
	});

	test('grants a job that checks out the code nothing but reading it', () => {
		for (const [index, { steps }] of jobsOf(source).entries()) {
			if (!steps.some((step) => actionOf(step) === 'actions/checkout')) continue;
			expect(permissionsOf(source)[index]).toEqual({ contents: 'read' });
		}
		expect([{}, { contents: 'read' }]).toContainEqual(source.permissions);
	});

	test('pins every action to a commit, and tells its version', () => {
		const lines = read(`${WORKFLOWS}/${file}`).match(/^.*\buses:.*$/gm) ?? [];
		expect(lines).toHaveLength(stepsOf(source).filter(({ uses }) => uses).length);
		const pinned = /^ +- uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/;
		expect(lines.filter((line) => !pinned.test(line))).toEqual([]);
	});

	test('leaves no token of GitHub behind for the steps after a checkout', () => {
		const checkouts = stepsOf(source).filter((step) => actionOf(step) === 'actions/checkout');
		expect(checkouts.length).toBeGreaterThan(0);
		expect(checkouts.map((step) => step.with?.['persist-credentials'])).toEqual(
			checkouts.map(() => false),
		);
	});
});

test('every workflow takes the same commit of an action', () => {
	const pins = new Set(workflows.flatMap(([, source]) => stepsOf(source).map(({ uses }) => uses)));
	pins.delete(undefined);
	const actions = new Set([...pins].map((uses) => actionOf({ uses })));
	expect(pins.size).toBe(actions.size);
});

describe('ci.yml', () => {
	test('checks every Node.js that n8n runs on, and the oldest and newest n8n-workflow', () => {
		expect(workflow('ci.yml').jobs).toMatchObject({
			check: { strategy: { matrix: { node: [20, 22, 24] } } },
			host: { strategy: { matrix: { 'n8n-workflow': ['2.0.0', 'latest'] } } },
		});
	});

	test('runs all that a change must pass, and leaves the lock file alone', () => {
		const commands = commandsOf(stepsOf(workflow('ci.yml')));
		expect(commands).toContain('.ci/run');
		const installs = commands.filter((line) => line.startsWith('npm install'));
		expect(installs.filter((line) => !line.includes('--no-save'))).toEqual([]);
	});
});

describe('publish.yml', () => {
	const { on, permissions, jobs } = workflow('publish.yml');
	const { build, publish } = jobs as { build: Job; publish: Job };

	test('is started by the tag of a version, and by nothing else', () => {
		expect(on).toEqual({ push: { tags: ['*.*.*'] } });
	});

	test('lets only the job that publishes sign in at npm, behind an environment', () => {
		expect(Object.keys(jobs)).toEqual(['build', 'publish']);
		expect(permissions).toEqual({});
		expect(build.permissions).toEqual({ contents: 'read' });
		expect(build.environment).toBeUndefined();
		expect(publish.permissions).toEqual({ 'id-token': 'write' });
		expect(publish.environment).toBe('npm');
		expect(JSON.stringify(build)).not.toContain('secrets.');
	});

	test('proves the package before it packs it, since npm runs no scripts here', () => {
		expect(read('.npmrc')).toContain('ignore-scripts=true');
		expect(commandsOf(build.steps)).toEqual([
			'node test/support/release.mjs "$GITHUB_REF_NAME"',
			'npm ci --no-audit --no-fund',
			'npm run lint',
			'npm run typecheck',
			'npm test',
			'npm run scan',
			'npm run build',
			'npm pack',
		]);
	});

	test('hands over the tarball, and fails without one', () => {
		const upload = build.steps.at(-1)!;
		expect(actionOf(upload)).toBe('actions/upload-artifact');
		const tarball = `${manifest.name}-*.tgz`;
		expect(upload.with).toMatchObject({ path: tarball, 'if-no-files-found': 'error' });

		expect(publish.needs).toBe('build');
		const download = publish.steps.find((step) => actionOf(step) === 'actions/download-artifact')!;
		expect(download.with).toEqual({ name: upload.with!['name'] });
		expect(commandsOf(publish.steps).at(-1)).toBe(
			`npm publish ./${tarball} --provenance --access public --ignore-scripts`,
		);
	});

	test('publishes without the code: no checkout, no install, no script', () => {
		expect(publish.steps.map(actionOf)).toEqual([
			'actions/setup-node',
			'actions/download-artifact',
			'',
		]);
		const called = commandsOf(publish.steps).flatMap((line) => line.match(/npm \w+/g) ?? []);
		expect(new Set(called)).toEqual(new Set(['npm config', 'npm publish']));
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

describe('the linter of workflows', () => {
	const folder = mkdtempSync(path.join(tmpdir(), 'flux2-workflows-'));
	afterAll(() => rmSync(folder, { recursive: true, force: true }));

	/** What the linter says in a folder with these workflows; empty when it passes. */
	function findings(sources: Record<string, string>): string[] {
		rmSync(path.join(folder, WORKFLOWS), { recursive: true, force: true });
		mkdirSync(path.join(folder, WORKFLOWS), { recursive: true });
		for (const [file, source] of Object.entries(sources))
			writeFileSync(path.join(folder, WORKFLOWS, file), source);
		const script = path.join(ROOT, 'test/support/lintWorkflows.mjs');
		const { status, stderr } = spawnSync(process.execPath, [script], {
			cwd: folder,
			encoding: 'utf8',
		});
		const lines = stderr.split('\n').filter((line) => line !== '');
		expect(status).toBe(lines.length > 0 ? 1 : 0);
		return lines;
	}

	test('is part of npm run lint', () => {
		expect(scripts['lint']).toContain('&& node test/support/lintWorkflows.mjs');
	});

	test('passes these workflows, and fails on any finding and on an empty folder', () => {
		const source = read(`${WORKFLOWS}/publish.yml`);
		expect(findings({ 'good.yml': source })).toEqual([]);
		const wrong = source.replace('needs: build', 'needs: test');
		expect(findings({ 'good.yml': source, 'wrong.yaml': wrong })).toEqual([
			expect.stringMatching(/^\.github\/workflows\/wrong\.yaml:\d+:\d+ .*"test".* \[job-needs\]$/),
		]);
		expect(findings({})).toEqual(['.github/workflows has no workflow']);
	});
});
