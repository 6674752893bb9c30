import type { IDataObject, INodeType } from 'n8n-workflow';
import { noOp, type StandIns } from './nodeTypes';

/** n8n's Data Table, If and Switch, as far as the examples with a table of tasks use them. */

export interface DataTable {
	nodeTypes: StandIns;
	rows: Row[];
	/** The call of the table, from 1, in which the worker is killed: that call and all later ones fail. */
	killAt: number;
	/** Calls so far. */
	calls: number;
	/** Lets time pass. */
	age(minutes: number): void;
}

export type Row = IDataObject & { id: number; updatedAt: string };

interface Condition {
	keyName: string;
	condition: 'eq' | 'lt';
	keyValue: string | number;
}

interface Comparison {
	conditions: Array<{ leftValue: unknown; rightValue: unknown }>;
}

const MS_PER_MINUTE = 60_000;

export function createDataTable(): DataTable {
	const table: DataTable = {
		nodeTypes: {},
		rows: [],
		killAt: Infinity,
		calls: 0,
		age(minutes) {
			for (const row of table.rows) {
				const updated = Date.parse(row.updatedAt) - minutes * MS_PER_MINUTE;
				row.updatedAt = new Date(updated).toISOString();
			}
		},
	};
	table.nodeTypes = {
		'n8n-nodes-base.dataTable': dataTableOf(table),
		'n8n-nodes-base.if': ifNode,
		'n8n-nodes-base.switch': switchNode,
	};
	return table;
}

function nodeType(
	parameters: string[],
	outputs: string[],
	execute: INodeType['execute'],
): INodeType {
	const properties = parameters.map((name) => ({
		displayName: name,
		name,
		type: 'string' as const,
		default: '',
	}));
	const description = { ...noOp.description, properties, outputs } as INodeType['description'];
	return { description, execute };
}

const dataTableOf = (table: DataTable): INodeType =>
	nodeType(['resource', 'operation', 'filters', 'columns'], ['main'], async function () {
		const results = this.getInputData().flatMap((_item, item) => {
			if (++table.calls >= table.killAt) throw new Error('The worker was killed');
			const read = (name: string) => this.getNodeParameter(name, item, '');
			const filters = read('filters') as unknown as { conditions?: Condition[] };
			const columns = read('columns') as unknown as { value?: IDataObject };
			const found = () => table.rows.filter((row) => matches(row, filters.conditions ?? []));
			const rows = run(table, read('operation') as string, columns.value ?? {}, found);
			return rows.map((row) => ({ json: { ...row }, pairedItem: { item } }));
		});
		return [results];
	});

function run(
	{ rows }: DataTable,
	operation: string,
	values: IDataObject,
	found: () => Row[],
): IDataObject[] {
	const updatedAt = new Date().toISOString();
	if (operation === 'create') return [{ name: 'the table' }];
	if (operation === 'get') return found();
	if (operation === 'update')
		return found().map((row) => Object.assign(row, values, { updatedAt }));
	const row = { ...values, id: rows.length + 1, updatedAt };
	rows.push(row);
	return [row];
}

const matches = (row: Row, conditions: Condition[]): boolean =>
	conditions.every(({ keyName, condition, keyValue }) =>
		condition === 'lt'
			? Date.parse(String(row[keyName] as string)) < Date.parse(String(keyValue))
			: row[keyName] === keyValue,
	);

const holds = ({ conditions }: Comparison): boolean =>
	conditions.every(({ leftValue, rightValue }) => leftValue === rightValue);

const ifNode = nodeType(['conditions'], ['main', 'main'], async function () {
	const isTrue = this.getInputData().map((_item, item) =>
		holds(this.getNodeParameter('conditions', item) as unknown as Comparison),
	);
	const items = this.getInputData().map((each, item) => ({ ...each, pairedItem: { item } }));
	return [
		items.filter((_item, item) => isTrue[item]),
		items.filter((_item, item) => !isTrue[item]),
	];
});

const switchNode = nodeType(['rules'], ['main', 'main'], async function () {
	const outputs = this.getInputData().map((_item, item) => {
		const rules = this.getNodeParameter('rules', item) as unknown as {
			values: Array<{ conditions: Comparison }>;
		};
		return rules.values.findIndex(({ conditions }) => holds(conditions));
	});
	const items = this.getInputData().map((each, item) => ({ ...each, pairedItem: { item } }));
	return [0, 1].map((output) => items.filter((_item, item) => outputs[item] === output));
});
