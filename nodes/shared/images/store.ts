import type { IBinaryData, IExecuteFunctions } from 'n8n-workflow';
import { abortable, withTimeout } from '../core/async';
import { Flux2Error } from '../core/errors';
import {
	download,
	streamFrom,
	trackIdleTime,
	type Download,
	type DownloadContext,
} from '../http/download';
import type { DownloadStream } from '../http/types';
import { CompletenessCheck, readImageInfo, type ImageInfo } from './format';
import { readImageHeader } from './header';

/** Where a provider has put an image. Text in both cases, so that it can be saved until it is stored. */
export type ImageSource = { url: string } | { base64: string };

/** Where an image goes. An execution and a webhook both have these helpers. */
export interface ImageTarget extends DownloadContext {
	readonly helpers: Pick<IExecuteFunctions['helpers'], 'httpRequest' | 'prepareBinaryData'>;
	/** Milliseconds since the epoch. */
	readonly deadline: number;
}

export interface StoredImage extends ImageInfo {
	binary: IBinaryData;
	/** Bytes. */
	fileSize: number;
}

/** What a download gets that begins at the deadline. */
const MIN_DOWNLOAD_MS = 2000;
const MAX_SHOWN_BYTES = 80;
const UNUSABLE = 'The provider has made the image, but what arrived cannot be used.';

/**
 * Puts an image into n8n's binary store. A download streams from the socket, checked for its end.
 * @param fileName without its extension, which follows the image's type
 * @throws Flux2Error `expired`, `badResponse` (no complete image), `timeout`, `unavailable`
 */
export async function storeImage(
	target: ImageTarget,
	image: ImageSource,
	fileName: string,
): Promise<StoredImage> {
	if ('base64' in image)
		return await storeBytes(target, Buffer.from(image.base64, 'base64'), fileName);
	return await withTimeout(
		Math.max(MIN_DOWNLOAD_MS, target.deadline - Date.now()),
		target.signal,
		async (signal) =>
			await download({ ...target, signal }, image.url, async (file) => {
				return await storeStream(target, file, fileName);
			}),
		() => {
			throw new Flux2Error('timeout', 'The image was ready, but its download took too long');
		},
	);
}

async function storeBytes(
	target: ImageTarget,
	bytes: Buffer,
	fileName: string,
): Promise<StoredImage> {
	const info = readImageInfo(bytes);
	if (!info) throw notAnImageError(bytes);
	const completeness = new CompletenessCheck(info.mimeType);
	completeness.add(bytes);
	if (!completeness.isComplete) throw truncatedError(completeness.fileSize);
	const binary = await storeBinary(target, bytes, fileName, info);
	return { ...info, binary, fileSize: bytes.length };
}

/** Type and size come from the first bytes; the rest passes through. */
async function storeStream(
	target: ImageTarget,
	{ stream, timer, signal }: Download,
	fileName: string,
): Promise<StoredImage> {
	const info = await abortable(readHeader(stream), signal);
	// from here on n8n's store asks for bytes
	timer.waitingSince = undefined;
	const completeness = new CompletenessCheck(info.mimeType);
	const checked = streamFrom(stream, async function* () {
		for await (const chunk of trackIdleTime(stream, timer)) {
			completeness.add(chunk);
			yield chunk;
		}
		if (!completeness.isComplete) throw truncatedError(completeness.fileSize);
	});
	const binary = await storeBinary(target, checked, fileName, info);
	return { ...info, binary, fileSize: completeness.fileSize };
}

const storeBinary = async (
	{ helpers }: ImageTarget,
	content: Buffer | DownloadStream,
	fileName: string,
	{ extension, mimeType }: ImageInfo,
): Promise<IBinaryData> =>
	await helpers.prepareBinaryData(content, `${fileName}.${extension}`, mimeType);

/** Reads until the header is known and puts the bytes back. */
async function readHeader(stream: DownloadStream): Promise<ImageInfo> {
	const { head, info } = await readImageHeader(stream);
	if (!info) throw notAnImageError(head);
	stream.unshift(head);
	return info;
}

function notAnImageError(bytes: Buffer): Flux2Error {
	const beginning = bytes
		.toString('utf8', 0, MAX_SHOWN_BYTES)
		.replace(/[^\x20-\x7e]+/g, ' ')
		.trim();
	return new Flux2Error(
		'badResponse',
		bytes.length === 0
			? 'The result is empty instead of an image'
			: `The result is not a PNG, JPEG or WebP image; it begins with "${beginning}"`,
		{ description: UNUSABLE, transient: true },
	);
}

const truncatedError = (fileSize: number) =>
	new Flux2Error('badResponse', `The image is truncated after ${fileSize} bytes`, {
		description: UNUSABLE,
		transient: true,
	});
