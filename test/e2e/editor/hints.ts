import { equal } from 'node:assert/strict';
import type { Check } from '../checks/check';
import { stop } from '../host/executions';
import { createCheck, type EditorContext } from './context';
import { execute, pressExecuteStep, pressFor, waitForStart } from './executing';
import { openNode, openWorkflow, output, takeScreenshot } from './page';

/** Images, costs, time and failures; the amounts and seconds differ. */
const SUMMARY = /5 images.*\$0\.\d+.*slowest.*1 failed.*1 moderated/;

/** Long enough to be seen on any computer; the check ends it. */
const SUSPENDED_SECONDS = 600;

/** A list of which the provider refuses one: the output says so. */
function summaryCheck({ light: page, host }: EditorContext): Check {
	return createCheck(page, 'after a list, a line above the output sums it up', async () => {
		await openWorkflow(page, host.url, 'prompt-list');
		await openNode(page, 'FLUX.2');
		const { status, error } = await execute(page, host, pressExecuteStep);
		equal(status, 'success', error);
		await output(page).getByText(SUMMARY).first().waitFor();
		await takeScreenshot(page, 'hint-list');
	});
}

/** A table of 20 rows: whoever is about to pay for that many images is told so. */
function manyImagesCheck({ light: page, host }: EditorContext): Check {
	return createCheck(
		page,
		'before a run of many images, a line says that each is billed',
		async () => {
			await openWorkflow(page, host.url, 'product-table');
			await openNode(page, 'Products');
			const { status, error } = await execute(page, host, pressExecuteStep);
			equal(status, 'success', error);
			await openNode(page, 'FLUX.2');
			await output(page).getByText('more than 10 images').first().waitFor();
			await takeScreenshot(page, 'hint-many-images');
		},
	);
}

/** Before the run a line names the trap, during it the node says what it waits for. */
function suspendedCheck({ light: page, host }: EditorContext): Check {
	return createCheck(page, 'a suspended node says what it waits for', async () => {
		host.emulator.rule(
			{ route: 'bfl.submit', prompt: 'lighthouse keeper', times: 1 },
			{ task: { seconds: SUSPENDED_SECONDS } },
		);
		await openWorkflow(page, host.url, 'callback');
		await openNode(page, 'Generate');
		await output(page).getByText('WEBHOOK_URL').first().waitFor();
		await takeScreenshot(page, 'hint-callback');
		await openWorkflow(page, host.url, 'callback');
		const id = await waitForStart(page, host, pressFor('callback'));
		await page.getByText('Waiting until Black Forest Labs calls n8n').first().waitFor();
		await takeScreenshot(page, 'suspended');
		await stop(host.rest, id);
	});
}

export const hintChecks = (context: EditorContext): Check[] => [
	summaryCheck(context),
	manyImagesCheck(context),
	suspendedCheck(context),
];
