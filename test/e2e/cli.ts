import { parseArgs } from 'node:util';
import type { Row } from './checks/examples';
import { runSession, type Totals } from './checks/session';
import type { Cleanup } from './host/cleanup';
import { runProgram } from './host/program';
import { TESTED } from './host/versions';

const USAGE = `The package from its tarball in real n8n servers, against the services' emulator.

  npm run test:e2e -- [options]

  --n8n-version V   only this n8n; otherwise ${TESTED.join(' and ')}
  --only TEXT       only the checks whose name contains it
`;

const BINARY_MODES = ['filesystem', 'database'] as const;

async function main(cleanup: Cleanup, signal: AbortSignal): Promise<void> {
	const { values } = parseArgs({
		options: {
			'n8n-version': { type: 'string' },
			only: { type: 'string', default: '' },
			help: { type: 'boolean', default: false },
		},
	});
	if (values.help) {
		console.log(USAGE);
		return;
	}
	const log = (line: string) => console.log(line);
	const totals: Totals[] = [];
	for (const version of values['n8n-version'] ? [values['n8n-version']] : TESTED) {
		for (const binaryMode of BINARY_MODES) {
			if (signal.aborted) return;
			log(`\nn8n ${version}, images in its ${binaryMode} store`);
			totals.push(await runSession({ version, binaryMode, only: values.only, log }, cleanup));
		}
	}
	if (!signal.aborted) printReport(totals);
}

function printReport(totals: Totals[]): void {
	const sum = (count: (one: Totals) => number) => totals.reduce((all, one) => all + count(one), 0);
	const [passed, failed] = [sum((one) => one.passed), sum((one) => one.failed)];
	const skipped = sum((one) => one.skipped);
	console.log(`\n${formatTable(totals.flatMap(({ rows }) => rows))}\n`);
	if (skipped > 0) console.log(`${skipped} skipped, see above`);
	console.log(`${passed} passed, ${failed} failed`);
	if (failed > 0 || passed === 0) process.exitCode = 1;
}

const COLUMNS = ['version', 'binary data', 'workflow', 'items', 'seconds', 'images', 'submissions'];

function formatTable(rows: Row[]): string {
	const cells = rows.map((row) => [
		row.version,
		row.binaryMode,
		row.workflow,
		String(row.items),
		row.seconds.toFixed(1),
		String(row.images),
		String(row.submissions),
	]);
	const widths = COLUMNS.map((name, column) =>
		Math.max(name.length, ...cells.map((row) => row[column]?.length ?? 0)),
	);
	const line = (row: string[]) =>
		row
			.map((cell, column) =>
				column < 3 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
			)
			.join('  ');
	return [COLUMNS, ...cells].map(line).join('\n');
}

void runProgram(main);
