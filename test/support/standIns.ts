import type { IDataObject, INodeType } from 'n8n-workflow';
import { noOp, type StandIns } from './nodeTypes';

function standIn(parameters: string[], execute: INodeType['execute']): INodeType {
	// n8n drops what a node's type does not declare
	const properties = parameters.map((name) => ({
		displayName: name,
		name,
		type: 'string' as const,
		default: '',
	}));
	return { description: { ...noOp.description, properties }, execute };
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

/** What the example workflows use of n8n's own nodes; in n8n the real ones run. */
export const standIns: StandIns = {
	'n8n-nodes-base.set': editFields,
	'n8n-nodes-base.splitOut': splitOut,
	'n8n-nodes-base.stickyNote': noOp,
};
