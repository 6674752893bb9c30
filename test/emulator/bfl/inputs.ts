import Ajv2020, { type ErrorObject, type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import openapi from './contract.json';
import { bflError } from './documentedErrors';
import type { ReferenceImage } from '../images';
import { BadReference, fromAnything } from '../images/references';
import { isObject, Refusal, type Body, type JsonObject } from '../types';

/**
 * The bodies of BFL's models: checked against the published OpenAPI schema of their path, and
 * against the two rules that its texts add (multiples of 16, at most 4 megapixels).
 */

/** The document around the schemas has words of its own. */
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

function refused(...problems: Problem[]): Refusal {
	return new Refusal(bflError(422, problems));
}

const MAX_PIXELS = 4 * 1024 * 1024;
/** Unset means automatic; what that comes to is BFL's choice. */
const AUTOMATIC = 1024;
const ASIDE = /^(prompt|input_image.*|webhook_.*)$/;

/** Fields that the model does not know: the API passes over them, and so a misspelt one is never noticed there. */
export function findUnknownFields(body: Body, { fields }: ModelSchema): string[] {
	const given = body.kind === 'json' && isObject(body.value) ? Object.keys(body.value) : [];
	return given.filter((name) => !fields.includes(name));
}

export async function readInput(body: Body, schema: ModelSchema): Promise<BflRequest> {
	const value = jsonOf(body);
	if (!schema.validate(value)) throw refused(...(schema.validate.errors ?? []).flatMap(problemOf));
	const input = value as BflInput;
	checkWebhook(input);
	const known = Object.entries(input).filter(
		([name, given]) => schema.fields.includes(name) && given !== null,
	);
	const images = known.filter(([name]) => /^input_image(_\d)?$/.test(name));
	return {
		input,
		parameters: Object.fromEntries(known.filter(([name]) => !ASIDE.test(name))),
		size: checkSize(input),
		references: await Promise.all(
			images.map(([name, image]) => readReference(name, image as string)),
		),
	};
}

function jsonOf(body: Body): JsonObject {
	if (body.kind === 'json' && isObject(body.value)) return body.value;
	if (body.kind === 'none')
		throw refused({ loc: ['body'], msg: 'Field required', type: 'missing' });
	throw refused({
		loc: ['body'],
		msg: 'Input should be a valid dictionary or object to extract fields from',
		type: 'model_attributes_type',
	});
}

export const isThisComputer = (url: string) =>
	/^(127\.0\.0\.1|localhost)$/.test(new URL(url).hostname);

/** A webhook is https; this computer has no certificate. */
function checkWebhook({ webhook_url: url }: BflInput): void {
	if (!url?.startsWith('http:') || isThisComputer(url)) return;
	const msg = "URL scheme should be 'https'";
	throw refused({ loc: ['body', 'webhook_url'], msg, type: 'url_scheme' });
}

function checkSize({ width, height }: BflInput): BflRequest['size'] {
	const odd = Object.entries({ width, height }).filter(([, side]) => (side ?? 0) % 16 !== 0);
	if (odd.length > 0) {
		const msg = 'Input should be a multiple of 16';
		throw refused(...odd.map(([name]) => ({ loc: ['body', name], msg, type: 'multiple_of' })));
	}
	const size = { width: width ?? AUTOMATIC, height: height ?? AUTOMATIC };
	if (size.width * size.height > MAX_PIXELS) {
		const msg = 'Value error, the image must have at most 4 megapixels';
		throw refused({ loc: ['body'], msg, type: 'value_error' });
	}
	return size;
}

async function readReference(name: string, image: string): Promise<ReferenceImage> {
	try {
		return await fromAnything(image);
	} catch (error) {
		if (!(error instanceof BadReference)) throw error;
		const msg = `Value error, ${name} ${error.message}`;
		throw refused({ loc: ['body', name], msg, type: 'value_error' });
	}
}

interface Told {
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

/** In the words of pydantic, which FastAPI checks with. */
function problemOf({ instancePath, keyword, params }: ErrorObject): Problem[] {
	const { type = '', limit, missingProperty, allowedValues = [] } = params as Told;
	const loc = ['body', ...instancePath.split('/').slice(1)];
	const should = (words: string, code: string) => [
		{ loc, msg: `Input should be ${words}`, type: code },
	];
	switch (keyword) {
		case 'required':
			return [{ loc: [...loc, missingProperty ?? ''], msg: 'Field required', type: 'missing' }];
		case 'minimum':
			return should(`greater than or equal to ${limit}`, 'greater_than_equal');
		case 'maximum':
			return should(`less than or equal to ${limit}`, 'less_than_equal');
		case 'type':
			// `null` is the other half of an optional field, and told by the first half.
			return type in TYPES ? should(`a valid ${type}`, `${TYPES[type]}_type`) : [];
		case 'enum':
			return should(allowedValues.map((value) => `'${value}'`).join(' or '), 'enum');
		case 'format':
		case 'minLength':
		case 'maxLength':
			return should('a valid URL', 'url_parsing');
		default:
			return [];
	}
}
