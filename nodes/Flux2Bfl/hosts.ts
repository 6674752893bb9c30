/** The regions of the API, https://docs.bfl.ai/api_integration/integration_guidelines */
const baseUrls: Readonly<Record<string, string>> = {
	global: 'https://api.bfl.ai',
	eu: 'https://api.eu.bfl.ai',
	us: 'https://api.us.bfl.ai',
};

/** @param region as the credential has it; anything else means the base URL that the user has typed */
export const baseUrlOf = (region: string, baseUrl: string): string =>
	Object.entries(baseUrls).find(([name]) => name === region)?.[1] ?? baseUrl;

export const isBflHost = (host: string): boolean => host === 'bfl.ai' || host.endsWith('.bfl.ai');

/** A response as it may be shown: without the secret of a webhook, which it may repeat. */
export const withoutSecrets = (response: unknown): unknown =>
	JSON.parse(
		JSON.stringify(response ?? null, (key, value: unknown) =>
			key === 'webhook_secret' ? undefined : value,
		),
	);
