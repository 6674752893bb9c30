import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { selectCredentials, type CredentialIds } from './credentials';
import type { Rest } from './rest';

/** A workflow as n8n's editor exports it; further keys are kept. */
export interface WorkflowFile {
	name: string;
	nodes: WorkflowNode[];
	connections: object;
	settings?: object;
}

export interface WorkflowNode {
	name: string;
	type: string;
	parameters: Record<string, unknown>;
	credentials?: Record<string, { id: string | null; name: string }>;
	webhookId?: string;
	disabled?: boolean;
}

export interface ImportedWorkflow extends WorkflowFile {
	id: string;
	/** The file's name without its extension. */
	slug: string;
	isPublished: boolean;
}

const EXAMPLES = path.resolve(__dirname, '../../workflows');
/** The public folder of the examples' sample images. */
const PUBLIC_REFERENCES_URL =
	'https://raw.githubusercontent.com/n8n-nodes-flux2/n8n-nodes-flux2/main/test/demo/references';
/** The placeholder for n8n's URL in the examples. */
const EXAMPLE_N8N_URL = 'https://n8n.example.com';

export const OURS = 'n8n-nodes-flux2.';
export const MANUAL = 'n8n-nodes-base.manualTrigger';
export const WEBHOOK = 'n8n-nodes-base.webhook';
export const FORM = 'n8n-nodes-base.formTrigger';
export const WAIT = 'n8n-nodes-base.wait';
const SCHEDULE = 'n8n-nodes-base.scheduleTrigger';
export const TRIGGER = `${OURS}flux2Trigger`;
const LISTENERS = [WEBHOOK, FORM, TRIGGER];

/** Lists every example by its file name. */
export const listExampleSlugs = (): string[] =>
	readdirSync(EXAMPLES)
		.filter((file) => file.endsWith('.json'))
		.map((file) => path.basename(file, '.json'))
		.sort();

/** What a user fills in after an import, and here also the local URL of the sample images. */
export interface FillIn {
	n8nUrl: string;
	references: string;
}

export function readExample(slug: string, fillIn: FillIn): WorkflowFile {
	const text = readFileSync(path.join(EXAMPLES, `${slug}.json`), 'utf8');
	const filled = text
		.replaceAll(PUBLIC_REFERENCES_URL, fillIn.references)
		.replaceAll(EXAMPLE_N8N_URL, fillIn.n8nUrl);
	return JSON.parse(filled) as WorkflowFile;
}

/** Selects the imported credentials in every node that has some, and activates nodes that wait for it. */
export const withCredentials = (file: WorkflowFile, ids: CredentialIds): WorkflowFile => ({
	...file,
	nodes: file.nodes.map(({ disabled: _disabled, ...node }) => ({
		...node,
		credentials: selectCredentials(node, ids),
	})),
});

/** Imports a workflow into n8n, and publishes it if it has a webhook. */
export async function importWorkflow(
	rest: Rest,
	slug: string,
	file: WorkflowFile,
): Promise<ImportedWorkflow> {
	const body = {
		...file,
		id: slug,
		active: false,
		settings: { executionOrder: 'v1', ...file.settings },
		// the editor's second *Execute step* fails in a workflow that was saved without it
		pinData: {},
	};
	const { id, versionId } = await rest.call<Saved>('POST', '/rest/workflows', body);
	const isPublished = hasListener(file);
	if (isPublished) await rest.call('POST', `/rest/workflows/${id}/activate`, { versionId });
	return { ...file, id, slug, isPublished };
}

interface Saved {
	id: string;
	versionId: string;
}

/** A workflow with a schedule is not published: it would generate images on its own. */
function hasListener({ nodes }: WorkflowFile): boolean {
	const types = nodes.filter(({ disabled }) => !disabled).map(({ type }) => type);
	return types.some((type) => LISTENERS.includes(type)) && !types.includes(SCHEDULE);
}
