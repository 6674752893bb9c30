import type { IBinaryData, IDisplayOptions, INodeProperties } from 'n8n-workflow';
import type { NamedImage } from './model';
import type { ParameterReader } from './reader';
import { readImageRow, type ReferenceInput } from './referenceImages';

/** The editor's fields of one such image: where it comes from, and its field or its URL. */
export function namedImageProperties(
	{ name, label, description, field }: NamedImage,
	show: NonNullable<IDisplayOptions['show']>,
): INodeProperties[] {
	const shownFor = (source: string): IDisplayOptions => ({
		show: { ...show, [`${name}Source`]: [source] },
	});
	return [
		{
			...sourceProperty(`${label} Source`, `${name}Source`),
			description,
			displayOptions: { show },
		},
		{
			displayName: `${label} Field Name`,
			name: `${name}Field`,
			type: 'string',
			typeOptions: { binaryDataProperty: true },
			required: true,
			default: field,
			description,
			hint: 'The name of the input field that holds the image',
			displayOptions: shownFor('binary'),
		},
		{
			displayName: `${label} URL`,
			name: `${name}Url`,
			type: 'string',
			required: true,
			default: '',
			placeholder: `e.g. https://example.com/${field}.png`,
			description: `${description}. A public https URL or a data URI.`,
			displayOptions: shownFor('url'),
		},
	];
}

const sourceProperty = (displayName: string, name: string): INodeProperties => ({
	displayName,
	name,
	type: 'options',
	options: [
		{ name: 'Binary Field', value: 'binary' },
		{ name: 'URL', value: 'url' },
	],
	default: 'binary',
});

/** These images of the item, in order; one that cannot be read is left out and reported. */
export const readNamedImages = (
	reader: ParameterReader,
	images: readonly NamedImage[],
): ReferenceInput[] => images.flatMap((image) => readNamedImage(reader, image));

function readNamedImage(reader: ParameterReader, { name, label }: NamedImage): ReferenceInput[] {
	const row = {
		source: reader.text(`${name}Source`) || 'binary',
		binaryPropertyName: reader.raw(`${name}Field`, '') as string | IBinaryData,
		url: reader.raw(`${name}Url`, ''),
	};
	const { problemCount } = reader;
	const read = readImageRow(reader, row, (problem) => reader.addProblem(label, problem));
	if (read.length !== 1 && reader.problemCount === problemCount) {
		reader.addProblem(label, `takes one image, and ${read.length} are given`);
	}
	return read.map((image) => ({ ...image, name: label }));
}
