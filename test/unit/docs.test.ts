import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { INodeProperties, INodePropertyOptions } from 'n8n-workflow';
import { tools } from '../../nodes/Flux2Bfl/tools';
import { triggerOptions } from '../../nodes/Flux2Trigger/options';
import { generateOptions } from '../../nodes/shared/parameters/options';
import type { Param } from '../../nodes/shared/parameters/param';
import { startEngine, type Engine } from '../support/engine';
import { providers } from '../support/providers';
import { readBuiltModels } from '../demo/models';

const ROOT = path.resolve(__dirname, '../..');
const MAX_README_LINES = 250;

const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
const namesIn = (folder: string) => readdirSync(path.join(ROOT, folder), { withFileTypes: true });

/** The README.md of each folder below this one, without those of installed packages. */
const readmesBelow = (folder: string): string[] =>
	namesIn(folder).flatMap((entry) => {
		const file = `${folder}/${entry.name}`;
		if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : readmesBelow(file);
		return entry.name === 'README.md' ? [file] : [];
	});

const filesOf = (folder: string, extension: string) =>
	namesIn(folder)
		.map(({ name }) => `${folder}/${name}`)
		.filter((file) => file.endsWith(extension));

const DOCS = filesOf('docs', '.md');
const PAGES = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...DOCS, ...readmesBelow('test')];

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

/** Whether "file#anchor" or "file" is there. */
function exists(target: string): boolean {
	const [file = '', anchor] = target.split('#');
	if (!existsSync(path.join(ROOT, file))) return false;
	return anchor === undefined || anchorsOf(file).includes(anchor);
}

/** The links of a page that stay in the repository, as "file#anchor" from its root. */
function linksOf(page: string): string[] {
	const links = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
	return links
		.filter((link) => !/^https:/.test(link))
		.map((link) =>
			link.startsWith('#') ? page + link : path.posix.join(path.posix.dirname(page), link),
		);
}

const withoutAnchor = (target: string) => target.split('#')[0]!;

/** The pages that a reader of this one can get to. */
function reachableFrom(start: string): Set<string> {
	const found = new Set([start]);
	for (const page of found) {
		const linked = linksOf(page).map(withoutAnchor);
		linked.filter((file) => PAGES.includes(file)).forEach((file) => found.add(file));
	}
	return found;
}

/** What stands below a heading, down to the next one of its level. */
function section(file: string, heading: string): string {
	const level = /^#+/.exec(heading)![0];
	const [, rest = ''] = read(file).split(`\n${heading}\n`);
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
function textsOf({ wireName, in: location, property }: Param): string[] {
	const { minValue, maxValue } = property.typeOptions ?? {};
	const limits = [minValue, maxValue].filter((limit) => limit !== undefined).map(String);
	// the fields of a list of entries have no value of their own
	const values = ((property.options ?? []) as INodePropertyOptions[])
		.filter((option) => 'value' in option)
		.map(({ value }) => String(value));
	return [...(location === 'node' ? [] : [`\`${wireName}\``]), ...limits, ...values];
}

/** Each word that the parameter's row lacks, or that there is no row at all. */
function missing(rows: Map<string, string>, param: Param): string[] {
	const { displayName } = param.property;
	const row = rows.get(displayName)?.toLowerCase();
	if (row === undefined) return [`no row "${displayName}"`];
	return textsOf(param)
		.filter((word) => !row.includes(word.toLowerCase()))
		.map((word) => `${displayName}: ${word}`);
}

/** Where this repository is, as npm and the editor name it. */
const REPOSITORY = 'https://github.com/n8n-nodes-flux2/n8n-nodes-flux2';

/** What an address of this repository shows, as "file#anchor"; the repository's front page is the README. */
const targetOf = (url: string): string =>
	url
		.replace(`${REPOSITORY}/blob/main/`, '')
		.replace(new RegExp(`^${REPOSITORY}(?=#|$)`), 'README.md');

/** Every address of this repository in the source below a folder. */
function addressesBelow(folder: string): string[] {
	return namesIn(folder).flatMap((entry) => {
		const file = `${folder}/${entry.name}`;
		if (entry.isDirectory()) return addressesBelow(file);
		return read(file).match(new RegExp(`${REPOSITORY}[\\w/.#-]*`, 'g')) ?? [];
	});
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

describe('the documentation', () => {
	let types: Engine['loader']['types'];
	/** By what stands in brackets in the node's name, which the headings use too. */
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
		const sizes = rowsOf(section('docs/sizes-and-prompts.md', '## Sizes'));
		expect(models.size).toBe(services.size);
		for (const [service, { type }] of services) {
			const text = section('docs/models.md', `## ${service} models`);
			const own = [...models].find(([key]) => key.endsWith(`.${type}`))![1];
			expect(own.map(({ id }) => id).filter((id) => !text.includes(`\`${id}\``))).toEqual([]);
			const rows = new Map([...sizes, ...rowsOf(text)]);
			const lacking = own.flatMap(({ parameters }) =>
				parameters.flatMap((param) => missing(rows, param)),
			);
			expect({ service, lacking: [...new Set(lacking)] }).toEqual({ service, lacking: [] });
		}
	});

	test('names every tool and every parameter of it', () => {
		const page = read('docs/tools.md');
		const rows = rowsOf(section('docs/tools.md', '## Parameters'));
		const lacking = tools.flatMap(({ id, images, parameters }) => [
			...(page.includes(`\`${id}\``) ? [] : [id]),
			...images
				.filter(({ label, wireName }) => !rows.get(label)?.includes(`\`${wireName}\``))
				.map(({ label }) => label),
			...parameters.flatMap((param) => missing(rows, param)),
		]);
		expect(lacking).toEqual([]);
	});

	test("names each of the node's own options with its limits", () => {
		const rows = rowsOf(section('docs/models.md', '## Node options'));
		const own = providers.flatMap(({ definition }) => definition.options ?? []);
		expect([...generateOptions, ...own].flatMap((param) => missing(rows, param))).toEqual([]);
	});

	test("names each of the trigger's options with its limits", () => {
		const rows = rowsOf(section('docs/callbacks.md', '## Trigger'));
		expect(triggerOptions.flatMap((param) => missing(rows, param))).toEqual([]);
	});

	test('states every list price, where it is published and when it was read', () => {
		const rows = section('docs/costs-and-retries.md', '## Prices')
			.split('\n')
			.filter((line) => line.startsWith('| `'));
		const priced = [...[...readBuiltModels().values()].flat(), ...tools].filter(
			({ price }) => price,
		);
		expect(priced.length).toBeGreaterThan(10);
		const lacking = priced.flatMap(({ id, price }) => {
			const { first, further = first, reference = 0, source, date } = price!;
			// two services may have the same ID: one of its rows must say all of it
			const texts = [`| $${first} | $${further} | $${reference} |`, `(${source})`, date];
			const named = rows.filter((line) => line.includes(`\`${id}\``));
			const isStated = named.some((row) => texts.every((text) => row.includes(text)));
			return isStated ? [] : [`${id}: ${texts.join(' ')}`];
		});
		expect(lacking).toEqual([]);
	});

	test('says which node has which operation', () => {
		const rows = rowsOf(section('README.md', '## Operations'));
		const columns = rows
			.get('Resource: Operation')!
			.split('|')
			.map((cell) => cell.trim());
		const documented = [...services.keys()].map((service) => [
			service,
			[...rows]
				.filter(([, row]) => row.split('|')[columns.indexOf(service)]?.trim() === '✔')
				.map(([operation]) => operation)
				.sort(),
		]);
		const offered = [...services].map(([service, { properties }]) => [
			service,
			operationsOf(properties).sort(),
		]);
		expect(documented).toEqual(offered);
	});

	test('explains every kind of error', () => {
		const declared = /type ErrorKind =([^;]*);/.exec(read('nodes/shared/core/errors.ts'))![1]!;
		const kinds = [...declared.matchAll(/'(\w+)'/g)].map(([, kind]) => kind);
		const rows = rowsOf(section('docs/errors.md', '## Kinds'));
		expect([...rows.keys()].filter((name) => /^`\w+`$/.test(name)).slice(1)).toEqual(
			kinds.map((kind) => `\`${kind}\``),
		);
	});

	test("credentials link to their section of the credentials' page", () => {
		const linked = types.credentials.map(({ displayName, documentationUrl = '' }) => {
			const [file = '', anchor = ''] = targetOf(documentationUrl).split('#');
			const heading = headingsOf(read(file)).find((words) => slug(words) === anchor);
			return {
				displayName,
				file,
				isThere: section(file, `## ${heading}`).includes(`*${displayName}*`),
			};
		});
		expect(linked).toEqual(
			types.credentials.map(({ displayName }) => ({
				displayName,
				file: 'docs/credentials.md',
				isThere: true,
			})),
		);
	});

	test('nodes link to their models, the trigger to its section, each to its credential', () => {
		const urlsOf = new Map(
			types.credentials.map(({ name, documentationUrl }) => [name, documentationUrl!]),
		);
		for (const { displayName, codex, credentials = [] } of types.nodes) {
			const service = /\((.*)\)/.exec(displayName)?.[1];
			const page = service
				? `docs/models.md#${slug(`${service} models`)}`
				: 'docs/callbacks.md#trigger';
			const { primaryDocumentation = [], credentialDocumentation = [] } = codex!.resources!;
			expect(primaryDocumentation.map(({ url }) => targetOf(url))).toEqual([page]);
			expect(exists(page)).toBe(true);
			expect(credentialDocumentation.map(({ url }) => url)).toEqual(
				credentials.map(({ name }) => urlsOf.get(name)),
			);
		}
	});

	test('every address of this repository in the code leads to a page and heading that exist', () => {
		const urls = ['nodes', 'credentials'].flatMap(addressesBelow);
		expect(urls.length).toBeGreaterThanOrEqual(types.credentials.length + 2 * types.nodes.length);
		expect(urls.filter((url) => !exists(targetOf(url)))).toEqual([]);
	});

	test('links every example workflow', () => {
		const linked = ['README.md', ...DOCS].flatMap(linksOf);
		const workflows = filesOf('test/workflows', '.json');
		expect(workflows.length).toBeGreaterThan(0);
		expect(workflows.filter((file) => !linked.includes(file))).toEqual([]);
	});

	test('begins with a README that can be read in one go, and leads from it to every page', () => {
		expect(read('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(MAX_README_LINES);
		const reachable = reachableFrom('README.md');
		expect(DOCS.length).toBeGreaterThan(0);
		expect(DOCS.filter((page) => !reachable.has(page))).toEqual([]);
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
	expect(linksOf(page).filter((link) => !exists(link))).toEqual([]);
});
