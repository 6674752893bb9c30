import { deepEqual } from 'node:assert/strict';
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
	['image generation', /\(/],
	['image generator', /\(/],
	['ai image', /\(/],
	['ai art', /\(/],
	['illustration', /\(/],
	['edit photo', /\(/],
	['inpainting', /\(/],
	['bfl', EVERY],
	['cloudflare', /Cloudflare/],
	['workers ai', /Cloudflare/],
	['oxen', /Oxen/],
	['fal.ai', /fal/],
	['replicate', /Replicate/],
	['vllm', /OpenAI/],
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

/** Which of these nodes the node creator shows, from the top. */
async function findShown(page: Page, names: readonly string[]): Promise<string[]> {
	const shown = await page.getByTestId('node-creator-item-name').allInnerTexts();
	return shown.map((name) => name.trim()).filter((name) => names.includes(name));
}

/** n8n ranks a name higher the more of it has been typed. */
const byLength = (names: readonly string[]) => [...names].sort((a, b) => a.length - b.length);

const alphabetical = (names: readonly string[]) => [...names].sort();

export const creatorChecks = (context: EditorContext): Check[] =>
	SEARCHES.map(([query, pattern]) => {
		const { light: page, dark, nodes } = context;
		const expected = nodes
			.map(({ displayName }) => displayName)
			.filter((name) => pattern.test(name));
		return createCheck(page, `the node creator finds our nodes by "${query}"`, async () => {
			await search(page, context, query);
			await waitUntilShown(
				async () => alphabetical(await findShown(page, expected)),
				alphabetical(expected),
				'nodes in the node creator',
			);
			await takeScreenshot(page, `creator-${query}`);
			if (query !== 'flux') return;
			const lengths = (await findShown(page, expected)).map(({ length }) => length);
			deepEqual(
				lengths,
				byLength(expected).map(({ length }) => length),
				'short names first',
			);
			await search(dark, context, query);
			await waitUntilShown(
				async () => alphabetical(await findShown(dark, expected)),
				alphabetical(expected),
				'nodes in the dark',
			);
			await takeScreenshot(dark, 'creator-flux-dark');
		});
	});
