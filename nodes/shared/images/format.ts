import { imageSize } from '../core/vendor';

/** What an image's own header says. */
export interface ImageInfo {
	mimeType: string;
	extension: string;
	/** Pixels. */
	width: number;
	height: number;
	/** As EXIF counts it, where the header tells: from 5 on the image is shown lying on its side. */
	orientation?: number;
}

const knownTypes: Readonly<Record<string, Pick<ImageInfo, 'mimeType' | 'extension'>>> = {
	png: { mimeType: 'image/png', extension: 'png' },
	jpg: { mimeType: 'image/jpeg', extension: 'jpg' },
	webp: { mimeType: 'image/webp', extension: 'webp' },
};

/** The last chunk's name and its checksum. */
const PNG_END = Buffer.from('IEND\xae\x42\x60\x82', 'latin1');
const JPEG_END = Buffer.from([0xff, 0xd9]);
/** Some encoders pad behind the end marker. */
const TAIL_BYTES = 4096;
/** The longest header with a size at a fixed place, WebP's, is 30 bytes. Read from less, the size would be wrong. */
const MIN_HEADER_BYTES = 30;

/** Type and size from an image's own header; undefined when the bytes are no PNG, JPEG or WebP (yet). */
export function readImageInfo(bytes: Uint8Array): ImageInfo | undefined {
	if (bytes.length < MIN_HEADER_BYTES) return undefined;
	try {
		const { type = '', width, height, orientation } = imageSize(bytes);
		const known = Object.hasOwn(knownTypes, type) ? knownTypes[type] : undefined;
		return known && { ...known, width, height, ...(orientation && { orientation }) };
	} catch {
		return undefined;
	}
}

/** Follows an image's bytes as they pass, and says in the end whether the image is complete. */
export class CompletenessCheck {
	/** Bytes. */
	fileSize = 0;

	private head = Buffer.alloc(0);

	private tail = Buffer.alloc(0);

	constructor(private readonly mimeType: string) {}

	add(chunk: Buffer): void {
		this.fileSize += chunk.length;
		if (this.head.length < 8) this.head = Buffer.concat([this.head, chunk.subarray(0, 8)]);
		const joined = Buffer.concat([this.tail, chunk.subarray(-TAIL_BYTES)]);
		this.tail = joined.subarray(-TAIL_BYTES);
	}

	/** PNG with IEND, JPEG with EOI, RIFF as long as it says. */
	get isComplete(): boolean {
		if (this.mimeType === 'image/png') return this.tail.includes(PNG_END);
		if (this.mimeType === 'image/jpeg') return this.tail.includes(JPEG_END);
		return this.head.length >= 8 && this.fileSize >= this.head.readUInt32LE(4) + 8;
	}
}
