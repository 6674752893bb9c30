import type { Model } from '../shared/parameters/model';
import { notifyUrl } from '../shared/parameters/notifyUrl';
import { completion as completionOf, seed } from '../shared/parameters/options';
import { choice, decimal, integer, text, toggle, zeroAsUnset } from '../shared/parameters/param';
import type { ListPrice } from '../shared/parameters/price';
import { pixelParameters } from '../shared/parameters/sizeParameters';

/** How the node waits: an option of *Image: Generate*. */
export const completion = completionOf('Black Forest Labs');

const sizes = { step: 16, minSide: 64, maxPixels: 4 * 1024 * 1024 };

/** The API's automatic size is an unset field: its schema does not take the 0 that its text speaks of. */
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

export const safetyTolerance = integer('safety_tolerance', {
	label: 'Safety Tolerance',
	description: 'How much the moderation lets pass, from 0 (strictest) to 5. 2 when unset.',
	min: 0,
	max: 5,
	default: 2,
});
const FORMATS = { jpeg: 'JPEG', png: 'PNG', webp: 'WebP' };

/** @param standard what the API makes when nothing is sent */
export const outputFormat = (standard: keyof typeof FORMATS) =>
	choice('output_format', {
		label: 'Output Format',
		description: `The image's file format. ${FORMATS[standard]} when unset.`,
		options: FORMATS,
		default: standard,
	});
const guidance = decimal('guidance', {
	label: 'Guidance',
	description: 'How strictly the image follows the prompt, 1.5 to 10. 5 when unset.',
	min: 1.5,
	max: 10,
	default: 5,
});
const steps = integer('steps', {
	label: 'Steps',
	description: 'Number of denoising steps, 1 to 50: more detail, but slower. 50 when unset.',
	min: 1,
	max: 50,
	default: 50,
});
export const promptUpsampling = toggle('prompt_upsampling', {
	label: 'Prompt Upsampling',
	description: 'Whether short prompts are expanded before generation. On when unset.',
	default: true,
});
/** The switch of [pro] and [max], whose name is the API's. [flex] has the one above. */
export const disablePup = toggle('disable_pup', {
	label: 'Disable Prompt Upsampling',
	description: 'Whether the prompt is used as it is, instead of being expanded. Off when unset.',
	default: false,
});

const webhookUrl = notifyUrl('webhook_url', {
	caller: 'Black Forest Labs',
	refusal: 'The trigger refuses calls that do not prove Notify Secret.',
});
const secretText = text('webhook_secret', {
	label: 'Notify Secret',
	description:
		'The secret that proves the call of Black Forest Labs: the one in the credential of the FLUX.2 Trigger. With the operation Submit, choose that credential in the node instead.',
});
const webhookSecret = {
	...secretText,
	property: { ...secretText.property, typeOptions: { password: true } },
};
export const webhookParameters = [webhookUrl, webhookSecret];

/** 1 credit is 1 US cent. Images beyond 4 megapixels are made smaller before they count. */
const price = (first: number, further: number): ListPrice => ({
	unit: 'startedMegapixel',
	first,
	further,
	reference: further,
	maxReferenceUnits: 4,
	certain: 'all',
	source: 'https://bfl.ai/pricing',
	date: '2026-08-24',
});

const flux2 = {
	parameters: [
		...pixelParameters(sizes, side('width', 'Width'), side('height', 'Height')),
		seed,
		safetyTolerance,
		outputFormat('jpeg'),
		...webhookParameters,
	],
	maxReferences: 8,
	sizes,
};
const upsampled = { ...flux2, parameters: [...flux2.parameters, disablePup] };
const klein = { ...flux2, maxReferences: 4, typicalSeconds: 2 };

/** Every model of the node (https://docs.bfl.ai/api-reference), the recommended one first; a new one is one more record. */
export const models: readonly Model[] = [
	{
		...upsampled,
		id: 'flux-2-pro',
		name: 'FLUX.2 [pro]',
		description: 'Best balance of quality, speed and price; about $0.03 for the first megapixel',
		price: price(0.03, 0.015),
		typicalSeconds: 8,
	},
	{
		...upsampled,
		id: 'flux-2-max',
		name: 'FLUX.2 [max]',
		description: 'Highest quality, with grounding search; about $0.07 for the first megapixel',
		typicalSeconds: 20,
		price: price(0.07, 0.03),
	},
	{
		...flux2,
		id: 'flux-2-flex',
		name: 'FLUX.2 [flex]',
		description: 'Steps and guidance can be set; strong at typography; about $0.05 per megapixel',
		parameters: [...flux2.parameters, guidance, steps, promptUpsampling],
		typicalSeconds: 20,
		price: price(0.05, 0.05),
	},
	{
		...klein,
		id: 'flux-2-klein-4b',
		name: 'FLUX.2 [klein] 4B',
		description: 'Fastest and cheapest; about $0.014 for the first megapixel',
		price: price(0.014, 0.001),
	},
	{
		...klein,
		id: 'flux-2-klein-9b',
		name: 'FLUX.2 [klein] 9B',
		description: 'Fast, with better quality than 4B; about $0.015 for the first megapixel',
		price: price(0.015, 0.002),
	},
	{
		...upsampled,
		id: 'flux-2-pro-preview',
		name: 'FLUX.2 [pro] Preview',
		description: 'Follows the latest [pro] weights; about $0.03 for the first megapixel',
		price: price(0.03, 0.015),
		typicalSeconds: 8,
	},
	{
		...klein,
		id: 'flux-2-klein-9b-preview',
		name: 'FLUX.2 [klein] 9B Preview',
		description:
			'The 9B model with a cache for reference images; about $0.015 for the first megapixel',
		price: price(0.015, 0.002),
	},
];
