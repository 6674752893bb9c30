import { ok } from 'node:assert/strict';
import type { Page } from 'playwright-core';
import type { Check } from '../checks/check';
import { importCredentials, localCredentials } from '../host/credentials';
import { OURS } from '../host/workflows';
import { openNode, openWorkflow, pictureSize, shot, shows } from './page';
import { byName, look, rehearse, type Actor, type Stage } from './stage';

const PICTURES: ReadonlyArray<[slug: string, size: string]> = [
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

const pictureChecks = (stage: Stage): Check[] =>
	PICTURES.map(([slug, size]) => {
		const { light: page, host } = stage;
		return look(page, `the output shows the picture: ${slug}`, async () => {
			await openWorkflow(page, host.url, slug);
			const { nodes } = host.examples.find((example) => example.slug === slug)!;
			await execute(page, nodes.find(({ type }) => type.startsWith(OURS))!.name);
			await output(page).getByTestId('ndv-view-binary-data').first().click();
			await output(page).locator('img').first().waitFor();
			const seen = async () => await pictureSize(output(page));
			await shows(async () => !(await seen()).startsWith('0'), true, 'the picture is drawn');
			if (size) await shows(seen, size, 'its width and height');
			await shot(page, `result-${slug}`);
			await output(page).getByText('Back to list').click();
			await output(page).getByTestId('radio-button-json').click();
			await output(page).getByText('completed').first().waitFor();
			await shot(page, `result-${slug}-json`);
		});
	});

interface Mishap extends Omit<Actor, 'node'> {
	of: string;
	/** What people must be able to read. */
	says: RegExp[];
}

const prompt = 'A lighthouse at dawn';

const MISHAPS: readonly Mishap[] = [
	{
		name: 'Refused prompt',
		of: 'flux2Bfl',
		parameters: { prompt: 'The world-famous cartoon mouse on a skateboard' },
		says: [/moderat/i, /prompt/i],
	},
	{
		name: 'Wrong width',
		of: 'flux2Task',
		parameters: { prompt, options: { width: 1000, height: 768 } },
		says: [/Width: must be a multiple of 32/],
	},
	{
		name: 'Several at once',
		of: 'flux2Cloudflare',
		parameters: {
			prompt,
			model: '@cf/black-forest-labs/flux-2-dev',
			options: { width: 128, steps: 0 },
		},
		says: [/Width: must be between 256 and 1920/, /Steps: must be at least 1/],
	},
];

const REFUSED = 'Refused key';
const slugOf = (name: string) => `mishap-${name.toLowerCase().replaceAll(' ', '-')}`;

function mishapCheck(stage: Stage, { name, says }: Pick<Mishap, 'name' | 'says'>): Check {
	const { light: page, host } = stage;
	return look(page, `an error says what to do: ${name}`, async () => {
		await openWorkflow(page, host.url, slugOf(name));
		await execute(page, name);
		await page.getByTestId('node-error-message').waitFor();
		const text = await output(page).innerText();
		says.forEach((words) => ok(words.test(text), `${words} is missing in: ${text}`));
		await shot(page, `error-${name}`);
	});
}

/** Nodes that cannot make a picture, each for another reason. */
export async function prepareMishaps(stage: Stage): Promise<void> {
	const { host } = stage;
	const working = localCredentials(host.emulator, host.chat).flux2OxenApi;
	const refused = { flux2OxenApi: { ...working, apiKey: 'made-up-by-a-test' } };
	const { flux2OxenApi: credential } = await importCredentials(host.rest, refused);
	const actors = MISHAPS.map(({ of, ...mishap }) => ({ ...mishap, node: byName(stage, of) }));
	const wrongKey = { name: REFUSED, node: byName(stage, 'flux2Oxen'), parameters: { prompt } };
	for (const actor of [...actors, { ...wrongKey, credential }]) {
		await rehearse(stage, slugOf(actor.name), [actor]);
	}
}

export const resultChecks = (stage: Stage): Check[] => [
	...pictureChecks(stage),
	...MISHAPS.map((mishap) => mishapCheck(stage, mishap)),
	mishapCheck(stage, { name: REFUSED, says: [/key/i, /credential/i] }),
];
