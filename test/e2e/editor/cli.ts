import { parseArgs } from 'node:util';
import { runCheck } from '../checks/session';
import { openHost } from '../host';
import type { Cleanup } from '../host/cleanup';
import { runProgram } from '../host/program';
import { NEWEST } from '../host/versions';
import { openBrowser, openWindow } from './browser';
import { canvasChecks, prepareIcons } from './canvas';
import { creatorChecks } from './creator';
import { describedNodes } from './descriptions';
import { dialogChecks } from './dialogs';
import { OUTPUT } from './page';
import { panelChecks, preparePanels } from './panels';
import { writeReadmePictures } from './readme';
import { prepareMishaps, resultChecks } from './results';
import type { Stage } from './stage';

const USAGE = `The editor of a real n8n with this package, as people see it.

  npm run screenshots -- [options]

  --n8n-version V   which n8n (${NEWEST})
  --only TEXT       only the checks whose name contains it
  --readme          also the pictures of the README, in .github/assets
`;

const say = (line: string) => console.log(line);

async function main(cleanup: Cleanup, stopped: AbortSignal): Promise<void> {
	const { values } = parseArgs({
		options: {
			'n8n-version': { type: 'string', default: NEWEST },
			only: { type: 'string', default: '' },
			readme: { type: 'boolean', default: false },
			help: { type: 'boolean', default: false },
		},
	});
	if (values.help) return say(USAGE);
	const stage = await openStage(values['n8n-version'], cleanup);
	const tally = { passed: 0, failed: 0, skipped: 0 };
	for (const check of checksOf(stage).filter(({ name }) => name.includes(values.only))) {
		if (stopped.aborted) return;
		await runCheck(check, stage.host, { say }, tally);
	}
	if (values.readme) await writeReadmePictures(say);
	say(`\nPictures are in ${OUTPUT}`);
	say(`${tally.passed} passed, ${tally.failed} failed`);
	if (tally.failed > 0 || tally.passed === 0) process.exitCode = 1;
}

async function openStage(version: string, cleanup: Cleanup): Promise<Stage> {
	say(`Starting n8n ${version} …`);
	const host = await openHost({ version, emulator: { seconds: 0.5 }, say }, cleanup);
	const browser = await openBrowser(cleanup);
	const stage = {
		host,
		nodes: await describedNodes(host),
		light: await openWindow(browser, host, { theme: 'light', height: 900 }),
		dark: await openWindow(browser, host, { theme: 'dark', height: 900 }),
		tall: await openWindow(browser, host, { theme: 'light', height: 2400 }),
	};
	await prepareIcons(stage);
	await preparePanels(stage);
	await prepareMishaps(stage);
	return stage;
}

const checksOf = (stage: Stage) => [
	...creatorChecks(stage),
	...panelChecks(stage),
	...resultChecks(stage),
	...dialogChecks(stage),
	...canvasChecks(stage),
];

void runProgram(main);
