import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { measure, NAMES, toRows, type Name } from './bench';
import type { Row } from './benchmark';
import { FULL, QUICK } from './sizes';

const USAGE = `How late, how fast and how heavy the nodes are, against the emulator. Takes nine to ten minutes.

  npm run bench -- [options]
  npm run --silent bench -- --json

  --json         prints one JSON object instead of the table
  --only NAMES   only these, separated by commas: ${NAMES.join(',')}
  --quick        few tasks: proves that it works, its figures mean nothing
`;

async function main(): Promise<void> {
	const { values } = parseArgs({
		options: {
			json: { type: 'boolean', default: false },
			only: { type: 'string', default: NAMES.join(',') },
			quick: { type: 'boolean', default: false },
			help: { type: 'boolean', default: false },
		},
	});
	if (values.help) {
		console.log(USAGE);
		return;
	}
	const started = Date.now();
	const log = (text: string) => {
		const seconds = String(Math.round((Date.now() - started) / 1000)).padStart(4);
		console.error(`${seconds} s  ${text}`);
	};
	const figures = await measure(parseNames(values.only), values.quick ? QUICK : FULL, log);
	log(`done; load average ${loadavg()[0]!.toFixed(1)} on ${cpus().length} processors`);
	console.log(values.json ? JSON.stringify(figures, null, 2) : formatTable(toRows(figures)));
}

function parseNames(list: string): Name[] {
	const names = list.split(',').map((name) => name.trim());
	const unknown = names.filter((name) => !NAMES.includes(name as Name));
	if (unknown.length > 0) throw new Error(`--only: ${NAMES.join(', ')}; not ${unknown.join(', ')}`);
	return names as Name[];
}

function formatTable(rows: readonly Row[]): string {
	const [figureWidth, valueWidth] = (['figure', 'value'] as const).map((column) =>
		Math.max(...rows.map((row) => row[column].length)),
	);
	const indent = ' '.repeat(2 + figureWidth! + 2 + valueWidth! + 2);
	const lines = rows.map(({ figure, value, comparison, meaning }) => {
		const head = `  ${figure.padEnd(figureWidth!)}  ${value.padStart(valueWidth!)}  ${meaning}`;
		return comparison === undefined ? head : `${head}\n${indent}${comparison}`;
	});
	return `\n${lines.join('\n')}\n`;
}

main().catch((error: unknown) => {
	console.error(error instanceof Error ? error.message : error);
	process.exitCode = 1;
});
