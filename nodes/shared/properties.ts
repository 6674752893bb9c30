import type { IDisplayOptions, INodeProperties, INodePropertyOptions } from 'n8n-workflow';
import { CUSTOM, OPTIONS, prompt, type Model } from './model';
import type { Param } from './params';

/** The editor's properties of an operation that makes a picture. */
export function requestProperties(
	models: readonly Model[],
	ownOptions: readonly Param[],
	show?: IDisplayOptions['show'],
): INodeProperties[] {
	const displayOptions = show && { show };
	return [
		...modelProperties(models, show),
		{ ...prompt.property, required: true, ...(displayOptions && { displayOptions }) },
		referenceProperties(displayOptions),
		optionsProperty(ownOptions, show, models),
	];
}

/** The editor's model list and the field for an id that is not on it. */
export function modelProperties(
	models: readonly Model[],
	show?: IDisplayOptions['show'],
): INodeProperties[] {
	const standard = models[0]?.id ?? CUSTOM;
	const options = [...new Map(models.map((model) => [model.id, modelOption(model)])).values()];
	return [
		{
			displayName: 'Model',
			name: 'model',
			type: 'options',
			options: [
				...options,
				{
					name: 'Custom',
					value: CUSTOM,
					description: 'A model that is not on this list, by its ID',
				},
			].sort((a, b) => a.name.localeCompare(b.name)),
			default: standard,
			description: 'The model that makes the picture',
			...(show && { displayOptions: { show } }),
		},
		{
			displayName: 'Custom Model',
			name: 'customModel',
			type: 'string',
			default: '',
			placeholder: `e.g. ${standard}`,
			description: "The provider's own ID of the model",
			displayOptions: { show: { ...show, model: [CUSTOM] } },
		},
	];
}

const modelOption = ({ id, name, description }: Model): INodePropertyOptions => ({
	name,
	value: id,
	description,
});

/** The editor's one collection of optional parameters, alphabetical, each shown for the models that have it. */
export function optionsProperty(
	ownOptions: readonly Param[],
	show?: IDisplayOptions['show'],
	models: readonly Model[] = [],
): INodeProperties {
	const items = new Map<string, INodeProperties>();
	for (const param of models.flatMap((model) => model.parameters)) {
		const { name, type } = param.property;
		items.set(`${name} ${type}`, shownFor(param, models));
	}
	return {
		displayName: 'Options',
		name: OPTIONS,
		type: 'collection',
		placeholder: 'Add Option',
		default: {},
		...(show && { displayOptions: { show } }),
		options: [...ownOptions.map(({ property }) => property), ...items.values()].sort((a, b) =>
			a.displayName.localeCompare(b.displayName),
		),
	};
}

/** Models may have a field of the same name with values of another type: each shows its own. */
function shownFor({ property }: Param, models: readonly Model[]): INodeProperties {
	const { name, type } = property;
	const alike = models
		.flatMap(({ parameters }) => parameters)
		.filter((other) => other.property.name === name);
	const having = models.filter(({ parameters }) =>
		parameters.some((other) => other.property.name === name && other.property.type === type),
	);
	if (having.length === models.length) return property;
	const isCustoms = alike[0]?.property.type === type;
	const ids = [...new Set(having.map(({ id }) => id)), ...(isCustoms ? [CUSTOM] : [])];
	return { ...property, displayOptions: { ...property.displayOptions, show: { '/model': ids } } };
}

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
		hint: 'The name of the input field that holds the picture; several are separated by commas',
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
const referenceProperties = (displayOptions?: IDisplayOptions): INodeProperties => ({
	displayName: 'Reference Images',
	name: 'referenceImages',
	type: 'fixedCollection',
	typeOptions: { multipleValues: true, sortable: true },
	placeholder: 'Add Reference Image',
	default: {},
	description:
		'Pictures to edit or to take subjects and style from. Their order is the order in which the prompt can refer to them.',
	...(displayOptions && { displayOptions }),
	options: [{ displayName: 'Image', name: 'image', values: imageFields }],
});
