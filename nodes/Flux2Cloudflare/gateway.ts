import {
	encodedAs,
	inGroup,
	integer,
	jsonObject,
	text,
	toggle,
	withCheck,
	type Param,
} from '../shared/parameters/param';

// AI Gateway's request headers, https://developers.cloudflare.com/ai-gateway/usage/rest-api/.
// cf-aig-max-attempts is left out on purpose: the gateway would repeat calls that are paid for.
const inGateway = { in: 'header' } as const;
const gateway = { name: 'gateway', label: 'Gateway' };
const gatewayId = inHeader(
	text('cf-aig-gateway-id', {
		label: 'Gateway ID',
		name: 'gatewayId',
		...inGateway,
		description:
			'The AI Gateway to go through. Cloudflare uses the one named "default" when unset.',
		placeholder: 'e.g. my-gateway',
	}),
);
const skipCache = toggle('cf-aig-skip-cache', {
	label: 'Skip Cache',
	name: 'skipCache',
	...inGateway,
	description: 'Whether to make a new image even if the gateway has this request in its cache',
	default: true,
});
const cacheTtl = integer('cf-aig-cache-ttl', {
	label: 'Cache TTL',
	name: 'cacheTtl',
	...inGateway,
	description: 'How many seconds the gateway keeps the response, from 60 to 2592000 (30 days)',
	hint: 'In seconds',
	min: 60,
	max: 2_592_000,
	default: 3600,
});
const cacheKey = inHeader(
	text('cf-aig-cache-key', {
		label: 'Cache Key',
		name: 'cacheKey',
		...inGateway,
		description: 'A key of your own under which the gateway caches the response',
		placeholder: 'e.g. autumn-poster-1',
	}),
);
const collectLog = toggle('cf-aig-collect-log', {
	label: 'Collect Log',
	name: 'collectLog',
	...inGateway,
	description: 'Whether the gateway logs this request',
	default: true,
});
const noUnifiedBilling = toggle('cf-aig-no-wholesale', {
	label: 'No Unified Billing',
	name: 'noUnifiedBilling',
	...inGateway,
	description:
		"Whether to use only your own Black Forest Labs key stored in the gateway, and never Cloudflare's Unified Billing",
	default: true,
});
const requestTimeout = integer('cf-aig-request-timeout', {
	label: 'Request Timeout',
	name: 'requestTimeout',
	...inGateway,
	description: 'How many milliseconds the gateway waits for the first byte of the response',
	hint: 'In milliseconds',
	min: 1,
	default: 180_000,
});
const metadata = metadataHeader(
	jsonObject('cf-aig-metadata', {
		label: 'Metadata',
		name: 'metadata',
		...inGateway,
		description:
			"Up to 5 entries (text, numbers or booleans) for the gateway's log, as a JSON object",
	}),
);

/** Of this node alone: no other gateway keeps a log that tells the cost. */
export const lookUpCost = toggle('lookUpCost', {
	label: 'Look Up Cost',
	description:
		"Whether to wait up to 6 seconds for the cost in the AI Gateway's log, which not every account has. Otherwise the cost is an estimate.",
	default: true,
	in: 'node',
});

/** Node refuses to send anything but visible ASCII in a header. */
function inHeader(param: Param<string>): Param<string> {
	return withCheck(param, (value) => /^[\x20-\x7e]*$/.test(value), 'must be plain ASCII text');
}

function metadataHeader(param: ReturnType<typeof jsonObject>): Param<string> {
	const checked = withCheck(
		param,
		(entries) =>
			Object.keys(entries).length <= 5 &&
			Object.values(entries).every((value) =>
				['string', 'number', 'boolean'].includes(typeof value),
			),
		'must have at most 5 entries of text, numbers or booleans',
	);
	return encodedAs(checked, (entries) =>
		JSON.stringify(entries).replace(
			/[^\x20-\x7e]/g,
			(letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
		),
	);
}

/** What the user may ask of the AI Gateway, in a group of the options. */
export const gatewayParameters: Param[] = [
	inGroup(gateway, gatewayId),
	inGroup(gateway, skipCache),
	inGroup(gateway, cacheTtl),
	inGroup(gateway, cacheKey),
	inGroup(gateway, collectLog),
	inGroup(gateway, noUnifiedBilling),
	inGroup(gateway, requestTimeout),
	inGroup(gateway, metadata),
	inGroup(gateway, lookUpCost),
];
