import type { Host } from '../host';
import {
	importWorkflow,
	OURS,
	WEBHOOK,
	withCredentials,
	type ImportedWorkflow,
	type WorkflowFile,
	type WorkflowNode,
} from '../host/workflows';

/** A workflow that generates one image of the prompt in a webhook's call. */
export interface Shape {
	title: string;
	nodes: Array<Omit<WorkflowNode, 'credentials'> & { typeVersion?: number }>;
	/** Leads from an output of one node back to another node. */
	loop?: { from: string; output: number; to: string };
	settings?: object;
}

const MODEL = 'flux-2-klein-4b';
const START = 'Start';
const FLUX = `${OURS}flux2Bfl`;

const createFluxNode = (name: string, parameters: Record<string, unknown>) => ({
	name,
	type: FLUX,
	parameters: { options: {}, ...parameters },
});

const createGenerateNode = (more: Record<string, unknown> = {}) =>
	createFluxNode('Generate', { model: MODEL, prompt: '={{ $json.body.prompt }}', ...more });

const submitNode = createFluxNode('Submit', {
	resource: 'task',
	operation: 'submit',
	model: MODEL,
	prompt: '={{ $json.body.prompt }}',
});

const createGetNode = (waitForCompletion: boolean) =>
	createFluxNode('Get', {
		resource: 'task',
		operation: 'get',
		taskId: '={{ $json.taskId }}',
		pollUrl: "={{ $json.pollUrl ?? '' }}",
		waitForCompletion,
	});

/** From 65 s on, n8n puts an execution into its database instead of keeping it in memory. */
const SUSPENDED_SECONDS = 66;

const waitNode = {
	name: 'Wait',
	type: 'n8n-nodes-base.wait',
	typeVersion: 1.1,
	webhookId: 'queue-wait',
	parameters: { resume: 'timeInterval', amount: SUSPENDED_SECONDS, unit: 'seconds' },
};

const createIfNode = (name: string, operation: 'equals' | 'notEquals', status: string) => ({
	name,
	type: 'n8n-nodes-base.if',
	typeVersion: 2.2,
	parameters: {
		conditions: {
			options: { caseSensitive: true, leftValue: '', typeValidation: 'strict', version: 2 },
			combinator: 'and',
			conditions: [
				{
					id: status,
					leftValue: "={{ $json.status ?? '' }}",
					rightValue: status,
					operator: { type: 'string', operation },
				},
			],
		},
		options: {},
	},
});

const isPending = createIfNode('Pending?', 'equals', 'pending');

/** True if no callback came in time. */
const isMissing = createIfNode('Missing?', 'notEquals', 'completed');

export const SHAPES = {
	generate: { title: 'Generate', nodes: [createGenerateNode()] },
	submitGet: {
		title: 'Submit, Get; progress saved',
		nodes: [submitNode, createGetNode(true)],
		settings: { saveExecutionProgress: true },
	},
	submitWaitGet: {
		title: 'Submit, Wait, Get',
		nodes: [submitNode, waitNode, createGetNode(false), isPending],
		loop: { from: isPending.name, output: 0, to: waitNode.name },
	},
	callback: {
		title: 'Generate with callback',
		nodes: [
			createGenerateNode({ options: { completion: 'callback' } }),
			isMissing,
			createGetNode(true),
		],
	},
} satisfies Record<string, Shape>;

export type ShapeName = keyof typeof SHAPES;

/** Imports the workflow and publishes it with the webhook of that path. */
export async function publish(
	host: Host,
	name: ShapeName,
	path: string,
): Promise<ImportedWorkflow> {
	const file = withCredentials(toWorkflowFile(SHAPES[name], path), host.credentials);
	return await importWorkflow(host.rest, path, file);
}

function toWorkflowFile({ title, nodes, loop, settings }: Shape, path: string): WorkflowFile {
	const webhook = {
		name: START,
		type: WEBHOOK,
		typeVersion: 2,
		webhookId: path,
		parameters: { httpMethod: 'POST', path, responseMode: 'onReceived', options: {} },
	};
	const all = [webhook, ...nodes].map((node, column) => ({
		id: node.name,
		typeVersion: 1,
		position: [column * 240, 0],
		...node,
	}));
	const connections = Object.fromEntries(
		all.slice(0, -1).map(({ name }, index) => [name, { main: [connectTo(all[index + 1]!.name)] }]),
	);
	if (loop) {
		const empty = Array.from({ length: loop.output }, () => []);
		connections[loop.from] = { main: [...empty, connectTo(loop.to)] };
	}
	return { name: `${title} (${path})`, nodes: all, connections, settings };
}

const connectTo = (node: string) => [{ node, type: 'main', index: 0 }];
