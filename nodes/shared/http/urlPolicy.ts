import { Flux2Error } from '../core/errors';
import type { ApiClient } from './client';

/**
 * An address out of an answer if it may see the credential; otherwise the documented one has to do.
 * @param names what the address must hold, e.g. the task's ID: one that is garbled would find nothing, for ever
 */
export function trustedUrl(
	api: ApiClient,
	url: string | undefined,
	names = '',
): string | undefined {
	if (!url?.includes(names)) return undefined;
	const whole = URL.canParse(url, api.baseUrl) ? new URL(url, api.baseUrl).href : undefined;
	try {
		return whole && resolveApiUrl(api, whole).href;
	} catch {
		return undefined;
	}
}

/** A URL that may see the credential: the base URL's host, or one the provider owns. */
export function resolveApiUrl(api: ApiClient, url: string): URL {
	const base = new URL(api.baseUrl);
	const whole = url.startsWith('/') ? `${api.baseUrl}${url}` : url;
	if (!URL.canParse(whole))
		throw new Flux2Error('badResponse', `"${url.slice(0, 100)}" is not a URL`);
	const target = new URL(whole);
	const own = target.hostname === base.hostname || api.trustsHost?.(target.hostname, base.hostname);
	if (!own) {
		throw new Flux2Error(
			'badResponse',
			`The address ${target.host} is not ${api.label}'s, so the key was not sent there`,
		);
	}
	return requireHttps(base, target);
}

/** A URL that is opened without a credential. */
export function resolveDownloadUrl(api: Pick<ApiClient, 'baseUrl'>, url: string): URL {
	const target = URL.canParse(url) ? new URL(url) : undefined;
	if (!target) throw new Flux2Error('badResponse', `"${url.slice(0, 100)}" is not a URL`);
	return requireHttps(new URL(api.baseUrl), target);
}

/** Whether the URL could be opened without a credential. */
export function isDownloadable(api: Pick<ApiClient, 'baseUrl'>, url: string): boolean {
	try {
		return resolveDownloadUrl(api, url) instanceof URL;
	} catch {
		return false;
	}
}

/** https, or plain http where the base URL itself is plain http and the host is the same. */
function requireHttps(base: URL, target: URL): URL {
	const plain = target.protocol === 'http:' && base.protocol === 'http:';
	if (target.protocol === 'https:' || (plain && target.hostname === base.hostname)) return target;
	throw new Flux2Error(
		'badResponse',
		`The address ${target.protocol}//${target.host} was not opened, because it is not https`,
	);
}

/** An address that only its own computer can reach. */
export function isLoopback(url: string): boolean {
	const { hostname } = new URL(url);
	return /^(localhost|.*\.localhost|127\.[\d.]+|0\.0\.0\.0|\[::1?\])$/.test(hostname);
}
