import type { IDataObject, INodeProperties } from 'n8n-workflow';
import { jsonObjectSchema } from '../core/json';
import { z } from '../core/vendor';
import { numberProblem, type Limits } from './numberProblem';

type Schema<T> = z.ZodType<T, z.ZodTypeDef, unknown>;
/** A schema made when it is first used: n8n loads every node at its start, and most parameters are never set. */
type Memoized<T> = () => Schema<T>;

/** One parameter: what the editor shows and what may go on the wire, declared together. */
export interface Param<T = unknown> {
	readonly property: INodeProperties;
	/** What the editor shows when nothing is set. */
	readonly default: T;
	/** The provider's own name of the field or header; for the node's own options their name. */
	readonly wireName: string;
	readonly schema: Memoized<T>;
	/** Where the value goes: into the request, or to the node itself. */
	readonly in: 'body' | 'header' | 'node';
	/** The default is sent when nothing is set, because the provider's own is not dependable. */
	readonly sendDefault?: boolean;
	/** Where the editor shows it: among the options when unset, in the main panel, or in a group of the options. */
	readonly place?: 'panel' | OptionGroup;
	/** The same field in the editor, where other parameters ask for another default. */
	readonly variants?: readonly INodeProperties[];
}

/** Options that belong together: one entry of the options, with its own fields. */
export interface OptionGroup {
	readonly name: string;
	readonly label: string;
}

interface Common {
	label: string;
	description: string;
	/** Only where it is not the camelCase of the wire name. */
	name?: string;
	in?: Param['in'];
	placeholder?: string;
	/** Always in sight, below the field: units, above all. */
	hint?: string;
}

interface NumberParam extends Common, Omit<Limits, 'whole'> {
	default: number;
	/** How many digits of a fraction the editor takes; 2 when left out. */
	precision?: number;
}

interface Choice<V extends string> extends Common {
	/** Value on the wire to name in the editor, with a description where the name does not say it all. */
	options: Readonly<Record<V, string | { name: string; description: string }>>;
	default: NoInfer<V>;
}

function memoized<T>(make: Memoized<T>): Memoized<T> {
	let schema: Schema<T> | undefined;
	return () => (schema ??= make());
}

const camelCase = (wireName: string) =>
	wireName.replace(/[_-](\w)/g, (_match, letter: string) => letter.toUpperCase());

function declare<T>(
	wireName: string,
	common: Common,
	value: { schema: Memoized<T>; default: T },
	property: Pick<INodeProperties, 'type' | 'default'> & Partial<INodeProperties>,
): Param<T> {
	const { label, description, name = camelCase(wireName), in: location = 'body' } = common;
	const { placeholder, hint } = common;
	return {
		wireName,
		...value,
		in: location,
		property: {
			displayName: label,
			name,
			...property,
			...(placeholder && { placeholder }),
			description,
			...(hint && { hint }),
		},
	};
}

/** Expressions often yield numbers and booleans as text. */
const fromText = (parse: (text: string) => unknown) => (value: unknown) =>
	typeof value === 'string' && value.trim() !== '' ? parse(value.trim()) : value;

const toNumber = fromText((text) => (Number.isNaN(Number(text)) ? text : Number(text)));
const toBoolean = fromText((text) => ({ true: true, false: false })[text.toLowerCase()] ?? text);
const toObject = fromText((text) => {
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
});

const numberSchema = (limits: Limits): Memoized<number> =>
	memoized(() => {
		const problem = (value: unknown) => numberProblem(value, limits);
		return z.preprocess(
			toNumber,
			z.custom<number>(
				(value) => problem(value) === undefined,
				(value) => ({ message: problem(value) }),
			),
		);
	});

function numberParam(wireName: string, spec: NumberParam, whole: boolean): Param<number> {
	const { min, max, multipleOf, precision = 2 } = spec;
	const typeOptions = {
		...(min !== undefined && { minValue: min }),
		...(max !== undefined && { maxValue: max }),
		...(!whole && { numberPrecision: precision }),
	};
	const schema = numberSchema({ min, max, multipleOf, whole });
	const value = { schema, default: spec.default };
	return declare(wireName, spec, value, {
		type: 'number',
		default: spec.default,
		...(Object.keys(typeOptions).length > 0 && { typeOptions }),
	});
}

/** A whole number; `min` and `max` are inclusive. */
export const integer = (wireName: string, spec: NumberParam) => numberParam(wireName, spec, true);

/** A number with a fraction; `min` and `max` are inclusive. */
export const decimal = (wireName: string, spec: NumberParam) => numberParam(wireName, spec, false);

/** The same parameter in the editor, with a model's own and narrower limits on the wire. */
export const withRange = (param: Param<number>, limits: Omit<Limits, 'whole'>): Param<number> => ({
	...param,
	schema: numberSchema({
		...limits,
		whole: param.property.typeOptions?.numberPrecision === undefined,
	}),
});

/** The same parameter, of which 0 means "not set". */
export const zeroAsUnset = (param: Param<number>): Param<number | undefined> => ({
	...param,
	property: { ...param.property, typeOptions: { ...param.property.typeOptions, minValue: 0 } },
	schema: memoized(() =>
		z.preprocess((value) => (toNumber(value) === 0 ? undefined : value), param.schema().optional()),
	),
});

/** Free text; empty text counts as unset. Objects from an expression become JSON text. */
export function text(
	wireName: string,
	spec: Common & { default?: string; rows?: number; maxLength?: number },
): Param<string> {
	const { maxLength = Number.MAX_SAFE_INTEGER, default: initial = '' } = spec;
	const schema = memoized(() =>
		z.preprocess(
			(value) => (typeof value === 'string' ? value : JSON.stringify(value)),
			z.string().max(maxLength, `must be at most ${maxLength} characters`),
		),
	);
	return declare(
		wireName,
		spec,
		{ schema, default: initial },
		{
			type: 'string',
			default: initial,
			...(spec.rows && { typeOptions: { rows: spec.rows } }),
		},
	);
}

const oneOf = <V extends string>(values: readonly V[]): Memoized<V> =>
	memoized(() =>
		z.preprocess(
			(value) => (typeof value === 'number' ? String(value) : value),
			z.enum(values as [V, ...V[]], { message: `must be one of ${values.join(', ')}` }),
		),
	);

/** One of a list of values. */
export function choice<V extends string>(wireName: string, spec: Choice<V>): Param<V> {
	const entries = Object.entries(spec.options) as Array<
		[V, string | { name: string; description: string }]
	>;
	const schema = oneOf(entries.map(([value]) => value));
	return declare<V>(
		wireName,
		spec,
		{ schema, default: spec.default },
		{
			type: 'options',
			options: entries.map(([value, option]) => ({
				...(typeof option === 'string' ? { name: option } : option),
				value,
			})),
			default: spec.default,
		},
	);
}

/** The same list in the editor, of which a model takes these values only. */
export const withValues = <V extends string>(param: Param<V>, ...values: V[]): Param<V> => ({
	...param,
	schema: oneOf(values),
});

/** The same parameter, which the editor shows only where its other parameters have these values. */
export const shownWhen = <T>(
	param: Param<T>,
	show: NonNullable<INodeProperties['displayOptions']>['show'],
): Param<T> => ({ ...param, property: { ...param.property, displayOptions: { show } } });

/** The same parameter, in the main panel of the editor. */
export const inPanel = <T>(param: Param<T>): Param<T> => ({ ...param, place: 'panel' });

/** The same parameter, in a group of the options. */
export const inGroup = <T>(group: OptionGroup, param: Param<T>): Param<T> => ({
	...param,
	place: group,
});

/** The same parameter in the editor, written on the wire in another form. */
export const encodedAs = <T, W>(param: Param<T>, encode: (value: T) => W): Param<W> => ({
	...param,
	default: encode(param.default),
	schema: memoized(() => param.schema().transform(encode)),
});

/** The same parameter, refused with this message where a value does not pass the test. */
export const withCheck = <T>(
	param: Param<T>,
	test: (value: T) => boolean,
	message: string,
): Param<T> => ({ ...param, schema: memoized(() => param.schema().refine(test, message)) });

/** True or false; the description starts with "Whether". */
export const toggle = (wireName: string, spec: Common & { default: boolean }): Param<boolean> => {
	const schema = memoized(() =>
		z.preprocess(toBoolean, z.boolean({ message: 'must be true or false' })),
	);
	const value = { schema, default: spec.default };
	return declare(wireName, spec, value, { type: 'boolean', default: spec.default });
};

/** A JSON object, typed in or given by an expression. */
export const jsonObject = (wireName: string, spec: Common): Param<IDataObject> => {
	const schema = memoized(() => z.preprocess(toObject, jsonObjectSchema()));
	return declare(wireName, spec, { schema, default: {} }, { type: 'json', default: '{}' });
};

interface ObjectList extends Common {
	/** The editor's word for one object. */
	entryLabel: string;
	/** Those whose property is `required` must be set. */
	fields: readonly Param[];
	maxEntries: number;
}

/** The editor keeps the objects of a list under this name. */
const ENTRY = 'entry';

/** A list of objects with these fields; an empty one counts as unset. n8n takes no expression for the whole of it. */
export function objectList(wireName: string, spec: ObjectList): Param<IDataObject[] | undefined> {
	const { entryLabel, fields, maxEntries } = spec;
	const values = fields.map(({ property }) => property);
	const schema = memoized(() =>
		z
			.object({ [ENTRY]: z.array(jsonObjectSchema()).default([]) })
			.transform(({ [ENTRY]: entries = [] }, problems) => {
				const addProblem = (message: string) => problems.addIssue({ code: 'custom', message });
				if (entries.length > maxEntries) addProblem(`must have at most ${maxEntries} entries`);
				const read = entries.map((entry, index) =>
					readEntry(fields, entry, (message) => addProblem(`entry ${index + 1}: ${message}`)),
				);
				return read.length > 0 ? read : undefined;
			}),
	);
	return declare(
		wireName,
		spec,
		{ schema, default: undefined },
		{
			type: 'fixedCollection',
			typeOptions: { multipleValues: true },
			default: {},
			options: [{ displayName: entryLabel, name: ENTRY, values }],
		},
	);
}

/** Whether the user has set it: n8n knows null and empty text for what is not. */
export const isSet = (value: unknown): boolean =>
	value !== undefined && value !== null && value !== '';

/** One object by wire names. */
function readEntry(
	fields: readonly Param[],
	entry: IDataObject,
	addProblem: (message: string) => void,
): IDataObject {
	const read: IDataObject = {};
	for (const { property, wireName, schema } of fields) {
		const { name, displayName, required } = property;
		const value = entry[name];
		const result = isSet(value) ? schema().safeParse(value) : undefined;
		if (result?.success) read[wireName] = result.data as IDataObject;
		else if (result) addProblem(`${displayName} ${result.error.issues[0]?.message}`);
		else if (required) addProblem(`${displayName} must not be empty`);
	}
	return read;
}

/** The groups that parameters are in, each once. */
export const groupsOf = (params: readonly Param[]): OptionGroup[] => [
	...new Set(params.flatMap(({ place }) => (typeof place === 'object' ? [place] : []))),
];

/** The option values of one item, read and checked. */
export class Settings {
	/** @param values by the option's name */
	constructor(readonly values: ReadonlyMap<string, unknown> = new Map()) {}

	/** The option's value, or undefined when it is unset. */
	get<T>(param: Param<T>): T | undefined {
		return this.values.get(param.property.name) as T | undefined;
	}

	/** The option's value, or the default that the editor shows. */
	getOrDefault<T>(param: Param<T>): T {
		return this.get(param) ?? param.default;
	}
}
