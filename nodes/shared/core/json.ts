import type { IDataObject } from 'n8n-workflow';
import { z } from './vendor';

/** The bytes as JSON, with or without a byte order mark; undefined when they are none. */
export function parseJson(bytes: Buffer | string): unknown {
	try {
		return JSON.parse(bytes.toString().replace(/^\ufeff/, ''));
	} catch {
		return undefined;
	}
}

/** Objects are merged key by key, lists of objects entry by entry; everything else is replaced. */
export function mergeJson(base: unknown, extra: unknown): unknown {
	if (isObject(base) && isObject(extra)) {
		const merged = Object.entries(extra).map(([key, value]) => [key, mergeJson(base[key], value)]);
		return { ...base, ...Object.fromEntries(merged) };
	}
	if (isListOfObjects(base) && isListOfObjects(extra)) {
		return Array.from({ length: Math.max(base.length, extra.length) }, (_entry, index) =>
			index < extra.length ? mergeJson(base[index], extra[index]) : base[index],
		);
	}
	return extra;
}

/** A response as `raw` shows it: without an image's bytes, which stand in fields of that name. */
export const hideBase64 = (response: unknown, field: string): unknown =>
	JSON.parse(
		JSON.stringify(response ?? null, (key, value: unknown) =>
			key === field && typeof value === 'string' && !/^https?:/i.test(value) ? '(base64)' : value,
		),
	);

/** Without the keys whose value is unknown: an output item never says null. */
export const omitUndefined = (values: Record<string, unknown>): IDataObject =>
	Object.fromEntries(
		Object.entries(values).filter(([, value]) => value !== undefined),
	) as IDataObject;

/** A JSON object of any content. A function, because zod is loaded with the first execution. */
export const jsonObjectSchema = (): z.ZodType<IDataObject> =>
	z.custom<IDataObject>(isObject, 'must be a JSON object');

export const isObject = (value: unknown): value is Record<string, unknown> =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

const isListOfObjects = (value: unknown): value is unknown[] =>
	Array.isArray(value) && value.every(isObject);
