import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { npm } from './commands';

const REPOSITORY = path.resolve(__dirname, '../../..');

/** Packs the built package as for publishing; returns the tarball's path. */
export async function packPackage(target: string): Promise<string> {
	const printed = await npm(['pack', '--json', `--pack-destination=${target}`], {
		cwd: REPOSITORY,
	});
	const [packed] = JSON.parse(printed) as Array<{ filename: string }>;
	if (!packed) throw new Error('npm pack made no tarball');
	return path.join(target, packed.filename);
}

/** Installs the package as *Settings → Community nodes* does; n8n finds it when it starts. */
export async function installPackage(tarball: string, userFolder: string): Promise<void> {
	const folder = path.join(userFolder, '.n8n', 'nodes');
	await mkdir(folder, { recursive: true });
	await writeFile(
		path.join(folder, 'package.json'),
		JSON.stringify({ name: 'installed-nodes', private: true, dependencies: {} }),
	);
	// the peer n8n-workflow is n8n's own, and there is nothing else to fetch
	await npm(['install', '--offline', '--legacy-peer-deps', tarball], { cwd: folder });
}
