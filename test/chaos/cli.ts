import { parseArgs } from 'node:util';
import { arePromisesKept, toJson, toText, formatViolations } from './report';
import { runChaos } from './chaos';

const USAGE = `Images by every API variant of every node, in n8n's own engine, while a fifth of all responses of the
providers are faulty. It fails when an image is lost, paid twice or hangs, or when a key is seen where it must not be.

  npm run chaos -- [options]

  --jobs N    how many items, with an image each (1000)
  --seed N    the same seed gives the same faults (any by default)
  --job N     only the execution with this item
  --json      one JSON object instead of tables
`;

async function main(): Promise<void> {
	const { values } = parseArgs({
		options: {
			jobs: { type: 'string', default: '1000' },
			seed: { type: 'string', default: String(Date.now() % 100_000) },
			job: { type: 'string' },
			json: { type: 'boolean', default: false },
			help: { type: 'boolean', default: false },
		},
	});
	if (values.help) {
		console.log(USAGE);
		return;
	}
	const [items, seed] = [parseNumber('jobs', values.jobs), parseNumber('seed', values.seed)];
	const only = values.job === undefined ? undefined : [parseNumber('job', values.job)];
	const report = await runChaos({
		items,
		seed,
		only,
		onScenario: values.json ? undefined : printProgress,
	});
	console.log(values.json ? JSON.stringify(toJson(report)) : toText(report));
	if (arePromisesKept(report)) return;
	console.error(formatViolations(report, items));
	process.exitCode = 1;
}

function parseNumber(name: string, text: string): number {
	const value = Number(text);
	if (!Number.isSafeInteger(value) || value < 0)
		throw new Error(`--${name}: "${text}" is not a number`);
	return value;
}

function printProgress(done: number, total: number): void {
	if (process.stdout.isTTY) process.stdout.write(`\r${done} of ${total} scenarios `);
}

main().catch((error: unknown) => {
	console.error((error as Error).message);
	process.exitCode = 1;
});
