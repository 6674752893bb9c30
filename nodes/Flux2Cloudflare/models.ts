import { customModel, type Model } from '../shared/parameters/model';
import { seed, size } from '../shared/parameters/options';
import {
	choice,
	decimal,
	integer,
	jsonObject,
	withRange,
	withCheck,
	encodedAs,
	text,
	toggle,
	type Param,
} from '../shared/parameters/param';

/** `catalog`: POST /ai/run with JSON. `workersAi`: POST /ai/run/@cf/… with a multipart form. */
export interface CloudflareModel extends Model {
	readonly route: 'catalog' | 'workersAi';
}

const width = integer('width', {
	label: 'Width',
	description: 'In pixels, at least 64; Workers AI models take 256 to 1920',
	hint: 'In pixels',
	min: 64,
	default: 1024,
});
const height = integer('height', {
	label: 'Height',
	description: 'In pixels, at least 64; Workers AI models take 256 to 1920',
	hint: 'In pixels',
	min: 64,
	default: 1024,
});
const outputFormat = choice('output_format', {
	label: 'Output Format',
	description: "The image's file format. JPEG when unset.",
	options: { jpeg: 'JPEG', png: 'PNG', webp: 'WebP' },
	default: 'jpeg',
});
const safetyTolerance = integer('safety_tolerance', {
	label: 'Safety Tolerance',
	description: 'How much the moderation lets pass, from 0 (strictest) to 5. 2 when unset.',
	min: 0,
	max: 5,
	default: 2,
});
const guidance = decimal('guidance', {
	label: 'Guidance',
	description:
		'How strictly the image follows the prompt. 1.5 to 10 for FLUX.2 [flex]; higher is stricter and less realistic.',
	min: 0,
	default: 5,
});
const steps = integer('steps', {
	label: 'Steps',
	description: 'Number of denoising steps: more detail, but slower. Up to 50 for FLUX.2 [flex].',
	min: 1,
	default: 25,
});
export const promptUpsampling = toggle('prompt_upsampling', {
	label: 'Prompt Upsampling',
	description: 'Whether short prompts are expanded before generation. On when unset.',
	default: true,
});

// AI Gateway's request headers, https://developers.cloudflare.com/ai-gateway/usage/rest-api/.
// cf-aig-max-attempts is left out on purpose: the gateway would repeat calls that are paid for.
const inGateway = { in: 'header' } as const;
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
	label: 'Gateway Skip Cache',
	name: 'skipCache',
	...inGateway,
	description: 'Whether to make a new image even if the gateway has this request in its cache',
	default: true,
});
const cacheTtl = integer('cf-aig-cache-ttl', {
	label: 'Gateway Cache TTL',
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
		label: 'Gateway Cache Key',
		name: 'cacheKey',
		...inGateway,
		description: 'A key of your own under which the gateway caches the response',
		placeholder: 'e.g. autumn-poster-1',
	}),
);
const collectLog = toggle('cf-aig-collect-log', {
	label: 'Gateway Collect Log',
	name: 'collectLog',
	...inGateway,
	description: 'Whether the gateway logs this request',
	default: true,
});
const noUnifiedBilling = toggle('cf-aig-no-wholesale', {
	label: 'Gateway No Unified Billing',
	name: 'noUnifiedBilling',
	...inGateway,
	description:
		"Whether to use only your own Black Forest Labs key stored in the gateway, and never Cloudflare's Unified Billing",
	default: true,
});
const requestTimeout = integer('cf-aig-request-timeout', {
	label: 'Gateway Request Timeout',
	name: 'requestTimeout',
	...inGateway,
	description: 'How many milliseconds the gateway waits for the first byte of the response',
	hint: 'In milliseconds',
	min: 1,
	default: 180_000,
});
const metadata = metadataHeader(
	jsonObject('cf-aig-metadata', {
		label: 'Gateway Metadata',
		name: 'metadata',
		...inGateway,
		description:
			"Up to 5 entries (text, numbers or booleans) for the gateway's log, as a JSON object",
	}),
);

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

// https://developers.cloudflare.com/ai/models/black-forest-labs/flux-2-pro-preview/
const catalogParameters = [
	size,
	width,
	height,
	seed,
	outputFormat,
	safetyTolerance,
	gatewayId,
	skipCache,
	cacheTtl,
	cacheKey,
	collectLog,
	noUnifiedBilling,
	requestTimeout,
	metadata,
];

// https://developers.cloudflare.com/workers-ai/models/flux-2-dev/ and its changelogs
const workersAiParameters = [
	size,
	withRange(width, { min: 256, max: 1920 }),
	withRange(height, { min: 256, max: 1920 }),
	seed,
	guidance,
];

const catalog = {
	route: 'catalog',
	maxReferences: 8,
	// the schema has no upper limit, the model pages say 4 megapixels
	maxPixels: 4 * 1024 * 1024,
	parameters: catalogParameters,
} as const;
const workersAi = {
	route: 'workersAi',
	maxReferences: 4,
	parameters: workersAiParameters,
} as const;

/** Every model of the node; a new one is one more record. */
export const models: readonly CloudflareModel[] = [
	{
		...catalog,
		id: 'black-forest-labs/flux-2-pro-preview',
		name: 'FLUX.2 [pro] Preview',
		description: 'Best balance of quality, speed and price; follows the latest [pro] weights',
		typicalSeconds: 10,
	},
	{
		...catalog,
		id: 'black-forest-labs/flux-2-flex',
		name: 'FLUX.2 [flex]',
		description: 'Steps and guidance can be set; strong at typography',
		parameters: [
			...catalogParameters,
			withRange(guidance, { min: 1.5, max: 10 }),
			withRange(steps, { min: 1, max: 50 }),
			promptUpsampling,
		],
		typicalSeconds: 30,
	},
	{
		...catalog,
		id: 'black-forest-labs/flux-2-max',
		name: 'FLUX.2 [max]',
		description: 'Highest quality, with grounding search',
		typicalSeconds: 30,
	},
	{
		...workersAi,
		id: '@cf/black-forest-labs/flux-2-dev',
		name: 'FLUX.2 [dev] (Workers AI)',
		description: "Open weights on Cloudflare's own GPUs; the number of steps can be set",
		parameters: [...workersAiParameters, steps],
		typicalSeconds: 15,
	},
	{
		...workersAi,
		id: '@cf/black-forest-labs/flux-2-klein-4b',
		name: 'FLUX.2 [klein] 4B (Workers AI)',
		description: 'Fastest and cheapest, in 4 fixed steps',
		typicalSeconds: 3,
	},
	{
		...workersAi,
		id: '@cf/black-forest-labs/flux-2-klein-9b',
		name: 'FLUX.2 [klein] 9B (Workers AI)',
		description: 'Fast, with better quality than 4B, in 4 fixed steps',
		typicalSeconds: 4,
	},
];

/** A model ID that begins with `@cf/` is one of Workers AI. */
export function toCustomModel(id: string): CloudflareModel {
	const route = id.startsWith('@cf/') ? 'workersAi' : 'catalog';
	const candidates = models.filter((model) => model.route === route);
	return { ...customModel(id, candidates), route };
}
