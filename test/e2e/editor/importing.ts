import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import type { Host } from '../host';
import { readExample, WAIT, type WorkflowFile } from '../host/workflows';
import { closeNode, nodeOnCanvas, openNode, waitUntilShown } from './page';

/** Imports an example into an empty canvas by the menu, as its readers do. */
export async function importFromFile(page: Page, host: Host, slug: string): Promise<void> {
	const file = readShortened(host, slug);
	const target = path.join(host.folder, `${slug}.json`);
	await writeFile(target, JSON.stringify(file));
	await page.goto(`${host.url}/workflow/new`);
	await page.getByTestId('canvas-add-button').waitFor();
	const [chooser] = await Promise.all([page.waitForEvent('filechooser'), openFileChooser(page)]);
	await chooser.setFiles(target);
	const steps = file.nodes.filter(({ type }) => !type.endsWith('.stickyNote'));
	for (const { name } of steps) await nodeOnCanvas(page, name).waitFor();
}

/** The example with this host's addresses; its waits take a second. */
function readShortened({ fillIn }: Host, slug: string): WorkflowFile {
	const file = readExample(slug, fillIn);
	const waits = file.nodes.filter(({ type }) => type === WAIT);
	waits.forEach(({ parameters }) => Object.assign(parameters, { amount: 1 }));
	return file;
}

/** From n8n 2.41 on, the entry is in a menu of its own. */
async function openFileChooser(page: Page): Promise<void> {
	await page.getByTestId('workflow-menu').click();
	const entry = page.getByTestId('workflow-menu-item-import-from-file');
	const submenu = page.getByTestId('workflow-menu-item-import');
	await entry.or(submenu).first().waitFor();
	if (!(await entry.isVisible())) await submenu.click();
	await entry.click();
}

/** The nodes that the canvas marks as incomplete. */
export const findIncomplete = async (page: Page): Promise<string[]> =>
	await page
		.getByTestId('canvas-node')
		.filter({ has: page.getByTestId('node-issues') })
		.evaluateAll((nodes) => nodes.map((node) => node.getAttribute('data-node-name') ?? ''));

/** Opens each incomplete node, where n8n selects the credential by itself; chooses one where it does not. */
export async function completeCredentials(page: Page): Promise<void> {
	for (const name of await findIncomplete(page)) await openNode(page, name);
	await closeNode(page);
	for (const name of await findIncomplete(page)) {
		await openNode(page, name);
		await page.locator('[data-test-id="node-credentials-select"][class*="_hasIssues_"]').click();
		await page.locator('[data-test-id^="node-credentials-select-item-"]:visible').first().click();
	}
	await closeNode(page);
	await waitUntilShown(async () => await findIncomplete(page), [], 'nodes that lack something');
}
