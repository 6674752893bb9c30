import { customModel, type Model } from '../shared/parameters/model';
import { seed } from '../shared/parameters/options';
import {
	choice,
	integer,
	withRange,
	withValues,
	encodedAs,
	shownWhen,
	type Param,
} from '../shared/parameters/param';
import { pixelParameters } from '../shared/parameters/sizeParameters';

/** `task`: Vtrix's generation API. `queue`: the queue API of SeaCloud, SeaArt and others. */
export type Dialect = 'task' | 'queue';

export interface TaskModel extends Model {
	readonly dialect: Dialect;
}

/** The first is what the editor shows at first. */
export const dialects = ['task', 'queue'] as const satisfies readonly Dialect[];

/** An option of every operation that sends a request. */
export const bodyFormat = shownWhen(
	choice('bodyFormat', {
		label: 'Body Format',
		description:
			'How the parameters are arranged in the request. Try Flat when the service refuses Nested.',
		options: {
			flat: { name: 'Flat', description: 'Parameters next to the model' },
			wrapped: { name: 'Nested', description: "As the service's own clients send it" },
		},
		default: 'wrapped',
		in: 'node',
	}),
	{ '/dialect': ['task'] },
);

// the documents name no largest side
const sizes = { step: 32, minSide: 64, maxSide: 2048, maxPixels: 4 * 1024 * 1024 };

const width = integer('width', {
	label: 'Width',
	description: 'In pixels: a multiple of 32, at least 64',
	hint: 'In pixels, a multiple of 32',
	min: sizes.minSide,
	multipleOf: sizes.step,
	default: 1024,
});
const height = integer('height', {
	label: 'Height',
	description: 'In pixels: a multiple of 32, at least 64',
	hint: 'In pixels, a multiple of 32',
	min: sizes.minSide,
	multipleOf: sizes.step,
	default: 1024,
});
// the document's text says 0 to 6, its range 1 to 6; the queue API takes whole numbers from 0 to 5
const safetyTolerance = choice('safety_tolerance', {
	label: 'Safety Tolerance',
	description: 'How much the moderation lets pass. Vtrix alone takes 6.',
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
	description: "The image's file format. JPEG when unset; Vtrix has no WebP.",
	options: { jpeg: 'JPEG', png: 'PNG', webp: 'WebP' },
	default: 'jpeg',
});

/** A model that is not on the list: nobody knows its limits, so a custom size is sent as it is given. */
export function toCustomModel(id: string, candidates: readonly TaskModel[]): Model {
	const model = customModel(id, candidates);
	const anySide = (param: Param): Param =>
		['width', 'height'].includes(param.wireName)
			? withRange(param as Param<number>, { min: 1 })
			: param;
	return { ...model, parameters: model.parameters.map(anySide) };
}

const common = [...pixelParameters(sizes, width, height), seed];

const flux2Pro = {
	id: 'flux_2_pro',
	name: 'FLUX.2 [pro]',
	description: 'Best balance of quality and speed; the service sets the price',
	maxReferences: 8,
	sizes,
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
