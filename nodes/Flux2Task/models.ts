import type { Model } from '../shared/parameters/model';
import { seed, size } from '../shared/parameters/options';
import { choice, integer, withValues, encodedAs } from '../shared/parameters/param';

/** `task`: Vtrix's generation API. `queue`: the queue API of SeaCloud and its white labels. */
export type Dialect = 'task' | 'queue';

export interface TaskModel extends Model {
	readonly dialect: Dialect;
}

const width = integer('width', {
	label: 'Width',
	description: 'In pixels: a multiple of 32, at least 64',
	hint: 'In pixels, a multiple of 32',
	min: 64,
	multipleOf: 32,
	default: 1024,
});
const height = integer('height', {
	label: 'Height',
	description: 'In pixels: a multiple of 32, at least 64',
	hint: 'In pixels, a multiple of 32',
	min: 64,
	multipleOf: 32,
	default: 1024,
});
// the document's text says 0 to 6, its range 1 to 6; the queue API takes whole numbers from 0 to 5
const safetyTolerance = choice('safety_tolerance', {
	label: 'Safety Tolerance',
	description: 'How much the moderation lets pass. 6 is available in the dialect Task only.',
	options: {
		'0': '0 (Strictest)',
		'1': '1',
		'2': '2',
		'3': '3',
		'4': '4',
		'5': '5',
		'6': '6 (Least Strict)',
	},
	default: '2',
});
const outputFormat = choice('output_format', {
	label: 'Output Format',
	description:
		"The image's file format. JPEG when unset; WebP is available in the dialect Queue only.",
	options: { jpeg: 'JPEG', png: 'PNG', webp: 'WebP' },
	default: 'jpeg',
});

const common = [size, width, height, seed];

const flux2Pro = {
	id: 'flux_2_pro',
	name: 'FLUX.2 [pro]',
	description: 'Improved quality and faster processing',
	maxReferences: 8,
	typicalSeconds: 10,
};

/** Every model of the node; a new one is one more record. */
export const models: readonly TaskModel[] = [
	{
		...flux2Pro,
		dialect: 'task',
		parameters: [...common, safetyTolerance, withValues(outputFormat, 'jpeg', 'png')],
	},
	{
		...flux2Pro,
		dialect: 'queue',
		parameters: [
			...common,
			encodedAs(withValues(safetyTolerance, '0', '1', '2', '3', '4', '5'), Number),
			outputFormat,
		],
	},
];
