import type { IDisplayOptions, INodeProperties, INodePropertyOptions } from 'n8n-workflow';
import type { Model } from './model';

interface OperationTexts {
	name: string;
	action: string;
	description: string;
}

/** Every operation that a node may have, as `resource:operation`, in the order of the editor. */
const operations = {
	'image:generate': {
		name: 'Generate',
		action: 'Generate a FLUX.2 image',
		description: 'Make an image from a prompt, with or without reference images, and wait for it',
	},
	'image:edit': {
		name: 'Edit',
		action: 'Edit a FLUX.2 image',
		description: 'Change or combine your own images as the prompt says, and wait for the result',
	},
	'image:erase': {
		name: 'Erase',
		action: 'Erase a part of an image',
		description: 'Remove what a mask covers from an image, and fill in what is behind it',
	},
	'image:outpaint': {
		name: 'Outpaint',
		action: 'Extend an image beyond its edges',
		description: 'Put an image on a larger canvas, and continue it up to the edges',
	},
	'image:deblur': {
		name: 'Deblur',
		action: 'Sharpen a blurred image',
		description: 'Make a blurred image sharp',
	},
	'image:tryOn': {
		name: 'Try On',
		action: 'Dress a person in a garment',
		description: 'Show the person of one image in the garment of another',
	},
	'image:estimateCost': {
		name: 'Estimate Cost',
		action: 'Estimate the cost of an image',
		description: 'Find out what the image would cost; nothing is generated or paid for',
	},
	'task:submit': {
		name: 'Submit',
		action: 'Start an image without waiting',
		description: 'Start an image and return at once, to collect it later',
	},
	'task:get': {
		name: 'Get',
		action: 'Collect the image of a task',
		description: 'Collect the image of a task, or check its progress',
	},
	'task:getMany': {
		name: 'Get Many',
		action: 'Get many tasks',
		description: 'List tasks: running ones, or those of one status',
	},
	'task:cancel': {
		name: 'Cancel',
		action: 'Cancel a task',
		description: 'Stop a task that has not finished',
	},
	'model:getMany': {
		name: 'Get Many',
		action: 'Get many models',
		description: 'List the models of the provider with their prices',
	},
	'account:getCredits': {
		name: 'Get Credits',
		action: 'Get the credits that are left',
		description: 'See how many credits are left',
	},
} satisfies Record<string, OperationTexts>;

export type OperationName = keyof typeof operations;

const resources: Readonly<Record<string, { name: string; defaultOperation: string }>> = {
	image: { name: 'Image', defaultOperation: 'generate' },
	task: { name: 'Task', defaultOperation: 'submit' },
	model: { name: 'Model', defaultOperation: 'getMany' },
	account: { name: 'Account', defaultOperation: 'getCredits' },
};

/**
 * The editor's Resource and Operation.
 * @param conditions where an operation depends on another parameter
 */
export function operationProperties(
	available: readonly OperationName[],
	conditions: Partial<Record<OperationName, IDisplayOptions>> = {},
): INodeProperties[] {
	const shown = Object.entries(resources).filter(([resource]) =>
		available.some((key) => key.startsWith(`${resource}:`)),
	);
	return [
		{
			displayName: 'Resource',
			name: 'resource',
			type: 'options',
			noDataExpression: true,
			options: shown.map(([value, { name }]) => ({ name, value })),
			default: 'image',
		},
		...shown.map(([resource]) => operationProperty(resource, available, conditions)),
	];
}

function operationProperty(
	resource: string,
	available: readonly OperationName[],
	conditions: Partial<Record<OperationName, IDisplayOptions>>,
): INodeProperties {
	const prefix = `${resource}:`;
	const options = Object.entries(operations)
		.filter(([key]) => key.startsWith(prefix) && available.some((name) => name === key))
		.map(([key, texts]): INodePropertyOptions => {
			const displayOptions = conditions[key as OperationName];
			const value = key.slice(prefix.length);
			return { ...texts, value, ...(displayOptions && { displayOptions }) };
		});
	const standard = resources[resource]?.defaultOperation ?? '';
	return {
		displayName: 'Operation',
		name: 'operation',
		type: 'options',
		noDataExpression: true,
		displayOptions: { show: { resource: [resource] } },
		options,
		default: standard,
	};
}

/** The operation and the model in words, for the canvas; the resource where there is no model. */
export function subtitleOf(models: readonly Model[]): string {
	const words = Object.fromEntries(
		Object.entries(operations).map(([key, { name }]) => [key.slice(key.indexOf(':') + 1), name]),
	);
	const names = Object.fromEntries(models.map(({ id, name }) => [id, name]));
	const operation = `(${JSON.stringify(words)})[$parameter["operation"]]`;
	const model = `(${JSON.stringify(names)})[$parameter["model"]]`;
	const other = '$parameter["customModel"] || $parameter["model"] || $parameter["resource"]';
	return `={{ ${operation} + ": " + (${model} || ${other}) }}`;
}
