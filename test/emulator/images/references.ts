import sharp from 'sharp';
import type { ReferenceImage } from './index';

/** A reference that cannot be used; the message is the reason. */
export class BadReference extends Error {}

export interface DecodedImage {
	bytes: Buffer;
	width: number;
	height: number;
	format: string;
}

/** Decodes an image to the last byte: a truncated one is refused. */
export async function decode(bytes: Buffer): Promise<DecodedImage> {
	try {
		const image = sharp(bytes);
		const { width, height, format } = await image.metadata();
		await image.resize(8, 8, { fit: 'fill' }).raw().toBuffer();
		return { bytes, width, height, format };
	} catch {
		throw new BadReference('is not an image that can be decoded');
	}
}

/** `data:image/…;base64,…`, as the catalogue's schema demands. */
export async function readDataUri(uri: string): Promise<DecodedImage> {
	const comma = uri.indexOf(',');
	const [, declared] = /^data:image\/([a-z+.-]+);base64$/.exec(uri.slice(0, comma)) ?? [];
	if (declared === undefined) throw new BadReference('is not a data:image/...;base64,... URI');
	const image = await readBase64(uri.slice(comma + 1));
	if (declared !== image.format) {
		throw new BadReference(`declares image/${declared} and is image/${image.format}`);
	}
	return image;
}

export async function readBase64(text: string): Promise<DecodedImage> {
	const bytes = Buffer.from(text, 'base64');
	// Buffer skips what is not base64; a provider does not.
	if (bytes.toString('base64') !== text) throw new BadReference('is not base64');
	return decode(bytes);
}

/**
 * Fetches images from 127.0.0.1 only. For other hosts a label stands in, so that examples
 * with public URLs run without a network.
 */
export async function readUrl(url: string): Promise<ReferenceImage> {
	const { hostname, protocol } = parseUrl(url);
	if (protocol !== 'https:' && protocol !== 'http:') throw new BadReference('is not an https URL');
	if (hostname !== '127.0.0.1') return { label: hostname };
	const response = await fetch(url, { redirect: 'error' }).catch(() => undefined);
	if (!response?.ok)
		throw new BadReference(`could not be downloaded (${response?.status ?? 'no response'})`);
	return decode(Buffer.from(await response.arrayBuffer()));
}

function parseUrl(url: string): URL {
	try {
		return new URL(url);
	} catch {
		throw new BadReference('is not a URL');
	}
}

/** A URL or a data URI. */
export function readUri(uri: string): Promise<ReferenceImage> {
	return uri.startsWith('data:') ? readDataUri(uri) : readUrl(uri);
}

/** A URL, a data URI or plain base64. */
export function readAny(text: string): Promise<ReferenceImage> {
	return /^(data|https?):/.test(text) ? readUri(text) : readBase64(text);
}
