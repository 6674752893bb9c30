import { equal, ok } from 'node:assert/strict';
import type { Check } from '../checks/check';
import { importCredentials, localCredentials } from '../host/credentials';
import { OURS } from '../host/workflows';
import { execute, pressExecuteStep } from './executing';
import {
	openNode,
	openWorkflow,
	output,
	readImageSize,
	takeScreenshot,
	waitUntilShown,
} from './page';
import {
	findNode,
	createCheck,
	createWorkflow,
	type NodeSetup,
	type EditorContext,
} from './context';

const EXAMPLE_SIZES: ReadonlyArray<[slug: string, size: string]> = [
	['text-to-image-bfl', '1168 × 880'],
	['text-to-image-cloudflare', '1168 × 880'],
	['text-to-image-oxen', ''],
	['text-to-image-task-api', '1344 × 768'],
];

const imageChecks = (context: EditorContext): Check[] =>
	EXAMPLE_SIZES.map(([slug, size]) => {
		const { light: page, host } = context;
		return createCheck(
			page,
			`the output shows the image of the second Execute step: ${slug}`,
			async () => {
				await openWorkflow(page, host.url, slug);
				const { nodes } = host.examples.find((example) => example.slug === slug)!;
				await openNode(page, nodes.find(({ type }) => type.startsWith(OURS))!.name);
				for (const time of ['first', 'second']) {
					const { status, error } = await execute(page, host, pressExecuteStep);
					equal(status, 'success', `${time} time: ${error}`);
				}
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
			},
		);
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
		parameters: { prompt, size: 'custom', width: 1000, height: 768 },
		messages: [/Width: 1000 is not a multiple of 32; try 992 or 1024/],
	},
	{
		name: 'Several at once',
		of: 'flux2Cloudflare',
		parameters: {
			prompt,
			model: '@cf/black-forest-labs/flux-2-dev',
			size: 'custom',
			width: 128,
			options: { steps: 0 },
		},
		messages: [/Width: 128 is not between 256 and 1920; try 256/, /Steps: 0 is less than 1; try 1/],
	},
];

const toSlug = (name: string) => `error-${name.toLowerCase().replaceAll(' ', '-')}`;

function errorCheck(
	context: EditorContext,
	{ name, of, messages, ...setup }: ErrorCase,
	findCredential?: () => Promise<NodeSetup['credential']>,
): Check {
	const { light: page, host } = context;
	return createCheck(page, `an error says what to do: ${name}`, async () => {
		const credential = await findCredential?.();
		const node = { ...setup, name, node: findNode(context, of), credential };
		await createWorkflow(context, toSlug(name), [node]);
		await openWorkflow(page, host.url, toSlug(name));
		await openNode(page, name);
		await pressExecuteStep(page, host);
		await page.getByTestId('node-error-message').waitFor();
		const text = await output(page).innerText();
		messages.forEach((pattern) => ok(pattern.test(text), `${pattern} is missing in: ${text}`));
		await takeScreenshot(page, `error-${name}`);
	});
}

const REFUSED_KEY: ErrorCase = {
	name: 'Refused key',
	of: 'flux2Oxen',
	parameters: { prompt },
	messages: [/key/i, /credential/i],
};

async function importRefusedKey({ host }: EditorContext) {
	const working = localCredentials(host.emulator, host.chat).flux2OxenApi;
	const refused = { flux2OxenApi: { ...working, apiKey: 'made-up-by-a-test' } };
	return (await importCredentials(host.rest, refused)).flux2OxenApi;
}

export const resultChecks = (context: EditorContext): Check[] => [
	...imageChecks(context),
	...ERROR_CASES.map((errorCase) => errorCheck(context, errorCase)),
	errorCheck(context, REFUSED_KEY, async () => await importRefusedKey(context)),
];
