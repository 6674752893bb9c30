import type {
	ICredentialDataDecryptedObject,
	ICredentialsDecrypted,
	ICredentialTestFunctions,
	INodeCredentialTestResult,
} from 'n8n-workflow';

const MIN_SECRET_LENGTH = 16;

/** Only a real delivery proves that both sides have the same secret. This test rejects secrets short enough to guess. */
export async function testSecret(
	this: ICredentialTestFunctions,
	{ data }: ICredentialsDecrypted<ICredentialDataDecryptedObject>,
): Promise<INodeCredentialTestResult> {
	const isShort = typeof data?.secret !== 'string' || data.secret.trim().length < MIN_SECRET_LENGTH;
	return isShort
		? {
				status: 'Error',
				message: `This secret can be guessed: make it at least ${MIN_SECRET_LENGTH} characters long`,
			}
		: { status: 'OK', message: 'The secret is long enough' };
}
