import type {
	IAuthenticate,
	ICredentialTestRequest,
	ICredentialType,
	INodeProperties,
} from 'n8n-workflow';

export class Flux2FalApi implements ICredentialType {
	name = 'flux2FalApi';

	displayName = 'FLUX.2 fal API';

	icon = {
		light: 'file:../nodes/Flux2Fal/flux2Fal.svg',
		dark: 'file:../nodes/Flux2Fal/flux2Fal.dark.svg',
	} as const;

	documentationUrl =
		'https://github.com/n8n-nodes-flux2/n8n-nodes-flux2/blob/main/docs/credentials.md#fal';

	properties: INodeProperties[] = [
		{
			displayName: 'API Key',
			name: 'apiKey',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			required: true,
			description: 'From the dashboard of fal, under API Keys: the ID, a colon and the secret',
		},
		{
			displayName: 'Base URL',
			name: 'baseUrl',
			type: 'string',
			default: 'https://queue.fal.run',
			required: true,
			description: 'Of the queue, without a trailing slash',
		},
	];

	/** Not as an expression: n8n can evaluate none once an execution has been stopped, and cancelling comes after that. */
	authenticate: IAuthenticate = async ({ apiKey }, request) => ({
		...request,
		headers: { ...request.headers, Authorization: `Key ${(apiKey as string).trim()}` },
	});

	/** Free, and on the host that the key is for anyway: a request that cannot exist is asked for. */
	test: ICredentialTestRequest = {
		request: {
			baseURL: '={{$credentials.baseUrl.trim().replace(/\\/+$/, "")}}',
			url: '/fal-ai/flux-2/requests/00000000-0000-4000-8000-000000000000/status',
			// the types of older n8n know a boolean only
			ignoreHttpStatusErrors: { ignore: true, except: [401, 403] } as unknown as boolean,
		},
		rules: [
			{
				type: 'responseCode',
				properties: { value: 401, message: 'fal does not accept this API key' },
			},
			{
				type: 'responseCode',
				properties: {
					value: 403,
					message: 'The API key is not permitted to run models, or the account has no balance',
				},
			},
		],
	};
}
