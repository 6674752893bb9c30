import { withBuilderHint } from './builderHint';
import { linkLifetime } from './linkLifetime';
import { choice, decimal, inPanel, integer, jsonObject, text, toggle, type Param } from './param';

/** The names of the editor's collections. */
export const OPTIONS = 'options';
export const FILTERS = 'filters';

/** The node's own options: the same on every node that has the operation. */
const own = { in: 'node' } as const;

export const prompt = text('prompt', {
	label: 'Prompt',
	description:
		'What the image shows, or what to change in the reference images. JSON and hex colors work too.',
	placeholder: 'e.g. A lighthouse at dawn, watercolor',
	rows: 4,
});

export const maxConcurrent = integer('maxConcurrent', {
	label: 'Max Concurrent',
	description:
		'How many items to process at once. Lowered automatically while the provider reports too many requests.',
	min: 1,
	max: 100,
	default: 4,
	...own,
});

export const simplify = toggle('simplify', {
	label: 'Simplify',
	description: 'Whether to return a simplified version of the response instead of the raw data',
	default: true,
	...own,
});

export const customBody = jsonObject('customBody', {
	label: 'Custom Body',
	description:
		'JSON that is merged into the request last, for fields that this node does not know yet. It can change every other field.',
	...own,
});

export const maxCost = withBuilderHint(
	decimal('maxCost', {
		label: 'Max Cost',
		description:
			'How much this node may spend in one execution, in US dollars. When its items would cost more, nothing is submitted.',
		hint: 'In US dollars',
		min: 0,
		precision: 4,
		default: 1,
		...own,
	}),
	'Set it where a list, a form or an agent decides how many images are made.',
);

export const assumedCost = decimal('assumedCost', {
	label: 'Assumed Cost',
	description:
		'What Max Cost counts for each image whose price is not known, in US dollars. Without it, such images are not submitted when Max Cost is set.',
	hint: 'In US dollars per image',
	min: 0,
	precision: 4,
	default: 0.1,
	...own,
});

export const timeout = integer('timeout', {
	label: 'Timeout',
	description: 'How many seconds an image may take, from the accepted request until it is stored',
	hint: 'In seconds',
	min: 1,
	max: 86_400,
	default: 600,
	...own,
});

export const pollInterval = decimal('pollInterval', {
	label: 'Poll Interval',
	description:
		'Seconds between two polls of a task. When unset, the node learns how long the model takes and polls around that time, never faster than the provider asks.',
	hint: 'In seconds',
	min: 0.01,
	max: 3600,
	default: 3,
	...own,
});

export const binaryField = text('binaryField', {
	label: 'Put Output File in Field',
	description: 'The name of the output field to put the image in',
	default: 'data',
	...own,
});

export const fileName = text('fileName', {
	label: 'File Name',
	description:
		"The image's file name without the extension, which is added to match the real file type. When unset, the prompt and the end of the task ID.",
	placeholder: 'e.g. product-photo',
	...own,
});

export const download = toggle('download', {
	label: 'Download',
	description:
		'Whether to download the image into the output field. When off, only its URL is returned, which the provider keeps for a short time. Has no effect where the response is the image itself.',
	default: true,
	...own,
});

/** Every model of every provider has it, within these limits. */
export const seed = integer('seed', {
	label: 'Seed',
	description: 'The same seed with the same parameters gives the same image. Random when unset.',
	min: Number.MIN_SAFE_INTEGER,
	max: Number.MAX_SAFE_INTEGER,
	default: 0,
});

/** Only where a provider can be asked, and its list price is known too. */
export const priceFrom = choice('priceFrom', {
	label: 'Price From',
	description: 'Where the price comes from',
	options: { formula: 'Price List', provider: 'Provider' },
	default: 'formula',
});

export const waitForCompletion = toggle('waitForCompletion', {
	label: 'Wait for Completion',
	description:
		'Whether to wait until the image is ready. When off, a task that is still running is returned as it is.',
	default: true,
});

export const returnAll = toggle('returnAll', {
	label: 'Return All',
	description: 'Whether to return all results or only up to a given limit',
	default: false,
});

export const limit = integer('limit', {
	label: 'Limit',
	description: 'Max number of results to return',
	min: 1,
	default: 50,
});

/** The label of what decides whether a node polls, is notified or waits in one call. */
export const HOW_TO_WAIT = 'How to Wait';

/** The value of that option where the execution is suspended until the provider calls. */
export const CALLBACK = 'callback';

/** That choice in the editor. */
export const callbackChoice = (caller: string) => ({
	name: 'Callback',
	description: `Suspends the execution, without holding a worker, until ${caller} calls n8n. One item per execution; n8n must be reachable from the internet.`,
});

/** How the node waits, where the provider can call n8n. */
export const completion = (caller: string) =>
	choice('completion', {
		label: HOW_TO_WAIT,
		description: 'How the node waits for the image',
		options: {
			[CALLBACK]: callbackChoice(caller),
			poll: { name: 'Poll', description: 'Checks at intervals until the image is ready' },
		},
		default: 'poll',
		...own,
	});

const MAX_IMAGES = 10;

export const numberOfImages = withBuilderHint(
	inPanel(
		integer('numberOfImages', {
			label: 'Number of Images',
			description:
				'How many images to make of the prompt. Each is an item of its own and is paid for. With a seed, each image takes the next number.',
			min: 1,
			max: MAX_IMAGES,
			default: 1,
			...own,
		}),
	),
	'Variants of one prompt. Different prompts are different items.',
);

const common: readonly Param[] = [maxConcurrent, simplify];
const collect: readonly Param[] = [
	timeout,
	pollInterval,
	binaryField,
	fileName,
	download,
	linkLifetime,
];

/** Options of an operation that sends a request. */
const send: readonly Param[] = [numberOfImages, customBody, maxCost, assumedCost];

/** Options of an operation that sends a request and does not wait. */
export const submitOptions: readonly Param[] = [...send, ...common];

/** Options of an operation that waits for an image and stores it. */
export const collectOptions: readonly Param[] = [...collect, ...common];

/** Options of an operation that sends, waits and stores. */
export const generateOptions: readonly Param[] = [...send, ...collect, ...common];

/** The same where one call does it all, so that there is nothing to poll. */
export const syncOptions = generateOptions.filter((param) => param !== pollInterval);
