import { deepEqual } from 'node:assert/strict';
import type { INodeProperties, INodePropertyOptions, INodeTypeDescription } from 'n8n-workflow';
import type { Check } from '../checks/check';
import {
	findChoices,
	findOffered,
	findOptions,
	toDefaults,
	toLabels,
	toPanel,
	withInside,
} from './descriptions';
import {
	choose,
	closeOptions,
	findCutLabels,
	readExplainedLabels,
	readLabels,
	openAdding,
	openNode,
	openWorkflow,
	parameters,
	takeScreenshot,
	waitUntilShown,
} from './page';
import {
	findNode,
	createCheck,
	createWorkflow,
	type NodeSetup,
	type EditorContext,
} from './context';

export const BLANK = 'Blank';
/** n8n adds it to every node whose credential can sign a request. */
const NOT_OURS = 'Custom API Call';

/** Each node with each of its models, other lists' entries and operations. */
export const panelChecks = (context: EditorContext): Check[] => [
	...context.nodes.flatMap((node) => [
		...modelChecks(context, node),
		...listEntryChecks(context, node),
		...operationChecks(context, node),
	]),
	referenceCheck(context),
	structuredPromptCheck(context),
	hintCheck(context),
	triggerCheck(context),
];

export const toPanelSlug = ({ name }: INodeTypeDescription) => `panel-${name.split('.').pop()}`;
const findProperty = ({ properties }: INodeTypeDescription, name: string) =>
	properties.find((one) => one.name === name);

/** Creates a node for each check, so that no check sees what another has chosen. */
export async function preparePanels(context: EditorContext): Promise<void> {
	for (const node of context.nodes) {
		const models = findChoices(findProperty(node, 'model') ?? ({} as INodeProperties));
		const filled = models.map(({ name, value }): NodeSetup => {
			const options = toDefaults(findOptions(node, { model: value }));
			return { name, node, parameters: { model: value, prompt: 'A lighthouse at dawn', options } };
		});
		const others = [...findListEntries(node), ...findOperations(node)].map(({ title }) => title);
		const empty = [BLANK, ...others].map((name) => ({ name, node, parameters: {} }));
		await createWorkflow(context, toPanelSlug(node), [...empty, ...filled]);
	}
}

/** Entries of all lists except model, resource and operation. */
function findListEntries(node: INodeTypeDescription) {
	const lists = toPanel(node, {}).shown.filter(
		({ type, name }) => type === 'options' && !['model', 'resource', 'operation'].includes(name),
	);
	return lists.flatMap((list) =>
		findChoices(list).map((entry) => ({ list, entry, title: `${list.displayName} ${entry.name}` })),
	);
}

function findOperations(node: INodeTypeDescription) {
	return findChoices(findProperty(node, 'resource') ?? ({} as INodeProperties)).flatMap((of) => {
		const list = node.properties.find(
			({ name, displayOptions }) =>
				name === 'operation' && displayOptions?.show?.resource?.includes(of.value),
		);
		const operations = (list?.options ?? []) as INodePropertyOptions[];
		return operations
			.filter(({ name }) => name !== NOT_OURS)
			.map((entry) => ({ of, entry, title: `${of.name} ${entry.name}` }));
	});
}

/** Checks the labels of a panel with these values: complete, none cut off, with their explanations. */
async function examine(
	{ tall }: EditorContext,
	node: INodeTypeDescription,
	chosen: object,
	set = false,
) {
	const { shown } = toPanel(node, { ...chosen });
	const options = set ? findOptions(node, { ...chosen }) : [];
	const all = [...withInside(shown), ...options];
	await waitUntilShown(async () => await readLabels(tall), toLabels(all), 'fields of the panel');
	deepEqual(await findCutLabels(tall), [], 'no label is cut');
	const expected = toLabels(all.filter(({ description }) => description));
	await waitUntilShown(
		async () => await readExplainedLabels(tall),
		expected,
		'fields with an explanation',
	);
}

async function examineOptions({ tall }: EditorContext, node: INodeTypeDescription, chosen: object) {
	const expected = toLabels(findOptions(node, { ...chosen }));
	deepEqual(await openAdding(tall, 'Add Option'), expected, 'what Add Option offers');
	deepEqual(
		[...expected].sort((a, b) => a.localeCompare(b)),
		expected,
		'in alphabetical order',
	);
}

function modelChecks(context: EditorContext, node: INodeTypeDescription): Check[] {
	const { tall, host } = context;
	const model = findProperty(node, 'model');
	if (!model) return [];
	return findChoices(model).map(({ name, value }) =>
		createCheck(tall, `${node.displayName} with ${name} offers its own options only`, async () => {
			await openWorkflow(tall, host.url, toPanelSlug(node));
			await openNode(tall, BLANK);
			await choose(tall, 'model', name);
			await examine(context, node, { model: value });
			await examineOptions(context, node, { model: value });
			await takeScreenshot(tall, `offers-${toPanelSlug(node)}-${name}`);
			await closeOptions(tall);
			await openNode(tall, name);
			await examine(context, node, { model: value }, true);
			await takeScreenshot(tall, `${toPanelSlug(node)}-${name}`, parameters(tall));
		}),
	);
}

/** Choosing an entry changes the panel at once. */
function listEntryChecks(context: EditorContext, node: INodeTypeDescription): Check[] {
	const { tall, host } = context;
	return findListEntries(node).map(({ list, entry, title }) =>
		createCheck(tall, `${node.displayName} with ${title}`, async () => {
			const chosen = { [list.name]: entry.value };
			await openWorkflow(tall, host.url, toPanelSlug(node));
			await openNode(tall, title);
			await choose(tall, list.name, entry.name);
			await examine(context, node, chosen);
			await examineOptions(context, node, chosen);
			await takeScreenshot(tall, `${toPanelSlug(node)}-${title}`);
			await closeOptions(tall);
		}),
	);
}

function operationChecks(context: EditorContext, node: INodeTypeDescription): Check[] {
	const { tall, host } = context;
	return findOperations(node).map(({ of, entry, title }) =>
		createCheck(tall, `${node.displayName}: ${title}`, async () => {
			await openWorkflow(tall, host.url, toPanelSlug(node));
			await openNode(tall, title);
			const chosen: Record<string, unknown> = {};
			// an operation may depend on another choice
			for (const [key, [value] = []] of Object.entries(entry.displayOptions?.show ?? {})) {
				chosen[key] = value;
				await choose(
					tall,
					key,
					findChoices(findProperty(node, key)!).find((one) => one.value === value)!.name,
				);
			}
			await choose(tall, 'resource', of.name);
			await choose(tall, 'operation', entry.name);
			Object.assign(chosen, { resource: of.value, operation: entry.value });
			await examine(context, node, chosen);
			await takeScreenshot(tall, `${toPanelSlug(node)}-${title}`, parameters(tall));
		}),
	);
}

const referenceImages = {
	image: [
		{ source: 'binary', binaryPropertyName: 'photo, logo' },
		{ source: 'allBinary' },
		{ source: 'url', url: 'https://example.com/photo.jpg' },
	],
};

function referenceCheck(context: EditorContext): Check {
	const { tall, host } = context;
	return createCheck(tall, 'reference images show what each source needs', async () => {
		const node = findNode(context, 'flux2Bfl');
		const setup = { name: 'References', node, parameters: { referenceImages } };
		await createWorkflow(context, 'panel-references', [setup]);
		await openWorkflow(tall, host.url, 'panel-references');
		await openNode(tall, 'References');
		const expected = ['Source', 'Input Data Field Name', 'Source', 'Source', 'URL'];
		const fields = async () => (await readLabels(tall)).filter((label) => expected.includes(label));
		await waitUntilShown(fields, expected, 'fields of the reference images');
		await tall.getByText('several are separated by commas').waitFor();
		await takeScreenshot(tall, 'panel-references', parameters(tall));
	});
}

function structuredPromptCheck(context: EditorContext): Check {
	const { tall, host } = context;
	return createCheck(tall, 'the form of a structured prompt offers every other field', async () => {
		const node = findNode(context, 'flux2Bfl');
		await openWorkflow(tall, host.url, toPanelSlug(node));
		await openNode(tall, 'Prompt Type Structured');
		await choose(tall, 'promptType', 'Structured');
		const form = findProperty(node, 'structuredPrompt')!;
		deepEqual(await openAdding(tall, form.placeholder!), toLabels(findOffered(form)));
		await takeScreenshot(tall, 'offers-structured-prompt');
		await closeOptions(tall);
	});
}

function hintCheck(context: EditorContext): Check {
	const { light, host } = context;
	return createCheck(light, 'an explanation is shown on hover', async () => {
		const node = findNode(context, 'flux2Bfl');
		await openWorkflow(light, host.url, toPanelSlug(node));
		await openNode(light, BLANK);
		const label = parameters(light)
			.getByTestId('input-label')
			.filter({ hasText: 'Reference Images' });
		await label.hover();
		await label.locator('[class*="_infoIcon_"]').hover();
		const { description = '' } = findProperty(node, 'referenceImages')!;
		await light.getByText(description).filter({ visible: true }).first().waitFor();
		await takeScreenshot(light, 'panel-hint');
	});
}

function triggerCheck(context: EditorContext): Check {
	const { tall, host } = context;
	return createCheck(tall, 'the trigger says where its URL goes', async () => {
		const node = findNode(context, 'flux2Trigger');
		await openWorkflow(tall, host.url, toPanelSlug(node));
		await openNode(tall, BLANK);
		await examine(context, node, {});
		await tall.getByText('Put the Production URL above into').waitFor();
		await tall.getByText('Webhook URLs').click();
		await takeScreenshot(tall, toPanelSlug(node));
		await examineOptions(context, node, {});
		await takeScreenshot(tall, `offers-${toPanelSlug(node)}`);
	});
}
