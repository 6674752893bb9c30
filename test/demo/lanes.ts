import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { WorkflowJson } from '../support/engine';

/** One entry of a list in the workflow: the image to generate. */
export interface ImageRequest {
	/** The file name without its extension. */
	name: string;
	model: string;
	/** An object becomes JSON text. Left out where the node has a form, of which the scene is a part. */
	prompt?: string | object;
	scene?: string;
	/** One when left out. */
	numberOfImages?: number;
	/** Files below `referenceBase`. */
	references?: string[];
}

/** A node that generates images, and the list of its requests. */
export interface Lane {
	/** The node's name in the workflow. */
	node: string;
	type: string;
	dialect?: string;
	requests: ImageRequest[];
}

interface DemoNode {
	name: string;
	type: string;
	parameters: { jsonOutput?: string; dialect?: string };
}

type Connections = Record<string, { main: Array<Array<{ node: string }>> }>;

export interface DemoWorkflow extends WorkflowJson {
	nodes: Array<DemoNode & Record<string, unknown>>;
	connections: Connections;
}

const FILE = path.resolve(__dirname, '../workflows/demo.json');
export const PACKAGE_PREFIX = 'n8n-nodes-flux2.';

/** With every lane, also the one that people activate when they have its credential. */
export function readWorkflow(): DemoWorkflow {
	const workflow = JSON.parse(readFileSync(FILE, 'utf8')) as DemoWorkflow;
	return { ...workflow, nodes: workflow.nodes.map((node) => ({ ...node, disabled: false })) };
}

export const readSettings = (workflow: DemoWorkflow): { referenceBase: string } =>
	JSON.parse(findNode(workflow, 'Settings').parameters.jsonOutput ?? '{}');

/** Replaces the URL of the reference images in a copy of the workflow. */
export function withReferenceBase(workflow: DemoWorkflow, referenceBase: string): DemoWorkflow {
	const changed = structuredClone(workflow);
	const settings = { ...readSettings(workflow), referenceBase };
	findNode(changed, 'Settings').parameters.jsonOutput = JSON.stringify(settings);
	return changed;
}

/** Finds every node of ours, in the workflow's order, with the list two nodes before it. */
export const findLanes = (workflow: DemoWorkflow): Lane[] =>
	workflow.nodes
		.filter(({ type }) => type.startsWith(PACKAGE_PREFIX))
		.map(({ name, type, parameters: { dialect } }) => {
			const list = findNode(workflow, findPredecessor(workflow, findPredecessor(workflow, name)));
			const { images } = JSON.parse(list.parameters.jsonOutput ?? '{}') as {
				images: ImageRequest[];
			};
			return { node: name, type, dialect, requests: images };
		});

function findNode({ nodes }: DemoWorkflow, name: string): DemoNode {
	const found = nodes.find((node) => node.name === name);
	if (!found) throw new Error(`The demo workflow has no node "${name}"`);
	return found;
}

function findPredecessor({ connections }: DemoWorkflow, name: string): string {
	const found = Object.entries(connections).find(([, { main }]) =>
		main.flat().some(({ node }) => node === name),
	);
	if (!found) throw new Error(`Nothing leads to the demo workflow's node "${name}"`);
	return found[0];
}

/** The prompt as the output item has it, and of a form the scene in it. */
export const toPromptText = ({ prompt, scene = '' }: ImageRequest): string =>
	typeof prompt === 'object' ? JSON.stringify(prompt) : (prompt ?? scene);

/** Whether the prompt of a task is that of the request. */
export const isPromptOf = (request: ImageRequest, prompt: string): boolean =>
	request.prompt === undefined
		? prompt.includes(toPromptText(request))
		: prompt === toPromptText(request);

/** How many images the request asks for. */
export const countImages = ({ numberOfImages = 1 }: ImageRequest): number => numberOfImages;
