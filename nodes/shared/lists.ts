import type { IDataObject } from 'n8n-workflow';
import { json, LOOK_TIMEOUT_MS } from './http';
import { FILTERS, readCollection, readParam } from './model';
import { simplify } from './options';
import { compact } from './output';
import type { Param } from './params';
import { limit, returnAll } from './properties';
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

/** Get Many: one item per row. */
export const getMany =
	(list: List): Operation =>
	(run: Run, itemIndex: number): Work => {
		const { context } = run;
		const { body: filters } = readCollection(context, itemIndex, list.filters, FILTERS);
		const isLimited = !readParam(context, itemIndex, returnAll);
		const most = isLimited ? readParam(context, itemIndex, limit) : undefined;
		const simple = readParam(context, itemIndex, simplify);
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
				return rows.slice(0, most).map((row) => ({
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
