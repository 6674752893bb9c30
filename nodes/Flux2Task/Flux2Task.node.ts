import {
	NodeConnectionTypes,
	type IExecuteFunctions,
	type INodeType,
	type INodeTypeDescription,
} from 'n8n-workflow';
import { modelProperties, optionsProperty, requestProperties } from '../shared/model';
import { collectOptions, generateOptions, submitOptions } from '../shared/options';
import { runItems } from '../shared/run';
import { taskProperties } from '../shared/tasks';
import { models } from './models';
import { taskApi } from './provider';

const generate = { resource: ['image'], operation: ['generate'] };
const submit = { resource: ['task'], operation: ['submit'] };
const get = { resource: ['task'], operation: ['get'] };
const named = { resource: ['task'], operation: ['get', 'cancel'] };
const queueTask = { ...named, dialect: ['queue'] };

export class Flux2Task implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'FLUX.2 (Task API)',
		name: 'flux2Task',
		icon: { light: 'file:flux2Task.svg', dark: 'file:flux2Task.dark.svg' },
		group: ['transform'],
		version: [1],
		subtitle: '={{$parameter["operation"] + ": " + $parameter["resource"]}}',
		description:
			'Generate and edit images with FLUX.2 through a submit-and-poll task API (Vtrix, SeaCloud, SeaArt and their white labels)',
		defaults: { name: 'FLUX.2 (Task API)' },
		usableAsTool: true,
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: 'flux2TaskApi', required: true }],
		properties: [
			{
				displayName: 'Resource',
				name: 'resource',
				type: 'options',
				noDataExpression: true,
				options: [
					{ name: 'Image', value: 'image' },
					{ name: 'Task', value: 'task' },
				],
				default: 'image',
			},
			{
				displayName: 'Operation',
				name: 'operation',
				type: 'options',
				noDataExpression: true,
				displayOptions: { show: { resource: ['image'] } },
				options: [
					{
						name: 'Generate',
						value: 'generate',
						action: 'Generate or edit image',
						description: 'Generate an image, or edit reference images, and wait for the result',
					},
				],
				default: 'generate',
			},
			{
				displayName: 'Operation',
				name: 'operation',
				type: 'options',
				noDataExpression: true,
				displayOptions: { show: { resource: ['task'] } },
				options: [
					{
						name: 'Cancel',
						value: 'cancel',
						action: 'Cancel task',
						description: 'Stop a task that has not finished (dialect Queue only)',
						displayOptions: { show: { dialect: ['queue'] } },
					},
					{
						name: 'Get',
						value: 'get',
						action: 'Get task',
						description: 'Collect the image of a task, or look how far it is',
					},
					{
						name: 'Submit',
						value: 'submit',
						action: 'Submit task',
						description: 'Start an image and return at once, to collect it later',
					},
				],
				default: 'submit',
			},
			{
				displayName: 'Dialect',
				name: 'dialect',
				type: 'options',
				noDataExpression: true,
				options: [
					{
						name: 'Queue',
						value: 'queue',
						description: 'SeaCloud, SeaArt and white labels: /model/v1/queue/{model}',
					},
					{ name: 'Task', value: 'task', description: 'Vtrix: /model/v1/generation' },
				],
				default: 'task',
				description: 'Which of the two interfaces the service speaks',
			},
			{
				displayName: 'Body Format',
				name: 'bodyFormat',
				type: 'options',
				options: [
					{ name: 'Flat', value: 'flat', description: 'Parameters next to the model' },
					{ name: 'Wrapped', value: 'wrapped', description: "As the vendor's own clients send it" },
				],
				default: 'wrapped',
				description: 'How the parameters stand in the request. Try Flat when Wrapped is refused.',
				displayOptions: {
					show: { dialect: ['task'], operation: ['generate', 'submit'] },
				},
			},
			...requestProperties(models, generateOptions, generate),
			...requestProperties(models, submitOptions, submit),
			taskProperties.taskId(named),
			taskProperties.pollUrl(queueTask),
			...modelProperties(models, queueTask),
			taskProperties.waitForCompletion(get),
			optionsProperty(collectOptions, get),
		],
	};

	async execute(this: IExecuteFunctions) {
		return await runItems(this, taskApi);
	}
}
