import type {
	IAuthenticate,
	ICredentialTestRequest,
	ICredentialType,
	INodeProperties,
} from 'n8n-workflow';

export class Flux2CloudflareApi implements ICredentialType {
	name = 'flux2CloudflareApi';

	displayName = 'FLUX.2 Cloudflare API';

	icon = {
		light: 'file:../nodes/Flux2Cloudflare/flux2Cloudflare.svg',
		dark: 'file:../nodes/Flux2Cloudflare/flux2Cloudflare.dark.svg',
	} as const;

	documentationUrl =
		'https://github.com/n8n-nodes-flux2/n8n-nodes-flux2/blob/main/docs/credentials.md#cloudflare';

	properties: INodeProperties[] = [
		{
			displayName: 'Account ID',
			name: 'accountId',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. 0123456789abcdef0123456789abcdef',
			description:
				'On the account home of the <a href="https://dash.cloudflare.com" target="_blank">Cloudflare dashboard</a>',
		},
		{
			displayName: 'API Token',
			name: 'apiToken',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			required: true,
			placeholder: 'Paste the token here',
			description:
				'From <a href="https://dash.cloudflare.com/profile/api-tokens" target="_blank">My Profile → API Tokens</a>, with the permissions Workers AI (Read and Edit) and, for the catalog models, AI Gateway (Read, Edit and Run). The test below needs Workers AI Read: it fails for a token with AI Gateway alone, although that one can make images with the catalog models.',
		},
		{
			displayName: 'Base URL',
			name: 'baseUrl',
			type: 'string',
			default: 'https://api.cloudflare.com/client/v4',
			required: true,
			description: 'Without a trailing slash',
		},
	];

	/** Not as an expression: n8n can evaluate none once an execution has been stopped, and cancelling comes after that. */
	authenticate: IAuthenticate = async ({ apiToken }, request) => ({
		...request,
		headers: { ...request.headers, Authorization: `Bearer ${(apiToken as string).trim()}` },
	});

	/** Free, and proves the account ID and the token together. */
	test: ICredentialTestRequest = {
		request: {
			baseURL: '={{$credentials.baseUrl.trim().replace(/\\/+$/, "")}}',
			url: '=/accounts/{{encodeURIComponent($credentials.accountId.trim())}}/ai/models/search',
			qs: { search: 'flux-2', per_page: 1 },
		},
		rules: [
			{
				type: 'responseCode',
				properties: {
					value: 400,
					message:
						'Cloudflare cannot read the API token or the account ID: copy both again, without spaces',
				},
			},
			{
				type: 'responseCode',
				properties: {
					value: 401,
					message:
						'Cloudflare does not accept this API token. It may be wrong or expired, or lack Workers AI Read (an AI Gateway token fails this test although it works for the catalog models)',
				},
			},
			{
				type: 'responseCode',
				properties: {
					value: 403,
					message:
						'The API token may not use Workers AI in this account: check its permissions (Workers AI Read) and the account ID. An AI Gateway token fails this test although it works for the catalog models',
				},
			},
			{
				type: 'responseCode',
				properties: {
					value: 404,
					message: 'There is no such account: check the account ID and the base URL',
				},
			},
		],
	};
}
