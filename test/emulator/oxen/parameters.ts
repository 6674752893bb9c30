import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020';
import type { ImageFormat, ReferenceImage } from '../images';
import { BadReference, decode, readUri } from '../images/references';
import type { JsonObject } from '../types';

/**
 * The parameters of Oxen.ai's models, as the page of each model lists them.
 */

const RATIOS = ['1:1', '16:9', '9:16', '4:3', '3:4'];
const MATCH = 'match_input_image';
const text = { type: 'string', minLength: 1 };
const integer = (minimum: number, maximum: number) => ({ type: 'integer', minimum, maximum });
const guidance = { type: 'number', minimum: 0, maximum: 10 };

/** The generic fields of every model. */
const SHARED = {
	model: text,
	prompt: text,
	// the flex page speaks of up to ten references, the others of no number
	input_image: { type: 'array', items: text, maxItems: 10 },
	num_inference_steps: integer(1, 50),
	seed: integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
	output_format: { enum: ['webp', 'jpg', 'png'] },
	response_format: { enum: ['url', 'b64_json'] },
	target_namespace: text,
};

const FLUX_2 = {
	...SHARED,
	aspect_ratio: { enum: [...RATIOS, '3:2', '2:3', MATCH] },
	resolution: { enum: ['0.5 MP', '1 MP', '2 MP'] },
	guidance,
	output_quality: integer(0, 100),
	disable_safety_checker: { type: 'boolean' },
};

const KLEIN = {
	...SHARED,
	aspect_ratio: { enum: RATIOS },
	guidance_scale: guidance,
	output_quality: { enum: ['standard', 'high'] },
};

const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });

export interface OxenModel {
	/** As the model object carries it. */
	schema: JsonObject;
	validate: ValidateFunction;
	format: ImageFormat;
}

function compileModel(properties: JsonObject, format: ImageFormat): OxenModel {
	const required = ['model', 'prompt'];
	const schema = { type: 'object', properties, required, additionalProperties: false };
	return { schema, validate: ajv.compile(schema), format };
}

const flux2 = compileModel(FLUX_2, 'webp');
const klein = compileModel(KLEIN, 'png');

export const OXEN_MODELS: ReadonlyMap<string, OxenModel> = new Map([
	['flux-2-pro', flux2],
	['flux-2-dev', flux2],
	['flux-2-flex', flux2],
	['black-forest-labs-flux-2-klein-4b', klein],
	['black-forest-labs-flux-2-klein-9b', klein],
]);

/** Parameters that the API refuses; the message names them and the reason. */
export class BadParameters extends Error {}

export interface OxenParameters {
	prompt: string;
	/** Everything that the image depends on, with the size that follows from ratio and resolution. */
	parameters: JsonObject & { width: number; height: number };
	references: ReferenceImage[];
}

/** Fields that the image does not depend on. */
const NOT_PARAMETERS = ['model', 'prompt', 'input_image', 'response_format', 'target_namespace'];

export async function readParameters(
	body: JsonObject,
	definition: OxenModel,
): Promise<OxenParameters> {
	const { validate, format } = definition;
	if (body.prompt === '') throw new BadParameters('Prompt cannot be empty');
	if (!validate(body))
		throw new BadParameters(ajv.errorsText(validate.errors, { dataVar: 'params' }));
	const { prompt, input_image = [] } = body as { prompt: string; input_image?: string[] };
	const references = await Promise.all(input_image.map(readReference));
	const rest = Object.entries(body).filter(([name]) => !NOT_PARAMETERS.includes(name));
	const parameters = {
		...Object.fromEntries(rest),
		...(await toSize(body, references)),
		output_format: toFormat(body.output_format) ?? format,
	};
	return { prompt, parameters, references };
}

const toFormat = (name: unknown) => (name === 'jpg' ? 'jpeg' : (name as ImageFormat | undefined));

async function readReference(url: string): Promise<ReferenceImage> {
	try {
		return await readUri(url);
	} catch (error) {
		if (!(error instanceof BadReference)) throw error;
		throw new BadParameters(`${error.message} for url: ${url.slice(0, 100)}`);
	}
}

const PIXELS: Record<string, number> = {
	'0.5 MP': 0.5 * 1024 * 1024,
	'1 MP': 1024 * 1024,
	'2 MP': 2 * 1024 * 1024,
};

/** The documents have named both 16:9 and 1:1. */
const DEFAULT_RATIO = '16:9';

async function toSize(body: JsonObject, references: readonly ReferenceImage[]) {
	const { aspect_ratio = DEFAULT_RATIO, resolution = '1 MP' } = body as Record<string, string>;
	const [across = 1, down = 1] =
		aspect_ratio === MATCH ? await readSides(references[0]) : aspect_ratio.split(':').map(Number);
	const area = PIXELS[resolution] ?? 0;
	const roundSide = (pixels: number) => Math.round(pixels / 16) * 16;
	return {
		width: roundSide(Math.sqrt((area * across) / down)),
		height: roundSide(Math.sqrt((area * down) / across)),
	};
}

/** A reference on another host is not measured, and taken for a square. */
async function readSides(reference: ReferenceImage | undefined): Promise<number[]> {
	if (!reference) throw new BadParameters(`${MATCH} needs an input image`);
	if (!reference.bytes) return [1, 1];
	const { width, height } = await decode(reference.bytes);
	return [width, height];
}
