import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { INodeProperties, INodePropertyOptions } from 'n8n-workflow';
import { generateOptions } from '../../nodes/shared/options';
import type { Param } from '../../nodes/shared/params';
import { startEngine, type Engine } from '../support/engine';
import { readBuiltModels } from '../demo/models';

const ROOT = path.resolve(__dirname, '../..');
const PAGES = [
	'README.md',
	'CONTRIBUTING.md',
	'CHANGELOG.md',
	...['bench', 'chaos', 'e2e', 'emulator'].map((folder) => `test/${folder}/README.md`),
];

const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const readme = read('README.md');

const headingsOf = (page: string) =>
	[...page.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.*)$/gm)].map(
		([, heading = '']) => heading,
	);

/** As GitHub makes the anchor of a heading. */
const slug = (heading: string) =>
	heading
		.toLowerCase()
		.replace(/[^\p{L}\p{N} _-]/gu, '')
		.replaceAll(' ', '-');

/** The anchors of a page; the second heading of the same words gets a number. */
function anchorsOf(file: string): string[] {
	const slugs = headingsOf(read(file)).map(slug);
	return slugs.map((name, index) => {
		const earlier = slugs.slice(0, index).filter((other) => other === name).length;
		return earlier > 0 ? `${name}-${earlier}` : name;
	});
}

/** What stands below a heading, down to the next one of its level. */
function section(heading: string): string {
	const level = /^#+/.exec(heading)![0];
	const [, rest = ''] = readme.split(`\n${heading}\n`);
	return rest.split(new RegExp(`^#{1,${level.length}} `, 'm'))[0]!;
}

/** The rows of all tables in a text, by their first cell; several rows of one name are joined. */
function rowsOf(text: string): Map<string, string> {
	const rows = new Map<string, string>();
	for (const [row, name = ''] of text.matchAll(/^\| ([^|]*?) \|.*$/gm)) {
		rows.set(name, `${rows.get(name) ?? ''}${row}`);
	}
	return rows;
}

/** What a reader must find beside the parameter's name; the limits of a safe whole number are one word. */
function wordsOf({ wireName, goesTo, property }: Param): string[] {
	const { minValue, maxValue } = property.typeOptions ?? {};
	const limits = [minValue, maxValue].filter((limit) => limit !== undefined).map(String);
	const values = ((property.options ?? []) as INodePropertyOptions[]).map(({ value }) =>
		String(value),
	);
	return [...(goesTo === 'setting' ? [] : [`\`${wireName}\``]), ...limits, ...values];
}

/** Each word that the parameter's row lacks, or that there is no row at all. */
function missing(rows: Map<string, string>, param: Param): string[] {
	const { displayName } = param.property;
	const row = rows.get(displayName)?.toLowerCase();
	if (row === undefined) return [`no row "${displayName}"`];
	return wordsOf(param)
		.filter((word) => !row.includes(word.toLowerCase()))
		.map((word) => `${displayName}: ${word}`);
}

/** "Resource: Operation" for all that a node can do. */
function operationsOf(properties: INodeProperties[]): string[] {
	const named = (name: string) => properties.filter((property) => property.name === name);
	const [resource] = named('resource');
	if (!resource) return ['Image: Generate'];
	return named('operation').flatMap(({ options = [], displayOptions }) => {
		const [value] = displayOptions!.show!.resource as string[];
		const choices = resource.options as INodePropertyOptions[];
		const { name } = choices.find((choice) => choice.value === value)!;
		return (options as INodePropertyOptions[]).map((operation) => `${name}: ${operation.name}`);
	});
}

describe('the README', () => {
	let types: Engine['loader']['types'];
	/** By what stands in brackets in the node's name, which the README's headings use too. */
	let services: Map<string, { type: string; properties: INodeProperties[] }>;

	beforeAll(async () => {
		const engine = await startEngine();
		({ types } = engine.loader);
		await engine.close();
		const makers = types.nodes.filter(({ name }) => !name.endsWith('Trigger'));
		services = new Map(
			makers.map(({ displayName, name, properties }) => [
				/\((.*)\)/.exec(displayName)?.[1] ?? displayName,
				{ type: name, properties },
			]),
		);
	});

	test('names every model and every parameter with its wire name, limits and values', () => {
		const models = readBuiltModels();
		expect(models.size).toBe(services.size);
		for (const [service, { type }] of services) {
			const text = section(`### ${service} models`);
			const own = [...models].find(([key]) => key.endsWith(`.${type}`))![1];
			expect(own.map(({ id }) => id).filter((id) => !text.includes(`\`${id}\``))).toEqual([]);
			const rows = rowsOf(text);
			const lacking = own.flatMap(({ parameters }) =>
				parameters.flatMap((param) => missing(rows, param)),
			);
			expect({ service, lacking: [...new Set(lacking)] }).toEqual({ service, lacking: [] });
		}
	});

	test("names each of the node's own options with its limits", () => {
		const rows = rowsOf(section('## Node options'));
		expect(generateOptions.flatMap((param) => missing(rows, param))).toEqual([]);
	});

	test('tells which node has which operation', () => {
		const rows = rowsOf(section('## Operations'));
		const columns = rows
			.get('Resource: Operation')!
			.split('|')
			.map((cell) => cell.trim());
		const told = [...services.keys()].map((service) => [
			service,
			[...rows]
				.filter(([, row]) => row.split('|')[columns.indexOf(service)]?.trim() === '✔')
				.map(([operation]) => operation)
				.sort(),
		]);
		const had = [...services].map(([service, { properties }]) => [
			service,
			operationsOf(properties).sort(),
		]);
		expect(told).toEqual(had);
	});

	test('explains every kind of error', () => {
		const declared = /type FailureKind =([^;]*);/.exec(read('nodes/shared/errors.ts'))![1]!;
		const kinds = [...declared.matchAll(/'(\w+)'/g)].map(([, kind]) => kind);
		const rows = rowsOf(section('## Errors and what to do'));
		expect([...rows.keys()].filter((name) => /^`\w+`$/.test(name)).slice(1)).toEqual(
			kinds.map((kind) => `\`${kind}\``),
		);
	});

	test('has what the credentials and nodes link to', () => {
		const { homepage } = JSON.parse(read('package.json')) as { homepage: string };
		const [repository] = homepage.split('#');
		const documents = types.nodes.flatMap(({ codex }) =>
			Object.values(codex?.resources ?? {}).flat(),
		);
		const links = [
			...types.credentials.map(({ documentationUrl }) => documentationUrl!),
			...documents.map(({ url }) => url),
		];
		const anchors = [...anchorsOf('README.md'), 'readme'].map(
			(anchor) => `${repository}#${anchor}`,
		);
		expect(links.length).toBeGreaterThan(types.credentials.length);
		expect(links.filter((link) => !anchors.includes(link))).toEqual([]);
	});

	test('links every example workflow', () => {
		const workflows = readdirSync(path.join(ROOT, 'test/workflows')).filter((file) =>
			file.endsWith('.json'),
		);
		expect(workflows.filter((file) => !readme.includes(`](test/workflows/${file})`))).toEqual([]);
	});

	test('names commands that exist', () => {
		const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
		const named = PAGES.flatMap((page) =>
			[...read(page).matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name),
		);
		expect([...new Set(named)].filter((name) => !(name in scripts))).toEqual([]);
	});
});

test.each(PAGES)('every link of %s leads somewhere', (page) => {
	const links = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
	const dead = links
		.filter((link) => !/^https:/.test(link))
		.filter((link) => {
			const [file = '', anchor] = link.split('#');
			const target = file === '' ? page : path.join(path.dirname(page), file);
			if (!existsSync(path.join(ROOT, target))) return true;
			return anchor !== undefined && !anchorsOf(target).includes(anchor);
		});
	expect(dead).toEqual([]);
});
