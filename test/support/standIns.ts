import type { IDataObject, INodeExecutionData, INodeType } from 'n8n-workflow';
import { noOp, type StandIns } from './nodeTypes';

function standIn(
	parameters: string[],
	execute: INodeType['execute'],
	outputs = noOp.description.outputs,
): INodeType {
	// n8n drops what a node's type does not declare
	const properties = parameters.map((name) => ({
		displayName: name,
		name,
		type: 'string' as const,
		default: '',
	}));
	return { description: { ...noOp.description, outputs, properties }, execute };
}

/** Edit Fields (Set), as JSON or field by field. */
const editFields = standIn(['jsonOutput', 'assignments', 'includeOtherFields'], async function () {
	const fieldsOf = (index: number): IDataObject => {
		const json = this.getNodeParameter('jsonOutput', index) as string | IDataObject;
		if (typeof json === 'object') return json;
		if (json !== '') return JSON.parse(json) as IDataObject;
		const { assignments } = this.getNodeParameter('assignments', index) as {
			assignments: Array<{ name: string; value: IDataObject[string] }>;
		};
		return Object.fromEntries(assignments.map(({ name, value }) => [name, value]));
	};
	return [
		this.getInputData().map(({ json, binary }, index) => {
			const others = this.getNodeParameter('includeOtherFields', index) ? { json, binary } : {};
			const fields = { ...others.json, ...fieldsOf(index) };
			return { ...others, json: fields, pairedItem: { item: index } };
		}),
	];
});

/** Split Out of one list of objects, without other fields. */
const splitOut = standIn(['fieldToSplitOut', 'options'], async function () {
	return [
		this.getInputData().flatMap(({ json, binary }, index) => {
			const list = json[this.getNodeParameter('fieldToSplitOut', index) as string];
			const files = this.getNodeParameter('options.includeBinary', index, false) && { binary };
			return (list as IDataObject[]).map((entry) => ({
				json: entry,
				...files,
				pairedItem: { item: index },
			}));
		}),
	];
});

/** Loop Over Items (Split in Batches): all items at the end come from its first output, a round's from its second. */
const loopOverItems = standIn(
	['batchSize'],
	async function () {
		const memory = this.getContext('node') as Record<'left' | 'done', INodeExecutionData[]>;
		memory.done = memory.left ? [...memory.done, ...this.getInputData()] : [];
		memory.left ??= [...this.getInputData()];
		const round = memory.left.splice(0, Number(this.getNodeParameter('batchSize', 0)) || 1);
		return round.length > 0 ? [[], round] : [memory.done, []];
	},
	['main', 'main'],
);

/** Convert to File, from text or from base64. */
const convertToFile = standIn(
	['operation', 'sourceProperty', 'binaryPropertyName', 'options'],
	async function () {
		const files = this.getInputData().map(async ({ json }, item) => {
			const read = (name: string) => this.getNodeParameter(name, item, '') as string;
			const encoding = read('operation') === 'toBinary' ? 'base64' : 'utf8';
			const content = Buffer.from(json[read('sourceProperty')] as string, encoding);
			const mimeType = read('options.mimeType') || 'text/plain';
			const file = await this.helpers.prepareBinaryData(content, 'file', mimeType);
			return { json: {}, binary: { [read('binaryPropertyName')]: file }, pairedItem: { item } };
		});
		return [await Promise.all(files)];
	},
);

/** Extract From File: a CSV file without quotation marks, one item for each row. */
const extractFromFile = standIn([], async function () {
	const tables = this.getInputData().map(async (_item, item) => {
		const text = (await this.helpers.getBinaryDataBuffer(item, 'data')).toString();
		const [names = [], ...rows] = text
			.trimEnd()
			.split('\n')
			.map((line) => line.split(','));
		return rows.map((cells) => ({
			json: Object.fromEntries(names.map((name, column) => [name, cells[column]])),
			pairedItem: { item },
		}));
	});
	return [(await Promise.all(tables)).flat()];
});

/** Merge of two inputs by the position of their items. */
const merge: INodeType = {
	description: {
		...standIn(['mode', 'combineBy', 'options'], undefined).description,
		inputs: ['main', 'main'],
		requiredInputs: [0, 1],
	},
	async execute() {
		const others = this.getInputData(1);
		return [
			this.getInputData(0).map(({ json, binary }, item) => ({
				json: { ...json, ...others[item]?.json },
				binary: { ...binary, ...others[item]?.binary },
				pairedItem: [
					{ item, input: 0 },
					{ item, input: 1 },
				],
			})),
		];
	},
};

/** What the example workflows use of n8n's own nodes; in n8n the real ones run. */
export const standIns: StandIns = {
	'n8n-nodes-base.convertToFile': convertToFile,
	'n8n-nodes-base.extractFromFile': extractFromFile,
	'n8n-nodes-base.merge': merge,
	'n8n-nodes-base.set': editFields,
	'n8n-nodes-base.splitInBatches': loopOverItems,
	'n8n-nodes-base.splitOut': splitOut,
	'n8n-nodes-base.stickyNote': noOp,
};
