/// <reference lib="dom" />
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Cleanup } from '../host/cleanup';
import { openBrowser } from './browser';

const DEMO_PAGE = path.resolve(__dirname, '../../../demo-output/index.html');

/** One or two images of each lane: all of them would be too many for a README. */
const SHOWN = [
	'misty-ridges',
	'painted-mountains',
	'silk-banner',
	'citrus',
	'poppy',
	'tea-hills',
	'ice-planet',
	'lavender-hills',
];

/** A screenshot of the page that `npm run demo` has written, with some of its images. */
export async function shootGallery(): Promise<Buffer> {
	if (!existsSync(DEMO_PAGE)) throw new Error('npm run demo makes the page that the README shows');
	const cleanup = new Cleanup();
	const browser = await openBrowser(cleanup);
	const page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
	await page.goto(pathToFileURL(DEMO_PAGE).href);
	await page.locator('article').evaluateAll((cards, shown) => {
		// no function with a name: tsx would call a helper that the page does not have
		cards
			.filter(
				(card) => !Array.from(card.querySelectorAll('img')).some(({ alt }) => shown.includes(alt)),
			)
			.forEach((card) => card.remove());
	}, SHOWN);
	const screenshot = await page.screenshot({ fullPage: true });
	await cleanup.run();
	return screenshot;
}
