import type { Page } from 'playwright-core';
import type { Check } from '../checks/check';
import { openWorkflow, takeScreenshot, waitUntilShown } from './page';
import { createCheck, type EditorContext } from './context';

const EVERY = /./;

/** What people type, and which of our nodes they must find. */
const SEARCHES: ReadonlyArray<[string, RegExp]> = [
	['flux', EVERY],
	['image', EVERY],
	['black forest', EVERY],
	['generate image', /\(/],
	['text to image', /\(/],
	['bfl', EVERY],
	['cloudflare', /Cloudflare/],
	['workers ai', /Cloudflare/],
	['oxen', /Oxen/],
	['replicate', /Replicate/],
	['vtrix', /Task API/],
	['seacloud', /Task API/],
	['webhook', /Trigger/],
];

async function search(page: Page, { host, nodes }: EditorContext, query: string): Promise<void> {
	await openWorkflow(page, host.url, 'text-to-image-bfl');
	const field = page.getByTestId('node-creator-search-bar');
	if (!(await field.isVisible())) {
		await page.getByTestId('node-creator-plus-button').first().click();
	}
	// otherwise the results of the last search would still be shown
	await field.fill('');
	const names = nodes.map(({ displayName }) => displayName);
	await waitUntilShown(async () => await findShown(page, names), [], 'nodes before the search');
	await field.fill(query);
}

/** Which of these nodes the node creator shows. */
async function findShown(page: Page, names: readonly string[]): Promise<string[]> {
	const shown = await page.getByTestId('node-creator-item-name').allInnerTexts();
	return names.filter((name) => shown.some((one) => one.trim() === name));
}

export const creatorChecks = (context: EditorContext): Check[] =>
	SEARCHES.map(([query, pattern]) => {
		const { light: page, dark, nodes } = context;
		const expected = nodes
			.map(({ displayName }) => displayName)
			.filter((name) => pattern.test(name));
		return createCheck(page, `the node creator finds our nodes by "${query}"`, async () => {
			await search(page, context, query);
			await waitUntilShown(
				async () => await findShown(page, expected),
				expected,
				'nodes in the node creator',
			);
			await takeScreenshot(page, `creator-${query}`);
			if (query !== 'flux') return;
			await search(dark, context, query);
			await waitUntilShown(
				async () => await findShown(dark, expected),
				expected,
				'nodes in the dark',
			);
			await takeScreenshot(dark, 'creator-flux-dark');
		});
	});
