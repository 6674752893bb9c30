import type { Model } from '../shared/parameters/model';
import { notifyUrl } from '../shared/parameters/notifyUrl';
import { CALLBACK, callbackChoice, HOW_TO_WAIT, seed } from '../shared/parameters/options';
import {
	choice,
	decimal,
	encodedAs,
	integer,
	objectList,
	text,
	toggle,
	withRange,
	withValues,
	zeroAsUnset,
} from '../shared/parameters/param';
import type { ListPrice } from '../shared/parameters/price';
import { pixelParameters } from '../shared/parameters/sizeParameters';

export interface FalModel extends Model {
	/** Where requests with reference images go. It follows from the ID by no rule. */
	readonly editEndpoint: string;
	/** What Hugging Face's router is known to pass on to it: requests without reference images, or with some. */
	readonly routed?: ReadonlyArray<'text' | 'edit'>;
}

/** How the node waits: an option of *Image: Generate*. */
export const mode = choice('mode', {
	label: HOW_TO_WAIT,
	description: 'How the node waits for the image',
	options: {
		[CALLBACK]: callbackChoice('fal'),
		events: {
			name: 'Events',
			description: 'Like Poll, but fal notifies the node when the image is ready',
		},
		queue: { name: 'Poll', description: 'Checks at intervals until the image is ready' },
	},
	default: 'queue',
	in: 'node',
});

/** The documents give 512 to 2048 for [dev], nothing for the others; behind [pro] are rules of their own. All take these. */
const sizes = { step: 32, minSide: 512, maxSide: 2048, maxPixels: 4 * 1024 * 1024 };

const side = (wireName: 'width' | 'height', label: string) =>
	zeroAsUnset(
		integer(wireName, {
			label,
			description:
				'In pixels: a multiple of 32, 512 to 2048, and at most 4 megapixels in all. Automatic when unset or 0.',
			hint: 'In pixels, a multiple of 32',
			min: sizes.minSide,
			max: sizes.maxSide,
			multipleOf: sizes.step,
			default: 1024,
		}),
	);

export const outputFormat = choice('output_format', {
	label: 'Output Format',
	description:
		"The image's file format. JPEG when unset; PNG for [dev] and [klein], which alone have WebP.",
	options: { jpeg: 'JPEG', png: 'PNG', webp: 'WebP' },
	default: 'jpeg',
});
const safetyChecker = toggle('enable_safety_checker', {
	label: 'Safety Checker',
	description:
		'Whether images are checked. On when unset; switching it off needs a permission from fal, and has no effect without it.',
	name: 'enableSafetyChecker',
	default: true,
});
/** The API wants the number as text. */
const safetyTolerance = encodedAs(
	integer('safety_tolerance', {
		label: 'Safety Tolerance',
		description: 'How much the moderation lets pass, from 1 (strictest) to 5. 2 when unset.',
		min: 1,
		max: 5,
		default: 2,
	}),
	String,
);
const steps = integer('num_inference_steps', {
	label: 'Inference Steps',
	description:
		'Number of denoising steps: more detail, but slower. 2 to 50 for [flex], 4 to 50 for [dev] and base models, 28 when unset; 4 to 8 for other [klein] models, 4 when unset.',
	min: 2,
	max: 50,
	default: 28,
});
const guidanceScale = decimal('guidance_scale', {
	label: 'Guidance Scale',
	description:
		'How strictly the image follows the prompt, 0 to 20. 2.5 when unset, 5 for base models; [flex] takes 1.5 to 10, 3.5 when unset.',
	min: 0,
	max: 20,
	default: 2.5,
});
const acceleration = choice('acceleration', {
	label: 'Acceleration',
	description: 'How much quality may be given up for speed. Regular when unset.',
	options: { none: 'None', regular: 'Regular', high: 'High' },
	default: 'regular',
});
const promptExpansion = toggle('enable_prompt_expansion', {
	label: 'Prompt Expansion',
	description: 'Whether the prompt is expanded before generation. Off when unset.',
	default: false,
});
const negativePrompt = text('negative_prompt', {
	label: 'Negative Prompt',
	description: 'What the image shall not show',
	placeholder: 'e.g. text, watermark',
});
const loraPath = text('path', {
	label: 'Path',
	description: 'The URL of the weights, or their ID on Hugging Face',
	placeholder: 'e.g. https://example.com/style.safetensors',
});
const loraScale = decimal('scale', {
	label: 'Scale',
	description: 'How strongly the weights are applied, 0 to 4',
	min: 0,
	max: 4,
	default: 1,
});
const loras = objectList('loras', {
	label: 'LoRAs',
	description: 'Fine-tuned weights to apply, at most 3',
	placeholder: 'Add LoRA',
	entryLabel: 'LoRA',
	fields: [{ ...loraPath, property: { ...loraPath.property, required: true } }, loraScale],
	maxEntries: 3,
});

// headers of the queue, https://fal.ai/docs/documentation/model-apis/inference/queue
export const queuePriority = choice('x-fal-queue-priority', {
	label: 'Queue Priority',
	description: 'Low lets other requests of the account go first. Normal when unset.',
	name: 'queuePriority',
	options: { low: 'Low', normal: 'Normal' },
	default: 'normal',
	in: 'header',
});
export const startTimeout = integer('x-fal-request-timeout', {
	label: 'Start Timeout',
	description:
		'Seconds after which fal drops a request that it has not begun to process. Without limit when unset.',
	hint: 'In seconds',
	name: 'startTimeout',
	min: 2,
	default: 300,
	in: 'header',
});
export const fileLifetime = encodedAs(
	integer('x-fal-object-lifecycle-preference', {
		label: 'File Lifetime',
		description: 'Seconds after which fal deletes the images. 7 days or more when unset.',
		hint: 'In seconds',
		name: 'fileLifetime',
		min: 60,
		default: 86_400,
		in: 'header',
	}),
	(seconds) => JSON.stringify({ expiration_duration_seconds: seconds }),
);

/**
 * As the page of each model says it. The documents leave open what is rounded up, and how references of unknown size
 * count: the result counts its units itself.
 */
const price = (first: number, further: number, reference: number): ListPrice => ({
	unit: 'startedMegapixel',
	first,
	further,
	reference,
	certain: 'none',
	source: 'https://fal.ai/models',
	date: '2026-11-21',
});
/** @param edited for each megapixel of an edit, where it is another price */
const perMegapixel = (amount: number, edited = amount): ListPrice => ({
	...price(amount, amount, edited),
	...(edited !== amount && { edit: { first: edited, further: edited, reference: edited } }),
});

/** It is no part of the body: the address of the request has it. */
export const webhookUrl = notifyUrl('webhookUrl', {
	caller: 'fal',
	refusal:
		'The trigger refuses calls that are not signed by fal, or about tasks of another account.',
	in: 'node',
});

const common = {
	parameters: [
		...pixelParameters(sizes, side('width', 'Width'), side('height', 'Height')),
		seed,
		outputFormat,
		safetyChecker,
		queuePriority,
		startTimeout,
		fileLifetime,
		webhookUrl,
	],
	sizes,
};

const closedWeights = {
	...common,
	parameters: [
		...common.parameters.map((param) =>
			param === outputFormat ? withValues(outputFormat, 'jpeg', 'png') : param,
		),
		safetyTolerance,
	],
	maxReferences: 8,
};
const openWeights = {
	...common,
	imagesPerRequest: { wireName: 'num_images', max: 4 },
	maxReferences: 4,
};
const devSteps = withRange(steps, { min: 4, max: 50 });
const dev = {
	...openWeights,
	parameters: [...openWeights.parameters, devSteps, guidanceScale, acceleration, promptExpansion],
	typicalSeconds: 8,
};
const fastDev = {
	...openWeights,
	parameters: [...openWeights.parameters, guidanceScale, promptExpansion],
	typicalSeconds: 4,
};
const klein = {
	...openWeights,
	parameters: [...openWeights.parameters, withRange(steps, { min: 4, max: 8 })],
	typicalSeconds: 3,
};
const kleinBase = {
	...openWeights,
	parameters: [...openWeights.parameters, devSteps, guidanceScale, negativePrompt, acceleration],
	typicalSeconds: 8,
};

/** With weights of the user's own, which the editing endpoint takes too. */
const withLoras = <M extends Pick<Model, 'parameters'>>(model: M) => ({
	...model,
	parameters: [...model.parameters, loras],
});

/** What a model that is not on the list may have: of each parameter the widest limits come first. */
const widest = {
	...openWeights,
	id: '',
	editEndpoint: '',
	name: '',
	description: '',
	parameters: [outputFormat, steps, guidanceScale],
	typicalSeconds: 0,
};

/** Every model of the node (https://fal.ai/models); a new one is one more record. */
export const models: readonly FalModel[] = [
	{
		...closedWeights,
		id: 'fal-ai/flux-2-pro',
		editEndpoint: 'fal-ai/flux-2-pro/edit',
		price: price(0.03, 0.015, 0.015),
		name: 'FLUX.2 [pro]',
		description: 'Best balance of quality, speed and price; about $0.03 for the first megapixel',
		typicalSeconds: 10,
	},
	{
		...closedWeights,
		id: 'fal-ai/flux-2-max',
		editEndpoint: 'fal-ai/flux-2-max/edit',
		price: price(0.07, 0.03, 0.03),
		name: 'FLUX.2 [max]',
		description: 'Highest quality; about $0.07 for the first megapixel',
		typicalSeconds: 20,
	},
	{
		...closedWeights,
		id: 'fal-ai/flux-2-flex',
		editEndpoint: 'fal-ai/flux-2-flex/edit',
		price: perMegapixel(0.05),
		name: 'FLUX.2 [flex]',
		description: 'Steps and guidance can be set; strong at typography; about $0.05 per megapixel',
		parameters: [
			...closedWeights.parameters,
			steps,
			withRange(guidanceScale, { min: 1.5, max: 10 }),
		],
		typicalSeconds: 20,
	},
	{
		...dev,
		id: 'fal-ai/flux-2',
		editEndpoint: 'fal-ai/flux-2/edit',
		routed: ['text', 'edit'],
		price: perMegapixel(0.012),
		name: 'FLUX.2 [dev]',
		description: 'Open weights, close to [pro] in quality; about $0.012 per megapixel',
	},
	{
		...fastDev,
		id: 'fal-ai/flux-2/turbo',
		editEndpoint: 'fal-ai/flux-2/turbo/edit',
		price: { ...perMegapixel(0.008), maxReferenceUnits: 1 },
		name: 'FLUX.2 [dev] Turbo',
		description: 'Faster than [dev]; about $0.008 per megapixel',
	},
	{
		...fastDev,
		id: 'fal-ai/flux-2/flash',
		editEndpoint: 'fal-ai/flux-2/flash/edit',
		price: { ...perMegapixel(0.005), maxReferenceUnits: 1 },
		name: 'FLUX.2 [dev] Flash',
		description: 'Fastest [dev]; about $0.005 per megapixel',
	},
	{
		...withLoras(dev),
		id: 'fal-ai/flux-2/lora',
		editEndpoint: 'fal-ai/flux-2/lora/edit',
		// weights of more than 2 GB cost more
		price: perMegapixel(0.021),
		name: 'FLUX.2 [dev] LoRA',
		description: 'With fine-tuned weights of your own',
		maxReferences: 3,
	},
	{
		...klein,
		id: 'fal-ai/flux-2/klein/4b',
		editEndpoint: 'fal-ai/flux-2/klein/4b/edit',
		routed: ['text'],
		price: perMegapixel(0.005, 0.01),
		name: 'FLUX.2 [klein] 4B',
		description: 'Fastest and cheapest; about $0.005 per megapixel',
	},
	{
		...kleinBase,
		id: 'fal-ai/flux-2/klein/4b/base',
		editEndpoint: 'fal-ai/flux-2/klein/4b/base/edit',
		price: perMegapixel(0.009),
		name: 'FLUX.2 [klein] 4B Base',
		description: 'Not distilled: slower, with guidance and a negative prompt',
	},
	{
		...withLoras(klein),
		id: 'fal-ai/flux-2/klein/4b/lora',
		editEndpoint: 'fal-ai/flux-2/klein/4b/edit/lora',
		name: 'FLUX.2 [klein] 4B LoRA',
		description: 'With fine-tuned weights of your own',
	},
	{
		...klein,
		id: 'fal-ai/flux-2/klein/9b',
		editEndpoint: 'fal-ai/flux-2/klein/9b/edit',
		routed: ['edit'],
		price: perMegapixel(0.006, 0.011),
		name: 'FLUX.2 [klein] 9B',
		description: 'Fast, with better quality than 4B; about $0.006 per megapixel',
	},
	{
		...kleinBase,
		id: 'fal-ai/flux-2/klein/9b/base',
		editEndpoint: 'fal-ai/flux-2/klein/9b/base/edit',
		price: perMegapixel(0.011),
		name: 'FLUX.2 [klein] 9B Base',
		description: 'Not distilled: slower, with guidance and a negative prompt',
	},
	{
		...withLoras(klein),
		id: 'fal-ai/flux-2/klein/9b/lora',
		editEndpoint: 'fal-ai/flux-2/klein/9b/edit/lora',
		name: 'FLUX.2 [klein] 9B LoRA',
		description: 'With fine-tuned weights of your own',
	},
	{
		...withLoras(kleinBase),
		id: 'fal-ai/flux-2/klein/9b/base/lora',
		editEndpoint: 'fal-ai/flux-2/klein/9b/base/edit/lora',
		price: perMegapixel(0.02),
		name: 'FLUX.2 [klein] 9B Base LoRA',
		description: 'Not distilled, with fine-tuned weights of your own',
	},
];

/** The models that one by an ID of its own might be. */
export const candidates: readonly FalModel[] = [widest, ...models];
