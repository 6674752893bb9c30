import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IDataObject } from 'n8n-workflow';

/** Whether the header carries the HMAC-SHA256 of these bytes in hex, with or without "sha256=" before it. */
export function hasHmac(body: Buffer, header: unknown, secret: string): boolean {
	const [, hex] = /^(?:sha256=)?([0-9a-f]{64})$/i.exec(String(header).trim()) ?? [];
	if (hex === undefined || secret === '') return false;
	const expected = createHmac('sha256', secret).update(body).digest();
	return timingSafeEqual(Buffer.from(hex, 'hex'), expected);
}

/** Whether the header carries the secret itself. It takes the same time however much of a wrong one is right. */
export function isSecret(header: unknown, secret: string): boolean {
	if (typeof header !== 'string' || secret === '') return false;
	const digest = (text: string) => createHash('sha256').update(text).digest();
	return timingSafeEqual(digest(header.trim()), digest(secret));
}

/** Seconds; a signed time that is further away may be a recording's. */
const MAX_AGE_SECONDS = 300;

/**
 * Why the signed time does not count; undefined where it does.
 * @param header in seconds since the epoch
 */
export function timeProblem(header: unknown, now = Date.now()): string | undefined {
	const seconds = /^\d{1,12}$/.test(String(header)) ? Number(header) : Number.NaN;
	if (Number.isNaN(seconds)) return 'The time of the delivery cannot be read';
	const age = Math.round(now / 1000 - seconds);
	if (Math.abs(age) <= MAX_AGE_SECONDS) return undefined;
	const distance = `${Math.abs(age)} seconds ${age > 0 ? 'ago' : 'ahead'}`;
	return `By this computer's clock the delivery was signed ${distance}, and ${MAX_AGE_SECONDS} are allowed`;
}

/** Those of the headers that have no value, e.g. because a proxy has taken them out. */
export const missingHeaders = (headers: IDataObject, ...names: string[]): string[] =>
	names.filter((name) => headerText(headers, name) === '');

/** The text of a header; empty where it has none. */
export const headerText = (headers: IDataObject, name: string): string => {
	const { [name]: value } = headers;
	return typeof value === 'string' ? value : '';
};

export const lackingMessage = (names: readonly string[]): string =>
	`The delivery lacks ${names.join(', ')}`;

const STANDARD_HEADERS = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const;

/** Why the headers cannot prove a call, whatever the secret: https://www.standardwebhooks.com. Undefined where they can. */
export function standardHeadersProblem(headers: IDataObject, now?: number): string | undefined {
	const missing = missingHeaders(headers, ...STANDARD_HEADERS);
	if (missing.length > 0) return lackingMessage(missing);
	return timeProblem(headers['webhook-timestamp'], now);
}

/**
 * Whether one of the signatures is made with the secret.
 * @param secret base64, with or without "whsec_" before it
 */
export function hasStandardSignature(body: Buffer, headers: IDataObject, secret: string): boolean {
	const [id, timestamp, signatures] = STANDARD_HEADERS.map((name) => headerText(headers, name));
	const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
	if (key.length === 0) return false;
	const content = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
	const expected = createHmac('sha256', key).update(content).digest();
	return (signatures ?? '')
		.split(' ')
		.some((signature) => isStandardSignature(signature, expected));
}

/** One of several while a secret is renewed; "v1," stands before the base64. */
function isStandardSignature(signature: string, expected: Buffer): boolean {
	const [version, base64 = ''] = signature.split(',');
	const given = Buffer.from(base64, 'base64');
	return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected);
}
