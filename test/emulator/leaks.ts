import { isKeyOf, SECRETS } from './keys';
import type { LeakRecord } from './ledger';
import { PROVIDERS } from './registry';
import type { Body, Call, RouteOwner } from './types';

/**
 * Finds keys where they must not be. A provider's key belongs into the `keyHeader` of that
 * provider's routes and nowhere else.
 */

/** Headers for credentials: a leak whatever their value. */
const CREDENTIAL_HEADERS = [
	'authorization',
	'proxy-authorization',
	'x-key',
	'x-api-key',
	'api-key',
	'cf-aig-authorization',
	'cookie',
];

type Location = readonly [where: string, text: string];
type Finding = Pick<LeakRecord, 'where' | 'key'>;

export function findLeaks(call: Call, owner: RouteOwner | undefined): Finding[] {
	const allowed = findKeyHeaders(call, owner);
	const headers = Object.entries(call.headers).filter(([name]) => !allowed.includes(name));
	const locations: Location[] = [
		['url', decode(call.url)],
		...headers.map(([name, value]): Location => [`header ${name}`, value]),
		...listBodyTexts(call.body).map((text): Location => ['body', text]),
	];
	const found = locations.flatMap(([where, text]) =>
		findSecrets(text).map((key) => ({ where, key })),
	);
	if (owner !== 'results') return found;
	const bare = headers
		.map(([name]) => ({ where: `header ${name}`, name }))
		.filter(
			({ where, name }) =>
				CREDENTIAL_HEADERS.includes(name) && !found.some((finding) => finding.where === where),
		);
	return [...found, ...bare.map(({ where }) => ({ where }))];
}

/** The headers that may carry the call's key. */
function findKeyHeaders({ key }: Call, owner: RouteOwner | undefined): string[] {
	if (owner === undefined || owner === 'results' || key === undefined) return [];
	const { keyHeader, otherKeyHeader } = PROVIDERS[owner];
	return isKeyOf(owner, key) ? [keyHeader, ...(otherKeyHeader ? [otherKeyHeader] : [])] : [];
}

/** Escapes must not hide a key; broken ones stay as they are. */
function decode(url: string): string {
	try {
		return decodeURIComponent(url);
	} catch {
		return url;
	}
}

function findSecrets(text: string): string[] {
	return SECRETS.filter(([, value]) => text.includes(value)).map(([name]) => name);
}

function listBodyTexts(body: Body): string[] {
	if (body.kind === 'json') return [JSON.stringify(body.value) ?? ''];
	if (body.kind === 'form')
		return body.parts.map((part) => part.value ?? part.file?.filename ?? '');
	return [];
}
