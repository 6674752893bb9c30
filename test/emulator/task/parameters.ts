import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020';
import type { ReferenceImage } from '../images';
import { BadReference, readAny } from '../images/references';
import type { JsonObject } from '../types';

/**
 * The parameters of the task API and its queue twin, as their documents list them.
 */

export const TASK_MODELS = ['flux_2_pro', 'flux_2_max'];

const IMAGE_FIELDS = [
	'input_image',
	...Array.from({ length: 7 }, (_, index) => `input_image_${index + 2}`),
];

const SIDE = { type: 'integer', minimum: 64, multipleOf: 32 };

const SHARED = {
	prompt: { type: 'string', minLength: 1 },
	...Object.fromEntries(IMAGE_FIELDS.map((name) => [name, { type: 'string', minLength: 1 }])),
	seed: { type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
	width: SIDE,
	height: SIDE,
};

const ajv = new Ajv2020({ allErrors: true });

function compileSchema(properties: JsonObject): ValidateFunction {
	return ajv.compile({
		type: 'object',
		properties,
		required: ['prompt'],
		additionalProperties: false,
	});
}

/** The task API's document wants the tolerance as a string, and calls both 0 and 1 the strictest. */
const validateTask = compileSchema({
	...SHARED,
	safety_tolerance: { type: 'string', enum: ['0', '1', '2', '3', '4', '5', '6'] },
	output_format: { type: 'string', enum: ['jpeg', 'png'] },
});

const validateQueue = compileSchema({
	...SHARED,
	safety_tolerance: { type: 'integer', minimum: 0, maximum: 5 },
	output_format: { type: 'string', enum: ['jpeg', 'png', 'webp'] },
});

/** The model generates up to 4 MP at every provider. */
const MAX_PIXELS = 4 * 1024 * 1024;

export interface TaskParameters {
	prompt: string;
	/** Without prompt and references. */
	parameters: JsonObject;
	references: ReferenceImage[];
}

/** Parameters that the API refuses; the message names them and the reason. */
export class BadParameters extends Error {}

export async function readParameters(
	value: unknown,
	dialect: 'task' | 'queue',
): Promise<TaskParameters> {
	const validate = dialect === 'task' ? validateTask : validateQueue;
	if (!validate(value))
		throw new BadParameters(ajv.errorsText(validate.errors, { dataVar: 'params' }));
	const { prompt, ...rest } = value as JsonObject & { prompt: string };
	const { width = 1024, height = 1024 } = rest as { width?: number; height?: number };
	if (width * height > MAX_PIXELS) throw new BadParameters(`${width}x${height} is more than 4 MP`);
	const parameters = Object.fromEntries(
		Object.entries(rest).filter(([name]) => !IMAGE_FIELDS.includes(name)),
	);
	return { prompt, parameters, references: await readReferences(rest) };
}

async function readReferences(params: JsonObject): Promise<ReferenceImage[]> {
	const names = IMAGE_FIELDS.filter((name) => params[name] !== undefined);
	return Promise.all(
		names.map(async (name) => {
			try {
				return await readAny(params[name] as string);
			} catch (error) {
				throw error instanceof BadReference ? new BadParameters(`${name} ${error.message}`) : error;
			}
		}),
	);
}
