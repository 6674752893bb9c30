import {
	NodeConnectionTypes,
	type IExecuteFunctions,
	type INodeProperties,
	type INodeType,
	type INodeTypeDescription,
	type IWebhookFunctions,
} from 'n8n-workflow';
import {
	noWebhookRegistration,
	operationProperties,
} from '../shared/parameters/operationProperties';
import { collectOptions, generateOptions, submitOptions } from '../shared/parameters/options';
import {
	optionsProperty,
	requestProperties,
	taskProperties,
} from '../shared/parameters/properties';
import { exactPromptHint } from '../shared/parameters/promptProperties';
import { disablePup, models, promptUpsampling } from './models';
import { testSecret } from './secretTest';

const generate = { resource: ['image'], operation: ['generate'] };
const submit = { resource: ['task'], operation: ['submit'] };
const get = { resource: ['task'], operation: ['get'] };

const completion: INodeProperties = {
	displayName: 'Completion',
	name: 'completion',
	type: 'options',
	options: [
		{
			name: 'Callback',
			value: 'callback',
			description:
				'Suspends the execution, without holding a worker, until Black Forest Labs calls n8n. One item per execution; n8n must be reachable from the internet.',
		},
		{
			name: 'Poll',
			value: 'poll',
			description: 'Checks at intervals until the image is ready',
		},
	],
	default: 'poll',
	description: 'How the node waits for the image',
};

export class Flux2Bfl implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'FLUX.2 (Black Forest Labs)',
		name: 'flux2Bfl',
		icon: { light: 'file:flux2Bfl.svg', dark: 'file:flux2Bfl.dark.svg' },
		group: ['transform'],
		version: [1],
		subtitle: '={{$parameter["operation"] + ": " + $parameter["resource"]}}',
		description:
			'Generate and edit images with FLUX.2 at Black Forest Labs (BFL), the makers of the model',
		defaults: { name: 'FLUX.2 (Black Forest Labs)' },
		usableAsTool: true,
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		hints: [
			exactPromptHint(models, disablePup, true),
			exactPromptHint(models, promptUpsampling, false),
		],
		credentials: [
			{ name: 'flux2BflApi', required: true },
			// for Notify Secret: the same credential as the FLUX.2 Trigger's
			{
				name: 'flux2WebhookApi',
				required: false,
				testedBy: 'testSecret',
				displayOptions: { show: submit },
			},
		],
		webhooks: [
			{
				name: 'default',
				httpMethod: 'POST',
				path: '',
				restartWebhook: true,
				responseMode: 'onReceived',
				responseData: 'noData',
			},
		],
		properties: [
			...operationProperties(['account:getCredits', 'image:generate', 'task:get', 'task:submit']),
			...requestProperties(models, generateOptions, generate, completion),
			...requestProperties(models, submitOptions, submit),
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
