import type {
	IAuthenticate,
	ICredentialTestRequest,
	ICredentialType,
	INodeProperties,
} from 'n8n-workflow';

export class Flux2ReplicateApi implements ICredentialType {
	name = 'flux2ReplicateApi';

	displayName = 'FLUX.2 Replicate API';

	icon = {
		light: 'file:../nodes/Flux2Replicate/flux2Replicate.svg',
		dark: 'file:../nodes/Flux2Replicate/flux2Replicate.dark.svg',
	} as const;

	documentationUrl =
		'https://github.com/n8n-nodes-flux2/n8n-nodes-flux2/blob/main/docs/credentials.md#replicate';

	properties: INodeProperties[] = [
		{
			displayName: 'API Token',
			name: 'apiToken',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			required: true,
			placeholder: 'e.g. r8_…',
			description:
				'From the <a href="https://replicate.com/account/api-tokens" target="_blank">account settings at Replicate</a>, under API Tokens',
		},
		{
			displayName: 'Base URL',
			name: 'baseUrl',
			type: 'string',
			default: 'https://api.replicate.com/v1',
			required: true,
			description: 'With the version, without a trailing slash',
		},
	];

	/** Not as an expression: n8n can evaluate none once an execution has been stopped, and cancelling comes after that. */
	authenticate: IAuthenticate = async ({ apiToken }, request) => ({
		...request,
		headers: { ...request.headers, Authorization: `Bearer ${(apiToken as string).trim()}` },
	});

	/** Free: the account that the token belongs to. */
	test: ICredentialTestRequest = {
		request: {
			baseURL: '={{$credentials.baseUrl.trim().replace(/\\/+$/, "")}}',
			url: '/account',
		},
		rules: [
			{
				type: 'responseCode',
				properties: { value: 401, message: 'Replicate does not accept this API token' },
			},
			{
				type: 'responseCode',
				properties: { value: 404, message: 'There is no Replicate at this base URL' },
			},
		],
	};
}
