import type { INodeExecutionData, INodeTypeDescription, NodeHint } from 'n8n-workflow';
import { complete } from './engine';
import { NODE, workflowWith, type Lab, type NodeUnderTest } from './lab';

/** What the editor shows of a node before it runs. The input is known once the nodes before it have run. */
export function hintsBefore(
	{ engine }: Lab,
	node: NodeUnderTest,
	input: INodeExecutionData[] = [],
): NodeHint[] {
	const workflow = engine.workflow(complete(workflowWith(node)));
	const { description } = engine.loader.getNode(node.type).type as {
		description: INodeTypeDescription;
	};
	const isShown = ({ displayCondition = '' }: NodeHint) => {
		try {
			return workflow.expression.getParameterValue(
				displayCondition,
				null,
				0,
				0,
				NODE,
				input,
				'manual',
				{},
			);
		} catch {
			// as in the editor
			return false;
		}
	};
	return (description.hints ?? []).filter((hint) => isShown(hint) === true);
}
