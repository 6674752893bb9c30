import {
	NodeConnectionTypes,
	type IExecuteFunctions,
	type INodeType,
	type INodeTypeDescription,
} from 'n8n-workflow';
import { MAKES_IMAGES, searchHint } from '../shared/parameters/builderHint';
import { downloadOffHint, manyImagesHint } from '../shared/parameters/hints';
import { collectOptions, generateOptions, submitOptions } from '../shared/parameters/options';
import { operationProperties, subtitleOf } from '../shared/parameters/operationProperties';
import {
	modelProperties,
	optionsProperty,
	requestProperties,
	taskProperties,
} from '../shared/parameters/properties';
import { bodyFormat, models } from './models';

const generate = { resource: ['image'], operation: ['generate', 'edit', 'estimateCost'] };
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
		subtitle: subtitleOf(models),
		description:
			'Generate and edit images with FLUX.2 at Vtrix, SeaCloud, SeaArt and others that offer the same task API',
		defaults: { name: 'FLUX.2 (Task API)' },
		usableAsTool: true,
		...searchHint(MAKES_IMAGES),
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		hints: [manyImagesHint, downloadOffHint()],
		credentials: [{ name: 'flux2TaskApi', required: true }],
		properties: [
			...operationProperties(
				[
					'image:generate',
					'image:edit',
					'image:estimateCost',
					'task:submit',
					'task:get',
					'task:cancel',
				],
				{
					'task:cancel': { show: { dialect: ['queue'] } },
				},
			),
			{
				displayName: 'Service',
				name: 'dialect',
				type: 'options',
				noDataExpression: true,
				options: [
					{ name: 'Vtrix', value: 'task', description: 'Its generation API' },
					{
						name: 'SeaCloud, SeaArt and Others',
						value: 'queue',
						description: 'Their queue API, which names the model in its address',
					},
				],
				default: 'task',
				description: 'Whose API key the credential holds',
			},
			...requestProperties(models, [...generateOptions, bodyFormat], generate),
			...requestProperties(models, [...submitOptions, bodyFormat], submit),
			taskProperties.taskId(named),
			taskProperties.pollUrl(queueTask),
			...modelProperties(models, queueTask),
			taskProperties.waitForCompletion(get),
			optionsProperty(collectOptions, get),
		],
	};

	async execute(this: IExecuteFunctions) {
		const { runItems } = await import('../shared/node/execute');
		const { taskApi } = await import('./provider');
		return await runItems(this, taskApi);
	}
}
