import type { IDataObject } from 'n8n-workflow';
import { isObject } from './json';

/** Hides secrets in a text. */
export type Redact = (text: string) => string;

/** Shorter values (a region, for instance) would be cut out of ordinary words. */
export const MIN_SECRET_LENGTH = 8;

const MAX_MESSAGE_LENGTH = 1000;
const HIDDEN = '***';

/** Hides these values in every form in which a server may send them back. Values too short to be secrets stay. */
export function createRedactor(values: readonly unknown[]): Redact {
	const forms = values.flatMap((value) => (isSecret(value) ? formsOf(value) : []));
	const longestFirst = [...new Set(forms)].sort((a, b) => b.length - a.length);
	return (text) => longestFirst.reduce((redacted, form) => redacted.replaceAll(form, HIDDEN), text);
}

/** The values of a credential that must not be seen: all texts but where they belong to, and the fields named. */
export const secretsIn = (credentials: IDataObject, ...shown: string[]): unknown[] =>
	Object.entries(credentials).flatMap(([name, value]) =>
		['baseUrl', 'routerUrl', 'service', ...shown].includes(name) ? [] : [value],
	);

/** Any JSON value with every text in it redacted, names of fields included. */
export function redactJson<T>(value: T, redact: Redact): T {
	if (value === undefined) return value;
	return JSON.parse(JSON.stringify(value), (_key, part: unknown) => {
		if (typeof part === 'string') return redact(part);
		return isObject(part) ? withRedactedKeys(part, redact) : part;
	}) as T;
}

/**
 * A text as n8n may show it: redacted, at most 1,000 characters, and without the word "canceled", which makes n8n mark
 * the whole execution as such.
 */
export function toDisplayText(redact: Redact, text: string): string {
	const shown = redact(text).replace(/cancel(?=ed|ing)/gi, (word) => `${word}l`);
	return shown.length > MAX_MESSAGE_LENGTH ? `${shown.slice(0, MAX_MESSAGE_LENGTH - 1)}…` : shown;
}

const isSecret = (value: unknown): value is string =>
	typeof value === 'string' && value.trim().length >= MIN_SECRET_LENGTH;

/** As it is, trimmed, inside JSON (slashes escaped or not), URL-encoded in either case, and in base64. */
const formsOf = (secret: string): string[] =>
	[secret, secret.trim()].flatMap((text) => [
		text,
		JSON.stringify(text).slice(1, -1),
		JSON.stringify(text).slice(1, -1).replaceAll('/', '\\/'),
		percentEncoded(text),
		percentEncoded(text).replace(/%../g, (code) => code.toLowerCase()),
		...base64FormsOf(text),
	]);

/** Through a buffer: half a surrogate pair cannot be encoded. */
const percentEncoded = (text: string) => encodeURIComponent(Buffer.from(text).toString());

/** Inside a longer text in base64, a secret begins at one of three positions within a group of three bytes. */
function base64FormsOf(text: string): string[] {
	const bytes = Buffer.from(text);
	return [0, 1, 2].flatMap((offset) => {
		const padded = Buffer.concat([Buffer.alloc(offset), bytes]);
		const whole = padded.subarray(0, padded.length - (padded.length % 3));
		const first = Math.ceil((offset * 8) / 6);
		return [whole.toString('base64').slice(first), whole.toString('base64url').slice(first)];
	});
}

const withRedactedKeys = (record: Record<string, unknown>, redact: Redact) =>
	Object.fromEntries(Object.entries(record).map(([key, value]) => [redact(key), value]));
