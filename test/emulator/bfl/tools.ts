import type { ImageFormat, ReferenceImage } from '../images';
import type { Size } from '../prices';
import { readReference, type BflInput, type Family } from './family';
import { validationError, valueError } from './problems';

/** The tools: named images instead of a list of references. What is behind a foreign URL is not measured. */

const ONE_MEGAPIXEL: Size = { width: 1024, height: 1024 };
const MAX_PIXELS = 4 * 1024 * 1024;
const MIN_ERASE_SIDE = 256;

interface CanvasInput extends BflInput, Size {
	reference_offset_x?: number | null;
	reference_offset_y?: number | null;
	auto_crop?: boolean;
}

/** @param fields with images, in the order in which `toSize` takes them */
const tool = (
	fields: readonly string[],
	format: ImageFormat,
	toSize: Family['toSize'],
): Family => ({
	referenceFields: new RegExp(`^(${fields.join('|')})$`),
	format,
	readReferences: async (input) =>
		await Promise.all(fields.map((name) => readReference(name, input[name] as string))),
	toSize,
});

const sizeOf = (image: ReferenceImage | undefined): Size | undefined =>
	image?.bytes ? { width: image.width, height: image.height } : undefined;

const pixelsOf = ({ width, height }: Size) => width * height;

function toErasedSize(_input: BflInput, [image, mask]: readonly ReferenceImage[]): Size {
	const [size, other] = [sizeOf(image), sizeOf(mask)];
	if (size && Math.min(size.width, size.height) < MIN_ERASE_SIDE) {
		throw valueError('image must be at least 256 by 256 pixels', 'image');
	}
	if (size && other && (size.width !== other.width || size.height !== other.height)) {
		throw valueError('mask must have the same size as image', 'mask');
	}
	return size ?? other ?? ONE_MEGAPIXEL;
}

function toDeblurredSize(_input: BflInput, [image]: readonly ReferenceImage[]): Size {
	const size = sizeOf(image) ?? ONE_MEGAPIXEL;
	if (pixelsOf(size) > MAX_PIXELS) {
		throw valueError('image must have at most 4 megapixels', 'image');
	}
	return size;
}

function toCanvas(input: BflInput, [image]: readonly ReferenceImage[]): Size {
	const { width, height, ...others } = input as CanvasInput;
	const { reference_offset_x: x, reference_offset_y: y, auto_crop: isCropped } = others;
	if (width * height > MAX_PIXELS) {
		throw valueError('the canvas must have at most 4194304 pixels');
	}
	const size = sizeOf(image);
	const isInside = !size || (isWithin(size.width, width, x) && isWithin(size.height, height, y));
	if (!isInside && !isCropped) throw valueError('the image extends beyond the canvas');
	return { width, height };
}

/** Centred where no offset is given. */
function isWithin(side: number, canvas: number, offset: number | null | undefined): boolean {
	const start = offset ?? (canvas - side) / 2;
	return start >= 0 && start + side <= canvas;
}

function toDressedSize({ prompt }: BflInput, [person]: readonly ReferenceImage[]): Size {
	if (prompt === '') {
		const msg = 'String should have at least 1 character';
		throw validationError({ loc: ['body', 'prompt'], msg, type: 'string_too_short' });
	}
	const size = sizeOf(person) ?? ONE_MEGAPIXEL;
	return pixelsOf(size) > MAX_PIXELS ? ONE_MEGAPIXEL : size;
}

/** By the path below the version. */
export const TOOLS: ReadonlyMap<string, Family> = new Map([
	['flux-tools/erase-v1', tool(['image', 'mask'], 'png', toErasedSize)],
	['flux-tools/outpainting-v1', tool(['input_image'], 'png', toCanvas)],
	['flux-tools/deblur-v1', tool(['image'], 'png', toDeblurredSize)],
	['flux-tools/vto-v2', tool(['person', 'garment'], 'jpeg', toDressedSize)],
]);
