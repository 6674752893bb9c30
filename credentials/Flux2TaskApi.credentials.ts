import type {
	IAuthenticate,
	ICredentialTestRequest,
	ICredentialType,
	INodeProperties,
} from 'n8n-workflow';

export class Flux2TaskApi implements ICredentialType {
	name = 'flux2TaskApi';

	displayName = 'FLUX.2 Task API';

	icon = {
		light: 'file:../nodes/Flux2Task/flux2Task.svg',
		dark: 'file:../nodes/Flux2Task/flux2Task.dark.svg',
	} as const;

	documentationUrl =
		'https://github.com/n8n-nodes-flux2/n8n-nodes-flux2/blob/main/docs/credentials.md#task-api';

	properties: INodeProperties[] = [
		{
			displayName: 'API Key',
			name: 'apiKey',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			required: true,
			placeholder: 'Paste the key here',
			description:
				'From the page API Key Management of <a href="https://cloud.vtrix.ai" target="_blank">Vtrix</a>, or of the service that you use instead',
		},
		{
			displayName: 'Base URL',
			name: 'baseUrl',
			type: 'string',
			default: 'https://cloud.vtrix.ai',
			required: true,
			description:
				'Of Vtrix, SeaCloud, SeaArt or another service with the same API, without a trailing slash',
		},
	];

	/** Not as an expression: n8n can evaluate none once an execution has been stopped, and cancelling comes after that. */
	authenticate: IAuthenticate = async ({ apiKey }, request) => ({
		...request,
		headers: { ...request.headers, Authorization: `Bearer ${(apiKey as string).trim()}` },
	});

	/** Free: the service documents no call for it, so a task that cannot exist is asked for. */
	test: ICredentialTestRequest = {
		request: {
			baseURL: '={{$credentials.baseUrl.trim().replace(/\\/+$/, "")}}',
			url: '/model/v1/generation/task/n8n-credential-test',
			// the types of older n8n know a boolean only
			ignoreHttpStatusErrors: { ignore: true, except: [401, 403] } as unknown as boolean,
		},
		rules: [
			{
				type: 'responseCode',
				properties: { value: 401, message: 'The service does not accept this API key' },
			},
			{
				type: 'responseCode',
				properties: {
					value: 403,
					message: 'The API key is not permitted to use this API, or the account has no balance',
				},
			},
		],
	};
}
