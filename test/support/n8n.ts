import { createRequire } from 'node:module';
import path from 'node:path';
import type * as Di from '@n8n/di';
import type * as Core from 'n8n-core';
import type * as N8nWorkflow from 'n8n-workflow';

export type BinaryMode = 'filesystem' | 'memory';

export interface N8n {
	core: typeof Core;
	workflow: typeof N8nWorkflow;
	container: typeof Di.Container;
}

/**
 * n8n reads its environment when its services are first asked for, so nothing of it may be
 * imported at the top of a file. `require` it is: a dynamic import would load n8n-workflow a second
 * time, as an ES module, and its classes would not be those of n8n-core.
 */
export function loadN8n(home: string): N8n {
	Object.assign(process.env, {
		N8N_USER_FOLDER: home,
		N8N_ENCRYPTION_KEY: 'only-for-tests-only-for-tests-32',
		N8N_DIAGNOSTICS_ENABLED: 'false',
		N8N_LOG_LEVEL: 'silent',
	});
	const load = createRequire(__filename);
	load('reflect-metadata');
	const { Container: container } = load('@n8n/di') as typeof Di;
	const core = load('n8n-core') as typeof Core;
	const workflow = load('n8n-workflow') as typeof N8nWorkflow;
	return { core, workflow, container };
}

/** Set by hand, because an earlier engine of this process has had the environment read already. */
export async function openBinaryStore({ core, container }: N8n, home: string, mode: BinaryMode) {
	Object.assign(container.get(core.BinaryDataConfig), {
		mode: mode === 'memory' ? 'default' : 'filesystem',
		localStoragePath: path.join(home, 'binary'),
	});
	await container.get(core.BinaryDataService).init();
}
