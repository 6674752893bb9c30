import type { ApiResponse } from '../shared/http/types';
import { optionalAmountSchema } from '../shared/http/schemas';
import { roundUsd } from '../shared/parameters/price';
import type { Price, Task } from '../shared/tasks/protocol';
import { models } from './models';

/** What fal has counted for a request: a decimal number, in the header of its result. */
const UNITS_HEADER = 'x-fal-billable-units';

/**
 * The counted units at the list price. fal's bill is not in its API's responses, so that it stays an estimate; only
 * what has no units costs nothing for certain.
 */
export function readPrice({ data = {} }: Task, { headers }: ApiResponse): Price | undefined {
	const units = optionalAmountSchema.parse(headers[UNITS_HEADER]);
	if (units === 0) return { cost: { amount: 0, currency: 'USD' } };
	const unitPrice = unitPriceOf(data.endpoint);
	if (units === undefined || unitPrice === undefined) return undefined;
	const amount = roundUsd(units * unitPrice);
	return { cost: { amount, currency: 'USD', estimated: true } };
}

/** Undefined where the first unit costs more than the others: what a unit is there is not documented. */
function unitPriceOf(endpoint: unknown): number | undefined {
	const model = models.find(({ id, editEndpoint }) =>
		[id, editEndpoint].includes(String(endpoint)),
	);
	if (!model?.price) return undefined;
	const isEdit = endpoint === model.editEndpoint;
	const { first, further, reference } = { ...model.price, ...(isEdit && model.price.edit) };
	return first === further && (!isEdit || first === reference) ? first : undefined;
}
