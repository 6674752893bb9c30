/** Columns side by side; those that hold numbers stand at the right. */
export function table(heads: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
	const all = [heads, ...rows];
	const widths = heads.map((_head, column) => Math.max(...all.map((row) => row[column]!.length)));
	const isNumeric = heads.map((_head, column) => rows.every((row) => /^[\d–]/.test(row[column]!)));
	const lineOf = (row: readonly string[]) =>
		row
			.map((cell, column) => {
				const width = widths[column]!;
				return isNumeric[column] ? cell.padStart(width) : cell.padEnd(width);
			})
			.join('  ')
			.trimEnd();
	return all.map(lineOf).join('\n');
}
