import type { IDataObject } from 'n8n-workflow';
import { given, type Settings } from './model';
import { customBody } from './options';
import { toBase64, type LoadedReference } from '../images/references';

/** The wire name of the nth reference image where each has a field of its own. */
export const imageField = (index: number) =>
	index === 0 ? 'input_image' : `input_image_${index + 1}`;

/** The reference images as such fields, in base64 or as URLs. */
export const imageFields = (references: readonly LoadedReference[]): IDataObject =>
	Object.fromEntries(
		references.map((reference, index) => [imageField(index), toBase64(reference)]),
	);

/** The request with "Custom Body" merged in last. */
export const withCustomBody = (body: IDataObject, settings: Settings): IDataObject =>
	merge(body, given(settings, customBody) ?? {}) as IDataObject;

/** An answer as `raw` shows it: without a picture's bytes, which stand in fields of that name. */
export const withoutBytes = (answer: unknown, field: string): unknown =>
	JSON.parse(
		JSON.stringify(answer ?? null, (key, value: unknown) =>
			key === field && typeof value === 'string' && !/^https?:/i.test(value) ? '(base64)' : value,
		),
	);

/** Objects are merged key by key, lists of objects entry by entry; everything else is replaced. */
function merge(base: unknown, extra: unknown): unknown {
	if (isObject(base) && isObject(extra)) {
		const merged = Object.entries(extra).map(([key, value]) => [key, merge(base[key], value)]);
		return { ...base, ...Object.fromEntries(merged) };
	}
	if (isListOfObjects(base) && isListOfObjects(extra)) {
		return Array.from({ length: Math.max(base.length, extra.length) }, (_entry, index) =>
			index < extra.length ? merge(base[index], extra[index]) : base[index],
		);
	}
	return extra;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

const isListOfObjects = (value: unknown): value is unknown[] =>
	Array.isArray(value) && value.every(isObject);
