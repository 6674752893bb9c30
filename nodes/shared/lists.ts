import type {
	IDataObject,
	IDisplayOptions,
	IExecuteFunctions,
	INodeProperties,
} from 'n8n-workflow';
import { invalidInput } from './errors';
import { json, LOOK_TIMEOUT_MS } from './http';
import { readCollection } from './model';
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

const FILTERS = 'filters';
const DEFAULT_LIMIT = 50;

/** The editor's Return All, Limit, Simplify and Filters. */
export function listProperties(
	list: List,
	show: NonNullable<IDisplayOptions['show']>,
): INodeProperties[] {
	return [
		{
			displayName: 'Return All',
			name: 'returnAll',
			type: 'boolean',
			default: false,
			description: 'Whether to return all results or only up to a given limit',
			displayOptions: { show },
		},
		{
			displayName: 'Limit',
			name: 'limit',
			type: 'number',
			typeOptions: { minValue: 1 },
			default: 50,
			description: 'Max number of results to return',
			displayOptions: { show: { ...show, returnAll: [false] } },
		},
		{
			displayName: 'Simplify',
			name: 'simplify',
			type: 'boolean',
			default: true,
			description: 'Whether to return a simplified version of the response instead of the raw data',
			displayOptions: { show },
		},
		{
			displayName: 'Filters',
			name: FILTERS,
			type: 'collection',
			placeholder: 'Add Filter',
			default: {},
			displayOptions: { show },
			options: list.filters.map(({ property }) => property),
		},
	];
}

function readLimit(context: IExecuteFunctions, itemIndex: number): number {
	const limit = Number(context.getNodeParameter('limit', itemIndex, DEFAULT_LIMIT));
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
		const limit = readLimit(context, itemIndex);
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
				return rows.slice(0, returnAll ? undefined : limit).map((row) => ({
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
