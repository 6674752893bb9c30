import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { IExecuteFunctions, ICredentialType } from 'n8n-workflow';
import manifest from '../../package.json';
import { ParameterReader } from '../../nodes/shared/parameters/reader';
import { LANES, NODE_TYPES, providers, type Lane } from '../support/providers';

/** The one list from which tests take the providers is complete and true. */

const toClassName = (type: string) => type.replace(/^./, (first) => first.toUpperCase());
const byType = providers.map((provider) => [provider.type, provider] as const);

test('the list has every node of the package but the trigger', () => {
	const nodes = manifest.n8n.nodes.map((file) => path.basename(file, '.node.js'));
	expect(NODE_TYPES.map(toClassName).sort()).toEqual(
		nodes.filter((name) => !name.endsWith('Trigger')).sort(),
	);
});

describe.each(byType)('%s', (type, { definition, models, wireTest, lanes }) => {
	test('has a wire test with a table of its models', () => {
		const file = path.resolve(__dirname, `../nodes/${wireTest}.test.ts`);
		expect({ [file]: existsSync(file) }).toEqual({ [file]: true });
		expect(readFileSync(file, 'utf8')).toContain(`/${toClassName(type)}/models'`);
	});

	test('has models, at least one lane, and a credential of its own name', () => {
		expect(models).not.toEqual([]);
		expect(Object.keys(lanes)).not.toEqual([]);
		expect(definition.credentialType).toBe(`${type}Api`);
	});
});

test('no two lanes have the same name', () => {
	const names = providers.flatMap(({ lanes }) => Object.keys(lanes));
	expect(Object.keys(LANES).sort()).toEqual(names.sort());
});

test.each(Object.entries<Lane>(LANES))(
	'the lane %s says what its protocol can do',
	(_name, { type, parameters, options, hasTasks, hasEvents = false, canCancel = false }) => {
		const context = {
			getNodeParameter: (name: string, _index: number, fallback: unknown) =>
				({ ...parameters, options })[name] ?? fallback,
		} as unknown as IExecuteFunctions;
		const { definition } = providers.find((provider) => provider.type === type)!;
		const { protocol } = definition.routeFor(new ParameterReader(context, 0), {});
		const { status, events, cancel } = { cancel: undefined, events: undefined, ...protocol };

		if (hasTasks) expect(status).toBeDefined();
		expect({ hasEvents, canCancel }).toEqual({
			hasEvents: events !== undefined,
			canCancel: hasTasks && cancel !== undefined,
		});
	},
);

describe('n8n evaluates no expression once an execution was stopped, and cancelling comes after that', () => {
	const cancelling = providers.filter(({ definition }) => definition.operations['task:cancel']);

	test('there are providers that cancel', () => {
		expect(cancelling).not.toEqual([]);
	});

	test.each(cancelling.map(({ type }) => [type]))(
		"so %s's credential authenticates with a function",
		async (type) => {
			const name = `${toClassName(type)}Api`;
			const credentials = (await import(`../../credentials/${name}.credentials`)) as Record<
				string,
				new () => ICredentialType
			>;
			const credential = new credentials[name]!();

			expect(typeof credential.authenticate).toBe('function');
		},
	);
});
