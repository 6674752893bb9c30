import type { IDisplayOptions, INodeProperties, INodePropertyOptions } from 'n8n-workflow';
import { CUSTOM_MODEL, FILTERS, OPTIONS, prompt, type Model } from './model';
import { simplify } from './options';
import { integer, toggle, type Param } from './param';
import { referenceImagesProperty } from './referenceImages';

/**
 * The editor's properties of an operation that makes a picture.
 * @param own what only this node asks for; it stands before the options
 */
export function requestProperties(
	models: readonly Model[],
	ownOptions: readonly Param[],
	show?: IDisplayOptions['show'],
	...own: INodeProperties[]
): INodeProperties[] {
	const displayOptions = show && { show };
	return [
		...modelProperties(models, show),
		{ ...prompt.property, required: true, ...(displayOptions && { displayOptions }) },
		referenceImagesProperty(displayOptions),
		...own.map((property) => ({ ...property, ...(displayOptions && { displayOptions }) })),
		optionsProperty(ownOptions, show, models),
	];
}

/** The editor's model list and the field for an id that is not on it. */
export function modelProperties(
	models: readonly Model[],
	show?: IDisplayOptions['show'],
): INodeProperties[] {
	const standard = models[0]?.id ?? CUSTOM_MODEL;
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
					value: CUSTOM_MODEL,
					description: 'A model that is not on this list, by its ID',
				},
			].sort((a, b) => a.name.localeCompare(b.name)),
			default: standard,
			description: 'The model that makes the image',
			...(show && { displayOptions: { show } }),
		},
		{
			displayName: 'Custom Model',
			name: 'customModel',
			type: 'string',
			default: '',
			placeholder: `e.g. ${standard}`,
			description: "The provider's own ID of the model",
			displayOptions: { show: { ...show, model: [CUSTOM_MODEL] } },
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
		items.set(`${name} ${type}`, shownForModels(param, models));
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
function shownForModels({ property }: Param, models: readonly Model[]): INodeProperties {
	const { name, type } = property;
	const alike = models
		.flatMap(({ parameters }) => parameters)
		.filter((other) => other.property.name === name);
	const having = models.filter(({ parameters }) =>
		parameters.some((other) => other.property.name === name && other.property.type === type),
	);
	if (having.length === models.length) return property;
	const isCustoms = alike[0]?.property.type === type;
	const ids = [...new Set(having.map(({ id }) => id)), ...(isCustoms ? [CUSTOM_MODEL] : [])];
	return { ...property, displayOptions: { ...property.displayOptions, show: { '/model': ids } } };
}

export const waitForCompletion = toggle('waitForCompletion', {
	label: 'Wait for Completion',
	description:
		'Whether to wait until the image is ready. When off, a task that is still running is returned as it is.',
	default: true,
});

export const returnAll = toggle('returnAll', {
	label: 'Return All',
	description: 'Whether to return all results or only up to a given limit',
	default: false,
});

export const limit = integer('limit', {
	label: 'Limit',
	description: 'Max number of results to return',
	min: 1,
	default: 50,
});

/** The editor's fields that name a task; the defaults take what Task: Submit has emitted. */
export const taskProperties = {
	taskId: (show: IDisplayOptions['show']): INodeProperties => ({
		displayName: 'Task ID',
		name: 'taskId',
		type: 'string',
		required: true,
		default: '={{ $json.taskId }}',
		description: 'The ID of the task, as the operation Submit returns it',
		displayOptions: { show },
	}),
	pollUrl: (show: IDisplayOptions['show']): INodeProperties => ({
		displayName: 'Poll URL',
		name: 'pollUrl',
		type: 'string',
		default: '={{ $json.pollUrl }}',
		description:
			'The address at which the provider tells about the task, as the operation Submit returns it. May be empty.',
		displayOptions: { show },
	}),
	waitForCompletion: (show: IDisplayOptions['show']): INodeProperties => ({
		...waitForCompletion.property,
		displayOptions: { show },
	}),
};

/** The editor's Return All, Limit, Simplify and Filters. */
export function listProperties(
	filters: readonly Param[],
	show: NonNullable<IDisplayOptions['show']>,
): INodeProperties[] {
	return [
		{ ...returnAll.property, displayOptions: { show } },
		{ ...limit.property, displayOptions: { show: { ...show, returnAll: [false] } } },
		{ ...simplify.property, displayOptions: { show } },
		{
			displayName: 'Filters',
			name: FILTERS,
			type: 'collection',
			placeholder: 'Add Filter',
			default: {},
			displayOptions: { show },
			options: filters.map(({ property }) => property),
		},
	];
}
