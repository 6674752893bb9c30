import type { TaskRecord } from '../../emulator';
import { LANES, PROVIDERS, type Lane, type LaneName } from '../../support/providers';
import type { Host } from '../host';
import { startManually } from '../host/executions';
import { importWorkflow, OURS, withCredentials, type WorkflowFile } from '../host/workflows';

/** n8n's part in these is that of the other lanes of their providers, as it is in those with events. */
const LEFT_OUT: readonly string[] = ['workersAi', 'sync'] satisfies LaneName[];

/** By the name of the check. */
export const TESTED_LANES: ReadonlyArray<readonly [name: string, lane: Lane]> = Object.entries(
	LANES,
)
	.filter(([name, { hasEvents }]) => !hasEvents && !LEFT_OUT.includes(name))
	.map(([name, lane]) => [`${PROVIDERS[lane.type].definition.label} (${name})`, lane]);

export interface Trial {
	workflowId: string;
	prompts: string[];
}

const START = 'Start';
export const NODE = 'FLUX.2';
let trials = 0;

/** Imports a workflow with one node that generates an image for each prompt; no two trials share a prompt. */
export async function prepareTrial(
	host: Host,
	{ type, parameters, options }: Lane,
	count: number,
	settings: Record<string, unknown> = {},
): Promise<Trial> {
	const slug = `trial-${++trials}`;
	const prompts = Array.from({ length: count }, (_, index) => `${slug} image ${index + 1}`);
	const file: WorkflowFile = {
		name: slug,
		nodes: [
			placeNode(0, { name: START, type: 'n8n-nodes-base.manualTrigger' }),
			placeNode(1, {
				name: 'Prompts',
				type: 'n8n-nodes-base.set',
				typeVersion: 3.4,
				parameters: { mode: 'raw', jsonOutput: JSON.stringify({ prompts }), options: {} },
			}),
			placeNode(2, {
				name: 'Each Prompt',
				type: 'n8n-nodes-base.splitOut',
				parameters: { fieldToSplitOut: 'prompts', options: {} },
			}),
			placeNode(3, {
				name: NODE,
				type: OURS + type,
				parameters: {
					...parameters,
					prompt: '={{ $json.prompts }}',
					options: { ...options, pollInterval: 0.2 },
				},
				...settings,
			}),
		],
		connections: {
			[START]: connectTo('Prompts'),
			Prompts: connectTo('Each Prompt'),
			'Each Prompt': connectTo(NODE),
		},
	};
	const { id } = await importWorkflow(host.rest, slug, withCredentials(file, host.credentials));
	return { workflowId: id, prompts };
}

const placeNode = (
	column: number,
	node: Record<string, unknown> & { name: string; type: string },
) => ({
	id: node.name,
	typeVersion: 1,
	position: [column * 240, 0],
	parameters: {},
	...node,
});

const connectTo = (node: string) => ({ main: [[{ node, type: 'main', index: 0 }]] });

export const startTrial = async ({ rest }: Host, { workflowId }: Trial): Promise<string> =>
	await startManually(rest, workflowId, START);

/** The paid tasks of this trial, in the order of the prompts. */
export const findTasks = ({ emulator }: Host, { prompts }: Trial): TaskRecord[] =>
	prompts.flatMap((prompt) => emulator.ledger.tasks.filter((task) => task.prompt === prompt));

export const countSubmissions = ({ emulator }: Host, { prompts }: Trial): number =>
	emulator.ledger.submissions.filter(({ prompt = '' }) => prompts.includes(prompt)).length;
