import { parseArgs } from 'node:util';
import { runCheck } from '../checks/session';
import { openHost } from '../host';
import type { Cleanup } from '../host/cleanup';
import { runProgram } from '../host/program';
import { NEWEST } from '../host/versions';
import { openBrowser, openWindow } from './browser';
import { canvasChecks, prepareIcons } from './canvas';
import { creatorChecks } from './creator';
import { loadNodeDescriptions } from './descriptions';
import { dialogChecks } from './dialogs';
import { OUTPUT } from './page';
import { panelChecks, preparePanels } from './panels';
import { writeReadmeImages } from './readme';
import { prepareErrorCases, resultChecks } from './results';
import type { EditorContext } from './context';

const USAGE = `The editor of a real n8n with this package, as people see it.

  npm run screenshots -- [options]

  --n8n-version V   which n8n (${NEWEST})
  --only TEXT       only the checks whose name contains it
  --readme          also renews the images of the README, in .github/assets
`;

const log = (line: string) => console.log(line);

async function main(cleanup: Cleanup, signal: AbortSignal): Promise<void> {
	const { values } = parseArgs({
		options: {
			'n8n-version': { type: 'string', default: NEWEST },
			only: { type: 'string', default: '' },
			readme: { type: 'boolean', default: false },
			help: { type: 'boolean', default: false },
		},
	});
	if (values.help) return log(USAGE);
	const context = await openContext(values['n8n-version'], cleanup);
	const totals = { passed: 0, failed: 0, skipped: 0 };
	for (const check of listChecks(context).filter(({ name }) => name.includes(values.only))) {
		if (signal.aborted) return;
		await runCheck(check, context.host, { log }, totals);
	}
	if (values.readme) await writeReadmeImages(log);
	log(`\nScreenshots are in ${OUTPUT}`);
	log(`${totals.passed} passed, ${totals.failed} failed`);
	if (totals.failed > 0 || totals.passed === 0) process.exitCode = 1;
}

async function openContext(version: string, cleanup: Cleanup): Promise<EditorContext> {
	log(`Starting n8n ${version} …`);
	const host = await openHost({ version, emulator: { seconds: 0.5 }, log }, cleanup);
	const browser = await openBrowser(cleanup);
	const context = {
		host,
		nodes: await loadNodeDescriptions(host),
		light: await openWindow(browser, host, { theme: 'light', height: 900 }),
		dark: await openWindow(browser, host, { theme: 'dark', height: 900 }),
		tall: await openWindow(browser, host, { theme: 'light', height: 2400 }),
	};
	await prepareIcons(context);
	await preparePanels(context);
	await prepareErrorCases(context);
	return context;
}

const listChecks = (context: EditorContext) => [
	...creatorChecks(context),
	...panelChecks(context),
	...resultChecks(context),
	...dialogChecks(context),
	...canvasChecks(context),
];

void runProgram(main);
