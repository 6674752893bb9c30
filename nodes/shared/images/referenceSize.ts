import { invalidInput } from '../core/errors';
import type { ReadClient } from '../http/types';
import type { ImageRequest } from '../parameters/imageRequest';
import { bodyLikeReference } from '../parameters/readSize';
import type { Size } from '../parameters/size';
import type { ImageInfo } from './format';
import { readFirstReference } from './references';

/**
 * The request with the size of its first reference image, where that is what was asked for.
 * @throws Flux2Error `invalidInput` where the image cannot be read, or the model makes none of its proportions
 */
export async function withReferenceSize(
	client: Pick<ReadClient, 'context' | 'baseUrl'>,
	request: ImageRequest,
	signal: AbortSignal,
): Promise<ImageRequest> {
	const { model, likeReference, references } = request;
	const [reference] = references;
	if (!likeReference || !reference) return request;
	const size = toShownSize(await readFirstReference(client, reference, signal));
	const body = bodyLikeReference(size, model, likeReference);
	if (body) return { ...request, body: { ...request.body, ...body } };
	throw invalidInput([
		`Size: the reference image is ${size.width} × ${size.height} pixels, and ${model.name} makes no image of these proportions; choose a ratio, or Custom`,
	]);
}

/** An image with one of the orientations from 5 to 8 is shown lying on its side. */
const toShownSize = ({ width, height, orientation = 1 }: ImageInfo): Size =>
	orientation >= 5 ? { width: height, height: width } : { width, height };
