import type { ReferenceImage } from '../images';
import { decode } from '../images/references';
import type { Size } from '../prices';
import { readReference, type BflInput, type Family } from './family';
import { valueError } from './problems';

/** FLUX 3 Image: a ratio and a resolution instead of sides, and one list of reference images. */

interface Flux3Input extends BflInput {
	images?: string | string[] | null;
	aspect_ratio?: string | null;
	resolution?: string | null;
}

/** The side of a square image in pixels. */
const SIDES: Readonly<Record<string, number>> = {
	'768sq': 768,
	'1k': 1024,
	'1.5k': 1536,
	'2k': 2048,
	'4k': 4096,
};
/** Without a resolution BFL chooses; which one is not documented. */
const DEFAULT_RESOLUTION = '1k';
const SIDE_STEP = 16;

const MIN_REFERENCE_SIDE = 256;
const MAX_REFERENCE_PIXELS = 16 * 1024 * 1024;
const MAX_REFERENCE_BYTES = 20 * 1024 * 1024;

export const flux3: Family = {
	referenceFields: /^images$/,
	format: 'png',
	readReferences: async ({ images }: Flux3Input) =>
		await Promise.all([images ?? []].flat().map(readImage)),
	toSize,
};

async function readImage(image: string): Promise<ReferenceImage> {
	const reference = await readReference('images', image);
	const { bytes } = reference;
	if (!bytes) return reference;
	const { width, height } = await decode(bytes);
	const isTooSmall = Math.min(width, height) < MIN_REFERENCE_SIDE;
	if (isTooSmall) throw valueError('images must be at least 256 by 256 pixels', 'images');
	if (width * height > MAX_REFERENCE_PIXELS || bytes.length > MAX_REFERENCE_BYTES) {
		throw valueError('images must have at most 16 megapixels and 20 MB', 'images');
	}
	return reference;
}

async function toSize(
	{ aspect_ratio: ratio, resolution }: Flux3Input,
	references: readonly ReferenceImage[],
): Promise<Size> {
	const side = SIDES[resolution ?? DEFAULT_RESOLUTION]!;
	const [width, height] =
		ratio && ratio !== 'auto' ? ratio.split(':').map(Number) : await ratioOf(references[0]);
	const factor = Math.sqrt(width! / height!);
	return { width: toSide(side * factor), height: toSide(side / factor) };
}

/** The automatic ratio is that of the first reference. */
async function ratioOf(reference: ReferenceImage | undefined): Promise<[number, number]> {
	if (!reference?.bytes) return [1, 1];
	const { width, height } = await decode(reference.bytes);
	return [width, height];
}

const toSide = (pixels: number) => Math.round(pixels / SIDE_STEP) * SIDE_STEP;
