import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { getCached, cacheFolder } from './cache';
import { npm, run } from './commands';
import { missingToolsError } from './buildTools';
import { getNode, type Node } from './node';
import type { N8nVersion } from './versions';

export interface InstalledN8n {
	release: N8nVersion;
	node: Node;
	/** n8n's own program, a script for `node`. */
	script: string;
}

/** npm takes three times as long for n8n, and stumbles over its peers. */
const PNPM = '10.34.9';
const PROGRESS_MS = 10_000;

/** Installs n8n from the npm registry into the cache, and prints progress while that takes long. */
export async function installN8n(
	release: N8nVersion,
	log: (line: string) => void,
): Promise<InstalledN8n> {
	const node = await getNode(release);
	const manifest = JSON.stringify(createManifest(release), null, '\t');
	const lock = await readLock(release);
	const fingerprint = createHash('sha256')
		.update(manifest + lock + node.version.split('.')[0])
		.digest('hex')
		.slice(0, 8);
	const folder = await getCached(`n8n-${release.version}-${fingerprint}`, async (target) => {
		log(`Installing n8n ${release.version} into ${cacheFolder()}, once: this takes some minutes`);
		await writeFile(path.join(target, 'package.json'), manifest);
		if (lock) await writeFile(path.join(target, 'pnpm-lock.yaml'), lock);
		await install(target, node, lock !== '', log);
	});
	return { release, node, script: path.join(folder, 'node_modules/n8n/bin/n8n') };
}

/** Peers are not installed by themselves: without this one, n8n's *Extract From File* does not load. */
const PEERS = { 'ts-ics': { dependencies: { 'date-fns': '2.30.0' } } };

const createManifest = ({ version, overrides }: N8nVersion) => ({
	name: 'n8n-host',
	private: true,
	dependencies: { n8n: version },
	pnpm: { overrides, packageExtensions: PEERS, onlyBuiltDependencies: ['sqlite3'] },
});

/** Empty for a version without a lock file: its dependencies are resolved anew. */
async function readLock({ version }: N8nVersion): Promise<string> {
	const file = path.join(__dirname, 'locks', `${version}.yaml`);
	return existsSync(file) ? await readFile(file, 'utf8') : '';
}

async function install(target: string, node: Node, isPinned: boolean, log: (line: string) => void) {
	const pnpm = await getCached(`pnpm-${PNPM}`, async (folder) => {
		await writeFile(path.join(folder, 'package.json'), '{ "private": true }');
		await npm(['install', `pnpm@${PNPM}`], { cwd: folder });
	});
	// npm hands this project's own ignore-scripts on, and then nothing compiles n8n's SQLite
	const env = {
		...process.env,
		...node.environment,
		CI: '1',
		npm_config_ignore_scripts: 'false',
	};
	const args = [
		path.join(pnpm, 'node_modules/pnpm/bin/pnpm.cjs'),
		'install',
		isPinned ? '--frozen-lockfile' : '--no-frozen-lockfile',
		'--reporter=append-only',
		`--store-dir=${path.join(cacheFolder(), 'pnpm-store')}`,
		'--config.auto-install-peers=false',
		'--config.strict-peer-dependencies=false',
	];
	const loadsDatabase =
		"require(require.resolve('sqlite3', { paths: [fs.realpathSync('node_modules/n8n')] }))";
	try {
		await run(node.program, args, { cwd: target, env, onLine: throttle(log) });
		await run(node.program, ['-e', loadsDatabase], { cwd: target, env });
	} catch (error) {
		throw missingToolsError(error as Error) ?? error;
	}
}

/** Passes on at most one line per interval: enough to see progress. */
function throttle(log: (line: string) => void): (line: string) => void {
	let next = Date.now() + PROGRESS_MS;
	return (line) => {
		if (Date.now() < next || line.trim() === '') return;
		next = Date.now() + PROGRESS_MS;
		log(`  ${line.trim()}`);
	};
}
