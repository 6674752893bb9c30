import type {
	IBinaryData,
	IDisplayOptions,
	IExecuteFunctions,
	INodeProperties,
} from 'n8n-workflow';

/** A reference image as the item names it; its bytes are not read yet. */
export type ReferenceInput = { label: string } & (
	| { from: 'binary'; field: string | IBinaryData; binary: IBinaryData; itemIndex: number }
	| { from: 'url'; url: string }
	| { from: 'dataUri'; dataUri: string }
);

const imageFields: INodeProperties[] = [
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

/** The editor's "Reference Images". */
export const referenceImagesProperty = (displayOptions?: IDisplayOptions): INodeProperties => ({
	displayName: 'Reference Images',
	name: 'referenceImages',
	type: 'fixedCollection',
	typeOptions: { multipleValues: true, sortable: true },
	placeholder: 'Add Reference Image',
	default: {},
	description:
		'Images to edit or to take subjects and style from. Their order is the order in which the prompt can refer to them.',
	...(displayOptions && { displayOptions }),
	options: [{ displayName: 'Image', name: 'image', values: imageFields }],
});

interface Row {
	source?: 'binary' | 'allBinary' | 'url';
	binaryPropertyName?: string | IBinaryData;
	url?: unknown;
}

/** The item's reference images, in order; what is wrong with them is added to `problems`. */
export function readReferenceImages(
	context: IExecuteFunctions,
	itemIndex: number,
	problems: string[],
): ReferenceInput[] {
	const rows = context.getNodeParameter('referenceImages.image', itemIndex, []) as Row[];
	const read = { binary: fromField, allBinary: fromAllBinary, url: fromUrl };
	return rows.flatMap((row, index) => {
		const tell = (words: string) =>
			void problems.push(`Reference Images (entry ${index + 1}): ${words}`);
		const source = row.source ?? 'binary';
		if (Object.hasOwn(read, source)) return read[source](context, itemIndex, row, tell);
		tell(`Source must be one of ${Object.keys(read).join(', ')}`);
		return [];
	});
}

type Tell = (words: string) => void;

function fromField(
	context: IExecuteFunctions,
	itemIndex: number,
	row: Row,
	tell: Tell,
): ReferenceInput[] {
	const given = row.binaryPropertyName ?? 'data';
	const fields = typeof given === 'string' ? given.split(',').map((name) => name.trim()) : [given];
	return fields.flatMap((field) => {
		const label = typeof field === 'string' ? `field "${field}"` : 'the given binary data';
		try {
			const binary = context.helpers.assertBinaryData(itemIndex, field);
			return [{ label, from: 'binary' as const, field, binary, itemIndex }];
		} catch {
			tell(`the input item has no binary ${label}`);
			return [];
		}
	});
}

function fromAllBinary(
	context: IExecuteFunctions,
	itemIndex: number,
	_row: Row,
	tell: Tell,
): ReferenceInput[] {
	const fields = Object.entries(context.getInputData()[itemIndex]?.binary ?? {});
	const images = fields.filter(([, { mimeType }]) => mimeType.startsWith('image/'));
	if (images.length === 0) tell('the input item has no binary images');
	return images.map(([field, binary]) => ({
		label: `field "${field}"`,
		from: 'binary',
		field,
		binary,
		itemIndex,
	}));
}

function fromUrl(
	_context: IExecuteFunctions,
	_itemIndex: number,
	row: Row,
	tell: Tell,
): ReferenceInput[] {
	const urls = Array.isArray(row.url) ? row.url : [row.url];
	return urls.flatMap((value: unknown): ReferenceInput[] => {
		const url = typeof value === 'string' ? value.trim() : '';
		if (url.startsWith('data:')) return [{ label: 'the data URI', from: 'dataUri', dataUri: url }];
		if (/^https?:/i.test(url) && URL.canParse(url)) return [{ label: url, from: 'url', url }];
		tell(url === '' ? 'the URL is empty' : `"${url.slice(0, 100)}" is not an https URL`);
		return [];
	});
}
