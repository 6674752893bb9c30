import { facts } from './facts';
import { isGood, type Result } from './results';

const HEADS = ['provider', 'model', 'seconds', 'polls', 'pixels', 'format', 'size', 'cost', 'file'];
/** Numbers stand at the right of their column. */
const RIGHT = ['seconds', 'polls', 'size', 'cost'];

export function table(results: readonly Result[]): string {
	const rows = [HEADS, ...results.map(rowOf)];
	const widths = HEADS.map((_head, column) => Math.max(...rows.map((row) => row[column]!.length)));
	const lines = rows.map((row) => row.map((cell, column) => fit(cell, column, widths)).join('  '));
	lines.splice(1, 0, widths.map((width) => '─'.repeat(width)).join('  '));
	return lines.map((line) => `  ${line.trimEnd()}`).join('\n');
}

function rowOf(result: Result): string[] {
	const { lane, wish, job, file } = result;
	const { image = {}, timing = {} } = result.json;
	return [
		lane,
		facts.model(wish.model),
		facts.seconds(timing.seconds),
		facts.polls(timing.polls),
		facts.pixels(image.width, image.height),
		facts.format(image.mimeType),
		facts.size(image.fileSize),
		facts.dollars(job?.cost),
		isGood(result) ? (file ?? '–') : 'MISSING',
	];
}

function fit(cell: string, column: number, widths: number[]): string {
	const width = widths[column]!;
	return RIGHT.includes(HEADS[column]!) ? cell.padStart(width) : cell.padEnd(width);
}
