/**
 * The AI gateway's request headers, as its documents list them.
 */

export interface GatewaySettings {
	gateway: string;
	skipCache: boolean;
	/** Seconds; undefined where nothing is to be cached. */
	cacheTtl?: number;
	cacheKey?: string;
	/** Milliseconds until the first byte. */
	requestTimeout?: number;
	/** Whether the gateway keeps a log of the request. */
	collectLog: boolean;
	/** Never fall back to Unified Billing. */
	ownKeyOnly: boolean;
}

/** The gateway caches a response for a month at most. */
const MAX_CACHE_TTL_SECONDS = 31 * 24 * 3600;
/** With a cache key and no ttl, on a gateway that does not cache by itself. */
const CACHE_KEY_TTL_SECONDS = 300;

type Check = (value: string) => boolean;

const isBoolean: Check = (value) => value === 'true' || value === 'false';
const isInteger =
	(min: number, max: number): Check =>
	(value) =>
		/^\d+$/.test(value) && Number(value) >= min && Number(value) <= max;

/** At most five entries, each a string, number or boolean. */
const isMetadata: Check = (value) => {
	try {
		const entries: unknown = JSON.parse(value);
		if (typeof entries !== 'object' || entries === null || Array.isArray(entries)) return false;
		const values: unknown[] = Object.values(entries);
		return (
			values.length <= 5 &&
			values.every((entry) => ['string', 'number', 'boolean'].includes(typeof entry))
		);
	} catch {
		return false;
	}
};

const CHECKS: Record<string, Check> = {
	'cf-aig-gateway-id': (value) => /^[a-z0-9_-]{1,64}$/i.test(value),
	'cf-aig-skip-cache': isBoolean,
	'cf-aig-cache-ttl': isInteger(60, MAX_CACHE_TTL_SECONDS),
	'cf-aig-cache-key': (value) => value.length > 0,
	'cf-aig-collect-log': isBoolean,
	'cf-aig-request-timeout': isInteger(1, Number.MAX_SAFE_INTEGER),
	'cf-aig-max-attempts': isInteger(1, 5),
	'cf-aig-retry-delay': isInteger(0, 5000),
	'cf-aig-backoff': (value) => ['constant', 'linear', 'exponential'].includes(value),
	'cf-aig-metadata': isMetadata,
	'cf-aig-zdr': isBoolean,
	'cf-aig-no-wholesale': isBoolean,
	'cf-aig-byok-alias': (value) => value.length > 0,
};

export interface ParsedGatewayHeaders {
	settings: GatewaySettings;
	/** Headers whose value is not as documented. */
	invalid: string[];
	/** cf-aig-* headers that no document knows: most likely misspelt. */
	unknown: string[];
}

export function readGatewayHeaders(headers: Record<string, string>): ParsedGatewayHeaders {
	const own = Object.entries(headers).filter(([name]) => name.startsWith('cf-aig-'));
	const number = (name: string) =>
		headers[name] === undefined ? undefined : Number(headers[name]);
	const cacheKey = headers['cf-aig-cache-key'];
	return {
		settings: {
			gateway: headers['cf-aig-gateway-id'] ?? 'default',
			skipCache: headers['cf-aig-skip-cache'] === 'true',
			cacheTtl:
				number('cf-aig-cache-ttl') ?? (cacheKey === undefined ? undefined : CACHE_KEY_TTL_SECONDS),
			cacheKey,
			requestTimeout: number('cf-aig-request-timeout'),
			collectLog: headers['cf-aig-collect-log'] !== 'false',
			ownKeyOnly: headers['cf-aig-no-wholesale'] === 'true',
		},
		invalid: own.filter(([name, value]) => CHECKS[name]?.(value) === false).map(([name]) => name),
		unknown: own.filter(([name]) => !(name in CHECKS)).map(([name]) => name),
	};
}
