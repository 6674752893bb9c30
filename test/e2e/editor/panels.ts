import { deepEqual } from 'node:assert/strict';
import type { INodeProperties, INodePropertyOptions, INodeTypeDescription } from 'n8n-workflow';
import type { Check } from '../checks/check';
import { allOptions, choices, labelsOf, optionsIn, panel } from './descriptions';
import {
	choose,
	closeOffers,
	cutLabels,
	explained,
	labels,
	openNode,
	openOffers,
	openWorkflow,
	parameters,
	shot,
	shows,
} from './page';
import { byName, look, rehearse, type Actor, type Stage } from './stage';

const BLANK = 'Blank';
/** n8n adds it to every node whose credential can sign a request. */
const NOT_OURS = 'Custom API Call';

/** Each node with each of its models, ways of waiting and operations. */
export const panelChecks = (stage: Stage): Check[] => [
	...stage.nodes.flatMap((node) => [
		...modelChecks(stage, node),
		...wayChecks(stage, node),
		...operationChecks(stage, node),
	]),
	referenceCheck(stage),
	hintCheck(stage),
	triggerCheck(stage),
];

const slugOf = ({ name }: INodeTypeDescription) => `panel-${name.split('.').pop()}`;
const property = ({ properties }: INodeTypeDescription, name: string) =>
	properties.find((one) => one.name === name);

/** For each look a node of its own: what one has chosen, the next does not see. */
export async function preparePanels(stage: Stage): Promise<void> {
	for (const node of stage.nodes) {
		const models = choices(property(node, 'model') ?? ({} as INodeProperties));
		const filled = models.map(({ name, value }): Actor => {
			const options = allOptions(optionsIn(node, { model: value }));
			return { name, node, parameters: { model: value, prompt: 'A lighthouse at dawn', options } };
		});
		const others = [...waysOf(node), ...operationsOf(node)].map(({ title }) => title);
		const empty = [BLANK, ...others].map((name) => ({ name, node, parameters: {} }));
		await rehearse(stage, slugOf(node), [...empty, ...filled]);
	}
}

/** Entries of the lists beside the model's and the operation's. */
function waysOf(node: INodeTypeDescription) {
	const lists = panel(node, {}).shown.filter(
		({ type, name }) => type === 'options' && !['model', 'resource', 'operation'].includes(name),
	);
	return lists.flatMap((list) =>
		choices(list).map((entry) => ({ list, entry, title: `${list.displayName} ${entry.name}` })),
	);
}

function operationsOf(node: INodeTypeDescription) {
	return choices(property(node, 'resource') ?? ({} as INodeProperties)).flatMap((of) => {
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

/** What a panel must show with these values, none of it cut, all of it explained that can be. */
async function examine({ tall }: Stage, node: INodeTypeDescription, chosen: object, set = false) {
	const { shown } = panel(node, { ...chosen });
	const options = set ? optionsIn(node, { ...chosen }) : [];
	const all = [...shown, ...options];
	await shows(async () => await labels(tall), labelsOf(all), 'fields of the panel');
	deepEqual(await cutLabels(tall), [], 'no label is cut');
	const expected = labelsOf(all.filter(({ description }) => description));
	await shows(async () => await explained(tall), expected, 'fields with an explanation');
}

async function examineOffers({ tall }: Stage, node: INodeTypeDescription, chosen: object) {
	const expected = labelsOf(optionsIn(node, { ...chosen }));
	deepEqual(await openOffers(tall), expected, 'what Add Option offers');
	deepEqual(
		[...expected].sort((a, b) => a.localeCompare(b)),
		expected,
		'in the alphabet',
	);
}

function modelChecks(stage: Stage, node: INodeTypeDescription): Check[] {
	const { tall, host } = stage;
	const model = property(node, 'model');
	if (!model) return [];
	return choices(model).map(({ name, value }) =>
		look(tall, `${node.displayName} with ${name} offers its own options only`, async () => {
			await openWorkflow(tall, host.url, slugOf(node));
			await openNode(tall, BLANK);
			await choose(tall, 'model', name);
			await examine(stage, node, { model: value });
			await examineOffers(stage, node, { model: value });
			await shot(tall, `offers-${slugOf(node)}-${name}`);
			await closeOffers(tall);
			await openNode(tall, name);
			await examine(stage, node, { model: value }, true);
			await shot(tall, `${slugOf(node)}-${name}`, parameters(tall));
		}),
	);
}

/** What such a list changes is shown at once. */
function wayChecks(stage: Stage, node: INodeTypeDescription): Check[] {
	const { tall, host } = stage;
	return waysOf(node).map(({ list, entry, title }) =>
		look(tall, `${node.displayName} with ${title}`, async () => {
			const chosen = { [list.name]: entry.value };
			await openWorkflow(tall, host.url, slugOf(node));
			await openNode(tall, title);
			await choose(tall, list.name, entry.name);
			await examine(stage, node, chosen);
			await examineOffers(stage, node, chosen);
			await shot(tall, `${slugOf(node)}-${title}`);
			await closeOffers(tall);
		}),
	);
}

function operationChecks(stage: Stage, node: INodeTypeDescription): Check[] {
	const { tall, host } = stage;
	return operationsOf(node).map(({ of, entry, title }) =>
		look(tall, `${node.displayName}: ${title}`, async () => {
			await openWorkflow(tall, host.url, slugOf(node));
			await openNode(tall, title);
			const chosen: Record<string, unknown> = {};
			// an operation may be there only after another choice
			for (const [key, [value] = []] of Object.entries(entry.displayOptions?.show ?? {})) {
				chosen[key] = value;
				await choose(
					tall,
					key,
					choices(property(node, key)!).find((one) => one.value === value)!.name,
				);
			}
			await choose(tall, 'resource', of.name);
			await choose(tall, 'operation', entry.name);
			Object.assign(chosen, { resource: of.value, operation: entry.value });
			await examine(stage, node, chosen);
			await shot(tall, `${slugOf(node)}-${title}`, parameters(tall));
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

function referenceCheck(stage: Stage): Check {
	const { tall, host } = stage;
	return look(tall, 'reference images show what each source needs', async () => {
		const node = byName(stage, 'flux2Bfl');
		const actor = { name: 'References', node, parameters: { referenceImages } };
		await rehearse(stage, 'panel-references', [actor]);
		await openWorkflow(tall, host.url, 'panel-references');
		await openNode(tall, 'References');
		const expected = ['Source', 'Input Data Field Name', 'Source', 'Source', 'URL'];
		const fields = async () => (await labels(tall)).filter((label) => expected.includes(label));
		await shows(fields, expected, 'fields of the reference images');
		await tall.getByText('several are separated by commas').waitFor();
		await shot(tall, 'panel-references', parameters(tall));
	});
}

function hintCheck(stage: Stage): Check {
	const { light, host } = stage;
	return look(light, 'an explanation is shown where the mouse rests', async () => {
		const node = byName(stage, 'flux2Bfl');
		await openWorkflow(light, host.url, slugOf(node));
		await openNode(light, BLANK);
		const label = parameters(light)
			.getByTestId('input-label')
			.filter({ hasText: 'Reference Images' });
		await label.hover();
		await label.locator('[class*="_infoIcon_"]').hover();
		const { description = '' } = property(node, 'referenceImages')!;
		await light.getByText(description).filter({ visible: true }).first().waitFor();
		await shot(light, 'panel-hint');
	});
}

function triggerCheck(stage: Stage): Check {
	const { tall, host } = stage;
	return look(tall, 'the trigger says where its address goes', async () => {
		const node = byName(stage, 'flux2Trigger');
		await openWorkflow(tall, host.url, slugOf(node));
		await openNode(tall, BLANK);
		await examine(stage, node, {});
		await tall.getByText('Put the Production URL above into').waitFor();
		await tall.getByText('Webhook URLs').click();
		await shot(tall, slugOf(node));
		await examineOffers(stage, node, {});
		await shot(tall, `offers-${slugOf(node)}`);
	});
}
