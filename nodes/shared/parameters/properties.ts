import type { IDisplayOptions, INodeProperties, INodePropertyOptions } from 'n8n-workflow';
import { CUSTOM_MODEL, type Model } from './model';
import { namedImageProperties } from './namedImages';
import { FILTERS, limit, OPTIONS, returnAll, simplify, waitForCompletion } from './options';
import { groupsOf, type OptionGroup, type Param } from './param';
import { promptProperties } from './promptProperties';
import { referenceImagesProperties } from './referenceImages';

/**
 * The editor's properties of an operation that makes an image, in the order of every node's main panel.
 * @param chooseModel the fields that choose the model, where they are not those of every node
 */
export function requestProperties(
	models: readonly Model[],
	nodeOptions: readonly Param[],
	show?: IDisplayOptions['show'],
	chooseModel: readonly INodeProperties[] = modelProperties(models, show),
): INodeProperties[] {
	return [
		...chooseModel,
		...promptProperties(show),
		...referenceImagesProperties(show),
		...panelProperties(nodeOptions, models, show),
		optionsProperty(nodeOptions, show, models),
	];
}

/** The same where the operation is a model of its own, with named images. */
export const fixedModelProperties = (
	model: Model,
	nodeOptions: readonly Param[],
	show: NonNullable<IDisplayOptions['show']>,
): INodeProperties[] => [
	...(model.images ?? []).flatMap((image) => namedImageProperties(image, show)),
	...panelProperties(nodeOptions, [model], show),
	optionsProperty(nodeOptions, show, [model]),
];

/** What of the models' parameters and the node's own stands in the main panel, each for the models that have it. */
function panelProperties(
	nodeOptions: readonly Param[],
	models: readonly Model[],
	show: IDisplayOptions['show'],
): INodeProperties[] {
	const params = [...editorParams(models), ...nodeOptions].filter(({ place }) => place === 'panel');
	return params.flatMap((param) =>
		[param.property, ...(param.variants ?? [])].map((property) => {
			const ids = nodeOptions.includes(param) ? undefined : idsWith(param, models);
			const own = { ...show, ...property.displayOptions?.show, ...(ids && { model: ids }) };
			return { ...property, ...(Object.keys(own).length > 0 && { displayOptions: { show: own } }) };
		}),
	);
}

/** Every parameter that is a field of its own in the editor, in the order of the models. */
function editorParams(models: readonly Model[]): Param[] {
	const params = new Map<string, Param>();
	for (const param of models.flatMap(({ parameters }) => parameters)) {
		const { name, type } = param.property;
		if (!params.has(`${name} ${type}`)) params.set(`${name} ${type}`, param);
	}
	return [...params.values()];
}

/** The editor's model list, the recommended one first, and the field for an ID that is not on it. */
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
			],
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
	const params = editorParams(models).filter(({ place }) => place !== 'panel');
	const ungrouped = params.filter(({ place }) => place === undefined);
	return {
		displayName: 'Options',
		name: OPTIONS,
		type: 'collection',
		placeholder: 'Add Option',
		default: {},
		...(show && { displayOptions: { show } }),
		options: alphabetical([
			...nodeOptions.flatMap(({ place, property }) => (place === 'panel' ? [] : [property])),
			...ungrouped.map((param) => shownForModels(param, models)),
			...groupsOf(params).map((group) => groupProperty(group, params, models)),
		]),
	};
}

/** One entry of the options with fields of its own. */
function groupProperty(
	group: OptionGroup,
	params: readonly Param[],
	models: readonly Model[],
): INodeProperties {
	const members = params.filter(({ place }) => place === group);
	const ids = [...new Set(members.flatMap((param) => idsWith(param, models) ?? []))];
	return {
		displayName: group.label,
		name: group.name,
		type: 'collection',
		placeholder: `Add ${group.label} Setting`,
		default: {},
		...(ids.length > 0 && { displayOptions: { show: { '/model': ids } } }),
		options: alphabetical(members.map((param) => shownForModels(param, models))),
	};
}

const alphabetical = (properties: INodeProperties[]): INodeProperties[] =>
	properties.sort((a, b) => a.displayName.localeCompare(b.displayName));

function shownForModels(param: Param, models: readonly Model[]): INodeProperties {
	const { property } = param;
	const ids = idsWith(param, models);
	if (!ids) return property;
	const show = { ...property.displayOptions?.show, '/model': ids };
	return { ...property, displayOptions: { ...property.displayOptions, show } };
}

/**
 * The models that have the parameter; undefined where all have it. Models may have a field of the same name with
 * values of another type: each shows its own, and a custom model the first.
 */
function idsWith({ property }: Param, models: readonly Model[]): string[] | undefined {
	const { name, type } = property;
	const sameName = models
		.flatMap(({ parameters }) => parameters)
		.filter((other) => other.property.name === name);
	const modelsWithParam = models.filter(({ parameters }) =>
		parameters.some((other) => other.property.name === name && other.property.type === type),
	);
	if (modelsWithParam.length === models.length) return undefined;
	const isOfCustomModel = sameName[0]?.property.type === type;
	return [
		...new Set(modelsWithParam.map(({ id }) => id)),
		...(isOfCustomModel ? [CUSTOM_MODEL] : []),
	];
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
	description: string,
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
			description,
			displayOptions: { show },
			options: filters.map(({ property }) => property),
		},
	];
}
