import type {
	IAuthenticate,
	ICredentialTestRequest,
	ICredentialType,
	INodeProperties,
} from 'n8n-workflow';

export class Flux2BflApi implements ICredentialType {
	name = 'flux2BflApi';

	displayName = 'FLUX.2 Black Forest Labs API';

	icon = {
		light: 'file:../nodes/Flux2Bfl/flux2Bfl.svg',
		dark: 'file:../nodes/Flux2Bfl/flux2Bfl.dark.svg',
	} as const;

	documentationUrl =
		'https://github.com/n8n-nodes-flux2/n8n-nodes-flux2/blob/main/docs/credentials.md#black-forest-labs';

	properties: INodeProperties[] = [
		{
			displayName: 'API Key',
			name: 'apiKey',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			required: true,
			placeholder: 'e.g. bfl_…',
			description:
				'From the <a href="https://dashboard.bfl.ai" target="_blank">dashboard of Black Forest Labs</a>, under API Keys',
		},
		{
			displayName: 'Region',
			name: 'region',
			type: 'options',
			options: [
				{ name: 'Global', value: 'global', description: 'Wherever there is capacity' },
				{ name: 'Europe', value: 'eu', description: 'Stays in the EU' },
				{ name: 'United States', value: 'us', description: 'Stays in the US' },
				{ name: 'Custom', value: 'custom', description: 'Another host that speaks the same API' },
			],
			default: 'global',
			description: 'Where images are made',
		},
		{
			displayName: 'Base URL',
			name: 'baseUrl',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. https://bfl.example.com',
			description: 'Without a trailing slash',
			displayOptions: { show: { region: ['custom'] } },
		},
	];

	/** Not as an expression: n8n can evaluate none once an execution has been stopped, and cancelling comes after that. */
	authenticate: IAuthenticate = async ({ apiKey }, request) => ({
		...request,
		headers: { ...request.headers, 'x-key': (apiKey as string).trim() },
	});

	/** Free. */
	test: ICredentialTestRequest = {
		request: {
			baseURL:
				'={{$credentials.region === "custom" ? $credentials.baseUrl.trim().replace(/\\/+$/, "") : $credentials.region === "global" ? "https://api.bfl.ai" : "https://api." + $credentials.region + ".bfl.ai"}}',
			url: '/v1/credits',
		},
		rules: [
			{
				type: 'responseCode',
				properties: { value: 401, message: 'Black Forest Labs does not accept this API key' },
			},
			{
				type: 'responseCode',
				properties: { value: 403, message: 'Black Forest Labs does not accept this API key' },
			},
			{
				type: 'responseCode',
				properties: { value: 404, message: 'There is no such API at this base URL' },
			},
		],
	};
}
