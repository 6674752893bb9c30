import { ok } from 'node:assert/strict';
import type { Page } from 'playwright-core';
import type { Check } from '../checks/check';
import { importCredentials, localCredentials } from '../host/credentials';
import { OURS } from '../host/workflows';
import { openNode, openWorkflow, readImageSize, takeScreenshot, waitUntilShown } from './page';
import {
	findNode,
	createCheck,
	createWorkflow,
	type NodeSetup,
	type EditorContext,
} from './context';

const EXAMPLE_SIZES: ReadonlyArray<[slug: string, size: string]> = [
	['text-to-image-bfl', '1152 × 896'],
	['text-to-image-cloudflare', '1152 × 896'],
	['text-to-image-oxen', ''],
	['text-to-image-task-api', '1344 × 768'],
];

const output = (page: Page) => page.getByTestId('output-panel');

async function execute(page: Page, name: string): Promise<void> {
	await openNode(page, name);
	await page.getByTestId('node-execute-button').first().click();
}

const imageChecks = (context: EditorContext): Check[] =>
	EXAMPLE_SIZES.map(([slug, size]) => {
		const { light: page, host } = context;
		return createCheck(page, `the output shows the image: ${slug}`, async () => {
			await openWorkflow(page, host.url, slug);
			const { nodes } = host.examples.find((example) => example.slug === slug)!;
			await execute(page, nodes.find(({ type }) => type.startsWith(OURS))!.name);
			await output(page).getByTestId('ndv-view-binary-data').first().click();
			await output(page).locator('img').first().waitFor();
			const readSize = async () => await readImageSize(output(page));
			await waitUntilShown(
				async () => !(await readSize()).startsWith('0'),
				true,
				'the image is drawn',
			);
			if (size) await waitUntilShown(readSize, size, 'its width and height');
			await takeScreenshot(page, `result-${slug}`);
			await output(page).getByText('Back to list').click();
			await output(page).getByTestId('radio-button-json').click();
			await output(page).getByText('completed').first().waitFor();
			await takeScreenshot(page, `result-${slug}-json`);
		});
	});

interface ErrorCase extends Omit<NodeSetup, 'node'> {
	of: string;
	/** The shown error must match all of them. */
	messages: RegExp[];
}

const prompt = 'A lighthouse at dawn';

const ERROR_CASES: readonly ErrorCase[] = [
	{
		name: 'Refused prompt',
		of: 'flux2Bfl',
		parameters: { prompt: 'The world-famous cartoon mouse on a skateboard' },
		messages: [/content filter refused this request/, /prompt/i],
	},
	{
		name: 'Wrong width',
		of: 'flux2Task',
		parameters: { prompt, options: { width: 1000, height: 768 } },
		messages: [/Width: 1000 is not a multiple of 32; try 992 or 1024/],
	},
	{
		name: 'Several at once',
		of: 'flux2Cloudflare',
		parameters: {
			prompt,
			model: '@cf/black-forest-labs/flux-2-dev',
			options: { width: 128, steps: 0 },
		},
		messages: [/Width: 128 is not between 256 and 1920; try 256/, /Steps: 0 is less than 1; try 1/],
	},
];

const REFUSED_KEY = 'Refused key';
const toSlug = (name: string) => `error-${name.toLowerCase().replaceAll(' ', '-')}`;

function errorCheck(
	context: EditorContext,
	{ name, messages }: Pick<ErrorCase, 'name' | 'messages'>,
): Check {
	const { light: page, host } = context;
	return createCheck(page, `an error says what to do: ${name}`, async () => {
		await openWorkflow(page, host.url, toSlug(name));
		await execute(page, name);
		await page.getByTestId('node-error-message').waitFor();
		const text = await output(page).innerText();
		messages.forEach((pattern) => ok(pattern.test(text), `${pattern} is missing in: ${text}`));
		await takeScreenshot(page, `error-${name}`);
	});
}

/** Creates nodes that cannot generate an image, each for another reason. */
export async function prepareErrorCases(context: EditorContext): Promise<void> {
	const { host } = context;
	const working = localCredentials(host.emulator, host.chat).flux2OxenApi;
	const refused = { flux2OxenApi: { ...working, apiKey: 'made-up-by-a-test' } };
	const { flux2OxenApi: credential } = await importCredentials(host.rest, refused);
	const setups = ERROR_CASES.map(({ of, ...errorCase }) => ({
		...errorCase,
		node: findNode(context, of),
	}));
	const wrongKey = {
		name: REFUSED_KEY,
		node: findNode(context, 'flux2Oxen'),
		parameters: { prompt },
	};
	for (const setup of [...setups, { ...wrongKey, credential }]) {
		await createWorkflow(context, toSlug(setup.name), [setup]);
	}
}

export const resultChecks = (context: EditorContext): Check[] => [
	...imageChecks(context),
	...ERROR_CASES.map((errorCase) => errorCheck(context, errorCase)),
	errorCheck(context, { name: REFUSED_KEY, messages: [/key/i, /credential/i] }),
];
