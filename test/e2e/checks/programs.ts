import { spawnSync } from 'node:child_process';
import type { ImportedWorkflow } from '../host/workflows';

/** Why this computer cannot run the example: n8n's Docker image brings a program along that its npm package lacks. */
export function findMissingProgram({ nodes }: ImportedWorkflow): string | undefined {
	if (!nodes.some(({ type }) => type === 'n8n-nodes-base.editImage') || isInstalled('gm')) return;
	return "n8n's Edit Image needs GraphicsMagick, and there is no gm on the PATH";
}

const isInstalled = (program: string) => spawnSync(program, ['version']).status === 0;
