import type { INodeExecutionData, INodeTypeDescription, NodeHint, Workflow } from 'n8n-workflow';
import { complete, type Engine } from './engine';
import { NODE, workflowWith } from './lab';
import type { NodeType } from './providers';

type Question = Parameters<typeof shownHints>;

const isPrice = ({ message }: NodeHint): boolean => message.endsWith(' by the price list.');

/** What the editor shows above the empty output before the run, without the prices. */
export const hintsBeforeRun = (...shown: Question): string[] =>
	shownHints(...shown)
		.filter((hint) => !isPrice(hint))
		.map(({ message }) => message);

/** The prices that the editor shows before the run. */
export const pricesBeforeRun = (...shown: Question): NodeHint[] =>
	shownHints(...shown).filter(isPrice);

/** Evaluated as n8n's editor does. */
function shownHints(
	engine: Engine,
	type: NodeType,
	parameters: Record<string, unknown>,
	items: INodeExecutionData[] = [{ json: {} }],
): NodeHint[] {
	const workflow = engine.workflow(complete(workflowWith({ type, parameters })));
	const node = workflow.getNode(NODE)!;
	const { description } = engine.loader.getNode(type).type as { description: INodeTypeDescription };
	const isShown = ({ displayCondition = '' }: NodeHint): boolean => {
		const shown: unknown = valueOf(displayCondition, workflow, node.name, items);
		// the editor takes nothing else for an answer
		if (typeof shown !== 'boolean')
			throw new Error(`${displayCondition} is ${JSON.stringify(shown)}`);
		return shown;
	};
	return (description.hints ?? []).filter(isShown);
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
