import Ajv2020, { type ErrorObject, type ValidateFunction } from 'ajv/dist/2020';
import type { ImageFormat } from '../images';
import type { JsonObject } from '../types';
import type { InvalidField } from './documentedErrors';

/** Replicate's FLUX.2 models with their inputs, as the page of each lists them. */

const integer = (minimum: number, maximum: number) => ({ type: 'integer', minimum, maximum });
const boolean = { type: 'boolean' };
const text = { type: 'string' };
const texts = { type: 'array', items: text };

const RATIOS = ['1:1', '16:9', '3:2', '2:3', '4:5', '5:4', '9:16', '3:4', '4:3'];

const SHARED = {
	prompt: text,
	seed: { type: 'integer' },
	output_format: { enum: ['webp', 'jpg', 'png'] },
	output_quality: integer(0, 100),
};
const withReferences = (field: string, maxItems: number) => ({
	[field]: { ...texts, maxItems },
});
const CLOSED = {
	...SHARED,
	...withReferences('input_images', 8),
	aspect_ratio: { enum: ['match_input_image', 'custom', ...RATIOS] },
	resolution: { enum: ['match_input_image', '0.5 MP', '1 MP', '2 MP', '4 MP'] },
	width: integer(256, 2048),
	height: integer(256, 2048),
	safety_tolerance: integer(1, 5),
};
const FLEX = {
	...CLOSED,
	...withReferences('input_images', 10),
	prompt_upsampling: boolean,
	steps: integer(1, 50),
	guidance: { type: 'number', minimum: 1.5, maximum: 10 },
};
const DEV = {
	...SHARED,
	...withReferences('input_images', 4),
	aspect_ratio: CLOSED.aspect_ratio,
	width: integer(256, 1440),
	height: integer(256, 1440),
	go_fast: boolean,
	disable_safety_checker: boolean,
};
const ANY_KLEIN = {
	...SHARED,
	...withReferences('images', 5),
	aspect_ratio: { enum: [...RATIOS, '21:9', '9:21', 'match_input_image'] },
	output_megapixels: { enum: ['0.25', '0.5', '1', '2', '4'] },
	disable_safety_checker: boolean,
};
const KLEIN = { ...ANY_KLEIN, go_fast: boolean };
const BASE = { ...KLEIN, guidance: { type: 'number', minimum: 1, maximum: 10 } };
const BASE_LORA = {
	...ANY_KLEIN,
	lora_weights: texts,
	lora_scales: { type: 'array', items: { type: 'number' } },
};

const ajv = new Ajv2020({ allErrors: true, strict: false });

export interface ReplicateModel {
	/** With what the schema does not declare. */
	validateStrictly: ValidateFunction;
	validate: ValidateFunction;
	/** Of an image whose request names none. */
	format: ImageFormat;
	/** Whether the output is a list. */
	isList: boolean;
	/** The field of the reference images. */
	references: string;
}

function createModel(name: string, properties: JsonObject): readonly [string, ReplicateModel] {
	const schema = { type: 'object', properties, required: ['prompt'] };
	const isKlein = name.includes('klein');
	const model = {
		validateStrictly: ajv.compile({ ...schema, additionalProperties: false }),
		validate: ajv.compile(schema),
		format: isKlein ? 'jpeg' : 'webp',
		isList: isKlein,
		references: isKlein ? 'images' : 'input_images',
	} as const;
	return [`black-forest-labs/${name}`, model];
}

const INPUTS: Record<string, JsonObject> = {
	'flux-2-pro': CLOSED,
	'flux-2-max': CLOSED,
	'flux-2-flex': FLEX,
	'flux-2-dev': DEV,
	'flux-2-klein-4b': KLEIN,
	'flux-2-klein-4b-base': BASE,
	'flux-2-klein-4b-base-lora': BASE_LORA,
	'flux-2-klein-9b': KLEIN,
	'flux-2-klein-9b-base': BASE,
	'flux-2-klein-9b-base-lora': BASE_LORA,
};

export const MODELS: ReadonlyMap<string, ReplicateModel> = new Map(
	Object.entries(INPUTS).map(([name, properties]) => createModel(name, properties)),
);

/** A create's body around the input. */
export const validateBody = ajv.compile({
	type: 'object',
	properties: {
		input: { type: 'object' },
		version: text,
		webhook: { type: 'string', pattern: '^https://|^http://(127\\.0\\.0\\.1|localhost)[:/]' },
		webhook_events_filter: {
			type: 'array',
			items: { enum: ['start', 'output', 'logs', 'completed'] },
		},
		stream: boolean,
	},
	required: ['input'],
	additionalProperties: false,
});

interface ErrorParams {
	type?: string;
	limit?: number;
	missingProperty?: string;
	additionalProperty?: string;
	allowedValues?: string[];
}

/** The type and the description of a problem, by the keyword of the schema that is not met. */
const MESSAGES: Record<string, (params: ErrorParams, name: string) => [string, string]> = {
	required: ({ missingProperty }) => ['required', `${missingProperty} is required`],
	additionalProperties: ({ additionalProperty }) => [
		'additional_property_not_allowed',
		`Additional property ${additionalProperty} is not allowed`,
	],
	enum: ({ allowedValues = [] }, name) => [
		'enum',
		`${name} must be one of the following: ${allowedValues.map((one) => `"${one}"`).join(', ')}`,
	],
	minimum: ({ limit }) => ['number_gte', `Must be greater than or equal to ${limit}`],
	maximum: ({ limit }) => ['number_lte', `Must be less than or equal to ${limit}`],
	type: ({ type }) => ['invalid_type', `Invalid type. Expected: ${type}`],
	maxItems: ({ limit }) => ['array_max_items', `Array must have at most ${limit} items`],
	pattern: () => ['format', 'Must be an HTTPS URL'],
};

/** @param parent the field that the validated value stands in */
export const toInvalidFields = (
	errors: readonly ErrorObject[] | null | undefined,
	parent: string,
): InvalidField[] =>
	(errors ?? []).map(({ instancePath, keyword, params }) => {
		const field = [parent, ...instancePath.split('/').slice(1)].filter(Boolean).join('.');
		const name = field.split('.').at(-1) ?? '';
		const [type, description] = MESSAGES[keyword]?.(params as ErrorParams, name) ?? [
			keyword,
			'Invalid value',
		];
		return { type, field, description };
	});
