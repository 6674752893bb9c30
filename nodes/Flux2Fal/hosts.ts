/** A fal application of anybody's has a host of its own below fal.ai: only these two are fal's gateways. */
export const isFalHost = (host: string): boolean => host === 'fal.run' || host.endsWith('.fal.run');

/** Where fal publishes the keys that it signs webhooks with; a stand-in for fal has its own. */
export const webhookKeysUrl = (baseUrl: string): string =>
	isFalHost(new URL(baseUrl).hostname)
		? 'https://rest.fal.ai/.well-known/jwks.json'
		: `${baseUrl}/.well-known/jwks.json`;
