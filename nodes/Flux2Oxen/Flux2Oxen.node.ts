import {
	NodeConnectionTypes,
	type IExecuteFunctions,
	type INodeType,
	type INodeTypeDescription,
} from 'n8n-workflow';
import { MAKES_IMAGES, searchHint } from '../shared/parameters/builderHint';
import { downloadOffHint, manyImagesHint, oneCallHint } from '../shared/parameters/hints';
import { operationProperties, subtitleOf } from '../shared/parameters/operationProperties';
import { collectOptions, generateOptions, submitOptions } from '../shared/parameters/options';
import {
	listProperties,
	optionsProperty,
	requestProperties,
	taskProperties,
} from '../shared/parameters/properties';
import { modelFilters, taskFilters } from './filters';
import { mode, models } from './models';

const generate = { resource: ['image'], operation: ['generate', 'edit', 'estimateCost'] };
const submit = { resource: ['task'], operation: ['submit'] };
const get = { resource: ['task'], operation: ['get'] };
const named = { resource: ['task'], operation: ['get', 'cancel'] };

export class Flux2Oxen implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'FLUX.2 (Oxen.ai)',
		name: 'flux2Oxen',
		icon: { light: 'file:flux2Oxen.svg', dark: 'file:flux2Oxen.dark.svg' },
		group: ['transform'],
		version: [1],
		subtitle: subtitleOf(models),
		description: 'Generate and edit images with Black Forest Labs FLUX.2 on Oxen.ai',
		defaults: { name: 'FLUX.2 (Oxen.ai)' },
		usableAsTool: true,
		...searchHint(MAKES_IMAGES),
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		hints: [manyImagesHint, downloadOffHint(), oneCallHint],
		credentials: [{ name: 'flux2OxenApi', required: true }],
		properties: [
			...operationProperties([
				'image:estimateCost',
				'image:generate',
				'image:edit',
				'task:submit',
				'task:get',
				'task:getMany',
				'task:cancel',
				'model:getMany',
			]),
			...requestProperties(models, [...generateOptions, mode], generate),
			...requestProperties(models, submitOptions, submit),
			taskProperties.taskId(named),
			taskProperties.waitForCompletion(get),
			optionsProperty(collectOptions, get),
			...listProperties(
				taskFilters,
				{ resource: ['task'], operation: ['getMany'] },
				'Which tasks to list. Only running ones without a status: add Status for finished ones.',
			),
			...listProperties(
				modelFilters,
				{ resource: ['model'], operation: ['getMany'] },
				'Which models to list',
			),
		],
	};

	async execute(this: IExecuteFunctions) {
		const { runItems } = await import('../shared/node/execute');
		const { oxen } = await import('./provider');
		return await runItems(this, oxen);
	}
}
