import { ok } from 'node:assert/strict';
import type { INodePropertyOptions, INodeTypeDescription } from 'n8n-workflow';
import type { Locator } from 'playwright-core';
import type { Check } from '../checks/check';
import { createCheck, findNode, type EditorContext } from './context';
import { output, takeScreenshot } from './page';

/** The canvas, the node, its action, the prompt and *Execute step*. */
const MAX_CLICKS = 5;

/** From an empty canvas to the first image, with nothing but the search, a prompt and the mouse. */
export function firstImageCheck(context: EditorContext): Check {
	const { light: page, host } = context;
	const name = `the first image takes ${MAX_CLICKS} clicks from an empty canvas`;
	return createCheck(page, name, async () => {
		const node = findNode(context, 'flux2Bfl');
		await page.goto(`${host.url}/workflow/new`);
		await page.getByTestId('canvas-add-button').waitFor();
		let clicks = 0;
		const click = async (target: Locator) => {
			clicks++;
			await target.first().click();
		};
		await click(page.getByTestId('canvas-plus-button'));
		await page.getByTestId('node-creator-search-bar').fill('black forest');
		await click(page.getByTestId('node-creator-item-name').getByText(node.displayName));
		await click(page.getByText(findAction(node), { exact: true }));
		const prompt = page.getByTestId('parameter-input-prompt');
		await click(prompt);
		// at once: the editor saves the first letter, and the rest only after a moment
		await prompt.locator('textarea').fill('Mountain ridges at sunrise, fog in the valleys');
		await click(page.getByTestId('node-execute-button'));
		await output(page).getByTestId('ndv-view-binary-data').first().waitFor();
		await output(page).getByText('mountain-ridges-at-sunrise').waitFor();
		ok(clicks <= MAX_CLICKS, `it took ${clicks} clicks`);
		await takeScreenshot(page, 'first-image');
	});
}

/** What the node creator calls *Generate*. */
function findAction({ properties }: INodeTypeDescription): string {
	const operations = properties
		.filter(({ name }) => name === 'operation')
		.flatMap(({ options = [] }) => options as INodePropertyOptions[]);
	return operations.find(({ value }) => value === 'generate')?.action ?? '';
}
