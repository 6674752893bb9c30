import type { Param } from './param';
import type { Priced } from './price';
import type { Sizes } from './size';

/** An image that a model needs, with the field that it has on the wire. */
export interface NamedImage {
	readonly wireName: string;
	/** Begins the names of its parameters. */
	readonly name: string;
	readonly label: string;
	readonly description: string;
	/** The input field that it is usually in. */
	readonly field: string;
}

/** One model of a provider. Everything about it stands in its record. */
export interface Model extends Priced {
	/** The provider's own ID. */
	readonly id: string;
	readonly name: string;
	readonly description: string;
	readonly parameters: readonly Param[];
	readonly maxReferences: number;
	/** The images that it needs, each in a field of its own; a list of reference images when left out. */
	readonly images?: readonly NamedImage[];
	/** Where it can do without a prompt: always, or when the user enters none. */
	readonly prompt?: 'none' | 'optional';
	/** Both sides of a reference image must be smaller than this, in pixels. */
	readonly referenceSidesBelow?: number;
	readonly sizes?: Sizes;
	/** Where one request can ask for several images: the field's wire name, and how many. */
	readonly imagesPerRequest?: { readonly wireName: string; readonly max: number };
	/** How long an image usually takes. The first polls go by it until the node has learnt better. */
	readonly typicalSeconds: number;
}

/** The value of the parameter Model where the user types an ID. */
export const CUSTOM_MODEL = 'custom';

/**
 * A model that is not on the list. It has the parameters of all models that it might be, and nothing is sent for it
 * that was not asked for: it may lack a parameter whose default is otherwise sent.
 * @param candidates the models of the custom model's route; at least one
 */
export function customModel(id: string, candidates: readonly Model[]): Model {
	const parameters = new Map<string, Param>();
	for (const param of candidates.flatMap((model) => model.parameters)) {
		if (parameters.has(param.wireName)) continue;
		parameters.set(param.wireName, { ...param, sendDefault: false });
	}
	const perRequest = candidates[0]?.imagesPerRequest;
	const sides = candidates.map(({ referenceSidesBelow = Infinity }) => referenceSidesBelow);
	return {
		id,
		name: id,
		description: '',
		parameters: [...parameters.values()],
		maxReferences: Math.max(...candidates.map(({ maxReferences }) => maxReferences)),
		referenceSidesBelow: Math.max(...sides),
		sizes: candidates[0]?.sizes,
		...(perRequest && { imagesPerRequest: perRequest }),
		typicalSeconds: Math.max(...candidates.map(({ typicalSeconds }) => typicalSeconds)),
	};
}

/** The label of every parameter by its wire name: providers complain about fields by their own names. */
export const labelsOf = (models: readonly Model[]): Map<string, string> =>
	new Map(
		models.flatMap(({ parameters }) =>
			parameters.map(({ wireName, property }) => [wireName, property.displayName] as const),
		),
	);

/**
 * A model ID as part of a path. Its own slashes and the at sign stay.
 * Whatever could leave the path, `isPathSafe` has refused before.
 */
export const encodeModelId = (id: string): string =>
	encodeURI(id).replace(/[?#]/g, (letter) => encodeURIComponent(letter));

/** What is said about an ID that `isPathSafe` refuses. */
export const UNSAFE_ID = 'must not have empty or dot segments, backslashes or control characters';

/** False for an ID that would change the path it is put into: dot segments, backslashes, control characters. */
export const isPathSafe = (id: string): boolean =>
	!/[\\\p{Cc}\p{Cs}]/u.test(id) && id.split('/').every((part) => !['', '.', '..'].includes(part));
