import { deepEqual, ok } from 'node:assert/strict';
import type { Host } from '../host';
import { CREDENTIAL_TYPES, localCredentials } from '../host/credentials';
import type { Check } from './check';

interface TestResult {
	status: string;
	message: string;
}

/** Runs the credential dialog's test with data that differ from the saved ones. */
async function testCredential(
	host: Host,
	type: string,
	changes: Record<string, string>,
): Promise<TestResult> {
	const data = { ...localCredentials(host.emulator, host.chat)[type], ...changes };
	const credentials = { ...host.credentials[type], type, data };
	const { status, message } = await host.rest.call<TestResult>('POST', '/rest/credentials/test', {
		credentials,
	});
	return { status, message };
}

const SUCCESS: TestResult = { status: 'OK', message: 'Connection successful!' };
const toRefusal = (message: string): TestResult => ({ status: 'Error', message });

/**
 * n8n 2.8 shows its own message for a refused key. It cannot except statuses from "ignore all", so
 * the tests of fal and the task API only prove that the server responds.
 */
const OLDER_RESULTS: Record<string, Record<string, TestResult>> = {
	'2.8.4': {
		flux2BflApi: toRefusal('Forbidden - perhaps check your credentials?'),
		flux2CloudflareApi: toRefusal('Authorization failed - please check your credentials'),
		flux2OxenApi: toRefusal('Authorization failed - please check your credentials'),
		flux2ReplicateApi: toRefusal('Authorization failed - please check your credentials'),
		flux2FalApi: SUCCESS,
		flux2TaskApi: SUCCESS,
	},
};

/** The first password field of each credential is its key. */
const testedTypes = CREDENTIAL_TYPES.flatMap(({ name, displayName, test, properties }) => {
	const key = properties.find(({ typeOptions }) => typeOptions?.password)?.name;
	const refusal = test?.rules?.find(
		({ type, properties: rule }) => type === 'responseCode' && rule.value === 401,
	);
	if (!test) return [];
	return [{ name, displayName, key, message: refusal?.properties.message }];
});

export const credentialChecks: Check[] = testedTypes.flatMap(
	({ name, displayName, key, message }) => [
		{
			name: `the credential test accepts a right key: ${displayName}`,
			async run(host) {
				deepEqual(await testCredential(host, name, {}), SUCCESS);
			},
		},
		{
			name: `the credential test reports a wrong key: ${displayName}`,
			async run(host) {
				ok(key && message, 'the credential has a key, and a message for a refusal');
				const expected = OLDER_RESULTS[host.n8n.release.version]?.[name] ?? toRefusal(message);
				deepEqual(await testCredential(host, name, { [key]: 'made-up-by-a-test' }), expected);
			},
		},
	],
);
