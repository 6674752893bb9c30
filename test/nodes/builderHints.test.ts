import type { INodeProperties, INodeTypeDescription } from 'n8n-workflow';
import { openLab, type Lab } from '../support/lab';
import { NODE_TYPES } from '../support/providers';

/** What n8n's AI builder reads about the nodes. */

let lab: Lab;

beforeAll(async () => {
	lab = await openLab();
});
afterAll(async () => await lab.close());

const NAMED = ['size', 'promptType', 'referenceImages', 'numberOfImages', 'maxCost'];
/** n8n refuses to load a node with a hint on one of these. */
const FORBIDDEN = ['resource', 'operation', 'mode'];

const withNested = (property: INodeProperties): INodeProperties[] => [
	property,
	...(property.options ?? []).flatMap((option) =>
		'type' in option
			? withNested(option)
			: 'values' in option
				? option.values.flatMap(withNested)
				: [],
	),
];

describe.each(NODE_TYPES)('%s', (type) => {
	const descriptionOf = () =>
		(lab.engine.loader.getNode(type).type as { description: INodeTypeDescription }).description;

	test('says what it is for, and that it needs no nodes around it', () => {
		expect(descriptionOf().builderHint?.searchHint).toMatch(/add no HTTP Request, Wait or If node/);
	});

	test('says how its parameters are best set', () => {
		const properties = descriptionOf().properties.flatMap(withNested);
		const hinted = properties.filter(({ builderHint }) => builderHint);
		for (const { name, builderHint } of hinted) {
			expect(FORBIDDEN).not.toContain(name);
			expect(builderHint?.propertyHint).toMatch(/^[^{}]{20,}\.$/);
		}
		expect([...new Set(hinted.map(({ name }) => name))].sort()).toEqual([...NAMED].sort());
	});
});
