import { readChunk } from '../http/download';
import type { DownloadStream } from '../http/types';
import { readImageInfo, type ImageInfo } from './format';

/** A header larger than this (embedded colour profiles and thumbnails) is not an image's. */
const MAX_HEADER_BYTES = 1024 * 1024;

/**
 * Reads a stream until the image's header is known.
 * @returns the bytes that were read, and what they say; nothing where they are the header of no image
 */
export async function readImageHeader(
	stream: DownloadStream,
): Promise<{ head: Buffer; info?: ImageInfo }> {
	let head: Buffer = Buffer.alloc(0);
	while (head.length < MAX_HEADER_BYTES) {
		const chunk = await readChunk(stream);
		if (chunk === null) break;
		head = Buffer.concat([head, chunk]);
		const info = readImageInfo(head);
		if (info) return { head, info };
	}
	return { head };
}
