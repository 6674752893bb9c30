import { z } from './vendor';

/** FastAPI's error body: text, or the fields that are wrong. */
export const detailSchema = z.union([
	z.string().min(1),
	z.array(z.object({ loc: z.array(z.union([z.string(), z.number()])), msg: z.string() })).min(1),
]);

type Detail = z.infer<typeof detailSchema>;

/** One line of it, each field by the label it has in the editor. */
export const detailWords = (detail: Detail, labels?: ReadonlyMap<string, string>): string =>
	typeof detail === 'string'
		? detail
		: detail.map(({ loc, msg }) => `${labelOf(String(loc.at(-1)), labels)}: ${msg}`).join('; ');

const labelOf = (field: string, labels?: ReadonlyMap<string, string>) =>
	labels?.get(field) ?? field;
