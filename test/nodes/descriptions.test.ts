import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { inspect } from 'node:util';
import { Linter } from 'eslint';
import type {
	INodeParameters,
	INodeProperties,
	INodePropertyCollection,
	INodePropertyOptions,
	INodeTypeDescription,
} from 'n8n-workflow';
import typescriptEslint from 'typescript-eslint';
import manifest from '../../package.json';
import { startEngine, type Engine } from '../support/engine';
import { NODE_TYPES, providers } from '../support/providers';

const ROOT = path.resolve(__dirname, '../..');

/** The models of a node; the trigger has none. */
const modelsOf = (type: string) =>
	providers.find((provider) => provider.type === type)?.models ?? [];

const classNames = manifest.n8n.nodes.map((file) => path.basename(file, '.node.js'));

let engine: Engine;
let descriptions: Map<string, INodeTypeDescription>;
let types: Engine['loader']['types'];

beforeAll(async () => {
	engine = await startEngine();
	await engine.close();
	({ types } = engine.loader);
	descriptions = new Map(
		classNames.map((name) => {
			const type = engine.loader.getNode(nodeName(name)).type as {
				description: INodeTypeDescription;
			};
			return [name, type.description];
		}),
	);
});

const nodeName = (className: string) => className.replace(/^./, (first) => first.toLowerCase());
const descriptionOf = (className: string) => descriptions.get(className)!;

type Entry = INodeProperties | INodePropertyOptions | INodePropertyCollection;

const isProperty = (entry: Entry): entry is INodeProperties => 'type' in entry;
const isGroup = (entry: Entry): entry is INodePropertyCollection => 'values' in entry;

/** The fields inside a collection; nothing for other properties. */
const inside = ({ options = [] }: INodeProperties): INodeProperties[] =>
	options.flatMap((entry) => (isProperty(entry) ? [entry] : isGroup(entry) ? entry.values : []));

const collectionsOf = ({ properties }: INodeTypeDescription) =>
	properties.filter((property) => inside(property).length > 0);

describe('n8n loads the package', () => {
	test('with every node and credential, and nothing else', () => {
		expect(types.nodes.map(({ name }) => name).sort()).toEqual(classNames.map(nodeName));
		expect(types.credentials.map(({ name }) => name).sort()).toEqual(
			manifest.n8n.credentials.map((file) => nodeName(path.basename(file, '.credentials.js'))),
		);
	});

	test.each(NODE_TYPES)('%s with its icons, its codex and a tool for agents', (own) => {
		const name = classNames.find((className) => nodeName(className) === own)!;
		const found = types.nodes.find((node) => node.name === own)!;
		const icon = (theme: string) => `icons/n8n-nodes-flux2/dist/nodes/${name}/${own}${theme}.svg`;

		expect(found).toMatchObject({
			iconUrl: { light: icon(''), dark: icon('.dark') },
			usableAsTool: true,
			codex: { categories: ['Marketing & Content', 'Utility'] },
		});
		const [{ displayOptions: _displayOptions, ...credential } = {}, ...optional] =
			found.credentials ?? [];
		expect(credential).toEqual({ name: `${own}Api`, required: true });
		expect(optional.filter(({ required }) => required)).toEqual([]);
	});
});

test('every operation asks for the credential, but an estimate only where it calls the provider', () => {
	const { NodeHelpers } = engine.n8n.workflow;
	const isAsked = (name: string, given: INodeParameters) => {
		const description = descriptionOf(name);
		const node = { typeVersion: 1 };
		const { properties, credentials: [credential] = [] } = description;
		const values = NodeHelpers.getNodeParameters(properties, given, true, false, node, description);
		return NodeHelpers.displayParameter(values!, credential!, node, description);
	};
	const others = [
		{},
		{ operation: 'generate' },
		{ resource: 'task', operation: 'submit' },
		{ resource: 'account', operation: 'getCredits' },
	];
	for (const name of classNames.filter((className) => className !== 'Flux2Trigger')) {
		expect([name, others.map((given) => isAsked(name, given))]).toEqual([
			name,
			[true, true, true, true],
		]);
	}
	const estimate = { operation: 'estimateCost' };
	expect(classNames.filter((name) => name !== 'Flux2Trigger' && isAsked(name, estimate))).toEqual([
		'Flux2Oxen',
		'Flux2Task',
	]);
	expect(isAsked('Flux2Bfl', { ...estimate, priceFrom: 'provider' })).toBe(true);
});

test('n8n loads the trigger with the icons of the provider that calls it, and as no tool', () => {
	const icon = (theme: string) => `icons/n8n-nodes-flux2/dist/nodes/Flux2Bfl/flux2Bfl${theme}.svg`;

	expect(types.nodes.find(({ name }) => name === 'flux2Trigger')).toMatchObject({
		iconUrl: { light: icon(''), dark: icon('.dark') },
		group: ['trigger'],
		inputs: [],
		credentials: [{ name: 'flux2WebhookApi', required: true }],
		codex: { categories: ['Marketing & Content', 'Utility'] },
	});
	expect(descriptionOf('Flux2Trigger').usableAsTool).toBeUndefined();
});

describe("n8n's lint has nothing to say about properties that functions build", () => {
	let rules: Linter.RulesRecord;
	let plugin: object;

	beforeAll(() => {
		// under the name "test" the plugin takes every file for its own Test.node.ts
		const { NODE_ENV } = process.env;
		process.env.NODE_ENV = 'production';
		plugin = createRequire(__filename)('eslint-plugin-n8n-nodes-base') as object;
		process.env.NODE_ENV = NODE_ENV;
		const eslint = path.join(ROOT, 'node_modules/eslint/bin/eslint.js');
		const printed = execFileSync(
			process.execPath,
			[eslint, '--print-config', 'nodes/Flux2Task/Flux2Task.node.ts'],
			{
				cwd: ROOT,
				encoding: 'utf8',
			},
		);
		const config = JSON.parse(printed) as { rules: Linter.RulesRecord };
		rules = Object.fromEntries(
			Object.entries(config.rules).filter(([rule]) => rule.startsWith('n8n-nodes-base/node-')),
		);
	});

	function lint(name: string, description: INodeTypeDescription) {
		const literal = inspect(description, {
			depth: Infinity,
			maxArrayLength: null,
			maxStringLength: null,
		});
		const source = [
			"import type { INodeType, INodeTypeDescription } from 'n8n-workflow';",
			`export class ${name} implements INodeType {`,
			`	description: INodeTypeDescription = ${literal};`,
			'}\n',
		].join('\n');
		const config = {
			files: ['**/*.ts'],
			plugins: { 'n8n-nodes-base': plugin },
			languageOptions: { parser: typescriptEslint.parser },
			rules,
		} as unknown as Linter.Config;
		return (
			new Linter({ cwd: ROOT })
				.verify(source, [config], path.join(ROOT, `nodes/${name}/${name}.node.ts`))
				.map(({ ruleId, message, line }) => `${ruleId}: ${message} ${source.split('\n')[line - 1]}`)
				// the models' names are spelt as their maker spells them
				.filter((message) => !/display-name-miscased.*'FLUX\.2 \[[a-z]+\]/.test(message))
				.sort()
		);
	}

	test.each(classNames)('%s', (name) => {
		// what the loader has added is not ours
		const { iconUrl: _iconUrl, codex: _codex, ...declared } = descriptionOf(name);

		expect(lint(name, declared)).toEqual([]);
	});

	test('the lint does see them', () => {
		const bad = structuredClone(descriptionOf('Flux2Task'));
		bad.properties.push({
			displayName: 'not title case',
			name: 'x',
			type: 'boolean',
			default: false,
			description: 'Does it',
		});

		expect(lint('Flux2Task', bad)).toEqual([
			expect.stringContaining('n8n-nodes-base/node-param-description-boolean-without-whether'),
			expect.stringContaining('n8n-nodes-base/node-param-display-name-miscased'),
		]);
	});
});

describe.each(classNames)('%s', (name) => {
	const visibleFor = (id: string) => (option: INodeProperties) => {
		const shown = option.displayOptions?.show?.['/model'] as string[] | undefined;
		return !shown || shown.includes(id);
	};

	test('shows each parameter of each model once', () => {
		const generate = collectionsOf(descriptionOf(name)).find(
			({ name: own, displayOptions }) =>
				own === 'options' &&
				(!displayOptions?.show?.operation || displayOptions.show.operation.includes('generate')),
		)!;
		for (const model of modelsOf(nodeName(name))) {
			const shown = inside(generate)
				.filter(visibleFor(model.id))
				.map((option) => option.name);
			const wanted = model.parameters.map(({ property }) => property.name);
			expect(shown.filter((option) => wanted.includes(option)).sort()).toEqual(
				[...new Set(wanted)].sort(),
			);
			expect(new Set(shown).size).toBe(shown.length);
		}
	});

	test('shows no option for a model that lacks it', () => {
		const models = modelsOf(nodeName(name));
		const ofModels = new Set(
			models.flatMap(({ parameters }) => parameters.map(({ property }) => property.name)),
		);
		for (const collection of collectionsOf(descriptionOf(name))) {
			for (const option of inside(collection).filter((each) => ofModels.has(each.name))) {
				const ids =
					(option.displayOptions?.show?.['/model'] as string[] | undefined) ??
					models.map(({ id }) => id);
				const lacking = ids
					.filter((id) => id !== 'custom')
					.filter(
						(id) =>
							!models.some(
								(model) =>
									model.id === id &&
									model.parameters.some(({ property }) => property.name === option.name),
							),
					);
				expect({ [option.name]: lacking }).toEqual({ [option.name]: [] });
			}
		}
	});

	test('names no field of a collection twice, and lists options in the alphabet', () => {
		for (const collection of collectionsOf(descriptionOf(name))) {
			const fields = inside(collection);
			const keys = fields.map((field) => `${field.name} ${field.type}`);
			expect(new Set(keys).size).toBe(keys.length);
			if (collection.type !== 'collection') continue;
			const labels = fields.map(({ displayName }) => displayName);
			expect(labels).toEqual([...labels].sort((a, b) => a.localeCompare(b)));
		}
	});

	test('requires nothing that depends on the model', () => {
		const { properties } = descriptionOf(name);
		const all = [...properties, ...properties.flatMap(inside)];
		const dependent = all.filter(({ displayOptions }) => {
			const shown = Object.keys({ ...displayOptions?.show, ...displayOptions?.hide });
			return shown.includes('model') || shown.includes('/model');
		});

		expect(dependent.filter(({ required }) => required).map((property) => property.name)).toEqual(
			[],
		);
	});

	test('looks in the editor as it was reviewed', () => {
		const { displayName, description, subtitle, properties } = descriptionOf(name);
		const head = [displayName, description, subtitle].join('\n');

		expect(
			`${head}\n\n${properties.map((property) => render(property)).join('\n')}\n`,
		).toMatchSnapshot();
	});
});

const json = (value: unknown) => JSON.stringify(value);

/** One line for each property, option and field; their conditions and defaults with them. */
function render(entry: Entry, indent = ''): string {
	const deeper = `${indent}    `;
	if (isGroup(entry)) {
		return [
			`${indent}[${entry.name}] ${entry.displayName}`,
			...entry.values.map((value) => render(value, deeper)),
		].join('\n');
	}
	if (!isProperty(entry)) {
		const { name, value, description, action } = entry;
		const texts = [description, action && `(${action})`].filter(Boolean).join(' ');
		return `${indent}${json(value)} ${name}${texts ? ` – ${texts}` : ''}${conditions(entry)}`;
	}
	const {
		name,
		displayName,
		type,
		default: standard,
		required,
		options = [],
		description,
		placeholder,
		hint,
	} = entry;
	const flags = [
		required && 'required',
		entry.noDataExpression && 'no expression',
		entry.typeOptions && json(entry.typeOptions),
	];
	const line = [
		`${indent}${name}: ${displayName} <${type}> = ${json(standard)}`,
		...flags.filter(Boolean),
	].join(' ');
	const texts = [description, placeholder && `(${placeholder})`, hint && `[${hint}]`]
		.filter(Boolean)
		.join(' ');
	return [
		line + conditions(entry),
		...(texts ? [`${deeper}"${texts}"`] : []),
		...options.map((option) => render(option, deeper)),
	].join('\n');
}

function conditions({ displayOptions }: INodeProperties | INodePropertyOptions): string {
	const parts = (['show', 'hide'] as const).flatMap((word) =>
		Object.entries(displayOptions?.[word] ?? {}).map(
			([name, values]) => `${word} ${name}=${(values as unknown[]).join('|')}`,
		),
	);
	return parts.length > 0 ? ` {${parts.join(', ')}}` : '';
}
