import { randomUUID } from 'node:crypto';
import type { INodeTypeDescription } from 'n8n-workflow';
import type { Page } from 'playwright-core';
import type { Check } from '../checks/check';
import type { Host } from '../host';
import { MANUAL } from '../host/workflows';
import { takeScreenshot } from './page';

/** What every check of the editor needs. */
export interface EditorContext {
	host: Host;
	/** Our nodes, as n8n describes them. */
	nodes: INodeTypeDescription[];
	light: Page;
	dark: Page;
	/** High enough for every option of a node at once. */
	tall: Page;
}

/** Creates a check that saves a screenshot of its window if it fails. */
export const createCheck = (page: Page, name: string, run: () => Promise<void>): Check => ({
	name,
	async run() {
		try {
			await run();
		} catch (error) {
			await takeScreenshot(page, `failed-${name}`);
			// an open panel or dialog would disturb the next check
			await page.goto('about:blank');
			throw error;
		}
	},
});

export const findNode = ({ nodes }: EditorContext, name: string): INodeTypeDescription => {
	const found = nodes.find((node) => node.name.endsWith(`.${name}`));
	if (!found) throw new Error(`n8n knows no node ${name}`);
	return found;
};

export interface NodeSetup {
	name: string;
	node: INodeTypeDescription;
	parameters: Record<string, unknown>;
	/** Replaces the credential that works. */
	credential?: { id: string; name: string };
}

const [COLUMNS, COLUMN_WIDTH, ROW_HEIGHT] = [4, 320, 240];

/** Imports a workflow in which a manual trigger leads to each of these nodes. */
export async function createWorkflow(
	{ host }: EditorContext,
	slug: string,
	setups: readonly NodeSetup[],
) {
	const start = { ...placeNode('Start', MANUAL, 0), parameters: {}, position: [-COLUMN_WIDTH, 0] };
	const nodes = setups.map(({ name, node, parameters, credential }, index) => {
		const type = node.credentials?.[0]?.name ?? '';
		const chosen = credential ?? host.credentials[type];
		return {
			...placeNode(name, node.name, index),
			parameters,
			credentials: chosen ? { [type]: chosen } : {},
		};
	});
	const targets = setups
		.filter(({ node }) => node.inputs.length > 0)
		.map(({ name }) => ({ node: name, type: 'main', index: 0 }));
	// not published: some lack what they require
	await host.rest.call('POST', '/rest/workflows', {
		id: slug,
		name: slug,
		active: false,
		nodes: [start, ...nodes],
		connections: { Start: { main: [targets] } },
		settings: { executionOrder: 'v1' },
		pinData: {},
	});
}

const placeNode = (name: string, type: string, index: number) => ({
	id: randomUUID(),
	name,
	type,
	typeVersion: 1,
	position: [(index % COLUMNS) * COLUMN_WIDTH, Math.floor(index / COLUMNS) * ROW_HEIGHT],
});
