/** How the table, the gallery and the progress lines word a fact; a dash where it is unknown. */

const unlessUnknown =
	<T>(word: (value: T) => string) =>
	(value: T | undefined): string =>
		value === undefined ? '–' : word(value);

export const facts = {
	/** Without the vendor's name. */
	model: (id: string) => id.replace(/^(.*\/|black-forest-labs-)/, ''),
	seconds: unlessUnknown((seconds: number) => `${seconds.toFixed(1)} s`),
	polls: unlessUnknown(String),
	format: unlessUnknown((mimeType: string) => mimeType.replace('image/', '').toUpperCase()),
	size: unlessUnknown((bytes: number) => `${Math.round(bytes / 1000)} kB`),
	dollars: unlessUnknown((amount: number) => `$${amount.toFixed(3)}`),
	pixels: (width: number | undefined, height: number | undefined) =>
		width && height ? `${width} × ${height}` : '–',
};
