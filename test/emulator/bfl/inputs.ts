import Ajv2020, { type ErrorObject, type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import type { ReferenceImage } from '../images';
import { BadReference, readAny } from '../images/references';
import { isObject, Refusal, type Body, type JsonObject } from '../types';
import openapi from './contract.json';
import { bflError } from './documentedErrors';

/**
 * The bodies of BFL's models: checked against the published OpenAPI schema of their path, and
 * against the two rules that its descriptions add (multiples of 16, at most 4 megapixels).
 */

/** The document around the schemas has keywords of its own. */
const ajv = addFormats(new Ajv2020({ allErrors: true, strict: false }));
ajv.addSchema(openapi, 'bfl');

interface ModelSchema {
	validate: ValidateFunction;
	fields: readonly string[];
}

export const MODELS: ReadonlyMap<string, ModelSchema> = new Map(
	Object.entries(openapi.paths).flatMap(([path, operations]) => {
		if (!('post' in operations)) return [];
		const { $ref } = operations.post.requestBody.content['application/json'].schema;
		const name = $ref.split('/').at(-1) as keyof typeof openapi.components.schemas;
		const { properties } = openapi.components.schemas[name] as { properties: JsonObject };
		const schema = {
			validate: ajv.compile({ $ref: `bfl${$ref}` }),
			fields: Object.keys(properties),
		};
		return [[path.replace('/v1/', ''), schema] as const];
	}),
);

export interface BflInput extends JsonObject {
	prompt: string;
	width?: number | null;
	height?: number | null;
	webhook_url?: string | null;
	webhook_secret?: string | null;
}

export interface BflRequest {
	input: BflInput;
	/** Without the prompt, the references and the webhook. */
	parameters: JsonObject;
	references: ReferenceImage[];
	size: { width: number; height: number };
}

interface Problem {
	loc: Array<string | number>;
	msg: string;
	type: string;
}

function validationError(...problems: Problem[]): Refusal {
	return new Refusal(bflError(422, problems));
}

const MAX_PIXELS = 4 * 1024 * 1024;
/** In pixels. Without a size BFL chooses; here it is a square. */
const DEFAULT_SIDE = 1024;
const NOT_PARAMETERS = /^(prompt|input_image.*|webhook_.*)$/;

/** Fields that the model does not know. The API ignores them, so that it never reports a misspelt one. */
export function findUnknownFields(body: Body, { fields }: ModelSchema): string[] {
	const names = body.kind === 'json' && isObject(body.value) ? Object.keys(body.value) : [];
	return names.filter((name) => !fields.includes(name));
}

export async function readInput(body: Body, schema: ModelSchema): Promise<BflRequest> {
	const value = readJson(body);
	if (!schema.validate(value))
		throw validationError(...(schema.validate.errors ?? []).flatMap(toProblems));
	const input = value as BflInput;
	checkWebhook(input);
	const knownFields = Object.entries(input).filter(
		([name, field]) => schema.fields.includes(name) && field !== null,
	);
	const images = knownFields.filter(([name]) => /^input_image(_\d)?$/.test(name));
	return {
		input,
		parameters: Object.fromEntries(knownFields.filter(([name]) => !NOT_PARAMETERS.test(name))),
		size: checkSize(input),
		references: await Promise.all(
			images.map(([name, image]) => readReference(name, image as string)),
		),
	};
}

function readJson(body: Body): JsonObject {
	if (body.kind === 'json' && isObject(body.value)) return body.value;
	if (body.kind === 'none')
		throw validationError({ loc: ['body'], msg: 'Field required', type: 'missing' });
	throw validationError({
		loc: ['body'],
		msg: 'Input should be a valid dictionary or object to extract fields from',
		type: 'model_attributes_type',
	});
}

export const isLoopback = (url: string) => /^(127\.0\.0\.1|localhost)$/.test(new URL(url).hostname);

/** A webhook is https; this computer has no certificate. */
function checkWebhook({ webhook_url: url }: BflInput): void {
	if (!url?.startsWith('http:') || isLoopback(url)) return;
	const msg = "URL scheme should be 'https'";
	throw validationError({ loc: ['body', 'webhook_url'], msg, type: 'url_scheme' });
}

function checkSize({ width, height }: BflInput): BflRequest['size'] {
	const invalid = Object.entries({ width, height }).filter(([, side]) => (side ?? 0) % 16 !== 0);
	if (invalid.length > 0) {
		const msg = 'Input should be a multiple of 16';
		throw validationError(
			...invalid.map(([name]) => ({ loc: ['body', name], msg, type: 'multiple_of' })),
		);
	}
	const size = { width: width ?? DEFAULT_SIDE, height: height ?? DEFAULT_SIDE };
	if (size.width * size.height > MAX_PIXELS) {
		const msg = 'Value error, the image must have at most 4 megapixels';
		throw validationError({ loc: ['body'], msg, type: 'value_error' });
	}
	return size;
}

async function readReference(name: string, image: string): Promise<ReferenceImage> {
	try {
		return await readAny(image);
	} catch (error) {
		if (!(error instanceof BadReference)) throw error;
		const msg = `Value error, ${name} ${error.message}`;
		throw validationError({ loc: ['body', name], msg, type: 'value_error' });
	}
}

interface ErrorParams {
	type?: string;
	limit?: number;
	missingProperty?: string;
	allowedValues?: string[];
}

const TYPES: Record<string, string> = {
	string: 'string',
	integer: 'int',
	number: 'float',
	boolean: 'bool',
};

/** As pydantic, which FastAPI validates with, reports it. */
function toProblems({ instancePath, keyword, params }: ErrorObject): Problem[] {
	const { type = '', limit, missingProperty, allowedValues = [] } = params as ErrorParams;
	const loc = ['body', ...instancePath.split('/').slice(1)];
	const shouldBe = (expected: string, code: string) => [
		{ loc, msg: `Input should be ${expected}`, type: code },
	];
	switch (keyword) {
		case 'required':
			return [{ loc: [...loc, missingProperty ?? ''], msg: 'Field required', type: 'missing' }];
		case 'minimum':
			return shouldBe(`greater than or equal to ${limit}`, 'greater_than_equal');
		case 'maximum':
			return shouldBe(`less than or equal to ${limit}`, 'less_than_equal');
		case 'type':
			// An optional field is `anyOf` its type and `null`: the first alternative reports the problem.
			return type in TYPES ? shouldBe(`a valid ${type}`, `${TYPES[type]}_type`) : [];
		case 'enum':
			return shouldBe(allowedValues.map((value) => `'${value}'`).join(' or '), 'enum');
		case 'format':
		case 'minLength':
		case 'maxLength':
			return shouldBe('a valid URL', 'url_parsing');
		default:
			return [];
	}
}
