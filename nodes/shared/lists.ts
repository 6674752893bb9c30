import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { invalidInput } from './errors';
import { json, LOOK_TIMEOUT_MS } from './http';
import { FILTERS, readCollection } from './model';
import { compact } from './output';
import type { Param } from './params';
import type { Operation, Run, Work } from './run';
import type { z } from './vendor';

/** One list of a provider: where it is, how its rows are read and told. */
export interface List {
	readonly path: string;
	/** Sent with every request. */
	readonly query?: Record<string, string>;
	readonly filters: readonly Param[];
	readonly schema: z.ZodType<IDataObject[], z.ZodTypeDef, unknown>;
	/** A row with the fields that matter; the whole row with Simplify off. */
	simplify(row: IDataObject): Record<string, unknown>;
}

function readLimit(context: IExecuteFunctions, itemIndex: number): number {
	const limit = Number(context.getNodeParameter('limit', itemIndex));
	if (Number.isInteger(limit) && limit > 0) return limit;
	throw invalidInput(['Limit: must be a whole number of at least 1']);
}

/** Get Many: one item per row. */
export const getMany =
	(list: List): Operation =>
	(run: Run, itemIndex: number): Work => {
		const { context } = run;
		const { body: filters } = readCollection(context, itemIndex, list.filters, FILTERS);
		const returnAll = context.getNodeParameter('returnAll', itemIndex, false) === true;
		const limit = returnAll ? undefined : readLimit(context, itemIndex);
		const simple = context.getNodeParameter('simplify', itemIndex, true) !== false;
		const query = new URLSearchParams({ ...list.query, ...(filters as Record<string, string>) });
		return {
			async start() {
				const { value: rows } = await json(run.api, {
					method: 'GET',
					url: query.size > 0 ? `${list.path}?${query.toString()}` : list.path,
					schema: list.schema,
					repeat: 'look',
					timeoutMs: LOOK_TIMEOUT_MS,
				});
				return rows.slice(0, limit).map((row) => ({
					item: {
						json: compact({
							provider: run.service.name,
							...(simple ? list.simplify(row) : { raw: row }),
						}),
					},
				}));
			},
		};
	};
