import type { Api } from './http';

/** Shorter values (a region, for instance) would be cut out of ordinary words. */
export const SHORTEST_HIDDEN = 8;

/** Words as they may be shown: without a key, and without the word that makes n8n take an error for a stop. */
export function told({ credentials }: Pick<Api, 'credentials'>, words: string): string {
	const secrets = Object.entries(credentials).flatMap(([name, value]) =>
		typeof value === 'string' && name !== 'baseUrl' && value.length >= SHORTEST_HIDDEN
			? [value]
			: [],
	);
	const harmless = words.replace(/cancel(?=ed|ing)/gi, (word) => `${word}l`);
	return secrets.reduce((text, secret) => text.replaceAll(secret, '***'), harmless);
}
