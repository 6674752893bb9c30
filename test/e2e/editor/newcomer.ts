import { deepEqual, equal } from 'node:assert/strict';
import type { Check } from '../checks/check';
import { examine } from '../checks/evidence';
import { PaidTasks } from '../checks/paidTasks';
import { findMissingProgram } from '../checks/programs';
import { NEWEST } from '../host/versions';
import { createCheck, type EditorContext } from './context';
import { execute, pressFor } from './executing';
import { completeCredentials, findIncomplete, importFromFile } from './importing';
import { findCutNotes, takeScreenshot, waitUntilShown } from './page';

/** Of all credentials that a node can have, n8n selects the newest: here the one for Notify Secret. */
const INCOMPLETE: Record<string, string[]> = { trigger: ['Submit'] };

/** Runs without an image: the trigger gets it, every row of the table has one, or nothing was left over. */
const WITHOUT_IMAGES: Record<string, number[]> = {
	trigger: [1, 2],
	'table-rows': [2],
	'task-table-collect': [1, 2],
};

function importCheck(context: EditorContext, example: EditorContext['host']['examples'][number]) {
	const { light: page, host } = context;
	const { slug } = example;
	const run = async () => {
		await importFromFile(page, host, slug);
		deepEqual(await findCutNotes(page), [], 'no note is cut');
		// older versions select a credential only when the node is opened
		if (host.n8n.release.version === NEWEST)
			await waitUntilShown(
				async () => await findIncomplete(page),
				INCOMPLETE[slug] ?? [],
				'nodes that lack something',
			);
		await completeCredentials(page);
		for (const time of [1, 2]) {
			const execution = await execute(page, host, pressFor(slug));
			equal(execution.status, 'success', execution.error);
			const { images } = await examine(host, execution, new PaidTasks(host.emulator.ledger));
			const hasImages = !WITHOUT_IMAGES[slug]?.includes(time);
			equal(images.length > 0, hasImages, `run ${time} has ${images.length} images`);
		}
		await takeScreenshot(page, `imported-${slug}`);
	};
	const name = `imported from its file, ${slug} runs twice by its button`;
	return { ...createCheck(page, name, run), skipped: findMissingProgram(example) };
}

/** With one credential of each type: later checks add more. */
export const newcomerChecks = (context: EditorContext): Check[] =>
	context.host.examples.map((example) => importCheck(context, example));
