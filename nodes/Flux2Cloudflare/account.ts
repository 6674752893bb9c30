import { invalidInput } from '../shared/core/errors';
import type { ReadClient } from '../shared/http/types';

/**
 * Where everything of the credential's account is.
 * @throws Flux2Error `invalidInput` for an ID that would change the path
 */
export function accountPath({ credentials: { accountId = '' } }: ReadClient): string {
	if (/^[\w-]+$/.test(accountId)) return `/accounts/${accountId}`;
	throw invalidInput(['Account ID: must consist of letters and digits; correct the credential']);
}
