import { Flux2Error } from '../core/errors';
import { isLoopback } from '../core/urls';
import type { ReadClient } from './types';

/** The part of a client that decides where its key may go. */
export type KeyOwner = Pick<ReadClient, 'baseUrl' | 'label' | 'trustsHost'>;

const MAX_SHOWN_URL_LENGTH = 100;

/**
 * An address from a response if it may see the credential; undefined otherwise, so that the documented address is used.
 * @param mustContain what the address must hold, e.g. the task's ID: a garbled one would find nothing, for ever
 */
export function trustedUrl(
	client: KeyOwner,
	url: string | undefined,
	mustContain = '',
): string | undefined {
	if (!url?.includes(mustContain) || !URL.canParse(url, client.baseUrl)) return undefined;
	try {
		return resolveApiUrl(client, new URL(url, client.baseUrl).href).href;
	} catch {
		return undefined;
	}
}

/**
 * A URL that may see the credential: on the base URL's host and port, or on a host that the provider owns.
 * @param url a path below the base URL, or a whole URL
 */
export function resolveApiUrl(client: KeyOwner, url: string): URL {
	const base = new URL(client.baseUrl);
	const target = toUrl(url.startsWith('/') ? `${client.baseUrl}${url}` : url);
	if (target.host !== base.host && !isTrustedHost(client, target, base)) {
		throw new Flux2Error(
			'badResponse',
			`The address ${target.host} does not belong to ${client.label}, so the key was not sent there`,
		);
	}
	return requireHttps(base, target);
}

/** Ports beside the standard one are nobody's promise. */
const isTrustedHost = ({ trustsHost }: KeyOwner, target: URL, base: URL): boolean =>
	target.port === '' && (trustsHost?.(target.hostname, base.hostname) ?? false);

/**
 * A URL that is opened without a credential.
 * @param origin plain http is allowed on this URL's host and port only, and only if this URL is plain http itself; empty
 * without a credential
 */
export const resolveDownloadUrl = (origin: string, url: string): URL =>
	requireHttps(origin === '' ? undefined : new URL(origin), toUrl(url));

function toUrl(text: string): URL {
	if (URL.canParse(text)) return new URL(text);
	throw new Flux2Error('badResponse', `"${text.slice(0, MAX_SHOWN_URL_LENGTH)}" is not a URL`);
}

/** https, or plain http where the base URL itself is plain http, and the host and the port are its own. */
function requireHttps(base: URL | undefined, target: URL): URL {
	const isPlain = target.protocol === 'http:' && base?.protocol === 'http:';
	if (target.protocol === 'https:' || (isPlain && isSameServer(base, target))) return target;
	throw new Flux2Error(
		'badResponse',
		`The address ${target.protocol}//${target.host} was not opened, because it is not https`,
	);
}

/** What is on n8n's own computer may be on any of its ports. */
const isSameServer = (base: URL, target: URL): boolean =>
	target.host === base.host || (isLoopback(base.href) && target.hostname === base.hostname);
