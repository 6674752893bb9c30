import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { inspect } from 'node:util';
import { Linter } from 'eslint';
import type {
	INode,
	INodeParameters,
	INodeProperties,
	INodePropertyCollection,
	INodePropertyOptions,
	INodeTypeDescription,
	INodeTypes,
} from 'n8n-workflow';
import typescriptEslint from 'typescript-eslint';
import manifest from '../../package.json';
import { startEngine, type Engine } from '../support/engine';
import { NODE_TYPES, providers, type NodeType } from '../support/providers';

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

test('every operation asks for the credential, but an estimate only where it needs the provider or its server', () => {
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
		'Flux2OpenAi',
		'Flux2Oxen',
		'Flux2Task',
	]);
	expect(isAsked('Flux2Bfl', { ...estimate, priceFrom: 'provider' })).toBe(true);
});

test('n8n loads the trigger with icons, a credential for each provider, and as no tool', () => {
	const icon = (theme: string) => `icons/n8n-nodes-flux2/dist/nodes/Flux2Bfl/flux2Bfl${theme}.svg`;

	expect(types.nodes.find(({ name }) => name === 'flux2Trigger')).toMatchObject({
		iconUrl: { light: icon(''), dark: icon('.dark') },
		group: ['trigger'],
		inputs: [],
		credentials: [
			{ name: 'flux2WebhookApi', required: true },
			{ name: 'flux2FalApi', required: true },
			{ name: 'flux2ReplicateApi', required: true },
		],
		codex: { categories: ['Marketing & Content', 'Utility'] },
	});
	expect(descriptionOf('Flux2Trigger').usableAsTool).toBeUndefined();
});

test.each<[INodeParameters, string]>([
	[{}, 'flux2WebhookApi'],
	[{ provider: 'bfl' }, 'flux2WebhookApi'],
	[{ provider: 'bfl', secretFrom: 'account' }, 'flux2WebhookApi'],
	[{ provider: 'fal' }, 'flux2FalApi'],
	[{ provider: 'replicate' }, 'flux2ReplicateApi'],
	[{ provider: 'replicate', secretFrom: 'account' }, 'flux2ReplicateApi'],
	[{ provider: 'replicate', secretFrom: 'credential' }, 'flux2WebhookApi'],
])('the trigger with %j asks for %s alone', (given, credential) => {
	const { NodeHelpers } = engine.n8n.workflow;
	const description = descriptionOf('Flux2Trigger');
	const { properties, credentials = [] } = description;
	const node = { typeVersion: 1 };
	const values = NodeHelpers.getNodeParameters(properties, given, true, false, node, description);
	const asked = credentials.filter((each) =>
		NodeHelpers.displayParameter(values!, each, node, description),
	);
	expect(asked.map(({ name }) => name)).toEqual([credential]);
});

/** Lists whose order helps to choose: the recommended one first, *Custom* last; operations and tools as people need them. */
const ORDERED_LISTS = ['model', 'size', 'operation', 'tool'];

const withSortedLists = (description: INodeTypeDescription): INodeTypeDescription => ({
	...description,
	properties: description.properties.map((property) =>
		ORDERED_LISTS.includes(property.name) && property.options
			? {
					...property,
					options: [...(property.options as INodePropertyOptions[])].sort((a, b) =>
						a.name.localeCompare(b.name),
					),
				}
			: property,
	),
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

		expect(lint(name, withSortedLists(declared))).toEqual([]);
	});

	test('the lint does see them', () => {
		const bad = withSortedLists(structuredClone(descriptionOf('Flux2Task')));
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

describe('the canvas says below the node what it does with which model', () => {
	const subtitleOf = (type: string, parameters: INodeParameters) => {
		const { Workflow } = engine.n8n.workflow;
		const description = descriptionOf(className(type));
		const node = {
			id: '1',
			name: 'A',
			type,
			typeVersion: 1,
			position: [0, 0],
			parameters,
		} as INode;
		const nodeTypes = { getByNameAndVersion: () => ({ description }) } as unknown as INodeTypes;
		const workflow = new Workflow({ nodes: [node], connections: {}, active: false, nodeTypes });
		return workflow.expression.getSimpleParameterValue(
			workflow.getNode('A')!,
			description.subtitle,
			'internal',
			{},
		);
	};

	test.each<[NodeType, INodeParameters, string]>([
		['flux2Bfl', {}, 'Generate: FLUX.2 [pro]'],
		['flux2Bfl', { operation: 'edit', model: 'flux-2-max' }, 'Edit: FLUX.2 [max]'],
		['flux2Bfl', { model: 'custom', customModel: 'flux-3' }, 'Generate: flux-3'],
		['flux2Bfl', { resource: 'task', operation: 'get' }, 'Get: task'],
		['flux2Bfl', { resource: 'account', operation: 'getCredits' }, 'Get Credits: account'],
		['flux2Oxen', { resource: 'model', operation: 'getMany' }, 'Get Many: model'],
		['flux2Cloudflare', {}, 'Generate: FLUX.2 [klein] 4B (Workers AI)'],
		['flux2Task', { resource: 'task', operation: 'submit' }, 'Submit: FLUX.2 [pro]'],
		['flux2OpenAi', {}, 'Generate: FLUX.2 [klein] 4B'],
		[
			'flux2OpenAi',
			{ operation: 'edit', model: { __rl: true, mode: 'list', value: 'flux' } },
			'Edit: flux',
		],
	])('%s with %j: %s', (type, parameters, subtitle) => {
		expect(subtitleOf(type, parameters)).toBe(subtitle);
	});
});

/** Every node's main panel, in this order. A node leaves out what it has not. */
const PANEL = [
	'resource',
	'operation',
	'dialect',
	'tool',
	'model',
	'customModel',
	'promptType',
	'prompt',
	'structuredPrompt',
	'sendAs',
	'referenceImages',
	'size',
	'megapixels',
	'width',
	'height',
	'aspectRatio',
	'resolution',
	'numberOfImages',
	'options',
	'oneCallNotice',
];

describe('every node has the same main panel', () => {
	const OPERATIONS = [
		{ resource: 'image', operation: 'generate' },
		{ resource: 'image', operation: 'edit' },
		{ resource: 'task', operation: 'submit' },
	];
	const cases = providers.flatMap(({ type, definition, models }) =>
		OPERATIONS.filter(
			({ resource, operation }) => `${resource}:${operation}` in definition.operations,
		).flatMap((chosen) => models.map(({ id }) => [type, chosen, id] as const)),
	);

	test.each(cases)('%s, %j, %s', (type, chosen, model) => {
		const { properties } = descriptionOf(className(type));
		const names = ['automatic', '16:9', 'custom', 'likeReference'].map((size) =>
			panelOf(properties, { ...chosen, model, size }).map((property) => property.name),
		);

		for (const shown of names) expect(shown).toEqual(PANEL.filter((name) => shown.includes(name)));
		const [automatic, ratio, custom] = names as [string[], string[], string[]];
		const before = ['model', 'prompt', 'referenceImages', 'size', 'options'];
		expect(automatic.filter((name) => before.includes(name))).toEqual(before);
		const sides = ['width', 'height', 'aspectRatio', 'resolution', 'megapixels'];
		expect(automatic.filter((name) => sides.includes(name))).toEqual([]);
		expect(ratio.filter((name) => sides.slice(0, -1).includes(name))).toEqual([]);
		expect(custom.filter((name) => sides.includes(name))).not.toEqual([]);
	});

	test.each(providers.map(({ type }) => [type]))(
		'%s generates an image from a model and a prompt alone',
		(type) => {
			const { properties } = descriptionOf(className(type));
			const chosen = { resource: 'image', operation: 'generate' };
			const required = panelOf(properties, chosen).filter((property) => property.required);
			expect(required.map((property) => property.name)).toEqual(['prompt']);
		},
	);

	test('which waits under one label', () => {
		const labels = providers.flatMap(({ definition }) =>
			(definition.options ?? [])
				.filter(({ property }) => ['mode', 'completion'].includes(property.name))
				.map(({ property }) => property.displayName),
		);
		expect(labels.length).toBeGreaterThanOrEqual(2);
		expect(new Set(labels)).toEqual(new Set(['How to Wait']));
	});
});

const className = (type: string) => classNames.find((name) => nodeName(name) === type)!;

/** What the panel shows with these choices; a parameter without a choice has its default. */
function panelOf(
	properties: INodeProperties[],
	chosen: Record<string, unknown>,
): INodeProperties[] {
	const values = { ...chosen };
	return properties.filter((property) => {
		const { show = {}, hide = {} } = property.displayOptions ?? {};
		const matches = ([name, wanted]: [string, unknown]) =>
			(wanted as unknown[]).includes(values[name]);
		if (!Object.entries(show).every(matches) || Object.entries(hide).some(matches)) return false;
		values[property.name] ??= property.default;
		return true;
	});
}

/** A property with what is inside of it, however deep. */
const withInside = (property: INodeProperties): INodeProperties[] => [
	property,
	...inside(property).flatMap(withInside),
];

describe.each(classNames)('%s', (name) => {
	const isFor = (id: string) => (property: INodeProperties) => {
		const { show = {} } = property.displayOptions ?? {};
		const shown = (show['/model'] ?? show.model) as string[] | undefined;
		return !shown || shown.includes(id);
	};

	const isForGenerate = ({ displayOptions: { show = {} } = {} }: INodeProperties) =>
		(show.operation ?? ['generate']).includes('generate') &&
		(show.resource ?? ['image']).includes('image');

	const fieldsFor = (id: string) =>
		descriptionOf(name).properties.filter(isForGenerate).flatMap(withInside).filter(isFor(id));

	test('shows each parameter of each model', () => {
		for (const model of modelsOf(nodeName(name))) {
			const shown = fieldsFor(model.id).map((property) => property.name);
			const wanted = model.parameters.map(({ property }) => property.name);
			// a field that has another default with another size stands there twice
			expect([...new Set(shown.filter((field) => wanted.includes(field)))].sort()).toEqual(
				[...new Set(wanted)].sort(),
			);
		}
	});

	test('shows no parameter for a model that lacks it', () => {
		const models = modelsOf(nodeName(name));
		const ofModels = new Set(
			models.flatMap(({ parameters }) => parameters.map(({ property }) => property.name)),
		);
		for (const { id } of models) {
			const own = models
				.filter((model) => model.id === id)
				.flatMap(({ parameters }) => parameters.map(({ property }) => property.name));
			const foreign = fieldsFor(id)
				.map((property) => property.name)
				.filter((field) => ofModels.has(field) && !own.includes(field));
			expect({ [id]: foreign }).toEqual({ [id]: [] });
		}
	});

	test('names no field of a collection twice, and lists options in the alphabet', () => {
		for (const collection of descriptionOf(name).properties.flatMap(withInside)) {
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
		const all = properties.flatMap(withInside);
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
