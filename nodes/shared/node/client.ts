import type { IDataObject } from 'n8n-workflow';
import type { Throttle } from '../core/async';
import { Flux2Error } from '../core/errors';
import { createRedactor, secretsIn } from '../core/redact';
import type { ClientContext, CredentialValues, ReadClient } from '../http/types';
import type { ProviderDefinition } from '../operations/types';

/**
 * The provider's API with the node's credential.
 * @throws Flux2Error `invalidInput` for a base URL that is none; or what n8n says about the credential
 */
export async function createClient(
	context: ClientContext,
	provider: ProviderDefinition,
	facts: { cancelSignal: AbortSignal; readThrottle: Throttle },
): Promise<ReadClient> {
	const { credentialType, label, readError, trustsHost } = provider;
	const decrypted = await context.getCredentials(credentialType);
	const credentials = toTrimmedValues(decrypted);
	const baseUrl = withoutTrailingSlashes(provider.baseUrl(credentials));
	if (!URL.canParse(baseUrl)) {
		throw new Flux2Error('invalidInput', `"${baseUrl}" is not a URL`, {
			description: 'Correct the Base URL in the credential.',
		});
	}
	const redact = createRedactor(secretsIn(decrypted));
	const redactItem = createRedactor(secretsIn(decrypted, 'accountId'));
	const own = { context, credentials, baseUrl, redact, redactItem };
	return { ...own, ...facts, credentialType, label, readError, trustsHost };
}

/** For an operation that needs no credential, and asks the provider nothing. */
export const createClientWithoutKey = (
	context: ClientContext,
	{ credentialType, label, readError }: ProviderDefinition,
	facts: { cancelSignal: AbortSignal; readThrottle: Throttle },
): ReadClient => {
	const redact = createRedactor([]);
	const own = { context, credentials: {}, baseUrl: '', redact, redactItem: redact };
	return { ...own, ...facts, credentialType, label, readError };
};

/** What people paste often has blanks around it. */
const toTrimmedValues = (credentials: IDataObject): CredentialValues =>
	Object.fromEntries(
		Object.entries(credentials).flatMap(([name, value]) =>
			typeof value === 'string' ? [[name, value.trim()]] : [],
		),
	);

/** Not by a pattern: one for slashes at the end takes quadratic time on slashes in the middle. */
function withoutTrailingSlashes(url: string): string {
	let length = url.length;
	while (url[length - 1] === '/') length--;
	return url.slice(0, length);
}
