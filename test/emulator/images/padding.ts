import { crc32 } from 'node:zlib';

/** Length, name and checksum of a PNG's chunk. */
const FRAME_BYTES = 12;
/** The case of its letters means: not needed to show the image, private, may be copied. */
const NAME = 'paDd';

/**
 * The same image in a larger file: it has one more chunk, which every reader skips, before its end.
 * @throws Error when it is no PNG, or already larger
 */
export function padPng(png: Buffer, bytes: number): Buffer {
	const end = png.length - FRAME_BYTES;
	if (end < 0 || png.toString('latin1', end + 4, end + 8) !== 'IEND')
		throw new Error('only a PNG can be padded');
	const room = bytes - png.length - FRAME_BYTES;
	if (room < 0) throw new Error(`the image is larger than ${bytes} bytes by itself`);
	const chunk = Buffer.alloc(FRAME_BYTES + room);
	chunk.writeUInt32BE(room, 0);
	chunk.write(NAME, 4, 'latin1');
	chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + room)), 8 + room);
	return Buffer.concat([png.subarray(0, end), chunk, png.subarray(end)]);
}
