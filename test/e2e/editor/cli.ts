import { parseArgs } from 'node:util';
import { runCheck, type Totals as SessionTotals } from '../checks/session';
import { openHost } from '../host';
import { Cleanup } from '../host/cleanup';
import { runProgram } from '../host/program';
import { NEWEST, TESTED } from '../host/versions';
import { agentCheck } from './agent';
import { openBrowser, openWindow } from './browser';
import { canvasChecks, prepareIcons } from './canvas';
import { creatorChecks } from './creator';
import { loadNodeDescriptions } from './descriptions';
import { dialogChecks } from './dialogs';
import { firstImageCheck } from './firstImage';
import { hintChecks } from './hints';
import { newcomerChecks } from './newcomer';
import { OUTPUT, saveScreenshotsIn } from './page';
import { panelChecks, preparePanels } from './panels';
import { writeReadmeImages } from './readme';
import { resultChecks } from './results';
import { shotChecks } from './shots';
import type { EditorContext } from './context';

const USAGE = `The editor of a real n8n with this package, as people see it.

  npm run screenshots -- [options]

  --n8n-version V   only this n8n; otherwise ${TESTED.join(' and ')}
  --only TEXT       only the checks whose name contains it
  --readme          also renews the images of the README, in .github/assets, with n8n ${NEWEST}
`;

type Totals = Omit<SessionTotals, 'rows'>;

const log = (line: string) => console.log(line);

async function main(cleanup: Cleanup, signal: AbortSignal): Promise<void> {
	const { values } = parseArgs({
		options: {
			'n8n-version': { type: 'string' },
			only: { type: 'string', default: '' },
			readme: { type: 'boolean', default: false },
			help: { type: 'boolean', default: false },
		},
	});
	if (values.help) return log(USAGE);
	const totals = { passed: 0, failed: 0, skipped: 0 };
	for (const version of values['n8n-version'] ? [values['n8n-version']] : TESTED) {
		await runVersion(version, values.only, totals, cleanup, signal);
	}
	if (signal.aborted) return;
	if (values.readme) await writeReadmeImages(log);
	log(`\nScreenshots are in ${OUTPUT}`);
	log(`${totals.passed} passed, ${totals.failed} failed`);
	if (totals.failed > 0 || totals.passed === 0) process.exitCode = 1;
}

/** Starts that n8n, runs the checks in it, and ends it. */
async function runVersion(
	version: string,
	only: string,
	totals: Totals,
	outer: Cleanup,
	signal: AbortSignal,
): Promise<void> {
	const cleanup = new Cleanup();
	await outer.add(async () => await cleanup.run());
	try {
		const context = await openContext(version, cleanup);
		for (const check of listChecks(context).filter(({ name }) => name.includes(only))) {
			if (signal.aborted) return;
			await runCheck(check, context.host, { log }, totals);
		}
	} finally {
		await cleanup.run();
	}
}

async function openContext(version: string, cleanup: Cleanup): Promise<EditorContext> {
	log(`\nStarting n8n ${version} …`);
	const host = await openHost({ version, emulator: { seconds: 0.5 }, log }, cleanup);
	const browser = await openBrowser(cleanup);
	saveScreenshotsIn(version);
	const context = {
		host,
		nodes: await loadNodeDescriptions(host),
		light: await openWindow(browser, host, { theme: 'light', height: 900 }),
		dark: await openWindow(browser, host, { theme: 'dark', height: 900 }),
		tall: await openWindow(browser, host, { theme: 'light', height: 2400 }),
	};
	await prepareIcons(context);
	await preparePanels(context);
	return context;
}

const listChecks = (context: EditorContext) => [
	firstImageCheck(context),
	...newcomerChecks(context),
	...creatorChecks(context),
	...panelChecks(context),
	...shotChecks(context),
	...resultChecks(context),
	...hintChecks(context),
	agentCheck(context),
	...dialogChecks(context),
	...canvasChecks(context),
];

void runProgram(main);
