import { parseArgs } from 'node:util';
import { isKept, jsonOf, textOf, violationsOf } from './report';
import { tell } from './story';

const USAGE = `A story of trouble: pictures by every way of every node, in n8n's own engine, while a fifth of all
answers of the providers are spoilt. It fails when a picture is lost, paid twice or never comes to an end, or when a
key is seen where it must not be.

  npm run chaos -- [options]

  --jobs N    pictures to ask for (1000)
  --seed N    which story; the same seed tells the same one (any by default)
  --job N     only the execution with this picture
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
	const [jobs, seed] = [numberIn('jobs', values.jobs), numberIn('seed', values.seed)];
	const only = values.job === undefined ? undefined : [numberIn('job', values.job)];
	const story = await tell({ jobs, seed, only, onRound: values.json ? undefined : progress });
	console.log(values.json ? JSON.stringify(jsonOf(story)) : textOf(story));
	if (isKept(story)) return;
	console.error(violationsOf(story, jobs));
	process.exitCode = 1;
}

function numberIn(name: string, text: string): number {
	const value = Number(text);
	if (!Number.isSafeInteger(value) || value < 0)
		throw new Error(`--${name}: "${text}" is no number`);
	return value;
}

function progress(done: number, total: number): void {
	if (process.stdout.isTTY) process.stdout.write(`\r${done} of ${total} rounds `);
}

main().catch((error: unknown) => {
	console.error((error as Error).message);
	process.exitCode = 1;
});
