import { existsSync } from 'node:fs';
import { chromium, selectors, type Browser, type Page } from 'playwright-core';
import type { Host } from '../host';
import type { Cleanup } from '../host/cleanup';

const BROWSER_PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Switches off the browser's own requests. */
const FLAGS = [
	'--headless',
	'--no-sandbox',
	'--disable-gpu',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
];

export async function openBrowser(cleanup: Cleanup): Promise<Browser> {
	const { CHROMIUM } = process.env;
	const executablePath = CHROMIUM ?? BROWSER_PATHS.find((file) => existsSync(file));
	if (!executablePath) throw new Error('No Chromium found; set CHROMIUM to its path');
	const browser = await chromium.launch({ executablePath, args: FLAGS });
	await cleanup.add(async () => await browser.close());
	selectors.setTestIdAttribute('data-test-id');
	return browser;
}

export interface Window {
	theme: 'light' | 'dark';
	height: number;
}

/** Opens a window with n8n's owner signed in; it reaches 127.0.0.1 only. */
export async function openWindow(browser: Browser, { url, rest }: Host, window: Window) {
	const context = await browser.newContext({
		viewport: { width: 1440, height: window.height },
		colorScheme: window.theme,
		reducedMotion: 'reduce',
	});
	const cookies = rest.cookie.split('; ').map((cookie) => {
		const [name = '', ...value] = cookie.split('=');
		return { name, value: value.join('='), url };
	});
	await context.addCookies(cookies);
	await context.route('**/*', async (route) => {
		const { hostname, protocol } = new URL(route.request().url());
		const isHere = hostname === '127.0.0.1' || ['data:', 'blob:'].includes(protocol);
		await (isHere ? route.continue() : route.abort());
	});
	const page: Page = await context.newPage();
	page.setDefaultTimeout(60_000);
	return page;
}
