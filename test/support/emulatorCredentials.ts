import type { Emulator } from '../emulator';
import type { CredentialStore } from './credentials';

/** Credentials that work at the emulator, by type. A new provider adds its own here. */
export const emulatorCredentials = ({
	keys,
	urls,
}: Pick<Emulator, 'keys' | 'urls'>): CredentialStore => ({
	flux2CloudflareApi: {
		accountId: keys.accountId,
		apiToken: keys.cloudflareToken,
		baseUrl: urls.cloudflare,
	},
	flux2TaskApi: { apiKey: keys.taskKey, baseUrl: urls.task },
	flux2OxenApi: { apiKey: keys.oxenKey, baseUrl: urls.oxen },
	flux2BflApi: { apiKey: keys.bflKey, region: 'custom', baseUrl: urls.bfl },
});
