import type {
	IAuthenticate,
	ICredentialTestRequest,
	ICredentialType,
	INodeProperties,
} from 'n8n-workflow';

export class Flux2OxenApi implements ICredentialType {
	name = 'flux2OxenApi';

	displayName = 'FLUX.2 Oxen.ai API';

	icon = {
		light: 'file:../nodes/Flux2Oxen/flux2Oxen.svg',
		dark: 'file:../nodes/Flux2Oxen/flux2Oxen.dark.svg',
	} as const;

	documentationUrl =
		'https://github.com/n8n-nodes-flux2/n8n-nodes-flux2/blob/main/docs/credentials.md#oxenai';

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
				'From your profile at <a href="https://www.oxen.ai" target="_blank">Oxen.ai</a>, under API Keys',
		},
		{
			displayName: 'Base URL',
			name: 'baseUrl',
			type: 'string',
			default: 'https://hub.oxen.ai',
			required: true,
			description: 'Without a trailing slash',
		},
	];

	/** Not as an expression: n8n can evaluate none once an execution has been stopped, and cancelling comes after that. */
	authenticate: IAuthenticate = async ({ apiKey }, request) => ({
		...request,
		headers: { ...request.headers, Authorization: `Bearer ${(apiKey as string).trim()}` },
	});

	/** Free, and a route of the user's own: the list of models may be public. */
	test: ICredentialTestRequest = {
		request: {
			baseURL: '={{$credentials.baseUrl.trim().replace(/\\/+$/, "")}}',
			url: '/api/ai/queue',
		},
		rules: [
			{
				type: 'responseCode',
				properties: { value: 401, message: 'Oxen.ai does not accept this API key' },
			},
			{
				type: 'responseCode',
				properties: { value: 403, message: 'This API key may not use the inference API' },
			},
			{
				type: 'responseCode',
				properties: { value: 404, message: 'There is no Oxen.ai at this base URL' },
			},
		],
	};
}
