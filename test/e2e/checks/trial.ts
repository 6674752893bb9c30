import type { TaskRecord } from '../../emulator';
import type { Host } from '../host';
import { startManually } from '../host/executions';
import { importWorkflow, OURS, withCredentials, type WorkflowFile } from '../host/workflows';

/** A node of ours, and where the emulator hears of it. */
export interface Service {
	node: string;
	parameters: Record<string, unknown>;
	/** The service's tasks can be cancelled. */
	cancels: boolean;
}

export const SERVICES: Record<string, Service> = {
	'Black Forest Labs': { node: 'flux2Bfl', parameters: {}, cancels: false },
	'Cloudflare (catalogue)': { node: 'flux2Cloudflare', parameters: {}, cancels: false },
	'Oxen.ai': { node: 'flux2Oxen', parameters: { mode: 'queue' }, cancels: true },
	'Task API': { node: 'flux2Task', parameters: { dialect: 'task' }, cancels: false },
	'Task API (queue)': { node: 'flux2Task', parameters: { dialect: 'queue' }, cancels: true },
};

export interface Trial {
	workflowId: string;
	prompts: string[];
}

const START = 'Start';
export const NODE = 'FLUX.2';
let trials = 0;

/** Imports a workflow of one node that makes a picture of each prompt; no two trials share a prompt. */
export async function prepare(
	host: Host,
	{ node, parameters }: Service,
	count: number,
	settings: Record<string, unknown> = {},
): Promise<Trial> {
	const slug = `trial-${++trials}`;
	const prompts = Array.from({ length: count }, (_, index) => `${slug} picture ${index + 1}`);
	const file: WorkflowFile = {
		name: slug,
		nodes: [
			at(0, { name: START, type: 'n8n-nodes-base.manualTrigger' }),
			at(1, {
				name: 'Prompts',
				type: 'n8n-nodes-base.set',
				typeVersion: 3.4,
				parameters: { mode: 'raw', jsonOutput: JSON.stringify({ prompts }), options: {} },
			}),
			at(2, {
				name: 'Each Prompt',
				type: 'n8n-nodes-base.splitOut',
				parameters: { fieldToSplitOut: 'prompts', options: {} },
			}),
			at(3, {
				name: NODE,
				type: OURS + node,
				parameters: {
					...parameters,
					prompt: '={{ $json.prompts }}',
					options: { pollInterval: 0.2 },
				},
				credentials: { [`${node}Api`]: { id: null, name: '' } },
				...settings,
			}),
		],
		connections: {
			[START]: to('Prompts'),
			Prompts: to('Each Prompt'),
			'Each Prompt': to(NODE),
		},
	};
	const { id } = await importWorkflow(host.rest, slug, withCredentials(file, host.credentials));
	return { workflowId: id, prompts };
}

const at = (column: number, node: Record<string, unknown> & { name: string; type: string }) => ({
	id: node.name,
	typeVersion: 1,
	position: [column * 240, 0],
	parameters: {},
	...node,
});

const to = (node: string) => ({ main: [[{ node, type: 'main', index: 0 }]] });

export const start = async ({ rest }: Host, { workflowId }: Trial): Promise<string> =>
	await startManually(rest, workflowId, START);

/** What was paid for in this trial, in the prompts' order. */
export const jobsOf = ({ emulator }: Host, { prompts }: Trial): TaskRecord[] =>
	prompts.flatMap((prompt) => emulator.ledger.tasks.filter((job) => job.prompt === prompt));

export const submissionsOf = ({ emulator }: Host, { prompts }: Trial): number =>
	emulator.ledger.submissions.filter(({ prompt = '' }) => prompts.includes(prompt)).length;
