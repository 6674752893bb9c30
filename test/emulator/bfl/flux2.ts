import type { Size } from '../prices';
import { readReference, type BflInput, type Family } from './family';
import { validationError, valueError } from './problems';

/** FLUX.2: sides are multiples of 16, and an image has at most 4 megapixels. */

const MAX_PIXELS = 4 * 1024 * 1024;
/** In pixels. Without a size BFL chooses; here it is a square. */
const DEFAULT_SIDE = 1024;
const REFERENCE_FIELDS = /^input_image(_\d)?$/;

export const flux2: Family = {
	referenceFields: REFERENCE_FIELDS,
	format: 'jpeg',
	readReferences: async (input) =>
		await Promise.all(
			Object.entries(input)
				.filter(([name, image]) => REFERENCE_FIELDS.test(name) && image !== null)
				.map(([name, image]) => readReference(name, image as string)),
		),
	toSize,
};

type Sides = BflInput & Partial<Record<keyof Size, number | null>>;

function toSize({ width, height }: Sides): Size {
	const invalid = Object.entries({ width, height }).filter(([, side]) => (side ?? 0) % 16 !== 0);
	if (invalid.length > 0) {
		const msg = 'Input should be a multiple of 16';
		throw validationError(
			...invalid.map(([name]) => ({ loc: ['body', name], msg, type: 'multiple_of' })),
		);
	}
	const size = { width: width ?? DEFAULT_SIDE, height: height ?? DEFAULT_SIDE };
	if (size.width * size.height > MAX_PIXELS) {
		throw valueError('the image must have at most 4 megapixels');
	}
	return size;
}
