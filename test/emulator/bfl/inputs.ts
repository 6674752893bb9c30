import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import type { ImageFormat, ReferenceImage } from '../images';
import type { Size } from '../prices';
import { toProblems } from '../pydantic';
import { isObject, type Body, type JsonObject } from '../types';
import { isLoopback } from '../webhooks';
import flux2Contract from './contract.json';
import type { BflInput, Family } from './family';
import { flux2 } from './flux2';
import { flux3 } from './flux3';
import flux3Contract from './flux3.json';
import { validationError } from './problems';
import { TOOLS } from './tools';
import toolsContract from './tools.json';

/** The bodies of BFL's models: checked against the schema of their path, and against what its family adds. */

/** The documents around the schemas have keywords of their own. */
const ajv = addFormats(new Ajv2020({ allErrors: true, strict: false }));

export interface ModelSchema {
	family: Family;
	validate: ValidateFunction;
	fields: readonly string[];
	/** Refuses fields that it does not know, instead of ignoring them. */
	isStrict: boolean;
}

interface Contract {
	paths: Record<string, { post?: Operation }>;
	components: { schemas: Record<string, BodySchema> };
}

interface Operation {
	requestBody: { content: { 'application/json': { schema: { $ref: string } } } };
}

interface BodySchema {
	properties?: JsonObject;
	additionalProperties?: boolean;
}

export const MODELS: ReadonlyMap<string, ModelSchema> = new Map([
	...readContract('flux2', flux2Contract as Contract, () => flux2),
	...readContract('flux3', flux3Contract, () => flux3),
	...readContract('tools', toolsContract, (model) => TOOLS.get(model)!),
]);

function readContract(
	key: string,
	contract: Contract,
	familyOf: (model: string) => Family,
): Array<readonly [model: string, ModelSchema]> {
	ajv.addSchema(contract, key);
	return Object.entries(contract.paths).flatMap(([path, { post }]) => {
		if (!post) return [];
		const { $ref } = post.requestBody.content['application/json'].schema;
		const { properties = {}, additionalProperties } =
			contract.components.schemas[$ref.split('/').at(-1)!]!;
		const model = path.replace('/v1/', '');
		const schema = {
			family: familyOf(model),
			validate: ajv.compile({ $ref: `${key}${$ref}` }),
			fields: Object.keys(properties),
			isStrict: additionalProperties === false,
		};
		return [[model, schema] as const];
	});
}

export interface BflRequest {
	input: BflInput;
	/** Without the prompt, the references and the webhook. */
	parameters: JsonObject;
	references: ReferenceImage[];
	size: Size;
	/** Where the parameters name none. */
	format: ImageFormat;
}

const NOT_PARAMETERS = /^(prompt|input_image.*|webhook_.*)$/;

/** Fields that the model does not know, and passes over in silence: the API never reports a misspelt one. */
export function findIgnoredFields(body: Body, { fields, isStrict }: ModelSchema): string[] {
	if (isStrict || body.kind !== 'json' || !isObject(body.value)) return [];
	return Object.keys(body.value).filter((name) => !fields.includes(name));
}

export async function readInput(body: Body, schema: ModelSchema): Promise<BflRequest> {
	const value = readJson(body);
	if (!schema.validate(value))
		throw validationError(...(schema.validate.errors ?? []).flatMap(toProblems));
	const { family, fields } = schema;
	const input = value as BflInput;
	checkWebhook(input);
	const known = Object.fromEntries(
		Object.entries(input).filter(([name, field]) => fields.includes(name) && field !== null),
	) as BflInput;
	const references = await family.readReferences(known);
	return {
		input,
		parameters: Object.fromEntries(
			Object.entries(known).filter(
				([name]) => !NOT_PARAMETERS.test(name) && !family.referenceFields.test(name),
			),
		),
		references,
		size: await family.toSize(known, references),
		format: family.format,
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

/** A webhook is https; this computer has no certificate. */
function checkWebhook({ webhook_url: url }: BflInput): void {
	if (!url?.startsWith('http:') || isLoopback(url)) return;
	const msg = "URL scheme should be 'https'";
	throw validationError({ loc: ['body', 'webhook_url'], msg, type: 'url_scheme' });
}
