import {
	NodeConnectionTypes,
	type INodeProperties,
	type IExecuteFunctions,
	type INodeType,
	type INodeTypeDescription,
	type IWebhookFunctions,
} from 'n8n-workflow';
import { models as bflModels } from '../Flux2Bfl/models';
import { testSecret } from '../Flux2Bfl/secretTest';
import { models as falModels } from '../Flux2Fal/models';
import { models as replicateModels } from '../Flux2Replicate/models';
import { noWebhookRegistration } from '../shared/parameters/callbackProperties';
import { optionsProperty } from '../shared/parameters/properties';
import type { Model } from '../shared/parameters/model';
import { SECRET_CREDENTIAL, secretFrom, triggerOptions, type ProviderName } from './options';

const from = (provider: ProviderName) => ({ show: { provider: [provider] } });

const noticeFor = (provider: ProviderName, displayName: string): INodeProperties => ({
	displayName,
	name: 'notice',
	type: 'notice',
	default: '',
	displayOptions: from(provider),
});

const modelsOf = (
	provider: ProviderName,
	models: readonly Model[],
	elsewhere: string,
): INodeProperties => ({
	displayName: 'Models',
	name: 'models',
	type: 'multiOptions',
	options: models
		.map(({ id, name }) => ({ name, value: id }))
		.sort((a, b) => a.name.localeCompare(b.name)),
	default: [],
	description: `Only images of these models start the workflow. All if empty. ${elsewhere}`,
	displayOptions: from(provider),
});

export class Flux2Trigger implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'FLUX.2 Trigger',
		name: 'flux2Trigger',
		icon: {
			light: 'file:../Flux2Bfl/flux2Bfl.svg',
			dark: 'file:../Flux2Bfl/flux2Bfl.dark.svg',
		},
		group: ['trigger'],
		version: [1],
		subtitle: '={{[].concat($parameter["outcomes"]).join(", ")}}',
		description:
			'Starts the workflow when Black Forest Labs (BFL), fal or Replicate has finished an image',
		defaults: { name: 'FLUX.2 Trigger' },
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
		credentials: [
			{
				name: SECRET_CREDENTIAL,
				required: true,
				testedBy: 'testSecret',
				displayOptions: { hide: { provider: ['fal'], secretFrom: ['account'] } },
			},
			{ name: 'flux2FalApi', required: true, displayOptions: from('fal') },
			{
				name: 'flux2ReplicateApi',
				required: true,
				displayOptions: { show: { provider: ['replicate'], secretFrom: ['account'] } },
			},
		],
		webhooks: [
			{
				name: 'default',
				httpMethod: 'POST',
				path: 'webhook',
				responseMode: 'onReceived',
				responseData: 'noData',
			},
		],
		properties: [
			{
				displayName: 'Provider',
				name: 'provider',
				type: 'options',
				noDataExpression: true,
				options: [
					{
						name: 'Black Forest Labs',
						value: 'bfl',
						description: 'Its calls prove a secret of your own',
					},
					{
						name: 'Fal',
						value: 'fal',
						description: 'Its calls are signed, and your key tells which are about your own tasks',
					},
					{
						name: 'Replicate',
						value: 'replicate',
						description: 'Its calls are signed with a secret of your account',
					},
				],
				default: 'bfl',
				description: 'Who calls when an image is done',
			},
			noticeFor(
				'bfl',
				'Put the Production URL above into the option Notify URL of Task: Submit in FLUX.2 (Black Forest Labs), and choose the same FLUX.2 Webhook API credential there (elsewhere, put its secret into Notify Secret). Images that are submitted there arrive here.',
			),
			noticeFor(
				'fal',
				'Put the Production URL above into the option Notify URL of Task: Submit in FLUX.2 (fal), and choose the same FLUX.2 Fal API credential here. Images that are submitted there arrive here.',
			),
			noticeFor(
				'replicate',
				'Put the Production URL above into the option Notify URL of Task: Submit in FLUX.2 (Replicate), and choose the same FLUX.2 Replicate API credential here. Images that are submitted there arrive here.',
			),
			{ ...secretFrom.property, displayOptions: from('replicate') },
			{
				displayName: 'Outcomes',
				name: 'outcomes',
				type: 'multiOptions',
				options: [
					{ name: 'Completed', value: 'completed', description: 'The image is ready' },
					{ name: 'Failed', value: 'failed', description: 'It could not be generated' },
					{ name: 'Moderated', value: 'moderated', description: 'A content filter refused it' },
				],
				default: ['completed', 'failed', 'moderated'],
				description: 'Which outcomes start the workflow. All if empty.',
			},
			modelsOf(
				'bfl',
				bflModels,
				'For tasks submitted by another program, add "?model=" and the model ID to the URL there.',
			),
			modelsOf(
				'fal',
				falModels,
				'A task submitted by another program needs "?model=" and the model ID in the URL there.',
			),
			modelsOf('replicate', replicateModels, 'Each call names its model.'),
			optionsProperty(triggerOptions),
		],
	};

	methods = { credentialTest: { testSecret } };

	webhookMethods = noWebhookRegistration;

	async webhook(this: IWebhookFunctions) {
		const { receiveDelivery } = await import('./deliveries');
		return await receiveDelivery(this);
	}

	async execute(this: IExecuteFunctions) {
		const { fetchImages } = await import('./deliveries');
		return await fetchImages(this);
	}
}
