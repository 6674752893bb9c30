import { isObject } from '../core/json';
import type { ImageRequest } from './imageRequest';
import { customBody, numberOfImages } from './options';
import type { PriceFacts } from './price';
import type { Size } from './size';

/** What "Custom Body" may change without a doubt about the price. */
const HARMLESS_FIELDS = ['model', 'prompt'];

/**
 * What the price of a request depends on, with "Custom Body" as the provider will see it.
 * @param references the size of each reference image; undefined where it is not known
 * @returns undefined where "Custom Body" names another model
 */
export function readPriceFacts(
	{ model, body, settings, numbers }: ImageRequest,
	references: ReadonlyArray<Size | undefined>,
): PriceFacts | undefined {
	const custom = leavesOf(settings.get(customBody) ?? {});
	const fields = fieldsOf({ body, settings });
	const countOf = (name: string) => toCount(fields.get(name));
	if ((fields.get('model') ?? model.id) !== model.id) return undefined;
	const kept = model.keepsSize ? references[0] : undefined;
	const known = [...HARMLESS_FIELDS, ...model.parameters.map(({ wireName }) => wireName)];
	return {
		width: countOf('width') ?? kept?.width,
		height: countOf('height') ?? kept?.height,
		steps: countOf('steps'),
		references,
		images: imagesOf({ body, settings, numbers }),
		hasUnknownFields: custom.some(([name]) => !known.includes(name)),
	};
}

/** The wire names of *Number of Images*. */
const COUNT_FIELDS = ['n', 'num_generations', 'num_images'];

/** How many images a request makes; all of the item's before they are divided among requests. */
export function imagesOf(request: RequestFields): number {
	const fields = fieldsOf(request);
	const perRequest = Math.max(1, ...COUNT_FIELDS.map((name) => toCount(fields.get(name)) ?? 1));
	return request.numbers ? perRequest : perRequest * request.settings.getOrDefault(numberOfImages);
}

type RequestFields = Pick<ImageRequest, 'body' | 'settings' | 'numbers'>;

const fieldsOf = ({ body, settings }: Omit<RequestFields, 'numbers'>): Map<string, unknown> =>
	new Map([...Object.entries(body), ...leavesOf(settings.get(customBody) ?? {})]);

/** The values at the ends of a JSON tree by their own key: each provider has the parameters at another depth. */
function leavesOf(value: unknown, name = ''): Array<[name: string, value: unknown]> {
	if (Array.isArray(value)) return value.flatMap((entry) => leavesOf(entry, name));
	if (!isObject(value)) return [[name, value]];
	return Object.entries(value).flatMap(([key, entry]) => leavesOf(entry, key));
}

/** Undefined for what is unset or no count. */
const toCount = (value: unknown): number | undefined => {
	const count = Number(value);
	return Number.isFinite(count) && count > 0 ? count : undefined;
};
