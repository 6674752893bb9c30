import path from 'node:path';
import type { Page, Response } from 'playwright-core';
import { waitUntil } from '../checks/check';
import type { Host } from '../host';
import { listManualIds, waitForEnd, type Execution } from '../host/executions';
import { WEBHOOK } from '../host/workflows';
import { nodeOnCanvas } from './page';

/** What people press and fill in to start a workflow or a step. */
export type Press = (page: Page, host: Host) => Promise<void>;

const PHOTO = path.resolve(__dirname, '../../demo/references/mountains.png');

/** Starts an execution as people do; returns its ID. */
export async function waitForStart(page: Page, host: Host, press: Press): Promise<string> {
	const [latest = '0'] = await listManualIds(host.rest);
	await press(page, host);
	let started = latest;
	await waitUntil(async () => {
		[started = '0'] = await listManualIds(host.rest);
		return Number(started) > Number(latest);
	}, 'the execution to start');
	return started;
}

/** Starts an execution as people do, and waits for its end. */
export const execute = async (page: Page, host: Host, press: Press): Promise<Execution> =>
	await waitForEnd(host.rest, await waitForStart(page, host, press));

export const pressExecuteStep: Press = async (page) =>
	await page.getByTestId('node-execute-button').first().click();

const pressExecuteWorkflow: Press = async (page) =>
	await page.getByTestId('execute-workflow-button').click();

/** What the notes of some examples ask for beside *Execute workflow*. */
const PRESSES: Record<string, Press> = {
	'webhook-image': async (page, host) => {
		await pressExecuteWorkflow(page, host);
		const example = host.examples.find(({ slug }) => slug === 'webhook-image')!;
		const { parameters } = example.nodes.find(({ type }) => type === WEBHOOK)!;
		const call = async () =>
			(await fetch(`${host.url}/webhook-test/${String(parameters.path)}`)).ok;
		await waitUntil(call, 'the test URL to respond with the image');
	},
	'edit-photo': async (page, host) => {
		const opening = page.waitForEvent('popup');
		await pressExecuteWorkflow(page, host);
		await submitForm(await opening);
	},
	trigger: async (page) => {
		await nodeOnCanvas(page, 'Start').hover();
		await page.getByTestId('execute-workflow-button-Start').click();
	},
};

/** What starts the example, as its note says. */
export const pressFor = (slug: string): Press => PRESSES[slug] ?? pressExecuteWorkflow;

/** Fills in the form and waits for the download of the edited photo. */
async function submitForm(form: Page): Promise<void> {
	await form.locator('input[type="file"]').setInputFiles(PHOTO);
	await form.locator('textarea').fill('Make it a winter evening');
	// the last page tells n8n that it has been shown, and only then the execution ends
	const isLast = (response: Response) =>
		response.request().method() === 'POST' && response.url().includes('/form-waiting/');
	const ending = [form.waitForEvent('download'), form.waitForResponse(isLast)];
	await form.getByRole('button', { name: 'Edit' }).click();
	await Promise.all(ending);
	await form.close();
}
