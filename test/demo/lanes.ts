import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { WorkflowJson } from '../support/engine';

/** One entry of a list in the workflow: a picture that must come out. */
export interface Wish {
	/** Of the file, without its extension. */
	name: string;
	model: string;
	/** An object becomes JSON text. */
	prompt: string | object;
	/** Files below `referenceBase`. */
	references?: string[];
}

/** A node that makes pictures, and the list it makes them from. */
export interface Lane {
	/** The node's name in the workflow. */
	node: string;
	type: string;
	dialect?: string;
	wishes: Wish[];
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
const OURS = 'n8n-nodes-flux2.';

export const readWorkflow = (): DemoWorkflow =>
	JSON.parse(readFileSync(FILE, 'utf8')) as DemoWorkflow;

export const settingsOf = (workflow: DemoWorkflow): { referenceBase: string } =>
	JSON.parse(nodeNamed(workflow, 'Settings').parameters.jsonOutput ?? '{}');

/** The workflow with another address for the reference images. */
export function withReferenceBase(workflow: DemoWorkflow, referenceBase: string): DemoWorkflow {
	const changed = structuredClone(workflow);
	const settings = { ...settingsOf(workflow), referenceBase };
	nodeNamed(changed, 'Settings').parameters.jsonOutput = JSON.stringify(settings);
	return changed;
}

/** Every node of ours, in the workflow's order: a list, its split, the node. */
export const lanesOf = (workflow: DemoWorkflow): Lane[] =>
	workflow.nodes
		.filter(({ type }) => type.startsWith(OURS))
		.map(({ name, type, parameters: { dialect } }) => {
			const list = nodeNamed(workflow, before(workflow, before(workflow, name)));
			const { pictures } = JSON.parse(list.parameters.jsonOutput ?? '{}') as { pictures: Wish[] };
			return { node: name, type, dialect, wishes: pictures };
		});

function nodeNamed({ nodes }: DemoWorkflow, name: string): DemoNode {
	const found = nodes.find((node) => node.name === name);
	if (!found) throw new Error(`The demo workflow has no node "${name}"`);
	return found;
}

function before({ connections }: DemoWorkflow, name: string): string {
	const found = Object.entries(connections).find(([, { main }]) =>
		main.flat().some(({ node }) => node === name),
	);
	if (!found) throw new Error(`Nothing leads to the demo workflow's node "${name}"`);
	return found[0];
}

/** As the item has it. */
export const promptText = ({ prompt }: Wish): string =>
	typeof prompt === 'string' ? prompt : JSON.stringify(prompt);
