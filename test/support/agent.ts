import type { INodeType } from 'n8n-workflow';
import type { Run, WorkflowJson } from './engine';
import { NODE, prompts, workflowWith, type Lab, type NodeUnderTest } from './lab';
import type { StandIns } from './nodeTypes';

/** What an agent does with its tool. */
export type Behaviour = (call: (input?: object) => Promise<string>) => Promise<void>;

export interface Agents {
	/** For the lab. */
	nodeTypes: StandIns;
	/** Runs an agent that has the node as its tool. */
	run(node: NodeUnderTest, behaviour: Behaviour): Promise<Run>;
}

/** Agents that do with their tool what the test says; the tool is made by n8n's own code. */
export function agentsOf(lab: () => Lab): Agents {
	let behave: Behaviour = async () => {};
	const agent = {
		description: { name: 'agent', inputs: ['main', 'ai_tool'], outputs: ['main'], properties: [] },
		async execute() {
			const [tool] = (await this.getInputConnectionData('ai_tool', 0)) as Array<{
				invoke(input: object): Promise<string>;
			}>;
			await behave(async (input = {}) => await tool!.invoke(input));
			return [[]];
		},
	} as Pick<INodeType, 'execute'> as INodeType;
	const tool = {} as INodeType;
	return {
		nodeTypes: { 'test.agent': agent, 'test.tool': tool },
		async run(node, behaviour) {
			behave = behaviour;
			becomeTool(tool, lab().engine.loader.getNode(node.type).type as INodeType);
			return await lab().engine.run(workflowFor(node), { items: prompts(1) });
		},
	};
}

/** What n8n makes of a node that is usable as a tool. */
function becomeTool(tool: INodeType, node: INodeType): void {
	Object.setPrototypeOf(tool, node);
	tool.description = { ...node.description, inputs: [], outputs: ['ai_tool'] };
}

function workflowFor(underTest: NodeUnderTest): WorkflowJson {
	const [start, node] = workflowWith(underTest).nodes;
	const link = (to: string, type: string) => ({ [type]: [[{ node: to, type, index: 0 }]] });
	return {
		nodes: [start!, { name: 'Agent', type: 'test.agent' }, { ...node!, type: 'test.tool' }],
		connections: { Start: link('Agent', 'main'), [NODE]: link('Agent', 'ai_tool') },
	};
}
