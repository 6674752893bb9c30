import { isDeepStrictEqual } from 'node:util';
import type {
	INodeParameters,
	INodeProperties,
	INodePropertyOptions,
	INodeTypeDescription,
} from 'n8n-workflow';
import type { Host } from '../host';
import { OURS } from '../host/workflows';

/** Loads the descriptions that n8n serves of our nodes, without the tool variants for agents. */
export async function loadNodeDescriptions({ rest }: Host): Promise<INodeTypeDescription[]> {
	const response = await rest.get('/types/nodes.json');
	const types = (await response.json()) as INodeTypeDescription[];
	return types.filter(({ name }) => name.startsWith(OURS) && !name.endsWith('Tool'));
}

/** Evaluates a parameter's display condition for these values; "/name" is a parameter of the node. */
function isShown({ displayOptions }: Conditional, values: Values, nodeValues = values): boolean {
	const matches = ([name, wanted]: [string, unknown]) => {
		const value = name.startsWith('/') ? nodeValues[name.slice(1)] : values[name];
		return (wanted as unknown[]).includes(value);
	};
	const { show = {}, hide = {} } = displayOptions ?? {};
	return Object.entries(show).every(matches) && !Object.entries(hide).some(matches);
}

type Conditional = Pick<INodeProperties, 'displayOptions'>;
type Values = Record<string, unknown>;

/** The parameters that a panel shows with these choices, in order, and all their values. */
export function toPanel({ properties }: INodeTypeDescription, chosen: Values) {
	const values: Values = { ...chosen };
	const shown = properties.filter((property) => {
		if (!isShown(property, values)) return false;
		values[property.name] ??= property.default;
		return true;
	});
	return { shown, values };
}

/** The fields inside of a collection that the editor shows from the start; an empty list of entries it does not show. */
const shownInside = ({ type, options = [], default: initial }: INodeProperties) =>
	type === 'collection'
		? (options as INodeProperties[]).filter(({ name }) =>
				isFilled((initial as INodeParameters)[name]),
			)
		: [];

const isFilled = (value: unknown) => value !== undefined && !isDeepStrictEqual(value, {});

/** What a collection of the main panel offers beside what it shows. */
export const findOffered = (collection: INodeProperties): INodeProperties[] =>
	((collection.options ?? []) as INodeProperties[]).filter(
		(option) => !shownInside(collection).includes(option),
	);

/** The properties and, behind each collection, the fields that it shows. */
export const withInside = (properties: readonly INodeProperties[]): INodeProperties[] =>
	properties.flatMap((property) => [property, ...shownInside(property)]);

/** The options that a collection offers in a panel with these values. */
export function findOptions(node: INodeTypeDescription, chosen: Values): INodeProperties[] {
	const { shown, values } = toPanel(node, chosen);
	const collection = shown.find(({ name }) => name === 'options');
	const options = (collection?.options ?? []) as INodeProperties[];
	return options.filter((option) => isShown(option, {}, values));
}

/** Every option with its default value. */
export const toDefaults = (options: readonly INodeProperties[]): INodeParameters =>
	Object.fromEntries(options.map(({ name, default: value }) => [name, value as string]));

export const toLabels = (properties: readonly INodeProperties[]): string[] =>
	properties.filter(({ type }) => type !== 'notice').map(({ displayName }) => displayName);

/** The entries of a list that can be chosen with these values. */
export function findChoices({ options = [] }: INodeProperties, values: Values = {}) {
	return (options as INodePropertyOptions[]).filter((option) => isShown(option, values));
}
