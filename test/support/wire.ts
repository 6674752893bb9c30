import type { INodeExecutionData } from 'n8n-workflow';
import type { Model } from '../../nodes/shared/parameters/model';
import { items } from './lab';
import { placed } from './placed';
import type { NodeType } from './providers';

/** A value as the editor or an expression gives it, and what the body gets for it: nothing when left out. */
export type Row = [value: unknown, body?: object];

/** Rows by the option's name. */
export type Rows = Record<string, Row[]>;

export const namesOf = (params: Model['parameters']): string[] =>
	params.map(({ property }) => property.name).sort();

const casesOf = (rows: Rows) =>
	Object.entries(rows).flatMap(([name, values]) =>
		values.map(([value, body]) => ({ name, value, body })),
	);

/** One item without options, then one for each row, with the prompts "case 0", "case 1" and so on. */
export const itemsOf = (rows: Rows): INodeExecutionData[] =>
	items(
		{ prompt: 'case 0', options: {} },
		...casesOf(rows).map(({ name, value }, index) => ({
			prompt: `case ${index + 1}`,
			options: { [name]: value as string },
		})),
	);

/** The bodies that belong to those items. */
export const bodiesOf = (rows: Rows, always: object): object[] => [
	{ ...always, prompt: 'case 0' },
	...casesOf(rows).map(({ body }, index) => ({ ...always, prompt: `case ${index + 1}`, ...body })),
];

/**
 * Each parameter as an expression that is empty for the items that do not set it. What a custom size is made of makes
 * the size of its item a custom one.
 */
export const fromItems = (type: NodeType, names: readonly string[]): Record<string, unknown> => ({
	prompt: '={{ $json.prompt }}',
	...placed(type, {
		...Object.fromEntries(names.map((name) => [name, `={{ $json.options.${name} }}`])),
		...(names.includes('size') && { size: SIZE_OF_ITEM }),
	}),
});

const SIZE_OF_ITEM = `={{
	['width', 'height', 'aspectRatio', 'resolution'].some((name) => name in $json.options)
		? 'custom'
		: ($json.options.megapixels === undefined ? $json.options.size : '1:1')
}}`;

/** The node's own options never reach the wire. */
export const settings: Rows = {
	binaryField: [['photo']],
	download: [[false], ['true']],
	fileName: [['photo']],
	linkLifetime: [['7 days'], ['90 min']],
	maxConcurrent: [[7], ['3']],
	numberOfImages: [[1], ['1']],
	assumedCost: [[0.1], ['0.1']],
	// compared before anything is sent: see budget.test.ts
	maxCost: [],
	pollInterval: [[0.05]],
	simplify: [[false]],
	timeout: [[30], ['30']],
};
