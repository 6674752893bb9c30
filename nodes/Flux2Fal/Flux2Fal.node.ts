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
	fixedModelProperties,
	modelProperties,
	optionsProperty,
	requestProperties,
	taskProperties,
} from '../shared/parameters/properties';
import { mode, models } from './models';
import { outpaint } from './outpaint';

const generate = { resource: ['image'], operation: ['generate', 'edit', 'estimateCost'] };
const submit = { resource: ['task'], operation: ['submit'] };
const get = { resource: ['task'], operation: ['get'] };
const named = { resource: ['task'], operation: ['get', 'cancel'] };

export class Flux2Fal implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'FLUX.2 (fal)',
		name: 'flux2Fal',
		icon: { light: 'file:flux2Fal.svg', dark: 'file:flux2Fal.dark.svg' },
		group: ['transform'],
		version: [1],
		subtitle: subtitleOf(models),
		description: 'Generate and edit images with Black Forest Labs FLUX.2 on fal (fal.ai)',
		defaults: { name: 'FLUX.2 (fal)' },
		usableAsTool: true,
		...searchHint(MAKES_IMAGES),
		waitingNodeTooltip: waitingTooltip('fal'),
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		hints: [
			manyImagesHint,
			...callbackHints('fal', mode.property.name),
			downloadOffHint(),
			...priceHints(models),
		],
		credentials: [
			{
				name: 'flux2FalApi',
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
				'image:outpaint',
				'task:submit',
				'task:get',
				'task:cancel',
			]),
			...requestProperties(models, [...generateOptions, mode], generate),
			...fixedModelProperties(outpaint, [...generateOptions, mode], {
				resource: ['image'],
				operation: ['outpaint'],
			}),
			...requestProperties(models, submitOptions, submit),
			taskProperties.taskId(named),
			taskProperties.pollUrl(named),
			...modelProperties(models, named),
			taskProperties.waitForCompletion(get),
			optionsProperty(collectOptions, get),
		],
	};

	webhookMethods = noWebhookRegistration;

	async webhook(this: IWebhookFunctions) {
		const { resumeExecution } = await import('../shared/node/resume');
		const { fal, webhook } = await import('./provider');
		return await resumeExecution(this, fal, webhook);
	}

	async execute(this: IExecuteFunctions) {
		const { runItems } = await import('../shared/node/execute');
		const { fal } = await import('./provider');
		return await runItems(this, fal);
	}
}
