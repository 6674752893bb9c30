import type { ApiClient } from '../http/client';

/** Shorter values (a region, for instance) would be cut out of ordinary words. */
export const MIN_SECRET_LENGTH = 8;

/** Words as they may be shown: without a key, and without the word that makes n8n take an error for a stop. */
export function toDisplayText(
	{ credentials }: Pick<ApiClient, 'credentials'>,
	words: string,
): string {
	const secrets = Object.entries(credentials).flatMap(([name, value]) =>
		typeof value === 'string' && name !== 'baseUrl' && value.length >= MIN_SECRET_LENGTH
			? [value]
			: [],
	);
	const harmless = words.replace(/cancel(?=ed|ing)/gi, (word) => `${word}l`);
	return secrets.reduce((text, secret) => text.replaceAll(secret, '***'), harmless);
}
