/** Formats values for the table, the gallery and the progress lines; an unknown value becomes a dash. */

const orDash =
	<T>(toText: (value: T) => string) =>
	(value: T | undefined): string =>
		value === undefined ? '–' : toText(value);

export const format = {
	/** Without the vendor's name. */
	model: (id: string) => id.replace(/^(.*\/|black-forest-labs-)/, ''),
	seconds: orDash((seconds: number) => `${seconds.toFixed(1)} s`),
	polls: orDash(String),
	format: orDash((mimeType: string) => mimeType.replace('image/', '').toUpperCase()),
	size: orDash((bytes: number) => `${Math.round(bytes / 1000)} kB`),
	dollars: orDash((amount: number) => `$${amount.toFixed(3)}`),
	pixels: (width: number | undefined, height: number | undefined) =>
		width && height ? `${width} × ${height}` : '–',
};
