import { equal } from 'node:assert/strict';
import { sha256 } from '../../emulator/images';
import { LANES } from '../../support/providers';
import type { Host } from '../host';
import { isOurs, listOutputs, waitForEnd } from '../host/executions';
import { waitUntil, type Check } from './check';
import { findTasks, prepareTrial, startTrial } from './trial';

interface LinkedImage {
	link: string;
	/** The hash of the image that the provider has generated. */
	hash: string;
}

/** Generates one image with a link that works for so long. */
async function makeLink(host: Host, linkLifetime: string): Promise<LinkedImage> {
	const lane = LANES.workersAi;
	const options = { linkLifetime };
	const trial = await prepareTrial(host, lane, 1, {
		parameters: { ...lane.parameters, prompt: '={{ $json.prompts }}', options },
	});
	const execution = await waitForEnd(host.rest, await startTrial(host, trial));
	const [output] = listOutputs(execution).filter(isOurs);
	const { link } = (output?.item.json.image ?? {}) as { link?: string };
	const [task] = findTasks(host, trial);
	if (!link || !task) throw new Error(`No link: ${JSON.stringify(output?.item.json)}`);
	return { link, hash: (await host.emulator.ledger.image(task.id)).sha256 };
}

const statusOf = async (link: string) => (await fetch(link)).status;

/** n8n's own links to stored images, opened as anybody does who has one. */
export const linkChecks: Check[] = [
	{
		name: 'a link opens without a login, and only as it was signed',
		async run(host) {
			const { link, hash } = await makeLink(host, '1 hour');
			const response = await fetch(link);
			equal(response.status, 200);
			equal(sha256(Buffer.from(await response.arrayBuffer())), hash);
			equal(await statusOf(link.slice(0, -3)), 400);
		},
	},
	{
		name: 'a link dies when it should',
		async run(host) {
			const { link } = await makeLink(host, '1 second');
			await waitUntil(async () => (await statusOf(link)) === 400, 'the end of the link');
		},
	},
];
