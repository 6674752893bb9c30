import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';

/** Outside of the work tree: what is installed once serves every clone. */
export function cacheFolder(): string {
	const { N8N_NODES_FLUX2_CACHE, XDG_CACHE_HOME } = process.env;
	if (N8N_NODES_FLUX2_CACHE) return path.resolve(N8N_NODES_FLUX2_CACHE);
	return path.join(XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'n8n-nodes-flux2');
}

/**
 * The folder of that name in the cache, filled on first use. It gets its name only when it is
 * complete: whatever breaks off leaves nothing behind that looks installed.
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
