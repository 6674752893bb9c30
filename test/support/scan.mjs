// n8n's package scan, run on this work tree instead of on a published package.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
	analyzePackage,
	SOURCE_FILE_PATTERNS,
} from '@n8n/scan-community-package/scanner/scanner.mjs';
import { extract } from 'tar';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
// What the scan looks at in a published tarball; it exports only the other list.
const TARBALL_FILE_PATTERNS = ['**/*.js', 'package.json'];

function filesBelow(folder, extensions) {
	return readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
		(entry) => entry.isFile() && extensions.includes(path.extname(entry.name)),
	).length;
}

async function unpackTarball(folder) {
	const [{ filename, size }] = JSON.parse(
		execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
			cwd: ROOT,
			encoding: 'utf8',
			shell: process.platform === 'win32',
			stdio: ['ignore', 'pipe', 'ignore'],
		}),
	);
	await extract({ file: path.join(folder, filename), cwd: folder, strip: 1 });
	return size;
}

/** The scan passes a leg that has nothing to look at; here that is a failure. */
async function scanLeg({ name, folder, patterns, files }) {
	const started = Date.now();
	const outcome = await analyzePackage(folder, patterns);
	const passed = outcome.passed && files > 0;
	const reason = files > 0 ? (outcome.message ?? '') : 'no files to scan';
	const seconds = ((Date.now() - started) / 1000).toFixed(1);
	return { row: { leg: name, files, passed, reason, seconds }, details: outcome.details };
}

async function scan(temporary) {
	const size = await unpackTarball(temporary);
	const sourceFiles = ['credentials', 'nodes'].map((name) =>
		filesBelow(path.join(ROOT, name), ['.ts', '.js']),
	);
	const legs = [
		{
			name: 'source',
			folder: ROOT,
			patterns: SOURCE_FILE_PATTERNS,
			files: Math.min(...sourceFiles) > 0 ? sourceFiles[0] + sourceFiles[1] : 0,
		},
		{
			name: 'tarball',
			folder: temporary,
			patterns: TARBALL_FILE_PATTERNS,
			files: filesBelow(temporary, ['.js']),
		},
	];
	const results = [];
	for (const leg of legs) results.push(await scanLeg(leg));
	console.table(Object.fromEntries(results.map(({ row: { leg, ...row } }) => [leg, row])));
	console.log(`Tarball: ${(size / 1000).toFixed(1)} kB`);
	for (const { details } of results) if (details) console.log(details);
	return results.every(({ row }) => row.passed);
}

const temporary = mkdtempSync(path.join(tmpdir(), 'flux2-scan-'));
try {
	process.exitCode = (await scan(temporary)) ? 0 : 1;
} finally {
	rmSync(temporary, { recursive: true, force: true });
}
