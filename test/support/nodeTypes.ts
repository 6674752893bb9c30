import type { PackageDirectoryLoader } from 'n8n-core';
import type { INodeExecutionData, INodeType, INodeTypes } from 'n8n-workflow';
import type { N8n } from './n8n';

/** Node types beside those of the package, by full name. */
export type StandIns = Record<string, INodeType>;

const BASE = 'n8n-nodes-base.';

function standIn(name: string, inputs: string[], execute: INodeType['execute']): INodeType {
	return {
		description: {
			displayName: name,
			name,
			description: `Stands in for n8n's own ${name}`,
			group: inputs.length > 0 ? ['transform'] : ['trigger'],
			version: 1,
			defaults: { name },
			inputs: inputs as INodeType['description']['inputs'],
			outputs: ['main'],
			properties: [],
		},
		execute,
	};
}

export const noOp = standIn('noOp', ['main'], async function () {
	return [this.getInputData()];
});

/**
 * The package's nodes under the names an installed package gives them. Every trigger of n8n's own
 * emits the items of the run.
 */
export function nodeTypes(
	n8n: N8n,
	loader: PackageDirectoryLoader,
	standIns: StandIns,
	items: INodeExecutionData[],
): INodeTypes {
	const ours = `${loader.packageName}.`;
	const trigger = standIn('trigger', [], async () => [items]);
	const find = (type: string) => {
		if (type.startsWith(ours)) return loader.getNode(type.slice(ours.length)).type;
		const own = standIns[type];
		if (own) return own;
		if (type === `${BASE}noOp`) return noOp;
		if (type.startsWith(BASE) && type.endsWith('Trigger')) return trigger;
		throw new Error(`The test engine does not know the node type "${type}"`);
	};
	return {
		getByName: find,
		getByNameAndVersion: (type, version) =>
			n8n.workflow.NodeHelpers.getVersionedNodeType(find(type), version),
		getKnownTypes: () => ({}),
	};
}
