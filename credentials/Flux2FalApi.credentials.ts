import type {
	IAuthenticate,
	ICredentialTestRequest,
	ICredentialType,
	INodeProperties,
} from 'n8n-workflow';

export class Flux2FalApi implements ICredentialType {
	name = 'flux2FalApi';

	displayName = 'FLUX.2 Fal API';

	icon = {
		light: 'file:../nodes/Flux2Fal/flux2Fal.svg',
		dark: 'file:../nodes/Flux2Fal/flux2Fal.dark.svg',
	} as const;

	documentationUrl =
		'https://github.com/n8n-nodes-flux2/n8n-nodes-flux2/blob/main/docs/credentials.md#fal';

	properties: INodeProperties[] = [
		{
			displayName: 'Server',
			name: 'service',
			type: 'options',
			options: [
				{ name: 'Fal', value: 'fal', description: 'With a key of fal' },
				{
					name: 'Hugging Face',
					value: 'huggingFace',
					description: 'Through the router of Hugging Face, which bills you; for a few models',
				},
			],
			default: 'fal',
			description: 'Whose key this is',
		},
		{
			displayName: 'API Key',
			name: 'apiKey',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			required: true,
			placeholder: 'Paste the key here',
			description:
				'From the <a href="https://fal.ai/dashboard/keys" target="_blank">dashboard of fal</a>, under API Keys: the ID, a colon and the secret. Of Hugging Face: an access token that may call inference providers.',
		},
		{
			displayName: 'Base URL',
			name: 'baseUrl',
			type: 'string',
			default: 'https://queue.fal.run',
			required: true,
			description: 'Of the queue, without a trailing slash',
			displayOptions: { show: { service: ['fal'] } },
		},
		{
			displayName: 'Router URL',
			name: 'routerUrl',
			type: 'string',
			default: 'https://router.huggingface.co/fal-ai',
			required: true,
			description: 'Of the router, with the path for fal and without a trailing slash',
			displayOptions: { show: { service: ['huggingFace'] } },
		},
		{
			displayName: 'Bill To',
			name: 'billTo',
			type: 'string',
			default: '',
			placeholder: 'e.g. my-organization',
			description: 'The organization at Hugging Face that pays; your own account when empty',
			displayOptions: { show: { service: ['huggingFace'] } },
		},
	];

	/** Not as an expression: n8n can evaluate none once an execution has been stopped, and cancelling comes after that. */
	authenticate: IAuthenticate = async ({ service, apiKey, billTo = '' }, request) => {
		const key = (apiKey as string).trim();
		const payer = (billTo as string).trim();
		const { headers, qs } = request;
		if (service !== 'huggingFace') {
			return { ...request, headers: { ...headers, Authorization: `Key ${key}` } };
		}
		return {
			...request,
			headers: {
				...headers,
				Authorization: `Bearer ${key}`,
				...(payer && { 'X-HF-Bill-To': payer }),
			},
			// the router passes every call on to fal's queue
			qs: { ...qs, _subdomain: 'queue' },
		};
	};

	/** Free, and on the host that the key is for anyway: a request that cannot exist is asked for. */
	test: ICredentialTestRequest = {
		request: {
			baseURL:
				'={{($credentials.service === "huggingFace" ? $credentials.routerUrl : $credentials.baseUrl).trim().replace(/\\/+$/, "")}}',
			url: '/fal-ai/flux-2/requests/00000000-0000-4000-8000-000000000000/status',
			// the types of older n8n know a boolean only
			ignoreHttpStatusErrors: { ignore: true, except: [401, 403] } as unknown as boolean,
		},
		rules: [
			{
				type: 'responseCode',
				properties: { value: 401, message: 'This API key is not accepted by the chosen server' },
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
