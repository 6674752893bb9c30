import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type {
	GenericValue,
	INode,
	INodeParameterResourceLocator,
	INodeParameters,
	INodeProperties,
	INodePropertyCollection,
	INodePropertyOptions,
	INodeTypeDescription,
	NodeParameterValueType,
} from 'n8n-workflow';
import manifest from '../../package.json';
import { startEmulator, type Emulator } from '../emulator';
import { sha256 } from '../emulator/images';
import { emulatorCredentials, NODE_TYPES } from '../support/providers';
import { startEngine, type Engine, type WorkflowJson } from '../support/engine';
import { standIns } from '../support/standIns';

const FOLDER = path.resolve(__dirname, '../workflows');
const OURS = `${manifest.name}.`;
const STICKY_NOTE = 'n8n-nodes-base.stickyNote';
const UUID = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;
const SECRET = /bfl_\w|\bsk-\w|Bearer \S|made-up|-----BEGIN|eyJ\w{20}/;

/** Nodes that must not get the credential of another provider with the same type. */
const UNSELECTED: Record<string, string[]> = { 'demo.json': ['Task API Queue'] };
/** n8n adds these to every node that becomes an agent's tool. */
const TOOL_PARAMETERS = ['descriptionType', 'toolDescription'];
/** Besides them, "https://<your n8n>/…" in a note. */
const HOSTS = /^(raw\.githubusercontent\.com|(\w+\.)*example\.com|<your n8n>)$/;

interface Example extends WorkflowJson {
	nodes: Array<INode & Record<string, unknown>>;
	connections: Record<string, Record<string, Array<Array<{ node: string }> | null>>>;
}

const files = readdirSync(FOLDER).filter((file) => file.endsWith('.json'));
const textOf = (file: string) => readFileSync(path.join(FOLDER, file), 'utf8');
const read = (file: string) => JSON.parse(textOf(file)) as Example;
const examples = new Map(files.map((file) => [file, read(file)]));
const notesOf = ({ nodes }: Example) => nodes.filter(({ type }) => type === STICKY_NOTE);
const stepsOf = ({ nodes }: Example) => nodes.filter(({ type }) => type !== STICKY_NOTE);
const oursOf = ({ nodes }: Example) => nodes.filter(({ type }) => type.startsWith(OURS));

/** From one node to another, with the node that stands at the start of the line. */
const linesOf = ({ connections }: Example) =>
	Object.entries(connections).flatMap(([from, outputs]) =>
		Object.values(outputs)
			.flat(2)
			.flatMap((target) => (target ? [{ from, to: target.node }] : [])),
	);

const isExpression = (value: unknown) => typeof value === 'string' && value.startsWith('=');

describe.each(files)('%s', (file) => {
	const example = examples.get(file)!;

	test('says in a note what it does and what it costs', () => {
		const notes = notesOf(example).map(({ parameters }) => parameters.content as string);
		expect(notes.join('\n').length).toBeGreaterThan(300);
		expect(notes.join('\n')).toMatch(/dollar|cost|billed/i);
	});

	test('has nodes with names and ids of their own, and nothing of the machine that made it', () => {
		const { nodes } = example;
		expect(nodes.map(({ id }) => id).filter((id) => !UUID.test(id))).toEqual([]);
		expect(new Set(nodes.map(({ name }) => name)).size).toBe(nodes.length);
		expect(Object.keys(example).sort()).toEqual(['connections', 'name', 'nodes', 'settings']);
		expect(example.settings).toEqual({ executionOrder: 'v1' });
	});

	test('connects all of its nodes, and only those', () => {
		const names = stepsOf(example).map(({ name }) => name);
		const connected = linesOf(example).flatMap(({ from, to }) => [from, to]);
		expect([...new Set(connected)].sort()).toEqual(names.sort());
	});

	test('shows no node on top of another', () => {
		const steps = stepsOf(example);
		const covered = steps.filter(({ position: [x, y] }, index) =>
			steps
				.slice(index + 1)
				.some(({ position: [left, top] }) => Math.abs(left - x) < 112 && Math.abs(top - y) < 112),
		);
		expect(covered.map(({ name }) => name)).toEqual([]);
	});

	test('names no credential, so that n8n selects the only one of its type by itself', () => {
		const named = stepsOf(example).filter(({ credentials }) => credentials);
		expect(named.map(({ name }) => name)).toEqual(UNSELECTED[file] ?? []);
	});

	test('holds no secret, and no address but of examples', () => {
		expect(textOf(file)).not.toMatch(SECRET);
		const hosts = [...textOf(file).matchAll(/https?:\/\/([^/\s"'\\`]+(?: n8n>)?)/g)].map(
			([, host]) => host!,
		);
		expect(hosts.filter((host) => !HOSTS.test(host))).toEqual([]);
	});
});

test('the examples have different names, node ids and webhook addresses', () => {
	const all = [...examples.values()];
	const nodes = all.flatMap(stepsOf);
	const paths = nodes.flatMap(({ type, parameters, webhookId }) => {
		if (type.endsWith('.formTrigger')) return [webhookId];
		return type.endsWith('.webhook') ? [parameters.path] : [];
	});
	const ids = all.flatMap((example) => example.nodes.map(({ id }) => id));
	expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
	expect(new Set(ids).size).toBe(ids.length);
	expect(new Set(paths).size).toBe(paths.length);
	expect(paths.length).toBeGreaterThanOrEqual(2);
});

type Entry = INodeProperties | INodePropertyOptions | INodePropertyCollection;

const isProperty = (entry: Entry): entry is INodeProperties => 'type' in entry;
const isGroup = (entry: Entry): entry is INodePropertyCollection => 'values' in entry;

describe('n8n accepts every parameter of', () => {
	const cases = [...examples].flatMap(([file, example]) =>
		oursOf(example).map((node) => [file, node.name, node] as const),
	);
	let engine: Engine;

	beforeAll(async () => {
		engine = await startEngine();
		await engine.close();
	});

	test.each(cases)('%s, %s', (_file, _name, node) => {
		const name = node.type.slice(OURS.length).replace(/Tool$/, '');
		const { description } = engine.loader.getNode(name).type as {
			description: INodeTypeDescription;
		};
		expect([description.version].flat()).toContain(node.typeVersion);
		expect(problemsOf(node, description)).toEqual([]);
	});

	/** What the editor would not show, or would mark in red. */
	function problemsOf(node: INode, description: INodeTypeDescription): string[] {
		const { NodeHelpers } = engine.n8n.workflow;
		const { properties } = description;
		const own = Object.entries(node.parameters).filter(
			([name]) => !node.type.endsWith('Tool') || !TOOL_PARAMETERS.includes(name),
		);
		const given = Object.fromEntries<NodeParameterValueType>(own);
		const root = NodeHelpers.getNodeParameters(properties, given, true, false, node, description);
		return walk(properties, given, root!);

		function walk(
			declared: INodeProperties[],
			values: INodeParameters,
			shown: INodeParameters,
		): string[] {
			return Object.entries(values).flatMap(([name, value]) => {
				const property = declared.find(
					(one) =>
						one.name === name && NodeHelpers.displayParameter(shown, one, node, description, root!),
				);
				return property ? problemsIn(property, value) : [`${name}: is not shown`];
			});
		}

		function problemsIn(property: INodeProperties, value: GenericValue): string[] {
			const { name, type, options = [] } = property;
			if (isExpression(value))
				return property.noDataExpression ? [`${name}: is an expression`] : [];
			if (type === 'collection') {
				const values = value as INodeParameters;
				return walk(options.filter(isProperty), values, values);
			}
			if (type === 'fixedCollection')
				return problemsInGroups(options.filter(isGroup), value as INodeParameters);
			return isValid(property, value) ? [] : [`${name}: ${JSON.stringify(value)}`];
		}

		function problemsInGroups(groups: INodePropertyCollection[], value: INodeParameters): string[] {
			return Object.entries(value).flatMap(([name, entries]) => {
				const group = groups.find((one) => one.name === name);
				if (!group) return [`${name}: is not declared`];
				return [entries].flat().flatMap((entry) => {
					const values = entry as INodeParameters;
					const full = { ...defaultsOf(group.values), ...values };
					return walk(group.values, values, full);
				});
			});
		}
	}
});

const defaultsOf = (properties: INodeProperties[]) =>
	Object.fromEntries<NodeParameterValueType>(
		properties.map((property) => [property.name, property.default]),
	);

function isValid(
	{ type, typeOptions = {}, options = [], modes = [] }: INodeProperties,
	value: unknown,
): boolean {
	const { minValue = -Infinity, maxValue = Infinity } = typeOptions;
	switch (type) {
		case 'options':
			return (options as INodePropertyOptions[]).some((option) => option.value === value);
		case 'number':
			return typeof value === 'number' && value >= minValue && value <= maxValue;
		case 'boolean':
			return typeof value === 'boolean';
		case 'resourceLocator': {
			const { __rl, mode, value: chosen } = value as INodeParameterResourceLocator;
			return __rl && typeof chosen === 'string' && modes.some(({ name }) => name === mode);
		}
		default:
			return typeof value === 'string';
	}
}

/** Examples whose other nodes have a stand-in that can do what the example asks of them. */
const playable = [...examples].filter(([file, example]) => {
	const known = ['n8n-nodes-base.manualTrigger', ...Object.keys(standIns)];
	const others = example.nodes.filter(({ type }) => !type.startsWith(OURS));
	return (
		file !== 'demo.json' &&
		others.every(({ type }) => known.includes(type)) &&
		others.every(({ parameters }) => !isExpression(parameters.jsonOutput))
	);
});

describe("in n8n's own engine", () => {
	let emulator: Emulator;
	let engine: Engine;

	beforeAll(async () => {
		emulator = await startEmulator({ seconds: 0.02, images: 'plain' });
		engine = await startEngine({ credentials: emulatorCredentials(emulator), nodeTypes: standIns });
	});
	afterAll(async () => {
		await engine.close();
		await emulator.close();
	});

	test('there is one for each provider', () => {
		const types = playable.flatMap(([, example]) => oursOf(example).map(({ type }) => type));
		expect([...new Set(types)].sort()).toEqual(NODE_TYPES.map((type) => OURS + type).sort());
	});

	test.each(playable)('%s makes the images that were paid for', async (_file, example) => {
		const { ledger } = emulator;
		const earlier = ledger.tasks.length;
		const run = await engine.run(example);
		expect(run.error).toBeUndefined();
		const makers = oursOf(example).filter(
			({ parameters }) => parameters.operation !== 'estimateCost',
		);
		const items = makers.flatMap(({ name }) => run.items(name));
		const made = await Promise.all(
			items.map(async ({ binary }) => sha256(await engine.binary(binary!.data!))),
		);
		expect(made.length).toBeGreaterThan(0);
		expect(made.sort()).toEqual(
			ledger.tasks
				.slice(earlier)
				.map((task) => task.sha256)
				.sort(),
		);
		expect({ unexpected: ledger.unexpected, leaks: ledger.leaks }).toEqual({
			unexpected: [],
			leaks: [],
		});
	});
});
