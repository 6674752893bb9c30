import type { IBinaryData, IDisplayOptions, INodeProperties } from 'n8n-workflow';
import { propertyHint } from './builderHint';
import type { ParameterReader } from './reader';

/** A reference image as the item names it; its bytes are not read yet. */
export type ReferenceInput = {
	readonly label: string;
	/** What messages call an image that is none of a list. */
	readonly name?: string;
} & (
	| { from: 'binary'; field: string | IBinaryData; binary: IBinaryData; itemIndex: number }
	| { from: 'url'; url: string }
	| { from: 'dataUri'; dataUri: string }
);

const entryProperties: INodeProperties[] = [
	{
		displayName: 'Source',
		name: 'source',
		type: 'options',
		options: [
			{ name: 'All Binary Images', value: 'allBinary' },
			{ name: 'Binary Field', value: 'binary' },
			{ name: 'URL', value: 'url' },
		],
		default: 'binary',
	},
	{
		displayName: 'Input Data Field Name',
		name: 'binaryPropertyName',
		type: 'string',
		typeOptions: { binaryDataProperty: true },
		default: 'data',
		displayOptions: { show: { source: ['binary'] } },
		hint: 'The name of the input field that holds the image; several are separated by commas',
	},
	{
		displayName: 'URL',
		name: 'url',
		type: 'string',
		default: '',
		placeholder: 'e.g. https://example.com/photo.jpg',
		displayOptions: { show: { source: ['url'] } },
		description: 'A public https URL or a data URI. An expression may also yield a list of them.',
	},
];

/** The operation that is *Generate* with at least one reference image, for people who look for it. */
export const EDIT = 'edit';

/** The editor's "Reference Images", which the operation *Edit* marks as required. */
export function referenceImagesProperties(show: IDisplayOptions['show'] = {}): INodeProperties[] {
	const { operation = [], ...others } = show as Record<string, string[]>;
	if (!operation.includes(EDIT)) return [referenceImages(show)];
	return [
		referenceImages({ ...others, operation: operation.filter((name) => name !== EDIT) }),
		{ ...referenceImages({ ...others, operation: [EDIT] }), required: true },
	];
}

const referenceImages = (show: NonNullable<IDisplayOptions['show']>): INodeProperties => ({
	displayName: 'Reference Images',
	name: 'referenceImages',
	type: 'fixedCollection',
	typeOptions: { multipleValues: true, sortable: true },
	placeholder: 'Add Reference Image',
	default: {},
	description:
		'Images to edit or to take subjects and style from. Their order is the order in which the prompt can refer to them.',
	...propertyHint(
		'For a file of an earlier node, use the source binary with the name of its binary field.',
	),
	...(Object.keys(show).length > 0 && { displayOptions: { show } }),
	options: [{ displayName: 'Image', name: 'image', values: entryProperties }],
});

/** One image as the editor's fields name it. */
export interface ImageRow {
	source?: string;
	binaryPropertyName?: string | IBinaryData;
	url?: unknown;
}

/** Reads the images of one source and adds what is wrong with them. */
type ReadSource = (
	reader: ParameterReader,
	row: ImageRow,
	addProblem: (problem: string) => void,
) => ReferenceInput[];

const sources: Readonly<Record<string, ReadSource>> = {
	binary: readBinaryFields,
	allBinary: readAllBinary,
	url: readUrls,
};

/** The item's reference images, in order. */
export function readReferenceImages(reader: ParameterReader): ReferenceInput[] {
	const rows = reader.raw('referenceImages.image', []) as ImageRow[];
	return rows.flatMap((row, index) =>
		readImageRow(reader, row, (problem) =>
			reader.addProblem(`Reference Images (entry ${index + 1})`, problem),
		),
	);
}

export const readImageRow: ReadSource = (reader, row, addProblem) => {
	const source = row.source ?? 'binary';
	const read = Object.hasOwn(sources, source) ? sources[source] : undefined;
	if (read) return read(reader, row, addProblem);
	addProblem(`Source must be one of ${Object.keys(sources).join(', ')}`);
	return [];
};

function readBinaryFields(
	...[{ context, itemIndex }, row, addProblem]: Parameters<ReadSource>
): ReferenceInput[] {
	const value = row.binaryPropertyName ?? 'data';
	const fields = typeof value === 'string' ? value.split(',').map((name) => name.trim()) : [value];
	return fields.flatMap((field) => {
		const label = typeof field === 'string' ? `field "${field}"` : 'the given binary data';
		try {
			const binary = context.helpers.assertBinaryData(itemIndex, field);
			return [{ label, from: 'binary' as const, field, binary, itemIndex }];
		} catch {
			addProblem(`the input item has no binary ${label}`);
			return [];
		}
	});
}

function readAllBinary(
	...[{ context, itemIndex }, , addProblem]: Parameters<ReadSource>
): ReferenceInput[] {
	const fields = Object.entries(context.getInputData()[itemIndex]?.binary ?? {});
	const images = fields.filter(([, { mimeType }]) => mimeType.startsWith('image/'));
	if (images.length === 0) addProblem('the input item has no binary images');
	return images.map(([field, binary]) => ({
		label: `field "${field}"`,
		from: 'binary',
		field,
		binary,
		itemIndex,
	}));
}

function readUrls(...[, row, addProblem]: Parameters<ReadSource>): ReferenceInput[] {
	const urls = Array.isArray(row.url) ? row.url : [row.url];
	return urls.flatMap((value: unknown): ReferenceInput[] => {
		const url = typeof value === 'string' ? value.trim() : '';
		if (url.startsWith('data:')) return [{ label: 'the data URI', from: 'dataUri', dataUri: url }];
		if (/^https?:/i.test(url) && URL.canParse(url)) return [{ label: url, from: 'url', url }];
		addProblem(url === '' ? 'the URL is empty' : `"${url.slice(0, 100)}" is not an https URL`);
		return [];
	});
}
