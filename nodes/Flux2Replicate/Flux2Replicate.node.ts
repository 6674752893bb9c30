import {
	NodeConnectionTypes,
	type IExecuteFunctions,
	type INodeType,
	type INodeTypeDescription,
	type IWebhookFunctions,
} from 'n8n-workflow';
import { MAKES_IMAGES, searchHint } from '../shared/parameters/builderHint';
import {
	noWebhookRegistration,
	resumeWebhook,
	waitingTooltip,
} from '../shared/parameters/callbackProperties';
import { callbackHints, downloadOffHint, manyImagesHint } from '../shared/parameters/hints';
import { operationProperties, subtitleOf } from '../shared/parameters/operationProperties';
import { collectOptions, generateOptions, submitOptions } from '../shared/parameters/options';
import { priceHints } from '../shared/parameters/priceHints';
import {
	listProperties,
	optionsProperty,
	requestProperties,
	taskProperties,
} from '../shared/parameters/properties';
import { taskFilters } from './filters';
import { completion, models } from './models';

const generate = { resource: ['image'], operation: ['generate', 'edit', 'estimateCost'] };
const submit = { resource: ['task'], operation: ['submit'] };
const get = { resource: ['task'], operation: ['get'] };
const named = { resource: ['task'], operation: ['get', 'cancel'] };

export class Flux2Replicate implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'FLUX.2 (Replicate)',
		name: 'flux2Replicate',
		icon: { light: 'file:flux2Replicate.svg', dark: 'file:flux2Replicate.dark.svg' },
		group: ['transform'],
		version: [1],
		subtitle: subtitleOf(models),
		description: 'Generate and edit images with Black Forest Labs FLUX.2 on Replicate',
		defaults: { name: 'FLUX.2 (Replicate)' },
		usableAsTool: true,
		...searchHint(MAKES_IMAGES),
		waitingNodeTooltip: waitingTooltip('Replicate'),
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		hints: [
			manyImagesHint,
			...callbackHints('Replicate', completion.property.name),
			downloadOffHint(),
			...priceHints(models),
		],
		credentials: [
			{
				name: 'flux2ReplicateApi',
				required: true,
				displayOptions: { hide: { operation: ['estimateCost'] } },
			},
		],
		webhooks: [resumeWebhook],
		properties: [
			...operationProperties([
				'image:estimateCost',
				'image:generate',
				'image:edit',
				'task:submit',
				'task:get',
				'task:getMany',
				'task:cancel',
			]),
			...requestProperties(models, [...generateOptions, completion], generate),
			...requestProperties(models, submitOptions, submit),
			taskProperties.taskId(named),
			taskProperties.waitForCompletion(get),
			optionsProperty(collectOptions, get),
			...listProperties(
				taskFilters,
				{ resource: ['task'], operation: ['getMany'] },
				'Which tasks to list, the newest first',
			),
		],
	};

	webhookMethods = noWebhookRegistration;

	async webhook(this: IWebhookFunctions) {
		const { resumeExecution } = await import('../shared/node/resume');
		const { replicate, webhook } = await import('./provider');
		return await resumeExecution(this, replicate, webhook);
	}

	async execute(this: IExecuteFunctions) {
		const { runItems } = await import('../shared/node/execute');
		const { replicate } = await import('./provider');
		return await runItems(this, replicate);
	}
}
