import { customModel, type Model } from '../shared/parameters/model';
import { seed } from '../shared/parameters/options';
import {
	choice,
	decimal,
	integer,
	withRange,
	toggle,
	type Param,
} from '../shared/parameters/param';
import { pixelParameters } from '../shared/parameters/sizeParameters';
import { gatewayParameters } from './gateway';

/** `catalog`: POST /ai/run with JSON. `workersAi`: POST /ai/run/@cf/… with a multipart form. */
export interface CloudflareModel extends Model {
	readonly route: 'catalog' | 'workersAi';
}

// the schema has no upper limit, the model pages say 4 megapixels
const catalogSizes = { step: 16, minSide: 64, maxPixels: 4 * 1024 * 1024 };
const workersAiSizes = { step: 16, minSide: 256, maxSide: 1920, maxPixels: 1920 * 1920 };

const width = integer('width', {
	label: 'Width',
	description: 'In pixels, at least 64; Workers AI models take 256 to 1920',
	hint: 'In pixels',
	min: catalogSizes.minSide,
	default: 1024,
});
const height = integer('height', {
	label: 'Height',
	description: 'In pixels, at least 64; Workers AI models take 256 to 1920',
	hint: 'In pixels',
	min: catalogSizes.minSide,
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

// https://developers.cloudflare.com/ai/models/black-forest-labs/flux-2-pro-preview/
const catalogParameters: Param[] = [
	...pixelParameters(catalogSizes, width, height),
	seed,
	outputFormat,
	safetyTolerance,
	...gatewayParameters,
];

// https://developers.cloudflare.com/workers-ai/models/flux-2-dev/ and its changelogs
const workersAiSide = { min: workersAiSizes.minSide, max: workersAiSizes.maxSide };
const workersAiParameters: Param[] = [
	...pixelParameters(
		workersAiSizes,
		withRange(width, workersAiSide),
		withRange(height, workersAiSide),
	),
	seed,
	guidance,
];

const inMegapixels = {
	unit: 'startedMegapixel',
	maxReferenceUnits: 4,
	certain: 'none',
} as const;
/** Cloudflare shows the price in its dashboard only: it resells at the price of Black Forest Labs. */
const resold = { ...inMegapixels, source: 'https://bfl.ai/pricing', date: '2026-08-24' } as const;
/** Whether a tile counts when it is started is not said; the free neurons of each day are not taken off. */
const ofWorkersAi = {
	certain: 'none',
	source: 'https://developers.cloudflare.com/workers-ai/platform/pricing/',
	date: '2026-11-21',
} as const;

const catalog = {
	route: 'catalog',
	maxReferences: 8,
	sizes: catalogSizes,
	parameters: catalogParameters,
} as const;
const workersAi = {
	route: 'workersAi',
	maxReferences: 4,
	sizes: workersAiSizes,
	referenceSidesBelow: 512,
	automaticSize: { width: 1024, height: 768 },
	parameters: workersAiParameters,
} as const;

/** Every model of the node, the recommended one first; a new one is one more record. */
export const models: readonly CloudflareModel[] = [
	{
		...workersAi,
		id: '@cf/black-forest-labs/flux-2-klein-4b',
		name: 'FLUX.2 [klein] 4B (Workers AI)',
		description:
			'Fastest and cheapest, in 4 fixed steps; free every day up to a limit, then about $0.001 per megapixel',
		typicalSeconds: 3,
		price: { ...ofWorkersAi, unit: 'tile', first: 0.000287, reference: 0.000059 },
	},
	{
		...workersAi,
		id: '@cf/black-forest-labs/flux-2-klein-9b',
		name: 'FLUX.2 [klein] 9B (Workers AI)',
		description:
			'Fast, with better quality than 4B, in 4 fixed steps; about $0.015 for the first megapixel',
		typicalSeconds: 4,
		price: { ...ofWorkersAi, ...inMegapixels, first: 0.015, further: 0.002, reference: 0.002 },
	},
	{
		...workersAi,
		id: '@cf/black-forest-labs/flux-2-dev',
		name: 'FLUX.2 [dev] (Workers AI)',
		description:
			"Open weights on Cloudflare's own GPUs; the number of steps can be set; about $0.04 per megapixel with 25 steps",
		parameters: [...workersAiParameters, steps],
		typicalSeconds: 15,
		price: {
			...ofWorkersAi,
			unit: 'tile',
			first: 0.0004125,
			reference: 0.00020625,
			perSteps: 1,
			assumedSteps: 25,
		},
	},
	{
		...catalog,
		id: 'black-forest-labs/flux-2-pro-preview',
		name: 'FLUX.2 [pro] Preview',
		description:
			'Best balance of quality, speed and price; follows the latest [pro] weights; about $0.03 for the first megapixel, from paid credits',
		typicalSeconds: 10,
		price: { ...resold, first: 0.03, further: 0.015, reference: 0.015 },
	},
	{
		...catalog,
		id: 'black-forest-labs/flux-2-flex',
		name: 'FLUX.2 [flex]',
		description:
			'Steps and guidance can be set; strong at typography; about $0.05 per megapixel, from paid credits',
		parameters: [
			...catalogParameters,
			withRange(guidance, { min: 1.5, max: 10 }),
			withRange(steps, { min: 1, max: 50 }),
			promptUpsampling,
		],
		typicalSeconds: 30,
		price: { ...resold, first: 0.05, reference: 0.05 },
	},
	{
		...catalog,
		id: 'black-forest-labs/flux-2-max',
		name: 'FLUX.2 [max]',
		description:
			'Highest quality, with grounding search; about $0.07 for the first megapixel, from paid credits',
		typicalSeconds: 30,
		price: {
			...inMegapixels,
			first: 0.07,
			further: 0.03,
			reference: 0.03,
			source: 'https://developers.cloudflare.com/ai/models/black-forest-labs/flux-2-max/',
			date: '2026-11-21',
		},
	},
];

/** A model ID that begins with `@cf/` is one of Workers AI. */
export function toCustomModel(id: string): CloudflareModel {
	const route = id.startsWith('@cf/') ? 'workersAi' : 'catalog';
	const candidates = models.filter((model) => model.route === route);
	return { ...customModel(id, candidates), route };
}
