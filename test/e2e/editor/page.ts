/// <reference lib="dom" />
import { deepEqual } from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Locator, Page } from 'playwright-core';

export const OUTPUT = path.join(__dirname, 'output');

const TIMEOUT_MS = 20_000;
/** n8n's notifications would cover the screenshot. */
const WITHOUT_MESSAGES = '.el-notification { display: none !important }';

let folder = OUTPUT;

/** Gives the screenshots of one n8n a folder of their own. */
export function saveScreenshotsIn(version: string): void {
	folder = path.join(OUTPUT, version);
	mkdirSync(folder, { recursive: true });
}

/** Saves a screenshot of the window, or of a part of it, as `output/<version>/<name>.png`. */
export async function takeScreenshot(
	page: Page,
	name: string,
	part: Page | Locator = page,
): Promise<void> {
	const file = path.join(folder, `${name.replace(/[^\w-]+/g, '-').replace(/^-|-$/g, '')}.png`);
	await part.screenshot({ path: file, animations: 'disabled', style: WITHOUT_MESSAGES });
}

/** Waits until the editor shows the expected value; throws with what it shows instead. */
export async function waitUntilShown<T>(
	read: () => Promise<T>,
	expected: T,
	what: string,
): Promise<void> {
	const deadline = Date.now() + TIMEOUT_MS;
	let seen = await read();
	while (!isDeepStrictEqual(seen, expected) && Date.now() < deadline) {
		await new Promise((resolve) => setTimeout(resolve, 50));
		seen = await read();
	}
	deepEqual(seen, expected, what + formatDifference(seen, expected));
}

const formatDifference = (seen: unknown, expected: unknown) =>
	`\nshown:    ${JSON.stringify(seen)}\nexpected: ${JSON.stringify(expected)}`;

/** Opens a workflow's canvas and closes any panel over it. */
export async function openWorkflow(page: Page, url: string, id: string): Promise<void> {
	const address = `${url}/workflow/${id}`;
	if (page.url() === address || page.url().startsWith(`${address}/`)) await closeNode(page);
	else await page.goto(address);
	await page.getByTestId('canvas-node').first().waitFor();
}

export const nodeOnCanvas = (page: Page, name: string): Locator =>
	page.locator(`[data-test-id="canvas-node"][data-node-name="${name}"]`);

/** Opens a node's panel; closes another one first. */
export async function openNode(page: Page, name: string): Promise<void> {
	await closeNode(page);
	await nodeOnCanvas(page, name).dblclick();
	await page.getByTestId('node-parameters').first().waitFor();
}

export async function closeNode(page: Page): Promise<void> {
	const close = page.getByTestId('ndv-close-button');
	if (!(await close.isVisible())) return;
	await close.click();
	await page.getByTestId('ndv').waitFor({ state: 'hidden' });
}

export const parameters = (page: Page): Locator =>
	page.locator('[data-test-id="node-parameters"]:visible').first();

export const output = (page: Page): Locator => page.getByTestId('output-panel');

const LABELS = '[data-test-id="input-label"]:visible label.n8n-input-label';
const TITLE = '[class*="_title_"] > span';

/** The labels of the fields that a panel shows, from the top. */
export const readLabels = async (page: Page): Promise<string[]> =>
	await parameters(page)
		.locator(`${LABELS} ${TITLE}`)
		.evaluateAll((titles) =>
			titles.map((title) => (title.textContent ?? '').replace('*', '').trim()),
		);

/** Labels that show an explanation on hover. */
export const readExplainedLabels = async (page: Page): Promise<string[]> =>
	await parameters(page)
		.locator(LABELS)
		.filter({ has: page.locator('[class*="_infoIcon_"]') })
		.locator(TITLE)
		.evaluateAll((titles) =>
			titles.map((title) => (title.textContent ?? '').replace('*', '').trim()),
		);

/** Texts of the elements that are cut off. */
export const findCutTexts = async (elements: Locator): Promise<string[]> =>
	await elements.evaluateAll((all) =>
		all
			.filter(({ scrollWidth, clientWidth, scrollHeight, clientHeight }) => {
				const isInline = clientWidth === 0;
				return !isInline && (scrollWidth > clientWidth + 1 || scrollHeight > clientHeight + 2);
			})
			.map((element) => element.textContent?.trim() ?? ''),
	);

export const findCutNotes = async (page: Page): Promise<string[]> =>
	await findCutTexts(page.locator('[data-test-id="sticky"] > [class*="_wrapper_"]'));

export const findCutLabels = async (page: Page): Promise<string[]> =>
	await findCutTexts(parameters(page).locator(`${LABELS} [class*="_title_"]`));

/** Chooses an entry from a list of a panel, by its label. */
export async function choose(page: Page, parameter: string, name: string): Promise<void> {
	await page.getByTestId(`parameter-input-${parameter}`).click();
	const entry = page.locator('[data-test-id="parameter-input-item"]:visible');
	await entry.filter({ has: page.getByText(name, { exact: true }) }).click();
	await entry.first().waitFor({ state: 'hidden' });
}

/** Opens the list of what a collection offers, and returns its entries from the top. */
export async function openAdding(page: Page, placeholder: string): Promise<string[]> {
	const field = page.getByPlaceholder(placeholder, { exact: true });
	await page.getByTestId('collection-parameter-add').filter({ has: field }).click();
	const entries = page.locator('[data-test-id="collection-parameter-option"]:visible');
	await entries.first().waitFor();
	deepEqual(await findCutTexts(entries.locator('span')), [], 'no option is cut');
	return await entries.allInnerTexts();
}

export async function closeOptions(page: Page): Promise<void> {
	await page.keyboard.press('Escape');
	const entries = page.locator('[data-test-id="collection-parameter-option"]:visible');
	await entries.first().waitFor({ state: 'hidden' });
}

interface Icon {
	src: string;
	isLoaded: boolean;
}

export const readIcons = async (part: Locator): Promise<Icon[]> =>
	await part.locator('img').evaluateAll((images) =>
		(images as HTMLImageElement[]).map(({ src, naturalWidth }) => ({
			src: new URL(src).pathname,
			isLoaded: naturalWidth > 0,
		})),
	);

/** Pixels of the first image that a part shows. */
export const readImageSize = async (part: Locator): Promise<string> =>
	await part
		.locator('img')
		.first()
		.evaluate((image) => {
			const { naturalWidth, naturalHeight } = image as HTMLImageElement;
			return `${naturalWidth} × ${naturalHeight}`;
		});
