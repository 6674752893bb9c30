import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020';
import type { ImageFormat } from '../images';
import type { JsonObject } from '../types';

/** fal's endpoints with their parameters, as the page of each lists them. */

const integer = (minimum: number, maximum: number) => ({ type: 'integer', minimum, maximum });
const boolean = { type: 'boolean' };
const text = { type: 'string' };

const SHARED = {
	prompt: text,
	seed: { type: 'integer' },
	/** Checked by itself: a name, or width and height. */
	image_size: true,
	sync_mode: boolean,
	enable_safety_checker: boolean,
};

const CLOSED = {
	...SHARED,
	output_format: { enum: ['jpeg', 'png'] },
	safety_tolerance: { enum: ['1', '2', '3', '4', '5'] },
};
const FLEX = {
	...CLOSED,
	num_inference_steps: integer(2, 50),
	guidance_scale: { type: 'number', minimum: 1.5, maximum: 10 },
};
const OPEN = {
	...SHARED,
	output_format: { enum: ['jpeg', 'png', 'webp'] },
	num_images: integer(1, 4),
};
const guided = { guidance_scale: { type: 'number', minimum: 0, maximum: 20 } };
const accelerated = { acceleration: { enum: ['none', 'regular', 'high'] } };
const FAST_DEV = { ...OPEN, ...guided, enable_prompt_expansion: boolean };
const DEV = { ...FAST_DEV, ...accelerated, num_inference_steps: integer(4, 50) };
const KLEIN = { ...OPEN, num_inference_steps: integer(4, 8) };
const BASE = {
	...OPEN,
	...guided,
	...accelerated,
	num_inference_steps: integer(4, 50),
	negative_prompt: text,
};

const growth = integer(0, 2048);
const OUTPAINT = {
	image_url: text,
	expand_top: growth,
	expand_bottom: growth,
	expand_left: growth,
	expand_right: growth,
	auto_crop: boolean,
	mode: { enum: ['high', 'fast'] },
	output_format: { enum: ['jpeg', 'png'] },
};

const lora = {
	type: 'object',
	properties: { path: text, scale: { type: 'number', minimum: 0, maximum: 4 } },
	required: ['path'],
	additionalProperties: false,
};
const withLoras = (properties: JsonObject) => ({
	...properties,
	loras: { type: 'array', items: lora, maxItems: 3 },
});

const ajv = new Ajv2020({ allErrors: true, strict: false });

export interface FalEndpoint {
	/** Without the sub path: what the addresses of a request begin with. */
	application: string;
	validate: ValidateFunction;
	/** [pro], [flex] and [max], whose weights are not published: they respond with less. */
	isClosed: boolean;
	/** Of an image whose request names none. */
	format: ImageFormat;
	/** Of an image whose request names none; `reference` follows the first one. */
	defaultSize: string;
	takesAuto: boolean;
	/** [dev]: each side has 512 to 2048 pixels. */
	hasSideLimits: boolean;
	/** It takes one image instead of a prompt, and enlarges it. */
	outpaints: boolean;
}

interface Family {
	properties: JsonObject;
	outpaints?: boolean;
	maxReferences?: number;
	defaultSize?: string;
	takesAuto?: true;
}

function createEndpoint(
	id: string,
	{
		properties,
		maxReferences,
		defaultSize = 'landscape_4_3',
		takesAuto,
		outpaints = false,
	}: Family,
): readonly [string, FalEndpoint] {
	const references = maxReferences && {
		image_urls: { type: 'array', items: text, minItems: 1, maxItems: maxReferences },
	};
	const validate = ajv.compile({
		type: 'object',
		properties: { ...properties, ...references },
		required: outpaints ? ['image_url'] : ['prompt', ...(references ? ['image_urls'] : [])],
		additionalProperties: false,
	});
	const isClosed = 'safety_tolerance' in properties || outpaints;
	const endpoint = {
		application: id.split('/').slice(0, 2).join('/'),
		validate,
		isClosed,
		format: isClosed ? 'jpeg' : 'png',
		defaultSize,
		takesAuto: takesAuto ?? false,
		hasSideLimits: !isClosed && !id.includes('/klein/'),
		outpaints,
	} as const;
	return [id, endpoint];
}

const closedEdit = { maxReferences: 8, defaultSize: 'reference', takesAuto: true } as const;
const openEdit = { maxReferences: 4, defaultSize: 'reference' };
const fastEdit = { maxReferences: 4, defaultSize: 'square_hd' };
const devLoraEdit = { maxReferences: 3, defaultSize: 'reference' };

const FAMILIES: Record<string, Family> = {
	'fal-ai/flux-2': { properties: DEV },
	'fal-ai/flux-2/edit': { properties: DEV, ...openEdit },
	'fal-ai/flux-2/lora': { properties: withLoras(DEV) },
	'fal-ai/flux-2/lora/edit': { properties: withLoras(DEV), ...devLoraEdit },
	'fal-ai/flux-2/turbo': { properties: FAST_DEV },
	'fal-ai/flux-2/turbo/edit': { properties: FAST_DEV, ...fastEdit },
	'fal-ai/flux-2/flash': { properties: FAST_DEV },
	'fal-ai/flux-2/flash/edit': { properties: FAST_DEV, ...fastEdit },
	'fal-ai/flux-2-pro': { properties: CLOSED },
	'fal-ai/flux-2-pro/edit': { properties: CLOSED, ...closedEdit },
	'fal-ai/flux-2-pro/outpaint': { properties: OUTPAINT, outpaints: true },
	'fal-ai/flux-2-max': { properties: CLOSED },
	'fal-ai/flux-2-max/edit': { properties: CLOSED, ...closedEdit },
	'fal-ai/flux-2-flex': { properties: FLEX },
	'fal-ai/flux-2-flex/edit': { properties: FLEX, ...closedEdit },
	'fal-ai/flux-2/klein/4b': { properties: KLEIN },
	'fal-ai/flux-2/klein/4b/edit': { properties: KLEIN, ...openEdit },
	'fal-ai/flux-2/klein/4b/base': { properties: BASE },
	'fal-ai/flux-2/klein/4b/base/edit': { properties: BASE, ...openEdit },
	'fal-ai/flux-2/klein/4b/lora': { properties: withLoras(KLEIN) },
	'fal-ai/flux-2/klein/4b/edit/lora': { properties: withLoras(KLEIN), ...openEdit },
	'fal-ai/flux-2/klein/9b': { properties: KLEIN },
	'fal-ai/flux-2/klein/9b/edit': { properties: KLEIN, ...openEdit },
	'fal-ai/flux-2/klein/9b/base': { properties: BASE },
	'fal-ai/flux-2/klein/9b/base/edit': { properties: BASE, ...openEdit },
	'fal-ai/flux-2/klein/9b/lora': { properties: withLoras(KLEIN) },
	'fal-ai/flux-2/klein/9b/edit/lora': { properties: withLoras(KLEIN), ...openEdit },
	'fal-ai/flux-2/klein/9b/base/lora': { properties: withLoras(BASE) },
	'fal-ai/flux-2/klein/9b/base/edit/lora': { properties: withLoras(BASE), ...openEdit },
};

export const ENDPOINTS: ReadonlyMap<string, FalEndpoint> = new Map(
	Object.entries(FAMILIES).map(([id, family]) => createEndpoint(id, family)),
);
