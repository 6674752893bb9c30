import type { IDataObject } from 'n8n-workflow';
import { requestJson, READ_TIMEOUT_MS } from '../http/client';
import { FILTERS, readOptions, readParam } from '../parameters/model';
import { simplify } from '../parameters/options';
import { omitUndefined } from '../images/store';
import type { Param } from '../parameters/param';
import { limit, returnAll } from '../parameters/properties';
import type { Operation, RunContext, PreparedOperation } from '../node/execute';
import type { z } from '../core/vendor';

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

/** Get Many: one item per row. */
export const getMany =
	(list: List): Operation =>
	(run: RunContext, itemIndex: number): PreparedOperation => {
		const { context } = run;
		const { body: filters } = readOptions(context, itemIndex, list.filters, FILTERS);
		const isLimited = !readParam(context, itemIndex, returnAll);
		const most = isLimited ? readParam(context, itemIndex, limit) : undefined;
		const simple = readParam(context, itemIndex, simplify);
		const query = new URLSearchParams({ ...list.query, ...(filters as Record<string, string>) });
		return {
			async start() {
				const { value: rows } = await requestJson(run.api, {
					method: 'GET',
					url: query.size > 0 ? `${list.path}?${query.toString()}` : list.path,
					schema: list.schema,
					repeat: 'look',
					timeoutMs: READ_TIMEOUT_MS,
				});
				return rows.slice(0, most).map((row) => ({
					item: {
						json: omitUndefined({
							provider: run.service.name,
							...(simple ? list.simplify(row) : { raw: row }),
						}),
					},
				}));
			},
		};
	};
