import type { INodePropertyOptions } from 'n8n-workflow';
import type { Model } from '../shared/parameters/model';
import { notifyUrl } from '../shared/parameters/notifyUrl';
import { completion as completionOf, seed } from '../shared/parameters/options';
import {
	choice,
	decimal,
	encodedAs,
	integer,
	objectList,
	text,
	toggle,
	withRange,
	zeroAsUnset,
	type Param,
} from '../shared/parameters/param';
import type { ListPrice } from '../shared/parameters/price';
import type { PixelSizes, RatioSizes } from '../shared/parameters/size';
import { pixelParameters, ratioParameters } from '../shared/parameters/sizeParameters';

export interface ReplicateModel extends Model {
	/** The field that takes the reference images. */
	readonly referencesField: 'images' | 'input_images';
}

/** The API's word for the proportions of the first reference image. */
export const LIKE_REFERENCE = 'match_input_image';

/** [pro] takes multiples of 16, and took multiples of 32 before; [flex] the other way round. */
const sizes: PixelSizes = {
	step: 32,
	minSide: 256,
	maxSide: 2048,
	maxPixels: 4 * 1024 * 1024,
};
const devSizes: PixelSizes = { step: 32, minSide: 256, maxSide: 1440, maxPixels: 1440 * 1440 };
const kleinSizes: RatioSizes = {
	ratios: ['1:1', '16:9', '9:16', '4:3', '3:4', '3:2', '2:3', '4:5', '5:4', '21:9'],
	resolutions: [
		[0.25, '0.25'],
		[0.5, '0.5'],
		[1, '1'],
		[2, '2'],
		[4, '4'],
	],
	likeReference: LIKE_REFERENCE,
};

const side = (wireName: 'width' | 'height', label: string) =>
	integer(wireName, {
		label,
		description:
			'In pixels: a multiple of 32, 256 to 2048, and at most 4 megapixels in all; [dev] to 1440. Automatic when unset or 0.',
		hint: 'In pixels, a multiple of 32',
		min: sizes.minSide,
		max: sizes.maxSide,
		multipleOf: sizes.step,
		default: 1024,
	});
const width = side('width', 'Width');
const height = side('height', 'Height');
const aspectRatio = choice('aspect_ratio', {
	label: 'Aspect Ratio',
	description: "The image's proportions. 1:1 when unset.",
	options: {
		'1:1': '1:1',
		'16:9': '16:9',
		'2:3': '2:3',
		'21:9': '21:9',
		'3:2': '3:2',
		'3:4': '3:4',
		'4:3': '4:3',
		'4:5': '4:5',
		'5:4': '5:4',
		'9:16': '9:16',
		'9:21': '9:21',
		[LIKE_REFERENCE]: 'Match Input Image',
	},
	default: '1:1',
});
const megapixelChoice = choice('output_megapixels', {
	label: 'Resolution',
	description: 'How many megapixels the image has. 1 when unset.',
	name: 'resolution',
	options: { '0.25': '0.25 MP', '0.5': '0.5 MP', '1': '1 MP', '2': '2 MP', '4': '4 MP' },
	default: '1',
});
/** The smallest first: an object's keys that are whole numbers come before the others. */
const resolution = {
	...megapixelChoice,
	property: {
		...megapixelChoice.property,
		options: [...(megapixelChoice.property.options as INodePropertyOptions[])].sort(
			(a, b) => Number(a.value) - Number(b.value),
		),
	},
};

const outputFormat = choice('output_format', {
	label: 'Output Format',
	description: "The image's file format. WebP when unset, JPEG for [klein].",
	options: { jpg: 'JPEG', png: 'PNG', webp: 'WebP' },
	default: 'webp',
});
const outputQuality = integer('output_quality', {
	label: 'Output Quality',
	description: 'From 0 to 100 (best), without effect on PNG. 80 when unset, 95 for [klein].',
	min: 0,
	max: 100,
	default: 80,
});
const safetyTolerance = integer('safety_tolerance', {
	label: 'Safety Tolerance',
	description: 'How much the moderation lets pass, from 1 (strictest) to 5. 2 when unset.',
	min: 1,
	max: 5,
	default: 2,
});
const disableSafetyChecker = toggle('disable_safety_checker', {
	label: 'Disable Safety Checker',
	description: 'Whether to skip the check of the generated image. Off when unset.',
	default: false,
});
const promptUpsampling = toggle('prompt_upsampling', {
	label: 'Prompt Upsampling',
	description: 'Whether short prompts are expanded before generation. On when unset.',
	default: true,
});
const steps = integer('steps', {
	label: 'Steps',
	description: 'Number of denoising steps, 1 to 50: more detail, but slower. 30 when unset.',
	min: 1,
	max: 50,
	default: 30,
});
const guidance = decimal('guidance', {
	label: 'Guidance',
	description:
		'How strictly the image follows the prompt. [flex] takes 1.5 to 10, 4.5 when unset; [klein] base models take 1 to 10, 4 when unset.',
	min: 1,
	max: 10,
	default: 4.5,
});
const goFast = toggle('go_fast', {
	label: 'Go Fast',
	description:
		'Whether to generate faster, with some loss of quality. On when unset for [dev], off for [klein].',
	default: true,
});
const loraPath = text('path', {
	label: 'Path',
	description: 'The URL of the weights, a .safetensors file',
	placeholder: 'e.g. https://huggingface.co/me/style/resolve/main/style.safetensors',
});
const loraScale = decimal('scale', {
	label: 'Scale',
	description: 'How strongly the weights are applied',
	default: 1,
});
/** Two lists at the API: the paths, and their scales. */
export const loras = objectList('lora_weights', {
	label: 'LoRAs',
	description: 'Fine-tuned weights to apply',
	name: 'loras',
	placeholder: 'Add LoRA',
	entryLabel: 'LoRA',
	fields: [{ ...loraPath, property: { ...loraPath.property, required: true } }, loraScale],
	maxEntries: 10,
});

// a header of https://replicate.com/docs/topics/predictions/lifecycle
const cancelAfter = encodedAs(
	integer('Cancel-After', {
		label: 'Cancel After',
		description:
			'Seconds after which Replicate stops a prediction that has not finished. 30 minutes of running when unset.',
		hint: 'In seconds',
		name: 'cancelAfter',
		min: 5,
		max: 86_400,
		default: 300,
		in: 'header',
	}),
	(seconds) => `${seconds}s`,
);

/** It is no part of the input: it stands beside it. */
export const webhookUrl = notifyUrl('webhookUrl', {
	caller: 'Replicate',
	refusal: 'The trigger refuses calls that are not signed with the secret of the account.',
	in: 'node',
});

/** How the node waits: an option of *Image: Generate*. */
export const completion = completionOf('Replicate');

/** Some models of the node have a width and a height, the others an aspect ratio. */
const CUSTOM_SIZE = 'Custom (Width and Height, or Aspect Ratio)';

function withCustomSizeNamed(param: Param): Param {
	const { property } = param;
	if (property.name !== 'size') return param;
	const options = (property.options as INodePropertyOptions[]).map((option) =>
		option.value === 'custom' ? { ...option, name: CUSTOM_SIZE } : option,
	);
	return { ...param, property: { ...property, options } };
}

const pixelsOf = (limits: PixelSizes): Param[] => {
	const { minSide: min, maxSide: max, step: multipleOf } = limits;
	const sides = [width, height].map((param) =>
		zeroAsUnset(withRange(param, { min, max, multipleOf })),
	);
	return pixelParameters(limits, ...sides).map(withCustomSizeNamed);
};
const ratios = ratioParameters(kleinSizes, aspectRatio, resolution).map(withCustomSizeNamed);
const everywhere = [seed, outputFormat, outputQuality, cancelAfter, webhookUrl];

/** As the page of each model says it. What is rounded up is not documented. */
const price = (
	id: string,
	amounts: Pick<ListPrice, 'first' | 'further' | 'reference'>,
): ListPrice => ({
	unit: 'startedMegapixel',
	...amounts,
	certain: 'none',
	source: `https://replicate.com/${id}`,
	date: '2026-11-21',
});
const perMegapixel = (amount: number) => ({ first: amount, further: amount, reference: amount });

const closedWeights = {
	parameters: [...pixelsOf(sizes), ...everywhere, safetyTolerance],
	sizes,
	referencesField: 'input_images',
	maxReferences: 8,
	automaticSize: { width: 1024, height: 1024 },
} as const;
const klein = {
	parameters: [...ratios, ...everywhere, disableSafetyChecker, goFast],
	sizes: kleinSizes,
	referencesField: 'images',
	maxReferences: 5,
	typicalSeconds: 3,
} as const;
const kleinBase = {
	...klein,
	parameters: [...klein.parameters, guidance],
	typicalSeconds: 10,
};
const kleinBaseLora = {
	...klein,
	parameters: [...ratios, ...everywhere, disableSafetyChecker, loras],
	typicalSeconds: 10,
};

/** What a model that is not on the list may have: of each parameter the widest limits come first. */
const widest: ReplicateModel = {
	...closedWeights,
	id: '',
	name: '',
	description: '',
	parameters: [guidance],
	typicalSeconds: 0,
};

/** Every model of the node (https://replicate.com/black-forest-labs); a new one is one more record. */
export const models: readonly ReplicateModel[] = [
	{
		...closedWeights,
		id: 'black-forest-labs/flux-2-pro',
		name: 'FLUX.2 [pro]',
		description: 'Best balance of quality, speed and price; about $0.03 for the first megapixel',
		price: price('black-forest-labs/flux-2-pro', { first: 0.03, further: 0.015, reference: 0.015 }),
		typicalSeconds: 10,
	},
	{
		...closedWeights,
		id: 'black-forest-labs/flux-2-max',
		name: 'FLUX.2 [max]',
		description: 'Highest quality; about $0.07 for the first megapixel',
		price: price('black-forest-labs/flux-2-max', { first: 0.07, further: 0.03, reference: 0.03 }),
		typicalSeconds: 20,
	},
	{
		...closedWeights,
		id: 'black-forest-labs/flux-2-flex',
		name: 'FLUX.2 [flex]',
		description: 'Steps and guidance can be set; strong at typography; about $0.06 per megapixel',
		price: price('black-forest-labs/flux-2-flex', perMegapixel(0.06)),
		parameters: [
			...closedWeights.parameters,
			promptUpsampling,
			steps,
			withRange(guidance, { min: 1.5, max: 10 }),
		],
		maxReferences: 10,
		typicalSeconds: 20,
	},
	{
		id: 'black-forest-labs/flux-2-dev',
		name: 'FLUX.2 [dev]',
		description: 'Open weights, close to [pro] in quality; about $0.014 per megapixel',
		// with Go Fast, which is on when unset, 0.012
		price: price('black-forest-labs/flux-2-dev', perMegapixel(0.014)),
		parameters: [...pixelsOf(devSizes), ...everywhere, disableSafetyChecker, goFast],
		sizes: devSizes,
		referencesField: 'input_images',
		maxReferences: 4,
		typicalSeconds: 6,
	},
	{
		...klein,
		id: 'black-forest-labs/flux-2-klein-4b',
		name: 'FLUX.2 [klein] 4B',
		description: 'Fastest and cheapest',
	},
	{
		...kleinBase,
		id: 'black-forest-labs/flux-2-klein-4b-base',
		name: 'FLUX.2 [klein] 4B Base',
		description: 'Not distilled: slower, with guidance',
	},
	{
		...kleinBaseLora,
		id: 'black-forest-labs/flux-2-klein-4b-base-lora',
		name: 'FLUX.2 [klein] 4B Base LoRA',
		description: 'Not distilled, with fine-tuned weights of your own',
	},
	{
		...klein,
		id: 'black-forest-labs/flux-2-klein-9b',
		name: 'FLUX.2 [klein] 9B',
		description: 'Fast, with better quality than 4B',
	},
	{
		...kleinBase,
		id: 'black-forest-labs/flux-2-klein-9b-base',
		name: 'FLUX.2 [klein] 9B Base',
		description: 'Not distilled: slower, with guidance',
	},
	{
		...kleinBaseLora,
		id: 'black-forest-labs/flux-2-klein-9b-base-lora',
		name: 'FLUX.2 [klein] 9B Base LoRA',
		description: 'Not distilled, with fine-tuned weights of your own',
	},
];

/** The models that one by an ID of its own might be. */
export const candidates: readonly ReplicateModel[] = [widest, ...models];
