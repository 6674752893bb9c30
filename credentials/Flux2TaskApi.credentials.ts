import type {
	IAuthenticateGeneric,
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

	documentationUrl = 'https://github.com/n8n-nodes-flux2/n8n-nodes-flux2#task-api';

	properties: INodeProperties[] = [
		{
			displayName: 'API Key',
			name: 'apiKey',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			required: true,
			description: "From the service's API key management page",
		},
		{
			displayName: 'Base URL',
			name: 'baseUrl',
			type: 'string',
			default: 'https://cloud.vtrix.ai',
			required: true,
			description: 'Of Vtrix, SeaCloud or a white label, without a trailing slash',
		},
	];

	authenticate: IAuthenticateGeneric = {
		type: 'generic',
		properties: { headers: { Authorization: '=Bearer {{$credentials.apiKey}}' } },
	};

	/** Free: the service documents no call for it, so a task that cannot exist is asked for. */
	test: ICredentialTestRequest = {
		request: {
			baseURL: '={{$credentials.baseUrl.replace(/\\/+$/, "")}}',
			url: '/model/v1/generation/task/n8n-credential-test',
			ignoreHttpStatusErrors: { ignore: true, except: [401, 403] },
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
