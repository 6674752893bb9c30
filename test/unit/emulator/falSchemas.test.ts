import { createRequire } from 'node:module';
import path from 'node:path';
import ts from 'typescript';
import { models } from '../../../nodes/Flux2Fal/models';
import { outpaint } from '../../../nodes/Flux2Fal/outpaint';
import { ENDPOINTS } from '../../emulator/fal/models';

/** fal publishes the inputs of its endpoints as types, with its own client: the emulator's must be the same. */

const client = createRequire(__filename).resolve('@fal-ai/client');
const FILE = path.join(path.dirname(client), 'types/endpoints.d.ts');

/** The fields of an input, each with the texts that it takes; none where it takes others too. */
type Fields = Record<string, string[]>;

function readPublishedInputs(): Map<string, Fields> {
	const program = ts.createProgram([FILE], { noLib: true, types: [], strictNullChecks: true });
	const checker = program.getTypeChecker();
	const source = program.getSourceFile(FILE)!;
	const map = source.statements.find(
		(node): node is ts.TypeAliasDeclaration =>
			ts.isTypeAliasDeclaration(node) && node.name.text === 'EndpointTypeMap',
	)!;
	const typeOf = (symbol: ts.Symbol) => checker.getTypeOfSymbol(symbol);
	const toFields = (input: ts.Type): Fields =>
		Object.fromEntries(input.getProperties().map((field) => [field.name, toTexts(typeOf(field))]));
	return new Map(
		checker
			.getTypeAtLocation(map.name)
			.getProperties()
			.filter(({ name }) => ENDPOINTS.has(name))
			.map((endpoint) => [endpoint.name, toFields(typeOf(typeOf(endpoint).getProperty('input')!))]),
	);
}

const toTexts = (type: ts.Type): string[] =>
	(type.isUnion() ? type.types : [type])
		.filter((one) => one.isStringLiteral())
		.map(({ value }) => value)
		.sort();

interface InputSchema {
	properties: Record<string, { enum?: string[] } | true>;
}

function toFields({ properties }: InputSchema): Fields {
	return Object.fromEntries(
		Object.entries(properties).map(([name, schema]) => [
			name,
			schema === true ? [] : [...(schema.enum ?? [])].sort(),
		]),
	);
}

/** The names of sizes are checked apart, as the request has them beside width and height. */
const withoutSizes = ({ image_size: _sizes, ...fields }: Fields): Fields => fields;

const published = readPublishedInputs();

/** fal's client has no type of its own for these: one of another endpoint stands in for it, or none does. */
const NOT_PUBLISHED = [
	'fal-ai/flux-2-pro/outpaint',
	'fal-ai/flux-2/klein/4b',
	'fal-ai/flux-2/klein/9b',
];

const endpoints = [...ENDPOINTS.keys()].filter((id) => !NOT_PUBLISHED.includes(id));

test.each(endpoints)('%s takes the fields that fal publishes', (id) => {
	const schema = ENDPOINTS.get(id)!.validate.schema as unknown as InputSchema;
	expect(withoutSizes(toFields(schema))).toEqual(withoutSizes(published.get(id)!));
});

test.each(endpoints)('%s takes an automatic size where fal publishes that', (id) => {
	expect(ENDPOINTS.get(id)!.takesAuto).toBe(published.get(id)!.image_size!.includes('auto'));
});

test('every model of the node goes to endpoints that the emulator knows', () => {
	const ids = [...models, outpaint].flatMap(({ id, editEndpoint }) => [id, editEndpoint]);
	expect(ids.filter((id) => !ENDPOINTS.has(id))).toEqual([]);
});
