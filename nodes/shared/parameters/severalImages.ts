import type { ImageRequest } from './imageRequest';
import type { Model } from './model';
import { numberOfImages } from './options';
import type { ParameterReader } from './reader';

/** Each image has a seed of its own: that of the item, and the next ones. */
export function checkSeeds(
	reader: ParameterReader,
	{ body: { seed }, settings }: Pick<ImageRequest, 'body' | 'settings'>,
): void {
	const first = Number(seed ?? 0);
	const last = first + (settings.getOrDefault(numberOfImages) - 1);
	if (Number.isSafeInteger(last)) return;
	reader.addProblem('Seed', `${first} leaves no seeds for so many images`);
}

/**
 * The requests that make an item's images. One request makes several where the provider can, and where no seed is set:
 * what seeds it gives them is nowhere documented.
 */
export function splitRequest<M extends Model>(request: ImageRequest<M>): Array<ImageRequest<M>> {
	const { model, body, settings } = request;
	const of = settings.getOrDefault(numberOfImages);
	const { seed } = body;
	const { wireName = '', max = 1 } = seed === undefined ? (model.imagesPerRequest ?? {}) : {};
	return Array.from({ length: Math.ceil(of / max) }, (_, index) => {
		const offset = index * max;
		const count = Math.min(max, of - offset);
		return {
			...request,
			numbers: { first: offset + 1, of },
			body: {
				...body,
				...(seed !== undefined && { seed: Number(seed) + offset }),
				...(count > 1 && { [wireName]: count }),
			},
		};
	});
}
