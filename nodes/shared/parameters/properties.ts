import type { IDisplayOptions, INodeProperties, INodePropertyOptions } from 'n8n-workflow';
import { CUSTOM_MODEL, type Model } from './model';
import { FILTERS, limit, OPTIONS, returnAll, simplify, waitForCompletion } from './options';
import type { Param } from './param';
import { referenceImagesProperty } from './referenceImages';
import { promptProperties } from './promptProperties';

/**
 * The editor's properties of an operation that makes an image.
 * @param own what only this node has; it stands before the options
 */
export function requestProperties(
	models: readonly Model[],
	nodeOptions: readonly Param[],
	show?: IDisplayOptions['show'],
	...own: INodeProperties[]
): INodeProperties[] {
	const displayOptions = show && { show };
	return [
		...modelProperties(models, show),
		...promptProperties(show),
		referenceImagesProperty(displayOptions),
		...own.map((property) => ({ ...property, ...(displayOptions && { displayOptions }) })),
		optionsProperty(nodeOptions, show, models),
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
	nodeOptions: readonly Param[],
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
		options: [...nodeOptions.map(({ property }) => property), ...items.values()].sort((a, b) =>
			a.displayName.localeCompare(b.displayName),
		),
	};
}

/** Models may have a field of the same name with values of another type: each shows its own. */
function shownForModels({ property }: Param, models: readonly Model[]): INodeProperties {
	const { name, type } = property;
	const sameName = models
		.flatMap(({ parameters }) => parameters)
		.filter((other) => other.property.name === name);
	const modelsWithParam = models.filter(({ parameters }) =>
		parameters.some((other) => other.property.name === name && other.property.type === type),
	);
	if (modelsWithParam.length === models.length) return property;
	const isOfCustomModel = sameName[0]?.property.type === type;
	const ids = [
		...new Set(modelsWithParam.map(({ id }) => id)),
		...(isOfCustomModel ? [CUSTOM_MODEL] : []),
	];
	return { ...property, displayOptions: { ...property.displayOptions, show: { '/model': ids } } };
}

/** The editor's fields that name a task; their defaults take the output of Task: Submit. */
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
			'The address at which the provider reports on the task, as the operation Submit returns it. May be empty.',
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
