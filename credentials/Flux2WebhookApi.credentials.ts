import type { ICredentialType, INodeProperties } from 'n8n-workflow';

export class Flux2WebhookApi implements ICredentialType {
	name = 'flux2WebhookApi';

	displayName = 'FLUX.2 Webhook API';

	icon = {
		light: 'file:../nodes/Flux2Bfl/flux2Bfl.svg',
		dark: 'file:../nodes/Flux2Bfl/flux2Bfl.dark.svg',
	} as const;

	documentationUrl =
		'https://github.com/n8n-nodes-flux2/n8n-nodes-flux2/blob/main/docs/credentials.md#flux2-webhook-api';

	properties: INodeProperties[] = [
		{
			displayName: 'Secret',
			name: 'secret',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			required: true,
			placeholder: 'e.g. 32 random letters and digits',
			description:
				'A random text of your own, at least 16 characters long. Black Forest Labs signs their calls with it when Task: Submit has this credential, or the option Notify Secret the same text. For calls of Replicate: the signing secret that Replicate shows, which begins with whsec_.',
		},
	];
}
