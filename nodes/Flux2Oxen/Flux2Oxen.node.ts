import {
	NodeConnectionTypes,
	type IExecuteFunctions,
	type INodeProperties,
	type INodeType,
	type INodeTypeDescription,
} from 'n8n-workflow';
import { operationProperties } from '../shared/parameters/operationProperties';
import { collectOptions, generateOptions, submitOptions } from '../shared/parameters/options';
import {
	listProperties,
	optionsProperty,
	requestProperties,
	taskProperties,
} from '../shared/parameters/properties';
import { modelFilters, taskFilters } from './filters';
import { models } from './models';

const generate = { resource: ['image'], operation: ['generate', 'estimateCost'] };
const submit = { resource: ['task'], operation: ['submit'] };
const get = { resource: ['task'], operation: ['get'] };
const named = { resource: ['task'], operation: ['get', 'cancel'] };

const mode: INodeProperties = {
	displayName: 'Mode',
	name: 'mode',
	type: 'options',
	options: [
		{
			name: 'Events',
			value: 'events',
			description: 'Like Queue, but Oxen.ai notifies the node when an image is ready',
		},
		{
			name: 'Queue',
			value: 'queue',
			description: 'Checks at intervals; a retry resumes without paying again',
		},
		{
			name: 'Sync',
			value: 'sync',
			description: 'One call that waits; if the connection breaks, the image is lost',
		},
	],
	default: 'queue',
	description: 'How the node waits for the image',
};

export class Flux2Oxen implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'FLUX.2 (Oxen.ai)',
		name: 'flux2Oxen',
		icon: { light: 'file:flux2Oxen.svg', dark: 'file:flux2Oxen.dark.svg' },
		group: ['transform'],
		version: [1],
		subtitle: '={{$parameter["operation"] + ": " + $parameter["resource"]}}',
		description: 'Generate and edit images with Black Forest Labs FLUX.2 on Oxen.ai',
		defaults: { name: 'FLUX.2 (Oxen.ai)' },
		usableAsTool: true,
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: 'flux2OxenApi', required: true }],
		properties: [
			...operationProperties([
				'image:estimateCost',
				'image:generate',
				'model:getMany',
				'task:cancel',
				'task:get',
				'task:getMany',
				'task:submit',
			]),
			...requestProperties(models, generateOptions, generate, mode),
			...requestProperties(models, submitOptions, submit),
			taskProperties.taskId(named),
			taskProperties.waitForCompletion(get),
			optionsProperty(collectOptions, get),
			...listProperties(taskFilters, { resource: ['task'], operation: ['getMany'] }),
			...listProperties(modelFilters, { resource: ['model'], operation: ['getMany'] }),
		],
	};

	async execute(this: IExecuteFunctions) {
		const { runItems } = await import('../shared/node/execute');
		const { oxen } = await import('./provider');
		return await runItems(this, oxen);
	}
}
