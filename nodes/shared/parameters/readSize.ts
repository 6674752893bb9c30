import type { IDataObject } from 'n8n-workflow';
import type { Param } from './param';
import type { ParameterReader } from './reader';
import {
	DEFAULT_MEGAPIXELS,
	isRatio,
	nearestRatio,
	proportionOf,
	resolutionWithin,
	sizeLike,
	sizeOfRatio,
	type Size,
	type Sizes,
} from './size';
import { LIKE_REFERENCE } from './sizeParameters';

/** What a custom size is made of, by the parameters' own names. */
const CUSTOM_NAMES = ['width', 'height', 'aspectRatio', 'resolution'];

/** What is to be as large as the first reference image. */
export interface LikeReference {
	/** Unset where the reference's own size is wanted. */
	readonly megapixels?: number;
}

interface SizedModel {
	readonly name: string;
	readonly sizes?: Sizes;
	readonly parameters: readonly Param[];
}

/** The values with the fields that the provider knows, in place of a size that is none of its own. */
export function withSize(
	reader: ParameterReader,
	values: ReadonlyMap<string, unknown>,
	model: SizedModel,
): ReadonlyMap<string, unknown> {
	const size = values.get('size') ?? 'automatic';
	if (!model.sizes) return values;
	if (size === 'custom') return without(values, ['megapixels']);
	const others = without(values, CUSTOM_NAMES);
	const wanted = megapixelsIn(values, model);
	if (size === LIKE_REFERENCE) return withFields(others, fieldsLikeReference(model.sizes, wanted));
	if (!isRatio(size)) return without(others, ['megapixels']);
	const fields = fieldsOfRatio(proportionOf(size), model.sizes, wanted ?? DEFAULT_MEGAPIXELS);
	if (!fields) {
		reader.addProblem('Size', `${model.name} makes no image of ${size} with so few megapixels`);
	}
	return withFields(others, fields);
}

export const needsReference = (values: ReadonlyMap<string, unknown>): boolean =>
	values.get('size') === LIKE_REFERENCE;

/** What only the reference image itself can say; undefined where the provider knows a word for it. */
export function readLikeReference(
	values: ReadonlyMap<string, unknown>,
	model: SizedModel,
): LikeReference | undefined {
	const { sizes } = model;
	if (!needsReference(values) || !sizes) return undefined;
	if ('ratios' in sizes && sizes.likeReference) return undefined;
	return { megapixels: megapixelsIn(values, model) };
}

/** By the parameters' wire names, what makes an image as large as this one; undefined where the limits allow none. */
export function bodyLikeReference(
	reference: Size,
	{ sizes, parameters }: SizedModel,
	{ megapixels }: LikeReference,
): IDataObject | undefined {
	if (!sizes) return undefined;
	const fields =
		'ratios' in sizes
			? { aspectRatio: nearestRatio(reference.width / reference.height, sizes) }
			: sizeLike(reference, sizes, megapixels);
	if (!fields) return undefined;
	const named = parameters.filter(({ property }) => property.name in fields);
	return Object.fromEntries(
		named.map(({ wireName, property }) => [
			wireName,
			(fields as Record<string, string | number>)[property.name],
		]),
	);
}

/** What can be said without looking at the reference image. */
const fieldsLikeReference = (sizes: Sizes, wanted: number | undefined) =>
	'ratios' in sizes
		? {
				aspectRatio: sizes.likeReference,
				resolution: wanted && resolutionWithin(sizes, wanted),
			}
		: undefined;

const fieldsOfRatio = (proportion: number, sizes: Sizes, wanted: number) =>
	'ratios' in sizes
		? {
				aspectRatio: nearestRatio(proportion, sizes),
				resolution: resolutionWithin(sizes, wanted),
			}
		: sizeOfRatio(proportion, sizes, wanted);

const withFields = (values: ReadonlyMap<string, unknown>, fields: object = {}) =>
	new Map([...values, ...Object.entries(fields).filter(([, value]) => value !== undefined)]);

const without = (values: ReadonlyMap<string, unknown>, names: readonly string[]) =>
	new Map([...values].filter(([name]) => !names.includes(name)));

/** Undefined where it is unset, and where it is wrong, which is reported with the other parameters. */
function megapixelsIn(
	values: ReadonlyMap<string, unknown>,
	{ parameters }: SizedModel,
): number | undefined {
	const param = parameters.find(({ property }) => property.name === 'megapixels');
	return param?.schema().safeParse(values.get('megapixels')).data as number | undefined;
}
