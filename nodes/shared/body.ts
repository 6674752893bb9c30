import type { IDataObject } from 'n8n-workflow';
import { given, type Settings } from './model';
import { customBody } from './options';

/** The request with "Custom Body" merged in last. */
export const withCustomBody = (body: IDataObject, settings: Settings): IDataObject =>
	merge(body, given(settings, customBody) ?? {}) as IDataObject;

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
