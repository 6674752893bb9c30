import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

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
