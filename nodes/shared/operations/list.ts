import type { IDataObject } from 'n8n-workflow';
import { omitUndefined } from '../core/json';
import { redactJson } from '../core/redact';
import type { z } from '../core/vendor';
import { readJson } from '../http/client';
import { readOptions } from '../parameters/imageRequest';
import { FILTERS, limit, returnAll, simplify } from '../parameters/options';
import type { Param } from '../parameters/param';
import type { ItemContext, Operation, PreparedOperation } from './types';

/** One list of a provider: where it is, and how its rows are read and shown. */
export interface ListDefinition {
	readonly path: string;
	/** Sent with every request. */
	readonly query?: Record<string, string>;
	readonly filters: readonly Param[];
	readonly schema: z.ZodType<IDataObject[], z.ZodTypeDef, unknown>;
	/** A row with the fields that matter. With Simplify off, the whole row is shown. */
	simplify(row: IDataObject): Record<string, unknown>;
	/** The query of the page behind this response, where the list has pages and there is another one. */
	nextPage?(body: unknown): string | undefined;
}

/** Get Many: one item per row. */
export const getMany =
	(list: ListDefinition): Operation =>
	(item: ItemContext): PreparedOperation => {
		const { reader, client, provider, signal } = item;
		const { body: filters } = readOptions(reader, list.filters, FILTERS);
		const maxRows = reader.value(returnAll) ? undefined : reader.value(limit);
		const isSimple = reader.value(simplify);
		reader.throwIfInvalid();
		const query = new URLSearchParams({ ...list.query, ...(filters as Record<string, string>) });
		const toJson = (row: IDataObject) =>
			omitUndefined({
				...(isSimple && list.simplify(row)),
				provider: provider.name,
				raw: isSimple ? undefined : row,
			});
		return {
			async run() {
				const rows = await readRows({ client, signal }, list, query.toString(), maxRows);
				return rows.map((row) => ({ item: { json: redactJson(toJson(row), client.redact) } }));
			},
		};
	};

/** Page by page, until there are enough rows. A page that names itself as the next one is the last. */
async function readRows(
	{ client, signal }: Pick<ItemContext, 'client' | 'signal'>,
	list: ListDefinition,
	query: string,
	maxRows = Infinity,
): Promise<IDataObject[]> {
	const rows: IDataObject[] = [];
	const asked = new Set<string>();
	for (let page: string | undefined = query; page !== undefined && !asked.has(page); ) {
		asked.add(page);
		const url: string = page === '' ? list.path : `${list.path}?${page}`;
		const { value, response } = await readJson(client, { url, schema: list.schema }, signal);
		rows.push(...value);
		page = rows.length < maxRows ? list.nextPage?.(response.json) : undefined;
	}
	return rows.slice(0, maxRows);
}
