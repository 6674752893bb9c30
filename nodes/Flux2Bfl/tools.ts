import type { INodeProperties } from 'n8n-workflow';
import type { Model, NamedImage } from '../shared/parameters/model';
import { seed } from '../shared/parameters/options';
import { choice, inPanel, integer, toggle } from '../shared/parameters/param';
import type { ListPrice } from '../shared/parameters/price';
import { outputFormat, safetyTolerance, webhookParameters } from './models';

/** An image that a tool takes, with what must be true of it. In pixels. */
export interface ToolImage extends NamedImage {
	readonly minSide?: number;
	readonly maxPixels?: number;
	/** The wire name of the image that is of the same size. */
	readonly sameSizeAs?: string;
}

/** A model, or a tool. */
export interface BflModel extends Model {
	readonly images?: readonly ToolImage[];
	/** How many pixels it makes at most, where both sides must be set. */
	readonly maxCanvasPixels?: number;
	/** False where its API takes no webhook. */
	readonly callsBack?: boolean;
}

/** An operation that is a model of its own. */
export interface Tool extends BflModel {
	/** The value of the operation. */
	readonly operation: 'erase' | 'outpaint' | 'deblur' | 'tryOn';
	readonly images: readonly ToolImage[];
	/** What the editor says about its prompt. */
	readonly promptField?: Pick<INodeProperties, 'description' | 'default' | 'placeholder'>;
	/** Whether another image of the same request may turn out better. */
	readonly varies: boolean;
}

const MEGAPIXEL = 1024 * 1024;
const MAX_PIXELS = 4 * MEGAPIXEL;

/** What resellers publish: the maker's own list does not have the tools. */
const resold = (
	price: Pick<ListPrice, 'first' | 'further' | 'reference' | 'source'>,
): ListPrice => ({
	unit: 'startedMegapixel',
	maxReferenceUnits: 4,
	certain: 'none',
	date: '2026-11-22',
	...price,
});

const basics = {
	// the images have fields of their own
	maxReferences: 0,
	// nothing is published about it
	typicalSeconds: 10,
};
const retouching = {
	...basics,
	prompt: 'none',
	keepsSize: true,
	parameters: [seed, safetyTolerance, outputFormat('png'), ...webhookParameters],
} as const;

const image = {
	wireName: 'image',
	name: 'image',
	label: 'Image',
	field: 'data',
};

const dilatePixels = integer('dilate_pixels', {
	label: 'Dilate Pixels',
	description:
		'By how many pixels the mask grows before what it covers is removed, 0 to 25: more takes soft edges and shadows along. 10 when unset.',
	min: 0,
	max: 25,
	default: 10,
});

const canvasSide = (wireName: 'width' | 'height', label: string, standard: number) => ({
	...inPanel(
		integer(wireName, {
			label,
			description: `The ${wireName} of the finished image in pixels, at least 64; at most 4 megapixels in all`,
			hint: 'In pixels, of the finished image',
			min: 64,
			default: standard,
		}),
	),
	sendDefault: true,
});

const offset = (wireName: string, label: string, edge: string) =>
	integer(wireName, {
		label,
		description: `How many pixels the image is away from the ${edge} edge of the finished one. In the middle when unset.`,
		default: 0,
	});

const outpaintParameters = [
	canvasSide('width', 'Width', 1920),
	canvasSide('height', 'Height', 1080),
	offset('reference_offset_x', 'Offset X', 'left'),
	offset('reference_offset_y', 'Offset Y', 'upper'),
	toggle('auto_crop', {
		label: 'Auto Crop',
		description:
			'Whether what does not fit into the finished image is cut off. When off, such an image is refused. Off when unset.',
		default: false,
	}),
	choice('mode', {
		label: 'Quality',
		description: 'High when unset',
		options: { fast: 'Fast', high: 'High' },
		default: 'high',
	}),
	safetyTolerance,
	outputFormat('png'),
];

/** What the documents recommend where nothing is known of the garment. */
const TRY_ON_PROMPT =
	'The person of image 1, maintaining exactly their face and pose, wearing the garments of image 2.';

/** Every tool of the node (https://docs.bfl.ai), in the order of the editor; a new one is one more record. */
export const tools: readonly Tool[] = [
	{
		...retouching,
		operation: 'erase',
		id: 'flux-tools/erase-v1',
		name: 'Erase',
		description: 'Removes what a mask covers; about $0.03 for the first megapixel',
		images: [
			{
				...image,
				description: 'The image from which something is removed, at least 256 × 256 pixels',
				minSide: 256,
			},
			{
				wireName: 'mask',
				name: 'mask',
				label: 'Mask',
				field: 'mask',
				description:
					'A black and white image as large as the first, best a PNG: what is white is removed, what is black is kept',
				sameSizeAs: 'image',
			},
		],
		parameters: [dilatePixels, ...retouching.parameters],
		varies: true,
		price: resold({
			first: 0.03,
			further: 0.004,
			reference: 0.004,
			source: 'https://runware.ai/docs/models/bfl-flux-erase',
		}),
	},
	{
		...basics,
		operation: 'outpaint',
		id: 'flux-tools/outpainting-v1',
		name: 'Outpaint',
		description: 'Extends an image beyond its edges; about $0.10 per megapixel',
		prompt: 'optional',
		promptField: {
			description:
				'What the new parts show. May be empty: then the scene goes on as it is. An experiment of Black Forest Labs.',
			default: '',
			placeholder: 'e.g. A wooden table that goes on to both sides',
		},
		images: [
			{
				...image,
				wireName: 'input_image',
				description: 'The image that becomes a part of a larger one',
			},
		],
		parameters: outpaintParameters,
		maxCanvasPixels: MAX_PIXELS,
		varies: true,
		callsBack: false,
		price: resold({
			first: 0.1,
			source: 'https://runware.ai/docs/models/bfl-flux-outpainting',
		}),
	},
	{
		...retouching,
		operation: 'deblur',
		id: 'flux-tools/deblur-v1',
		name: 'Deblur',
		description: 'Makes a blurred image sharp; the price is not published',
		images: [
			{
				...image,
				description: 'The blurred image, at most 4 megapixels',
				maxPixels: MAX_PIXELS,
			},
		],
		varies: false,
	},
	{
		...basics,
		operation: 'tryOn',
		id: 'flux-tools/vto-v2',
		name: 'Try On',
		description: 'Dresses a person in a garment; the price is not published',
		images: [
			{
				wireName: 'person',
				name: 'person',
				label: 'Person',
				field: 'person',
				description: 'One image of the person',
			},
			{
				wireName: 'garment',
				name: 'garment',
				label: 'Garment',
				field: 'garment',
				description: 'One image of the garment, alone or worn by somebody',
			},
		],
		parameters: [seed, safetyTolerance, outputFormat('jpeg'), ...webhookParameters],
		promptField: {
			description:
				'Calls the person image 1 and the garment image 2. A few words about the garment, such as "the olive green bomber jacket", make the result better.',
			default: TRY_ON_PROMPT,
		},
		varies: true,
	},
];
