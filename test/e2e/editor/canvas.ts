import { deepEqual, equal } from 'node:assert/strict';
import type { Page } from 'playwright-core';
import type { Check } from '../checks/check';
import type { ImportedWorkflow } from '../host/workflows';
import { OURS } from '../host/workflows';
import { cut, icons, nodeOnCanvas, openWorkflow, shot, shows } from './page';
import { look, rehearse, type Stage } from './stage';

const ICONS = 'icons';

/** One of each of our nodes, side by side. */
export async function prepareIcons(stage: Stage): Promise<void> {
	const actors = stage.nodes.map((node) => ({ name: node.displayName, node, parameters: {} }));
	await rehearse(stage, ICONS, actors);
}

function iconCheck(stage: Stage, theme: 'light' | 'dark'): Check {
	const page = stage[theme];
	return look(page, `every node has its icon in the ${theme} theme`, async () => {
		await openWorkflow(page, stage.host.url, ICONS);
		for (const { displayName, iconUrl } of stage.nodes) {
			const src = typeof iconUrl === 'string' ? iconUrl : iconUrl?.[theme];
			const expected = [{ src: `/${src}`, isLoaded: true }];
			await shows(async () => await icons(nodeOnCanvas(page, displayName)), expected, displayName);
		}
		await shot(page, `icons-${theme}`);
	});
}

function exampleCheck({ light: page, host }: Stage, example: ImportedWorkflow): Check {
	return look(page, `the canvas shows the example ${example.slug}`, async () => {
		await openWorkflow(page, host.url, example.id);
		await areDrawn(page, example);
		equal(await page.getByTestId('node-issues').count(), 0, 'no node has an issue');
		const notes = page.locator('[data-test-id="sticky"] > [class*="_wrapper_"]');
		deepEqual(await cut(notes), [], 'no note is cut');
		await shot(page, `example-${example.slug}`);
	});
}

async function areDrawn(page: Page, { nodes }: ImportedWorkflow): Promise<void> {
	for (const { name } of nodes.filter(({ type }) => type.startsWith(OURS))) {
		const drawn = async () =>
			(await icons(nodeOnCanvas(page, name))).map(({ isLoaded }) => isLoaded);
		await shows(drawn, [true], `icon of ${name}`);
	}
}

export const canvasChecks = (stage: Stage): Check[] => [
	iconCheck(stage, 'light'),
	iconCheck(stage, 'dark'),
	...stage.host.examples.map((example) => exampleCheck(stage, example)),
];
