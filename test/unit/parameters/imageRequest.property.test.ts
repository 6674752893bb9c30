import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { Flux2Error } from '../../../nodes/shared/core/errors';
import {
	readImageRequest,
	withCustomBody,
	type ImageRequest,
} from '../../../nodes/shared/parameters/imageRequest';
import { customModel, type Model } from '../../../nodes/shared/parameters/model';
import { customBody, generateOptions } from '../../../nodes/shared/parameters/options';
import {
	choice,
	decimal,
	integer,
	Settings,
	type Param,
} from '../../../nodes/shared/parameters/param';
import { ParameterReader } from '../../../nodes/shared/parameters/reader';
import fc from '../../support/properties';
import { providers } from '../../support/providers';

/** What is typed in or comes out of an expression, for any value of it. */

const common = { label: 'Some Size', description: 'Whatever it is' };

const modelWith = (...parameters: Param[]): Model => ({
	id: 'any',
	name: 'Any',
	description: '',
	parameters,
	maxReferences: 0,
	typicalSeconds: 1,
});

function read(
	model: Model,
	options: unknown,
	prompt: unknown = 'A fox',
): ImageRequest | Flux2Error {
	const values: Record<string, unknown> = { model: model.id, prompt, options };
	const context = {
		getNodeParameter: (name: string, _index: number, fallback: unknown) => values[name] ?? fallback,
	} as unknown as IExecuteFunctions;
	const reader = new ParameterReader(context, 0);
	const models = { models: [model], customModel: (id: string) => customModel(id, [model]) };
	try {
		const request = readImageRequest(reader, models, generateOptions);
		reader.throwIfInvalid();
		return request;
	} catch (error) {
		if (error instanceof Flux2Error) return error;
		throw error;
	}
}

const bodyOrMessage = (result: ImageRequest | Flux2Error) =>
	result instanceof Flux2Error ? `${result.kind}: ${result.message}` : result.body;

const range = fc
	.record({ low: fc.integer(), span: fc.nat(), part: fc.double({ min: 0, max: 1, noNaN: true }) })
	.map(({ low, span, part }) => ({
		min: low,
		max: low + span,
		inside: Math.round(low + span * part),
	}));

test('a whole number in its range reaches the wire as it is, also as text', () => {
	fc.assert(
		fc.property(range, fc.boolean(), ({ min, max, inside }, asText) => {
			const size = integer('some_size', { ...common, min, max, default: min });
			const value = asText ? ` ${inside} ` : inside;
			// -0 and 0 are the same on the wire
			expect(JSON.stringify(bodyOrMessage(read(modelWith(size), { someSize: value })))).toBe(
				JSON.stringify({ some_size: inside }),
			);
		}),
	);
});

test('a fraction in its range reaches the wire as it is', () => {
	fc.assert(
		fc.property(fc.double({ min: 0, max: 10, noNaN: true }), (value) => {
			const guidance = decimal('guidance', { ...common, min: 0, max: 10, default: 1 });
			expect(bodyOrMessage(read(modelWith(guidance), { guidance: value }))).toEqual({
				guidance: value,
			});
		}),
	);
});

test('a number out of its range is refused by its label', () => {
	fc.assert(
		fc.property(range, fc.integer({ min: 1 }), fc.boolean(), ({ min, max }, beyond, above) => {
			const size = integer('some_size', { ...common, min, max, default: min });
			const value = above ? max + beyond : min - beyond;
			const range = min === max ? 'not possible here' : `not between ${min} and ${max}`;
			expect(bodyOrMessage(read(modelWith(size), { someSize: value }))).toBe(
				`invalidInput: Some Size: ${value} is ${range}; try ${above ? max : min}`,
			);
		}),
	);
});

test('a number between two steps is refused by its label, and one on a step is not', () => {
	fc.assert(
		fc.property(fc.nat(100_000), fc.integer({ min: 2, max: 64 }), (value, multipleOf) => {
			const size = integer('some_size', { ...common, min: 0, multipleOf, default: 0 });
			expect(bodyOrMessage(read(modelWith(size), { someSize: value }))).toEqual(
				value % multipleOf === 0
					? { some_size: value }
					: `invalidInput: Some Size: ${value} is not a multiple of ${multipleOf}; try ${value - (value % multipleOf)} or ${value - (value % multipleOf) + multipleOf}`,
			);
		}),
	);
});

test('a value is taken where it is on the list, and refused by its label where it is not', () => {
	const format = choice('format', {
		...common,
		options: { png: 'PNG', jpeg: 'JPEG' },
		default: 'png',
	});
	const anyText = fc.oneof(fc.constantFrom('png', 'jpeg'), fc.string({ minLength: 1 }));
	fc.assert(
		fc.property(anyText, (value) => {
			expect(bodyOrMessage(read(modelWith(format), { format: value }))).toEqual(
				['png', 'jpeg'].includes(value)
					? { format: value }
					: 'invalidInput: Some Size: must be one of png, jpeg',
			);
		}),
	);
});

const everyModel = providers.flatMap(({ models }) => models);
const namesIn = ({ parameters }: Model) =>
	[...parameters, ...generateOptions].map(({ property }) => property.name);

test('whatever the options hold, the item is read, or refused with a message', () => {
	const options = fc
		.constantFrom(...everyModel)
		.chain((model) =>
			fc.tuple(
				fc.constant(model),
				fc.dictionary(fc.oneof(fc.constantFrom(...namesIn(model)), fc.string()), fc.jsonValue()),
				fc.jsonValue(),
			),
		);
	fc.assert(
		fc.property(options, ([model, values, prompt]) => {
			const result = read(model, values, prompt);
			if (result instanceof Flux2Error) {
				expect(result.kind).toBe('invalidInput');
				expect(result.message).not.toBe('');
			} else {
				const known = model.parameters.map(({ wireName }) => wireName);
				expect(Object.keys(result.body).filter((name) => !known.includes(name))).toEqual([]);
			}
		}),
		{ numRuns: 300 },
	);
});

const plainObject = fc.dictionary(fc.string(), fc.jsonValue()) as fc.Arbitrary<IDataObject>;
const isContainer = (value: unknown) => typeof value === 'object' && value !== null;

test('the custom body comes last, and leaves alone what it does not name', () => {
	fc.assert(
		fc.property(plainObject, plainObject, (body, custom) => {
			const merged = withCustomBody(
				body,
				new Settings(new Map([[customBody.property.name, custom]])),
			);
			const names = [...new Set([...Object.keys(body), ...Object.keys(custom)])];
			expect(Object.keys(merged).sort()).toEqual(names.sort());
			for (const [name, value] of Object.entries(merged)) {
				if (!Object.hasOwn(custom, name)) expect(value).toEqual(body[name]);
				else if (!isContainer(custom[name])) expect(value).toBe(custom[name]);
			}
		}),
	);
});
