import type { IDisplayOptions, INodeProperties, INodePropertyOptions } from 'n8n-workflow';

interface Words {
	name: string;
	action: string;
	description: string;
}

/** Every operation that a node may have, as `resource:operation`. */
const operations = {
	'account:getCredits': {
		name: 'Get Credits',
		action: 'Get account credits',
		description: 'See how many credits are left',
	},
	'image:generate': {
		name: 'Generate',
		action: 'Generate or edit image',
		description: 'Generate an image, or edit reference images, and wait for the result',
	},
	'model:getMany': {
		name: 'Get Many',
		action: 'Get many models',
		description: 'List the models of the provider',
	},
	'task:cancel': {
		name: 'Cancel',
		action: 'Cancel task',
		description: 'Stop a task that has not finished',
	},
	'task:get': {
		name: 'Get',
		action: 'Get task',
		description: 'Collect the image of a task, or check its progress',
	},
	'task:getMany': {
		name: 'Get Many',
		action: 'Get many tasks',
		description: 'List tasks',
	},
	'task:submit': {
		name: 'Submit',
		action: 'Submit task',
		description: 'Start an image and return at once, to collect it later',
	},
} satisfies Record<string, Words>;

export type OperationName = keyof typeof operations;

const resourceNames: Record<string, string> = {
	account: 'Account',
	image: 'Image',
	model: 'Model',
	task: 'Task',
};
const defaultOperations: Record<string, string> = {
	account: 'getCredits',
	image: 'generate',
	model: 'getMany',
	task: 'submit',
};

/**
 * The editor's Resource and Operation.
 * @param only where an operation depends on another parameter
 */
export function operationProperties(
	available: readonly OperationName[],
	only: Partial<Record<OperationName, IDisplayOptions>> = {},
): INodeProperties[] {
	const resources = [...new Set(available.map((key) => key.split(':')[0]!))].sort();
	const resource: INodeProperties = {
		displayName: 'Resource',
		name: 'resource',
		type: 'options',
		noDataExpression: true,
		options: resources.map((value) => ({ name: resourceNames[value]!, value })),
		default: 'image',
	};
	return [resource, ...resources.map((value) => operationProperty(value, available, only))];
}

function operationProperty(
	resource: string,
	available: readonly OperationName[],
	only: Partial<Record<OperationName, IDisplayOptions>>,
): INodeProperties {
	const own = available.filter((key) => key.startsWith(`${resource}:`)).sort();
	const options = own.map(
		(key): INodePropertyOptions => ({
			...operations[key],
			value: key.split(':')[1]!,
			...(only[key] && { displayOptions: only[key] }),
		}),
	);
	const standard = defaultOperations[resource]!;
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
