import type { IDisplayOptions, INodeProperties } from 'n8n-workflow';
import {
	generateOptions,
	numberOfImages,
	prompt,
	submitOptions,
} from '../shared/parameters/options';
import { choice, type Param } from '../shared/parameters/param';
import { fixedModelProperties } from '../shared/parameters/properties';
import { completion } from './models';
import { tools, type Tool } from './tools';

type Show = NonNullable<IDisplayOptions['show']>;

/** The value of the parameter Tool where a model makes the image. */
export const NO_TOOL = 'none';

/** Of the others nobody has published a price. */
const priced = tools.filter(({ price }) => price);

const toolChoice = (offered: readonly Tool[]) =>
	choice('tool', {
		label: 'Tool',
		description: 'Which tool makes the image; None for a model, as in Generate and Edit',
		options: {
			[NO_TOOL]: 'None',
			...Object.fromEntries(offered.map(({ operation, name }) => [operation, name])),
		},
		default: NO_TOOL,
	}).property;

/** The editor's Tool, with which *Submit* and *Estimate Cost* ask for a tool instead of a model. */
export const toolChoices = (submit: Show, estimate: Show): INodeProperties[] => [
	{ ...toolChoice(tools), displayOptions: { show: submit } },
	{ ...toolChoice(priced), displayOptions: { show: estimate } },
];

/** The editor's properties of each tool: as an operation, and of *Submit* and *Estimate Cost* where it is chosen. */
export const toolProperties = (submit: Show, estimate: Show): INodeProperties[] => [
	...tools.flatMap((tool) =>
		propertiesOf(tool, waitOptionsOf(tool), { resource: ['image'], operation: [tool.operation] }),
	),
	...tools.flatMap((tool) =>
		propertiesOf(tool, submitOptions, { ...submit, tool: [tool.operation] }),
	),
	...priced.flatMap((tool) =>
		propertiesOf(tool, waitOptionsOf(tool), { ...estimate, tool: [tool.operation] }),
	),
];

const waitOptionsOf = ({ callsBack = true }: Tool): Param[] =>
	callsBack ? [...generateOptions, completion] : [...generateOptions];

function propertiesOf(tool: Tool, nodeOptions: readonly Param[], show: Show): INodeProperties[] {
	const { promptField, varies } = tool;
	const own = varies ? nodeOptions : nodeOptions.filter((param) => param !== numberOfImages);
	return [
		...(promptField ? [{ ...prompt.property, ...promptField, displayOptions: { show } }] : []),
		...fixedModelProperties(tool, own, show),
	];
}
