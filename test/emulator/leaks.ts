import { belongsTo, SECRETS } from './keys';
import type { LeakRecord } from './ledger';
import { PROVIDERS } from './registry';
import type { Body, Call, RouteOwner } from './types';

/**
 * Finds keys where they must not be. A provider's key belongs into the `Authorization` header of
 * that provider's routes, or into its own `keyHeader`, and nowhere else.
 */

/** Headers that say "here is a credential", whatever is in them. */
const CREDENTIAL_HEADERS = [
	'authorization',
	'proxy-authorization',
	'x-key',
	'x-api-key',
	'cf-aig-authorization',
	'cookie',
];

type Location = readonly [where: string, text: string];
type Finding = Pick<LeakRecord, 'where' | 'key'>;

export function findLeaks(call: Call, owner: RouteOwner | undefined): Finding[] {
	const allowed = findKeyHeader(call, owner);
	const headers = Object.entries(call.headers).filter(([name]) => name !== allowed);
	const locations: Location[] = [
		['url', decode(call.url)],
		...headers.map(([name, value]): Location => [`header ${name}`, value]),
		...bodyTexts(call.body).map((text): Location => ['body', text]),
	];
	const known = locations.flatMap(([where, text]) =>
		secretsIn(text).map((key) => ({ where, key })),
	);
	if (owner !== 'results') return known;
	const bare = headers
		.map(([name]) => ({ where: `header ${name}`, name }))
		.filter(
			({ where, name }) =>
				CREDENTIAL_HEADERS.includes(name) && !known.some((one) => one.where === where),
		);
	return [...known, ...bare.map(({ where }) => ({ where }))];
}

/** The header that may carry the call's key. */
function findKeyHeader({ key }: Call, owner: RouteOwner | undefined): string | undefined {
	if (owner === undefined || owner === 'results' || key === undefined) return undefined;
	return belongsTo(owner, key) ? PROVIDERS[owner].keyHeader : undefined;
}

/** Escapes must not hide a key; broken ones stay as they are. */
function decode(url: string): string {
	try {
		return decodeURIComponent(url);
	} catch {
		return url;
	}
}

function secretsIn(text: string): string[] {
	return SECRETS.filter(([, value]) => text.includes(value)).map(([name]) => name);
}

function bodyTexts(body: Body): string[] {
	if (body.kind === 'json') return [JSON.stringify(body.value) ?? ''];
	if (body.kind === 'form')
		return body.parts.map((part) => part.value ?? part.file?.filename ?? '');
	return [];
}
