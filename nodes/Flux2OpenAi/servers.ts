import { isPrivate } from '../shared/core/urls';

/** The servers whose dialect is known, by their value in the credential: their names, and where they usually are. */
export const SERVERS = {
	generic: { name: 'Another Server', baseUrl: '' },
	azure: { name: 'Azure AI Foundry', baseUrl: '' },
	deepInfra: { name: 'DeepInfra', baseUrl: 'https://api.deepinfra.com/v1/openai' },
	localAi: { name: 'LocalAI', baseUrl: 'http://localhost:8080/v1' },
	openRouter: { name: 'OpenRouter', baseUrl: 'https://openrouter.ai/api/v1' },
	sdCpp: { name: 'stable-diffusion.cpp', baseUrl: 'http://localhost:1234/v1' },
	together: { name: 'Together', baseUrl: 'https://api.together.xyz/v1' },
	vllm: { name: 'vLLM-Omni', baseUrl: 'http://localhost:8000/v1' },
} as const satisfies Record<string, { name: string; baseUrl: string }>;

export type ServerName = keyof typeof SERVERS;

/** A credential without a known server is for any. */
export const toServerName = (value: unknown): ServerName =>
	typeof value === 'string' && Object.hasOwn(SERVERS, value) ? (value as ServerName) : 'generic';

/** Plain http to anywhere but a private network, where strangers could read the key and the images. */
export const isExposed = (url: string): boolean =>
	URL.canParse(url) && new URL(url).protocol === 'http:' && !isPrivate(url);

export const EXPOSED = 'is plain http to a public address; only private addresses may be';
