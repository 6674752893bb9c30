import type { Model } from '../shared/parameters/model';
import { seed } from '../shared/parameters/options';
import {
	choice,
	decimal,
	integer,
	text,
	withRange,
	withValues,
	zeroAsUnset,
	type Param,
} from '../shared/parameters/param';
import type { ListPrice } from '../shared/parameters/price';
import { pixelParameters } from '../shared/parameters/sizeParameters';
import { SERVERS, type ServerName } from './servers';

export interface OpenAiModel extends Model {
	/** Where requests go, on a server that has an address for each model. */
	readonly path?: string;
}

/** What FLUX.2 makes; a server may make less, and says so. */
const sizes = { step: 16, minSide: 64, maxPixels: 4 * 1024 * 1024 };

const side = (wireName: 'width' | 'height', label: string) =>
	zeroAsUnset(
		integer(wireName, {
			label,
			description:
				'In pixels: a multiple of 16, at least 64, and at most 4 megapixels in all. Automatic when unset or 0.',
			hint: 'In pixels, a multiple of 16',
			min: sizes.minSide,
			multipleOf: sizes.step,
			default: 1024,
		}),
	);

const sized: Param[] = pixelParameters(sizes, side('width', 'Width'), side('height', 'Height'));

/** @param wireName each server has a name of its own for it */
const stepsAs = (wireName: string) =>
	integer(wireName, {
		label: 'Steps',
		name: 'steps',
		description:
			'Number of denoising steps, 1 to 200: more detail, but slower. 4 suit [klein], about 28 suit [dev]; the server decides when unset.',
		min: 1,
		max: 200,
		default: 28,
	});
const guidanceAs = (wireName: string) =>
	decimal(wireName, {
		label: 'Guidance',
		name: 'guidance',
		description:
			'How strictly the image follows the prompt, 0 to 20. The server decides when unset; [klein] is made for 1.',
		min: 0,
		max: 20,
		default: 4,
	});
const negativePrompt = text('negative_prompt', {
	label: 'Negative Prompt',
	description: 'What the image shall not show. Without effect on models that have no use for it.',
	placeholder: 'e.g. text, watermark',
});
const outputFormat = choice('output_format', {
	label: 'Output Format',
	description: "The image's file format. The server decides when unset.",
	options: { jpeg: 'JPEG', png: 'PNG', webp: 'WebP' },
	default: 'png',
});

const all: Param[] = [
	...sized,
	seed,
	stepsAs('num_inference_steps'),
	guidanceAs('guidance_scale'),
	negativePrompt,
	outputFormat,
];

/** What a server takes, whatever its model. */
type Offer = Pick<OpenAiModel, 'parameters' | 'maxReferences' | 'imagesPerRequest' | 'price'>;

/** Nobody sends a bill for a computer of one's own. */
const ownComputer: ListPrice = {
	unit: 'image',
	first: 0,
	certain: 'all',
	source: 'https://github.com/n8n-nodes-flux2/n8n-nodes-flux2/blob/main/docs/self-hosted.md',
	date: '2026-11-22',
};

const azureParameters: Param[] = [...sized, seed, withValues(outputFormat, 'jpeg', 'png')];

const OFFERS: Readonly<Record<ServerName, Offer>> = {
	azure: { parameters: azureParameters, maxReferences: 8 },
	deepInfra: { parameters: sized, maxReferences: 8 },
	// some servers refuse several images of one request
	generic: { parameters: all, maxReferences: 16 },
	localAi: {
		parameters: [...sized, seed, stepsAs('step'), negativePrompt],
		maxReferences: 10,
		price: ownComputer,
	},
	openRouter: { parameters: [...sized, seed, outputFormat], maxReferences: 8 },
	sdCpp: {
		parameters: [
			...sized,
			seed,
			stepsAs('sample_steps'),
			guidanceAs('distilled_guidance'),
			negativePrompt,
			outputFormat,
		],
		maxReferences: 10,
		price: ownComputer,
	},
	together: {
		parameters: [
			...sized,
			seed,
			stepsAs('steps'),
			guidanceAs('guidance_scale'),
			negativePrompt,
			withValues(outputFormat, 'jpeg', 'png'),
		],
		maxReferences: 8,
	},
	vllm: {
		parameters: all,
		maxReferences: 10,
		imagesPerRequest: { wireName: 'n', max: 10 },
		price: ownComputer,
	},
};

const inMegapixels = {
	unit: 'startedMegapixel',
	maxReferenceUnits: 4,
	certain: 'none',
	date: '2026-11-21',
} as const;
const ofDeepInfra = {
	unit: 'megapixel',
	certain: 'none',
	source: 'https://deepinfra.com/pricing',
	date: '2026-11-21',
} as const;
const ofTogether = {
	unit: 'image',
	first: 0.03,
	certain: 'none',
	source: 'https://www.together.ai/pricing',
	date: '2026-11-21',
} as const;
const ofAzure = {
	...inMegapixels,
	source: 'https://azure.microsoft.com/pricing/details/ai-foundry-models/black-forest-labs/',
} as const;

/** What is known of hosted models beyond their IDs. */
const HOSTED: Readonly<
	Partial<Record<ServerName, Readonly<Record<string, Partial<OpenAiModel>>>>>
> = {
	azure: {
		'FLUX.2-pro': {
			path: '/flux-2-pro',
			price: { ...ofAzure, first: 0.03, further: 0.015, reference: 0.015 },
		},
		'FLUX.2-flex': {
			path: '/flux-2-flex',
			parameters: [
				...azureParameters,
				withRange(stepsAs('steps'), { min: 1, max: 50 }),
				withRange(guidanceAs('guidance'), { min: 1.5, max: 10 }),
			],
			maxReferences: 10,
			price: { ...ofAzure, first: 0.05, reference: 0.05 },
		},
	},
	deepInfra: {
		'black-forest-labs/FLUX-2-dev': {
			price: { ...ofDeepInfra, first: 0.01, perSteps: 28, assumedSteps: 28 },
		},
		'black-forest-labs/FLUX-2-klein-4b': { price: { ...ofDeepInfra, first: 0.014 } },
		'black-forest-labs/FLUX-2-max': { price: { ...ofDeepInfra, unit: 'image', first: 0.07 } },
	},
	openRouter: {
		'black-forest-labs/flux.2-max': {
			price: {
				...inMegapixels,
				first: 0.07,
				further: 0.03,
				reference: 0.03,
				source: 'https://openrouter.ai/black-forest-labs/flux.2-max',
			},
		},
	},
	together: {
		'black-forest-labs/FLUX.2-pro': { price: ofTogether },
		'black-forest-labs/FLUX.2-flex': { price: ofTogether },
	},
};

export const hostedIds = (server: ServerName): string[] => Object.keys(HOSTED[server] ?? {});

const TYPICAL_SECONDS = 20;

/** The model of this ID as the server takes it. */
export const toModel = (server: ServerName, id: string): OpenAiModel => ({
	id,
	name: `${id} (${SERVERS[server].name})`,
	description: '',
	sizes,
	typicalSeconds: TYPICAL_SECONDS,
	...OFFERS[server],
	...hostedModel(server, id),
});

function hostedModel(server: ServerName, id: string): Partial<OpenAiModel> {
	const hosted = HOSTED[server] ?? {};
	return Object.hasOwn(hosted, id) ? (hosted[id] ?? {}) : {};
}

const open = { ...OFFERS.generic, sizes, maxReferences: OFFERS.vllm.maxReferences };

/** The open weights, by the IDs that servers of one's own usually give them. Any other ID is taken too. */
export const models: readonly OpenAiModel[] = [
	{
		...open,
		id: 'black-forest-labs/FLUX.2-klein-4B',
		name: 'FLUX.2 [klein] 4B',
		description: 'Smallest and fastest, in 4 steps; free for every use',
		typicalSeconds: 10,
	},
	{
		...open,
		id: 'black-forest-labs/FLUX.2-klein-9B',
		name: 'FLUX.2 [klein] 9B',
		description: 'Better quality than 4B, in 4 steps',
		typicalSeconds: TYPICAL_SECONDS,
	},
	{
		...open,
		id: 'black-forest-labs/FLUX.2-dev',
		name: 'FLUX.2 [dev]',
		description: 'Best quality of the open weights; needs a large GPU',
		typicalSeconds: 60,
	},
];
