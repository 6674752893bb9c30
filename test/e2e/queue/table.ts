/** Formats rows as columns; columns of numbers are right-aligned. */
export function formatTable(
	headings: readonly string[],
	rows: ReadonlyArray<readonly string[]>,
): string {
	const all = [headings, ...rows];
	const widths = headings.map((_head, column) =>
		Math.max(...all.map((row) => row[column]!.length)),
	);
	const isNumeric = headings.map((_head, column) =>
		rows.every((row) => /^[\d–]/.test(row[column]!)),
	);
	const formatLine = (row: readonly string[]) =>
		row
			.map((cell, column) => {
				const width = widths[column]!;
				return isNumeric[column] ? cell.padStart(width) : cell.padEnd(width);
			})
			.join('  ')
			.trimEnd();
	return all.map(formatLine).join('\n');
}
