import { deepEqual, ok } from 'node:assert/strict';
import type { Host } from '../host';
import { CREDENTIAL_TYPES, localCredentials } from '../host/credentials';
import type { Check } from './check';

interface Verdict {
	status: string;
	message: string;
}

/** The credential dialog's test, with other data than what is saved. */
async function tested(host: Host, type: string, changes: Record<string, string>): Promise<Verdict> {
	const data = { ...localCredentials(host.emulator, host.chat)[type], ...changes };
	const credentials = { ...host.credentials[type], type, data };
	const { status, message } = await host.rest.call<Verdict>('POST', '/rest/credentials/test', {
		credentials,
	});
	return { status, message };
}

const works: Verdict = { status: 'OK', message: 'Connection successful!' };
const refused = (message: string): Verdict => ({ status: 'Error', message });

/**
 * n8n 2.8 tells a refused key in its own words. It knows "ignore all statuses" only, not "but for
 * these", so the task API's test finds no more than that somebody answers.
 */
const OLDER: Record<string, Record<string, Verdict>> = {
	'2.8.4': {
		flux2BflApi: refused('Forbidden - perhaps check your credentials?'),
		flux2CloudflareApi: refused('Authorization failed - please check your credentials'),
		flux2OxenApi: refused('Authorization failed - please check your credentials'),
		flux2TaskApi: works,
	},
};

/** The first password field of each credential is its key. */
const withTests = CREDENTIAL_TYPES.flatMap(({ name, displayName, test, properties }) => {
	const key = properties.find(({ typeOptions }) => typeOptions?.password)?.name;
	const refusal = test?.rules?.find(
		({ type, properties: rule }) => type === 'responseCode' && rule.value === 401,
	);
	if (!test) return [];
	return [{ name, displayName, key, message: refusal?.properties.message }];
});

export const credentialChecks: Check[] = withTests.flatMap(
	({ name, displayName, key, message }) => [
		{
			name: `the credential test is green for a right key: ${displayName}`,
			async run(host) {
				deepEqual(await tested(host, name, {}), works);
			},
		},
		{
			name: `the credential test tells a wrong key: ${displayName}`,
			async run(host) {
				ok(key && message, 'the credential has a key, and words for a refusal');
				const expected = OLDER[host.n8n.of.version]?.[name] ?? refused(message);
				deepEqual(await tested(host, name, { [key]: 'made-up-by-a-test' }), expected);
			},
		},
	],
);
