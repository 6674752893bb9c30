import {
	NodeConnectionTypes,
	type IExecuteFunctions,
	type INodeType,
	type INodeTypeDescription,
	type IWebhookFunctions,
} from 'n8n-workflow';
import { models } from '../Flux2Bfl/models';
import { testSecret } from '../Flux2Bfl/secretTest';
import { noWebhookRegistration } from '../shared/parameters/operationProperties';
import { optionsProperty } from '../shared/parameters/properties';
import { triggerOptions } from './options';

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
		description: 'Starts the workflow when Black Forest Labs (BFL) has finished an image',
		defaults: { name: 'FLUX.2 Trigger' },
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: 'flux2WebhookApi', required: true, testedBy: 'testSecret' }],
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
				displayName:
					'Put the Production URL above into the option Notify URL of Task: Submit in FLUX.2 (Black Forest Labs), and choose the same FLUX.2 Webhook API credential there (elsewhere, put its secret into Notify Secret). Images that are submitted there arrive here.',
				name: 'notice',
				type: 'notice',
				default: '',
			},
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
			{
				displayName: 'Models',
				name: 'models',
				type: 'multiOptions',
				options: models
					.map(({ id, name }) => ({ name, value: id }))
					.sort((a, b) => a.name.localeCompare(b.name)),
				default: [],
				description:
					'Only images of these models start the workflow. All if empty. For tasks submitted by another program, add "?model=" and the model ID to the URL there.',
			},
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
