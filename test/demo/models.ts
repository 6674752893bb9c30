import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Model } from '../../nodes/shared/parameters/model';

const load = createRequire(__filename);
const ROOT = path.resolve(__dirname, '../..');

/** A model of the task API stands in its list once for each dialect. */
export type BuiltModel = Model & { readonly dialect?: string };

interface BuiltList {
	models: readonly BuiltModel[];
}

/** Reads the models of every built node that generates images, by the node's type. */
export function readBuiltModels(): Map<string, readonly BuiltModel[]> {
	const manifest = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
		name: string;
		n8n: { nodes: string[] };
	};
	const found = new Map<string, readonly BuiltModel[]>();
	for (const file of manifest.n8n.nodes.filter((name) => !name.endsWith('Trigger.node.js'))) {
		const name = path.basename(file, '.node.js').replace(/^./, (first) => first.toLowerCase());
		const { models } = load(path.join(ROOT, path.dirname(file), 'models.js')) as BuiltList;
		found.set(`${manifest.name}.${name}`, models);
	}
	return found;
}

/** Seconds per model in the demo: slower models stay slower, but nobody waits for long. */
export function createDurationLookup(): (model: string) => number {
	const models = [...readBuiltModels().values()].flat();
	const typical = new Map(models.map(({ id, typicalSeconds }) => [id, typicalSeconds]));
	return (model) => Math.sqrt(typical.get(model) ?? 10) * 0.5;
}
