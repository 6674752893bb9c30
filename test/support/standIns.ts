import type { IDataObject, INodeExecutionData, INodeType } from 'n8n-workflow';
import { noOp, type StandIns } from './nodeTypes';

function standIn(
	parameters: string[],
	execute: INodeType['execute'],
	outputs = noOp.description.outputs,
): INodeType {
	// n8n drops what a node's type does not declare
	const properties = parameters.map((name) => ({
		displayName: name,
		name,
		type: 'string' as const,
		default: '',
	}));
	return { description: { ...noOp.description, outputs, properties }, execute };
}

/** Edit Fields (Set) in its JSON mode. */
const editFields = standIn(['jsonOutput'], async function () {
	return [
		this.getInputData().map((_item, index) => ({
			json: JSON.parse(this.getNodeParameter('jsonOutput', index) as string) as IDataObject,
			pairedItem: { item: index },
		})),
	];
});

/** Split Out of one list of objects, without other fields. */
const splitOut = standIn(['fieldToSplitOut'], async function () {
	return [
		this.getInputData().flatMap(({ json }, index) => {
			const list = json[this.getNodeParameter('fieldToSplitOut', index) as string];
			return (list as IDataObject[]).map((entry) => ({ json: entry, pairedItem: { item: index } }));
		}),
	];
});

/** Loop Over Items (Split in Batches): all items at the end come from its first output, a round's from its second. */
const loopOverItems = standIn(
	['batchSize'],
	async function () {
		const memory = this.getContext('node') as Record<'left' | 'done', INodeExecutionData[]>;
		memory.done = memory.left ? [...memory.done, ...this.getInputData()] : [];
		memory.left ??= [...this.getInputData()];
		const round = memory.left.splice(0, Number(this.getNodeParameter('batchSize', 0)) || 1);
		return round.length > 0 ? [[], round] : [memory.done, []];
	},
	['main', 'main'],
);

/** What the example workflows use of n8n's own nodes; in n8n the real ones run. */
export const standIns: StandIns = {
	'n8n-nodes-base.set': editFields,
	'n8n-nodes-base.splitInBatches': loopOverItems,
	'n8n-nodes-base.splitOut': splitOut,
	'n8n-nodes-base.stickyNote': noOp,
};
