import { z } from '../core/vendor';

/** FastAPI's error body: text, or the fields that are wrong. */
export const fastApiDetailSchema = z.union([
	z.string().min(1),
	z.array(z.object({ loc: z.array(z.union([z.string(), z.number()])), msg: z.string() })).min(1),
]);

type Detail = z.infer<typeof fastApiDetailSchema>;

/** One line of it, each field by the label it has in the editor. */
export const formatFastApiDetail = (
	detail: Detail,
	labels?: ReadonlyMap<string, string>,
): string =>
	typeof detail === 'string'
		? detail
		: detail.map(({ loc, msg }) => `${labelOf(String(loc.at(-1)), labels)}: ${msg}`).join('; ');

const labelOf = (field: string, labels?: ReadonlyMap<string, string>) =>
	labels?.get(field) ?? field;
