import type {
	ICredentialDataDecryptedObject,
	ICredentialsDecrypted,
	ICredentialTestFunctions,
	INodeCredentialTestResult,
} from 'n8n-workflow';

const MIN_SECRET_LENGTH = 16;

export const TOO_SHORT = `Make the secret at least ${MIN_SECRET_LENGTH} characters long: a shorter one can be guessed`;

/** A secret short enough to guess proves nothing. */
export const isLongEnough = (secret: unknown): secret is string =>
	typeof secret === 'string' && secret.trim().length >= MIN_SECRET_LENGTH;

/** Only a real delivery proves that both sides have the same secret. This test rejects secrets short enough to guess. */
export async function testSecret(
	this: ICredentialTestFunctions,
	{ data }: ICredentialsDecrypted<ICredentialDataDecryptedObject>,
): Promise<INodeCredentialTestResult> {
	return isLongEnough(data?.secret)
		? { status: 'OK', message: 'The secret is long enough' }
		: { status: 'Error', message: TOO_SHORT };
}
