import { format } from './format';
import { isGood, type Result } from './results';

const HEADINGS = [
	'provider',
	'model',
	'seconds',
	'polls',
	'pixels',
	'format',
	'size',
	'cost',
	'file',
];
/** Numbers stand at the right of their column. */
const RIGHT_ALIGNED = ['seconds', 'polls', 'size', 'cost'];

export function formatTable(results: readonly Result[]): string {
	const rows = [HEADINGS, ...results.map(toRow)];
	const widths = HEADINGS.map((_head, column) =>
		Math.max(...rows.map((row) => row[column]!.length)),
	);
	const lines = rows.map((row) =>
		row.map((cell, column) => padCell(cell, column, widths)).join('  '),
	);
	lines.splice(1, 0, widths.map((width) => '─'.repeat(width)).join('  '));
	return lines.map((line) => `  ${line.trimEnd()}`).join('\n');
}

function toRow(result: Result): string[] {
	const { lane, request, file } = result;
	const { image = {}, timing = {}, cost } = result.json;
	return [
		lane,
		format.model(request.model),
		format.seconds(timing.seconds),
		format.polls(timing.polls),
		format.pixels(image.width, image.height),
		format.format(image.mimeType),
		format.size(image.fileSize),
		format.dollars(cost?.amount),
		isGood(result) ? (file ?? '–') : 'MISSING',
	];
}

function padCell(cell: string, column: number, widths: number[]): string {
	const width = widths[column]!;
	return RIGHT_ALIGNED.includes(HEADINGS[column]!) ? cell.padStart(width) : cell.padEnd(width);
}
