import { deepEqual, equal } from 'node:assert/strict';
import type { Page } from 'playwright-core';
import type { Check } from '../checks/check';
import type { ImportedWorkflow } from '../host/workflows';
import { OURS } from '../host/workflows';
import {
	findCutNotes,
	readIcons,
	nodeOnCanvas,
	openWorkflow,
	takeScreenshot,
	waitUntilShown,
} from './page';
import { createCheck, createWorkflow, type EditorContext } from './context';

const ICONS = 'icons';

/** Creates a workflow with one of each of our nodes. */
export async function prepareIcons(context: EditorContext): Promise<void> {
	const setups = context.nodes.map((node) => ({ name: node.displayName, node, parameters: {} }));
	await createWorkflow(context, ICONS, setups);
}

function iconCheck(context: EditorContext, theme: 'light' | 'dark'): Check {
	const page = context[theme];
	return createCheck(page, `every node has its icon in the ${theme} theme`, async () => {
		await openWorkflow(page, context.host.url, ICONS);
		for (const { displayName, iconUrl } of context.nodes) {
			const src = typeof iconUrl === 'string' ? iconUrl : iconUrl?.[theme];
			const expected = [{ src: `/${src}`, isLoaded: true }];
			await waitUntilShown(
				async () => await readIcons(nodeOnCanvas(page, displayName)),
				expected,
				displayName,
			);
		}
		await takeScreenshot(page, `icons-${theme}`);
	});
}

function exampleCheck({ light: page, host }: EditorContext, example: ImportedWorkflow): Check {
	return createCheck(page, `the canvas shows the example ${example.slug}`, async () => {
		await openWorkflow(page, host.url, example.id);
		await waitUntilDrawn(page, example);
		equal(await page.getByTestId('node-issues').count(), 0, 'no node has an issue');
		deepEqual(await findCutNotes(page), [], 'no note is cut');
		await takeScreenshot(page, `example-${example.slug}`);
	});
}

async function waitUntilDrawn(page: Page, { nodes }: ImportedWorkflow): Promise<void> {
	for (const { name } of nodes.filter(({ type }) => type.startsWith(OURS))) {
		const readLoaded = async () =>
			(await readIcons(nodeOnCanvas(page, name))).map(({ isLoaded }) => isLoaded);
		await waitUntilShown(readLoaded, [true], `icon of ${name}`);
	}
}

export const canvasChecks = (context: EditorContext): Check[] => [
	iconCheck(context, 'light'),
	iconCheck(context, 'dark'),
	...context.host.examples.map((example) => exampleCheck(context, example)),
];
