import { invalidInput } from '../shared/core/errors';
import type { ApiClient } from '../shared/http/types';

/**
 * Where everything of the credential's account is.
 * @throws Flux2Error `invalidInput` for an ID that would change the path
 */
export function accountPath({ credentials: { accountId = '' } }: ApiClient): string {
	if (/^[\w-]+$/.test(accountId)) return `/accounts/${accountId}`;
	throw invalidInput(['Account ID: must consist of letters and digits; correct the credential']);
}
