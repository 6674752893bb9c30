import { Refusal, type Call } from '../types';
import { documentedErrors, v4Error } from './documentedErrors';
import { GRANTS, IDENTIFIERS, type Grant } from './keys';

/** The grant of the token in the header, or Cloudflare's refusal. */
export function authenticate(call: Call): Grant {
	if (call.headers.authorization === undefined)
		throw new Refusal(documentedErrors['cloudflare.noAuthorization']);
	if (call.scheme !== 'Bearer' || !call.key)
		throw new Refusal(documentedErrors['cloudflare.authorizationHeader']);
	const grant = GRANTS.get(call.key);
	if (!grant) throw new Refusal(documentedErrors['cloudflare.token']);
	return grant;
}

/** As `authenticate`, for a call on an account that needs one of the permissions. */
export function authorize(call: Call, permissions: ReadonlyArray<'gateway' | 'workersAi'>): Grant {
	const grant = authenticate(call);
	if (!grant.active) throw new Refusal(documentedErrors['cloudflare.token']);
	requireAccount(call);
	if (!permissions.some((permission) => grant[permission])) {
		throw new Refusal(documentedErrors['cloudflare.permission']);
	}
	return grant;
}

export function requireAccount(call: Call): void {
	if (call.params.account === IDENTIFIERS.accountId) return;
	const path = call.url.split('?')[0] ?? '';
	throw new Refusal(
		v4Error(404, 7003, `Could not route to ${path}, perhaps your object identifier is invalid?`),
	);
}
