import type { ErrorObject } from 'ajv/dist/2020';

/** What is wrong with a body, as pydantic, which FastAPI validates with, reports it. */

export interface Problem {
	loc: Array<string | number>;
	msg: string;
	type: string;
}

interface ErrorParams {
	type?: string;
	limit?: number;
	missingProperty?: string;
	additionalProperty?: string;
	allowedValues?: string[];
}

/** The word for a type, and the code of its error. */
const TYPES: Record<string, readonly [word: string, code: string]> = {
	string: ['string', 'string_type'],
	integer: ['integer', 'int_type'],
	number: ['number', 'float_type'],
	boolean: ['boolean', 'bool_type'],
	array: ['list', 'list_type'],
	object: ['dictionary', 'dict_type'],
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
	type: ({ type = '' }) => {
		const [word, code] = TYPES[type] ?? [];
		return word && code ? [`Input should be a valid ${word}`, code] : undefined;
	},
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
		...instancePath
			.split('/')
			.slice(1)
			.map((part) => (/^\d+$/.test(part) ? Number(part) : part)),
		...(field === undefined ? [] : [field]),
	];
	return [{ loc, msg, type }];
}
