import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020';
import type { JsonObject } from '../types';
import {
	asAzure,
	asDetail,
	asLocalAi,
	asNumbered,
	asOpenAi,
	asText,
	type ErrorStyle,
} from './errors';

/** What each server takes, as its documents or its source say. Each is below the base URL under its own name. */

const integer = (minimum?: number, maximum?: number) => ({ type: 'integer', minimum, maximum });
const number = (minimum: number, maximum: number) => ({ type: 'number', minimum, maximum });
const text = { type: 'string' };
const oneOf = (...values: string[]) => ({ enum: values });

export interface OpenAiDialect {
	/** The fields of the JSON, by name. */
	fields: JsonObject;
	required: readonly string[];
	/** The fields of the form for edits; left out where the server has none. */
	edit?: { files: readonly string[]; fields: JsonObject };
	/** Where a JSON body has its reference images, and in which form. */
	references?: {
		field: string;
		form: 'uri' | 'base64' | 'any' | 'nested';
		numbered?: number;
	};
	/** The header that carries the key; no key is needed where it is left out. */
	keyIn?: 'authorization' | 'api-key';
	/** The models that it knows; any where it is left out. */
	models?: readonly string[];
	/** Whether the list of models can be read. */
	hasList: boolean;
	toError: ErrorStyle;
	/** What it responds with unless the request says otherwise. */
	defaultFormat: 'png' | 'jpeg';
	/** The name of base64 in `response_format`, and whether it is what comes without it. */
	base64?: { name: string; isDefault: boolean };
}

const SIZED = { prompt: text, model: text, size: text, n: integer(1, 10) };
const COMPATIBLE = {
	...SIZED,
	seed: integer(),
	num_inference_steps: integer(1, 200),
	guidance_scale: number(0, 20),
	negative_prompt: text,
	output_format: oneOf('png', 'jpeg', 'webp'),
};
const ALWAYS_BASE64 = { name: 'b64_json', isDefault: true };
const OR_URL = { name: 'b64_json', isDefault: false };

const PIXELS = { prompt: text, model: text, width: integer(64), height: integer(64) };

const images = (maxItems: number, items: JsonObject) => ({
	type: 'array',
	minItems: 1,
	maxItems,
	items,
});

const AZURE = {
	...PIXELS,
	n: integer(1, 1),
	seed: integer(),
	output_format: oneOf('png', 'jpeg'),
	...Object.fromEntries(
		Array.from({ length: 10 }, (_, index) => [
			index === 0 ? 'input_image' : `input_image_${index + 1}`,
			text,
		]),
	),
};
const AZURE_FLEX = { steps: integer(1, 50), guidance: number(1.5, 10) };

export const DIALECTS: Readonly<Record<string, OpenAiDialect>> = {
	vllm: {
		fields: { ...COMPATIBLE, response_format: oneOf('b64_json', 'file') },
		required: ['prompt'],
		edit: { files: ['image', 'image[]'], fields: { ...COMPATIBLE, response_format: text } },
		hasList: true,
		toError: asDetail,
		defaultFormat: 'png',
		base64: ALWAYS_BASE64,
	},
	generic: {
		fields: { ...COMPATIBLE, response_format: oneOf('b64_json', 'url') },
		required: ['prompt'],
		edit: { files: ['image[]'], fields: { ...COMPATIBLE, response_format: text } },
		keyIn: 'authorization',
		hasList: true,
		toError: asOpenAi,
		defaultFormat: 'png',
		base64: OR_URL,
	},
	sdCpp: {
		fields: { ...SIZED, output_format: oneOf('png', 'jpeg', 'webp') },
		required: ['prompt'],
		edit: { files: ['image[]'], fields: { ...SIZED, output_format: oneOf('png', 'jpeg') } },
		hasList: true,
		toError: asText,
		defaultFormat: 'png',
		base64: ALWAYS_BASE64,
	},
	localAi: {
		fields: {
			...SIZED,
			seed: integer(),
			step: integer(1),
			response_format: text,
			ref_images: images(10, text),
		},
		required: ['prompt', 'model'],
		references: { field: 'ref_images', form: 'any' },
		hasList: true,
		toError: asLocalAi,
		defaultFormat: 'png',
		base64: OR_URL,
	},
	deepInfra: {
		fields: { ...SIZED, response_format: oneOf('b64_json') },
		required: ['prompt', 'model'],
		edit: { files: ['image'], fields: { ...SIZED, response_format: oneOf('b64_json') } },
		keyIn: 'authorization',
		models: ['dev', 'pro', 'max', 'klein-4b'].map((name) => `black-forest-labs/FLUX-2-${name}`),
		hasList: true,
		toError: asOpenAi,
		defaultFormat: 'jpeg',
		base64: ALWAYS_BASE64,
	},
	together: {
		fields: {
			...PIXELS,
			n: integer(1, 4),
			seed: integer(),
			steps: integer(1),
			guidance_scale: number(0, 20),
			negative_prompt: text,
			response_format: oneOf('url', 'base64'),
			output_format: oneOf('png', 'jpeg'),
			reference_images: images(8, text),
		},
		required: ['prompt', 'model'],
		references: { field: 'reference_images', form: 'uri' },
		keyIn: 'authorization',
		models: ['pro', 'max', 'flex', 'dev'].map((name) => `black-forest-labs/FLUX.2-${name}`),
		hasList: true,
		toError: asOpenAi,
		defaultFormat: 'jpeg',
		base64: { name: 'base64', isDefault: false },
	},
	openRouter: {
		fields: {
			...SIZED,
			n: integer(1, 1),
			seed: integer(),
			output_format: oneOf('png', 'jpeg', 'webp'),
			input_references: images(8, {
				type: 'object',
				properties: {
					type: { const: 'image_url' },
					image_url: {
						type: 'object',
						properties: { url: text },
						required: ['url'],
						additionalProperties: false,
					},
				},
				required: ['type', 'image_url'],
				additionalProperties: false,
			}),
		},
		required: ['prompt', 'model'],
		references: { field: 'input_references', form: 'nested' },
		keyIn: 'authorization',
		models: ['pro', 'max', 'flex', 'klein-4b'].map((name) => `black-forest-labs/flux.2-${name}`),
		hasList: true,
		toError: asNumbered,
		defaultFormat: 'png',
		base64: ALWAYS_BASE64,
	},
	'azure/flux-2-pro': {
		fields: AZURE,
		required: ['prompt', 'model'],
		references: { field: 'input_image', form: 'base64', numbered: 8 },
		keyIn: 'api-key',
		models: ['FLUX.2-pro', 'my-deployment'],
		hasList: false,
		toError: asAzure,
		defaultFormat: 'jpeg',
		base64: ALWAYS_BASE64,
	},
	'azure/flux-2-flex': {
		fields: { ...AZURE, ...AZURE_FLEX },
		required: ['prompt', 'model'],
		references: { field: 'input_image', form: 'base64', numbered: 10 },
		keyIn: 'api-key',
		models: ['FLUX.2-flex'],
		hasList: false,
		toError: asAzure,
		defaultFormat: 'jpeg',
		base64: ALWAYS_BASE64,
	},
};

const ajv = new Ajv2020({ allErrors: true, strict: false });
const validators = new Map<JsonObject, ValidateFunction>();

/** Every field that the server does not know is refused: a misspelt one would be passed over in silence there. */
export function validatorOf(fields: JsonObject, required: readonly string[]): ValidateFunction {
	const known =
		validators.get(fields) ??
		ajv.compile({
			type: 'object',
			properties: JSON.parse(JSON.stringify(fields)) as object,
			required,
			additionalProperties: false,
		});
	validators.set(fields, known);
	return known;
}
