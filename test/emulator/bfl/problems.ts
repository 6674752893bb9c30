import type { ErrorObject } from 'ajv/dist/2020';
import { Refusal } from '../types';
import { bflError } from './documentedErrors';

/** What is wrong with a body, as pydantic, which FastAPI validates with, reports it. */

export interface Problem {
	loc: Array<string | number>;
	msg: string;
	type: string;
}

export function validationError(...problems: Problem[]): Refusal {
	return new Refusal(bflError(422, problems));
}

/** A rule that a description adds to the schema. Without a field it is about the whole body. */
export function valueError(reason: string, ...field: string[]): Refusal {
	const msg = `Value error, ${reason}`;
	return validationError({ loc: ['body', ...field], msg, type: 'value_error' });
}

interface ErrorParams {
	type?: string;
	limit?: number;
	missingProperty?: string;
	additionalProperty?: string;
	allowedValues?: string[];
}

const TYPES: Record<string, string> = {
	string: 'string',
	integer: 'int',
	number: 'float',
	boolean: 'bool',
};

type Message = readonly [msg: string, type: string];

const invalidUrl = (): Message => ['Input should be a valid URL', 'url_parsing'];

/** By the keyword of the schema that is not met. */
const MESSAGES: Record<string, (params: ErrorParams) => Message | undefined> = {
	required: () => ['Field required', 'missing'],
	additionalProperties: () => ['Extra inputs are not permitted', 'extra_forbidden'],
	minimum: ({ limit }) => [
		`Input should be greater than or equal to ${limit}`,
		'greater_than_equal',
	],
	maximum: ({ limit }) => [`Input should be less than or equal to ${limit}`, 'less_than_equal'],
	minItems: ({ limit }) => [`List should have at least ${limit} item`, 'too_short'],
	maxItems: ({ limit }) => [`List should have at most ${limit} items`, 'too_long'],
	// An optional field is `anyOf` its type and `null`: the first alternative reports the problem.
	type: ({ type = '' }) =>
		type in TYPES ? [`Input should be a valid ${type}`, `${TYPES[type]}_type`] : undefined,
	enum: ({ allowedValues = [] }) => [
		`Input should be ${allowedValues.map((value) => `'${value}'`).join(' or ')}`,
		'enum',
	],
	format: invalidUrl,
	minLength: invalidUrl,
	maxLength: invalidUrl,
};

export function toProblems({ instancePath, keyword, params }: ErrorObject): Problem[] {
	const { missingProperty, additionalProperty } = params as ErrorParams;
	const [msg, type] = MESSAGES[keyword]?.(params as ErrorParams) ?? [];
	if (msg === undefined || type === undefined) return [];
	const field = missingProperty ?? additionalProperty;
	const loc = [
		'body',
		...instancePath.split('/').slice(1),
		...(field === undefined ? [] : [field]),
	];
	return [{ loc, msg, type }];
}
