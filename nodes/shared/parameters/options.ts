import { choice, decimal, integer, jsonObject, text, toggle, type Param } from './param';

/** The node's own options; the same on every node that has the operation. */
const goesTo = 'setting' as const;

export const maxConcurrent = integer('maxConcurrent', {
	label: 'Max Concurrent',
	description:
		'How many items to process at once. Lowered automatically while the provider reports too many requests.',
	min: 1,
	max: 100,
	default: 4,
	goesTo,
});

export const simplify = toggle('simplify', {
	label: 'Simplify',
	description: 'Whether to return a simplified version of the response instead of the raw data',
	default: true,
	goesTo,
});

export const customBody = jsonObject('customBody', {
	label: 'Custom Body',
	description:
		'JSON that is merged into the request last, for fields that this node does not know yet. It can change every other field.',
	goesTo,
});

export const timeout = integer('timeout', {
	label: 'Timeout',
	description: 'How many seconds an image may take, from the accepted request until it is stored',
	hint: 'In seconds',
	min: 1,
	max: 86_400,
	default: 600,
	goesTo,
});

export const pollInterval = decimal('pollInterval', {
	label: 'Poll Interval',
	description:
		'Seconds between two polls of a task. When unset, the node learns how long the model takes and polls around that time, never faster than the provider asks.',
	hint: 'In seconds',
	min: 0.01,
	max: 3600,
	default: 3,
	goesTo,
});

export const binaryField = text('binaryField', {
	label: 'Put Output File in Field',
	description: 'The name of the output field to put the image in',
	default: 'data',
	goesTo,
});

export const fileName = text('fileName', {
	label: 'File Name',
	description:
		"The image's file name without the extension, which is added to match the real file type. When unset, the model and the task ID.",
	placeholder: 'e.g. product-photo',
	goesTo,
});

export const download = toggle('download', {
	label: 'Download',
	description:
		'Whether to download the image into the output field. When off, only its URL is returned, which the provider keeps for a short time. Has no effect where the response is the image itself.',
	default: true,
	goesTo,
});

// every preset is a multiple of 32, between 256 and 1920 on each side and below 2 megapixels: all documented APIs take it
const presets = {
	square: { width: 1024, height: 1024 },
	portrait: { width: 896, height: 1152 },
	landscape: { width: 1152, height: 896 },
	wide: { width: 1344, height: 768 },
} as const;

export const size = choice('size', {
	label: 'Size',
	description: 'A common size, in place of Width and Height',
	options: {
		custom: 'Custom (Width and Height)',
		landscape: 'Landscape (1152 × 896)',
		portrait: 'Portrait (896 × 1152)',
		square: 'Square (1024 × 1024)',
		wide: 'Wide (1344 × 768)',
	},
	default: 'square',
	goesTo,
});

/** Width and height of a preset in pixels; undefined for "custom" and when unset. */
export const presetSize = (preset: string | undefined) =>
	presets[preset as keyof typeof presets] as { width: number; height: number } | undefined;

/** Every model of every provider has it; the schemas that tell limits tell these. */
export const seed = integer('seed', {
	label: 'Seed',
	description: 'The same seed with the same parameters gives the same image. Random when unset.',
	min: Number.MIN_SAFE_INTEGER,
	max: Number.MAX_SAFE_INTEGER,
	default: 0,
});

const common: readonly Param[] = [maxConcurrent, simplify];
const collecting: readonly Param[] = [timeout, pollInterval, binaryField, fileName, download];

/** Options of an operation that sends a request and does not wait. */
export const submitOptions: readonly Param[] = [customBody, ...common];

/** Options of an operation that waits for a picture and stores it. */
export const collectOptions: readonly Param[] = [...collecting, ...common];

/** Options of an operation that sends, waits and stores. */
export const generateOptions: readonly Param[] = [customBody, ...collecting, ...common];

/** The same where one call does it all: there is nothing to look at in between. */
export const syncOptions = generateOptions.filter((param) => param !== pollInterval);
