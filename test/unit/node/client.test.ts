import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { throttle } from '../../../nodes/shared/core/async';
import { createClient } from '../../../nodes/shared/node/client';
import { doneOf, inTurn, providerWith } from '../../support/madeUpProvider';

/** The provider's API with what people paste into a credential. */

const KEY = 'made-up-key-0123456789';
const ACCOUNT = 'account-0123456789';
const facts = { cancelSignal: new AbortController().signal, readThrottle: throttle(0) };
const provider = providerWith({ submit: inTurn([doneOf()]) });

const clientWith = async (credentials: IDataObject) => {
	const getCredentials = jest.fn(async () => await Promise.resolve(credentials));
	const context = { getCredentials } as unknown as IExecuteFunctions;
	return { context, getCredentials, client: await createClient(context, provider, facts) };
};

test('knows its provider, and takes the values without the blanks around them', async () => {
	const credentials = { apiKey: ` ${KEY}\n`, baseUrl: ' https://api.example/v1// ', port: 7 };
	const { client, context, getCredentials } = await clientWith(credentials);
	expect(getCredentials.mock.calls).toEqual([['madeUpApi']]);
	expect(client).toMatchObject({
		...facts,
		context,
		credentialType: 'madeUpApi',
		label: 'Made-Up',
		baseUrl: 'https://api.example/v1',
		credentials: { apiKey: KEY, baseUrl: 'https://api.example/v1//' },
		readError: provider.readError,
	});
});

test.each([
	['https://api.example', 'https://api.example'],
	['https://api.example////', 'https://api.example'],
	['http://127.0.0.1:1/v1/', 'http://127.0.0.1:1/v1'],
])('the base URL %s has no slash behind it', async (baseUrl, expected) => {
	expect((await clientWith({ baseUrl })).client.baseUrl).toBe(expected);
});

test.each(['', 'api.example', '///'])('the base URL %p is none', async (baseUrl) => {
	await expect(clientWith({ baseUrl })).rejects.toMatchObject({
		kind: 'invalidInput',
		message: expect.stringMatching(/^"[^"/]*" is not a URL$/),
		description: 'Correct the Base URL in the credential.',
	});
});

test('hides the key everywhere, as it was typed too, and the account in messages only', async () => {
	const typed = ` ${KEY} `;
	const { client } = await clientWith({
		apiKey: typed,
		accountId: ACCOUNT,
		baseUrl: 'https://api.example',
	});
	const text = `"${typed}", ${KEY}, ${ACCOUNT}, https://api.example`;
	expect(client.redact(text)).toBe('"***", ***, ***, https://api.example');
	expect(client.redactItem(text)).toBe(`"***", ***, ${ACCOUNT}, https://api.example`);
});

test('is none where n8n has no credential', async () => {
	const getCredentials = async () => await Promise.reject(new Error('no such credential'));
	const context = { getCredentials } as unknown as IExecuteFunctions;
	await expect(createClient(context, provider, facts)).rejects.toThrow('no such credential');
});
