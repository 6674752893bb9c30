import { imageSize } from '../core/vendor';

export interface ImageInfo {
	mimeType: string;
	extension: string;
	/** Pixels. */
	width: number;
	height: number;
}

const knownTypes: Record<string, Pick<ImageInfo, 'mimeType' | 'extension'>> = {
	png: { mimeType: 'image/png', extension: 'png' },
	jpg: { mimeType: 'image/jpeg', extension: 'jpg' },
	webp: { mimeType: 'image/webp', extension: 'webp' },
};

/** The last chunk's name and its checksum. */
const PNG_END = Buffer.from('IEND\xae\x42\x60\x82', 'latin1');
const JPEG_END = Buffer.from([0xff, 0xd9]);
/** Bytes kept from the end: some encoders pad behind the end marker. */
const TAIL_BYTES = 64;

/** The longest header with a size at a fixed place, WebP's, is 30 bytes; read from less, the size would be wrong. */
const HEADER_BYTES = 30;

/** Type and size out of a picture's own header; undefined when the bytes are no PNG, JPEG or WebP (yet). */
export function readImageInfo(bytes: Uint8Array): ImageInfo | undefined {
	if (bytes.length < HEADER_BYTES) return undefined;
	try {
		const { type, width, height } = imageSize(bytes);
		const known = knownTypes[type ?? ''];
		return known && { ...known, width, height };
	} catch {
		return undefined;
	}
}

/** Follows a picture's bytes as they pass and tells at the end whether it is whole. */
export function trackCompleteness(mimeType: string) {
	let fileSize = 0;
	let head = Buffer.alloc(0);
	let tail = Buffer.alloc(0);
	return {
		add(chunk: Buffer) {
			fileSize += chunk.length;
			if (head.length < 8) head = Buffer.concat([head, chunk.subarray(0, 8)]);
			tail = Buffer.concat([tail, chunk.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
		},
		get fileSize() {
			return fileSize;
		},
		/** PNG with IEND, JPEG with EOI, RIFF as long as it says. */
		get isWhole() {
			if (mimeType === 'image/png') return tail.includes(PNG_END);
			if (mimeType === 'image/jpeg') return tail.includes(JPEG_END);
			return head.length >= 8 && fileSize >= head.readUInt32LE(4) + 8;
		},
	};
}
