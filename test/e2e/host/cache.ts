import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';

/** Outside of the work tree, so that every clone shares what is installed. */
export function cacheFolder(): string {
	const { N8N_NODES_FLUX2_CACHE, XDG_CACHE_HOME } = process.env;
	if (N8N_NODES_FLUX2_CACHE) return path.resolve(N8N_NODES_FLUX2_CACHE);
	return path.join(XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'n8n-nodes-flux2');
}

/**
 * Returns the folder of that name in the cache and fills it on first use. It gets its name only when
 * it is complete, so an interrupted installation leaves no folder of that name.
 */
export async function getCached(name: string, install: (folder: string) => Promise<void>) {
	const folder = path.join(cacheFolder(), name);
	if (existsSync(folder)) return folder;
	await mkdir(cacheFolder(), { recursive: true });
	const unfinished = await mkdtemp(`${folder}.unfinished-`);
	try {
		await install(unfinished);
		await rename(unfinished, folder).catch((error: unknown) => {
			// another process was faster
			if (!existsSync(folder)) throw error;
		});
	} finally {
		await rm(unfinished, { recursive: true, force: true });
	}
	return folder;
}
