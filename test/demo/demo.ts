import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ExecutionError } from 'n8n-workflow';
import { startEmulator, type Emulator, type Ledger } from '../emulator';
import { emulatorCredentials } from '../support/providers';
import { startEngine, type Engine } from '../support/engine';
import { standIns } from '../support/standIns';
import { compareBill, refusePricing, toEstimates, type Bill } from './bill';
import { format } from './format';
import { renderGallery } from './gallery';
import {
	countImages,
	findLanes,
	readWorkflow,
	withReferenceBase,
	type DemoWorkflow,
} from './lanes';
import { createDurationLookup } from './models';
import { showProgress } from './progress';
import { isGood, collectResults, sumCosts, type RunOutput, type Result } from './results';
import { formatTable } from './table';

/*
 * Every model of every node, in n8n's own engine, against the emulator: no keys, no network.
 *
 * A new provider needs two things here:
 *  1. its credential in test/support/providers.ts;
 *  2. its lane in test/workflows/demo.json: a copy of another lane's note, list, split and node, with
 *     the new type in the node and its models in the list. test/nodes/demo.test.ts fails until then.
 * A provider whose responses carry the image itself also stands in progress.ts.
 */

const OUTPUT = path.resolve(__dirname, '../../demo-output');
const RUN_TIMEOUT_MS = 60_000;

async function main(): Promise<void> {
	const secondsOf = createDurationLookup();
	const emulator = await startEmulator({ seconds: ({ model }) => secondsOf(model) });
	try {
		const engine = await startEngine({
			credentials: emulatorCredentials(emulator),
			nodeTypes: standIns,
		});
		try {
			await runDemo(emulator, engine);
		} finally {
			await engine.close();
		}
	} finally {
		await emulator.close();
	}
}

async function runDemo(emulator: Emulator, engine: Engine): Promise<void> {
	const { ledger, urls } = emulator;
	const referenceBase = `${urls.results}/references`;
	const workflow = withReferenceBase(readWorkflow(), referenceBase);
	const lanes = findLanes(workflow);
	const total = lanes.flatMap(({ requests }) => requests.map(countImages)).reduce(add);
	console.log(`\nFLUX.2 demo: ${total} images from ${lanes.length} nodes of a workflow\n`);
	refusePricing(emulator);
	const estimates = await runWorkflow(engine, toEstimates(workflow));
	const started = Date.now();
	const endProgress = showProgress(lanes, ledger);
	const run = await runWorkflow(engine, workflow);
	const seconds = (Date.now() - started) / 1000;
	endProgress();
	const resultsByLane = await Promise.all(
		lanes.map((lane) => collectResults(lane, run, engine, ledger)),
	);
	const results = resultsByLane.flat();
	await writeFiles(results, await renderGallery({ results, seconds, referenceBase }));
	printReport(results, compareBill(lanes, estimates, ledger), ledger, seconds);
}

const add = (a: number, b: number): number => a + b;

const runWorkflow = async (engine: Engine, workflow: DemoWorkflow): Promise<RunOutput> =>
	await engine.run(workflow, { limitMs: RUN_TIMEOUT_MS }).catch(toFailedRun);

/** A run without items, so that every image's line shows the error. */
const toFailedRun = (error: ExecutionError): RunOutput => ({ error, runData: {}, items: () => [] });

async function writeFiles(results: Result[], page: string): Promise<void> {
	await rm(OUTPUT, { recursive: true, force: true });
	await mkdir(OUTPUT, { recursive: true });
	await writeFile(path.join(OUTPUT, 'index.html'), page);
	for (const { file, bytes } of results) {
		if (file && bytes) await writeFile(path.join(OUTPUT, path.basename(file)), bytes);
	}
}

function printReport(results: Result[], bill: Bill, ledger: Ledger, seconds: number): void {
	const problems = [
		...results.flatMap(formatProblems),
		...bill.problems,
		...formatLedgerProblems(ledger),
	];
	const good = results.filter(isGood).length;
	const cost = format.dollars(sumCosts(results));
	console.log(`\n${formatTable(results)}\n`);
	console.log(
		`${good} of ${results.length} images in ${format.seconds(seconds)}; their items name costs of ${cost}, and nothing was paid.`,
	);
	console.log(
		`Estimate Cost was sure of ${bill.requests} prompts: ${format.dollars(bill.estimated)} before, ${format.dollars(bill.charged)} charged.`,
	);
	problems.forEach((problem) => console.error(`  ✗ ${problem}`));
	console.log(`Open ${path.relative(process.cwd(), path.join(OUTPUT, 'index.html'))}\n`);
	if (problems.length > 0) process.exitCode = 1;
}

const formatProblems = ({ lane, request, problems }: Result) =>
	problems.map((problem) => `${lane}, ${request.name}: ${problem}`);

/** Calls that no run may make. */
const formatLedgerProblems = ({ unexpected, leaks }: Ledger) => [
	...unexpected.map((one) => `unexpected call ${one.method} ${one.path}: ${one.reason}`),
	...leaks.map((one) => `a key was sent where it must not be: ${one.path}, ${one.where}`),
];

main().catch((error: unknown) => {
	console.error(error instanceof Error ? error.message : error);
	process.exitCode = 1;
});
