import type { Page } from 'playwright-core';
import type { Check } from '../checks/check';
import { openWorkflow, shot, shows } from './page';
import { look, type Stage } from './stage';

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
	['vtrix', /Task API/],
	['seacloud', /Task API/],
	['webhook', /Trigger/],
];

async function search(page: Page, { host, nodes }: Stage, words: string): Promise<void> {
	await openWorkflow(page, host.url, 'text-to-image-bfl');
	const field = page.getByTestId('node-creator-search-bar');
	if (!(await field.isVisible())) {
		await page.getByTestId('node-creator-plus-button').first().click();
	}
	// or what was found last would still be seen
	await field.fill('');
	const names = nodes.map(({ displayName }) => displayName);
	await shows(async () => await among(page, names), [], 'nodes before the search');
	await field.fill(words);
}

/** Which of these nodes the node creator shows. */
async function among(page: Page, names: readonly string[]): Promise<string[]> {
	const shown = await page.getByTestId('node-creator-item-name').allInnerTexts();
	return names.filter((name) => shown.some((one) => one.trim() === name));
}

export const creatorChecks = (stage: Stage): Check[] =>
	SEARCHES.map(([words, which]) => {
		const { light: page, dark, nodes } = stage;
		const expected = nodes.map(({ displayName }) => displayName).filter((name) => which.test(name));
		return look(page, `the node creator finds our nodes by "${words}"`, async () => {
			await search(page, stage, words);
			await shows(async () => await among(page, expected), expected, 'nodes in the node creator');
			await shot(page, `creator-${words}`);
			if (words !== 'flux') return;
			await search(dark, stage, words);
			await shows(async () => await among(dark, expected), expected, 'nodes in the dark');
			await shot(dark, 'creator-flux-dark');
		});
	});
