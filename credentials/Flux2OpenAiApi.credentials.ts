import type {
	IAuthenticate,
	ICredentialTestRequest,
	ICredentialType,
	INodeProperties,
} from 'n8n-workflow';
import { EXPOSED, isExposed, SERVERS } from '../nodes/Flux2OpenAi/servers';

const usualUrls = Object.fromEntries(
	Object.entries(SERVERS).map(([server, { baseUrl }]) => [server, baseUrl]),
);

export class Flux2OpenAiApi implements ICredentialType {
	name = 'flux2OpenAiApi';

	displayName = 'FLUX.2 OpenAI-Compatible API';

	icon = {
		light: 'file:../nodes/Flux2OpenAi/flux2OpenAi.svg',
		dark: 'file:../nodes/Flux2OpenAi/flux2OpenAi.dark.svg',
	} as const;

	documentationUrl =
		'https://github.com/n8n-nodes-flux2/n8n-nodes-flux2/blob/main/docs/credentials.md#openai-compatible';

	properties: INodeProperties[] = [
		{
			displayName: 'Server',
			name: 'service',
			type: 'options',
			options: Object.entries(SERVERS).map(([value, { name, baseUrl }]) => ({
				name,
				value,
				description: baseUrl === '' ? 'Needs its base URL' : `Usually ${baseUrl}`,
			})),
			default: 'vllm',
			description: 'Which server it is: each has names of its own for some parameters',
		},
		{
			displayName: 'Base URL',
			name: 'baseUrl',
			type: 'string',
			default: '',
			placeholder: 'e.g. http://192.168.1.20:8000/v1',
			description:
				'Of the API, without a trailing slash. When empty, where the server usually is; Azure AI Foundry and any other server need one. Plain http is for private addresses only.',
		},
		{
			displayName: 'API Key',
			name: 'apiKey',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			placeholder: 'Paste the key here',
			description: 'May be empty where the server asks for none',
		},
	];

	/** Nothing goes to a public address in plain http, with a key or without. */
	authenticate: IAuthenticate = async ({ service, apiKey }, request) => {
		const { url, baseURL } = request;
		const target = URL.canParse(url, baseURL) ? new URL(url, baseURL).href : '';
		if (isExposed(target)) throw new Error(`The base URL ${EXPOSED}`);
		const key = typeof apiKey === 'string' ? apiKey.trim() : '';
		if (key === '') return request;
		const header = service === 'azure' ? { 'api-key': key } : { Authorization: `Bearer ${key}` };
		return { ...request, headers: { ...request.headers, ...header } };
	};

	/** Free: the server's list of models. Azure AI Foundry has none: there only a refused key fails. */
	test: ICredentialTestRequest = {
		request: {
			baseURL: `={{ $credentials.baseUrl.trim().replace(/\\/+$/, "") || (${JSON.stringify(usualUrls)})[$credentials.service] }}`,
			url: '={{ $credentials.service === "openRouter" ? "/images/models" : "/models" }}',
			// the types of older n8n know a boolean only
			ignoreHttpStatusErrors:
				'={{ $credentials.service === "azure" ? {"ignore": true, "except": [401, 403]} : false }}' as unknown as boolean,
		},
		rules: [
			{
				type: 'responseCode',
				properties: { value: 401, message: 'The server does not accept this API key' },
			},
			{
				type: 'responseCode',
				properties: { value: 403, message: 'The server does not accept this API key' },
			},
			{
				type: 'responseCode',
				properties: {
					value: 404,
					message: 'There is no list of models at this base URL: it often ends in /v1',
				},
			},
		],
	};
}
