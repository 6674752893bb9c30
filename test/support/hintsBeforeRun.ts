import type { INodeExecutionData, INodeTypeDescription, NodeHint, Workflow } from 'n8n-workflow';
import { complete, type Engine } from './engine';
import { NODE, workflowWith } from './lab';
import type { NodeType } from './providers';

/** What the editor shows above the empty output before the run, evaluated as n8n's editor does. */
export function hintsBeforeRun(
	engine: Engine,
	type: NodeType,
	parameters: Record<string, unknown>,
	items: INodeExecutionData[] = [{ json: {} }],
): string[] {
	const workflow = engine.workflow(complete(workflowWith({ type, parameters })));
	const node = workflow.getNode(NODE)!;
	const { description } = engine.loader.getNode(type).type as { description: INodeTypeDescription };
	const isShown = ({ displayCondition = '' }: NodeHint): boolean => {
		const shown: unknown = valueOf(displayCondition, workflow, node.name, items);
		// the editor takes nothing else for an answer
		if (typeof shown !== 'boolean') throw new Error(`${displayCondition} is ${JSON.stringify(shown)}`);
		return shown;
	};
	return (description.hints ?? []).filter(isShown).map(({ message }) => message);
}

function valueOf(
	expression: string,
	workflow: Workflow,
	name: string,
	items: INodeExecutionData[],
) {
	try {
		return workflow.expression.getParameterValue(expression, null, 0, 0, name, items, 'manual', {});
	} catch (error) {
		// nothing has run before the node: then the editor does not show the hint
		if (items.length === 0) return false;
		throw error;
	}
}
