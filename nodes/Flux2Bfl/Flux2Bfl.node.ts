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
import {
	collectOptions,
	generateOptions,
	priceFrom,
	submitOptions,
} from '../shared/parameters/options';
import { priceHints } from '../shared/parameters/priceHints';
import {
	optionsProperty,
	requestProperties,
	taskProperties,
} from '../shared/parameters/properties';
import { exactPromptHint } from '../shared/parameters/promptProperties';
import { completion, disablePup, models, promptUpsampling } from './models';
import { NO_TOOL, toolChoices, toolProperties } from './toolProperties';
import { tools } from './tools';
import { testSecret } from './secretTest';

const generate = { resource: ['image'], operation: ['generate', 'edit'] };
const estimate = { resource: ['image'], operation: ['estimateCost'] };
const submit = { resource: ['task'], operation: ['submit'] };
const withoutTool = { tool: [NO_TOOL] };
/** n8n checks the conditions of credentials like those of parameters; its types do not know it. */
const isGiven = { _cnd: { exists: true } } as unknown as string;
const get = { resource: ['task'], operation: ['get'] };

const waitOptions = [...generateOptions, completion];

export class Flux2Bfl implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'FLUX.2 (Black Forest Labs)',
		name: 'flux2Bfl',
		icon: { light: 'file:flux2Bfl.svg', dark: 'file:flux2Bfl.dark.svg' },
		group: ['transform'],
		version: [1],
		subtitle: subtitleOf(models),
		description:
			'Generate and edit images with FLUX.2 at Black Forest Labs (BFL), the makers of the model',
		defaults: { name: 'FLUX.2 (Black Forest Labs)' },
		usableAsTool: true,
		...searchHint(MAKES_IMAGES),
		waitingNodeTooltip: waitingTooltip('Black Forest Labs'),
		hints: [
			manyImagesHint,
			...callbackHints('Black Forest Labs', completion.property.name),
			downloadOffHint(),
			exactPromptHint(models, disablePup, true),
			exactPromptHint(models, promptUpsampling, false),
			...priceHints(models),
		],
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		credentials: [
			{ name: 'flux2BflApi', required: true, displayOptions: { hide: { priceFrom: ['formula'] } } },
			// for Notify Secret: the same credential as the FLUX.2 Trigger's. Only where somebody is notified: n8n selects
			// one credential by itself, and that shall be the key
			{
				name: 'flux2WebhookApi',
				required: false,
				testedBy: 'testSecret',
				displayOptions: { show: { ...submit, 'options.webhookUrl': [isGiven] } },
			},
		],
		webhooks: [resumeWebhook],
		properties: [
			...operationProperties([
				'image:generate',
				'image:edit',
				...tools.map(({ operation }) => `image:${operation}` as const),
				'image:estimateCost',
				'task:submit',
				'task:get',
				'account:getCredits',
			]),
			{
				...priceFrom.property,
				description:
					'Price List needs no credential. Provider asks Black Forest Labs, and goes by the price list where it does not respond.',
				displayOptions: { show: estimate },
			},
			...toolChoices(submit, estimate),
			...requestProperties(models, waitOptions, generate),
			...requestProperties(models, waitOptions, { ...estimate, ...withoutTool }),
			...requestProperties(models, submitOptions, { ...submit, ...withoutTool }),
			...toolProperties(submit, estimate),
			taskProperties.taskId(get),
			taskProperties.pollUrl(get),
			taskProperties.waitForCompletion(get),
			optionsProperty(collectOptions, get),
		],
	};

	methods = { credentialTest: { testSecret } };

	webhookMethods = noWebhookRegistration;

	async webhook(this: IWebhookFunctions) {
		const { resumeExecution } = await import('../shared/node/resume');
		const { bfl, webhook } = await import('./provider');
		return await resumeExecution(this, bfl, webhook);
	}

	async execute(this: IExecuteFunctions) {
		const { runItems } = await import('../shared/node/execute');
		const { bfl } = await import('./provider');
		return await runItems(this, bfl);
	}
}
