import type { IDisplayOptions, INodeProperties, INodePropertyOptions } from 'n8n-workflow';

interface OperationTexts {
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
	'image:estimateCost': {
		name: 'Estimate Cost',
		action: 'Estimate cost of image',
		description: 'Find out what an image would cost; nothing is generated or paid for',
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
} satisfies Record<string, OperationTexts>;

export type OperationName = keyof typeof operations;

const resources: Readonly<Record<string, { name: string; defaultOperation: string }>> = {
	account: { name: 'Account', defaultOperation: 'getCredits' },
	image: { name: 'Image', defaultOperation: 'generate' },
	model: { name: 'Model', defaultOperation: 'getMany' },
	task: { name: 'Task', defaultOperation: 'submit' },
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
	const options = available
		.filter((key) => key.startsWith(prefix))
		.sort()
		.map((key): INodePropertyOptions => {
			const displayOptions = conditions[key];
			const value = key.slice(prefix.length);
			return { ...operations[key], value, ...(displayOptions && { displayOptions }) };
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

const succeed = async () => true;

/** Nothing is registered at the provider: each request names the address to call. */
export const noWebhookRegistration = {
	default: { checkExists: succeed, create: succeed, delete: succeed },
};
