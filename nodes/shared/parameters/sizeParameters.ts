import { choice, decimal, inPanel, shownWhen, withRange, type Param } from './param';
import type { ParameterReader } from './reader';
import {
	DEFAULT_MEGAPIXELS,
	isRatio,
	megapixelsOf,
	nearestRatio,
	proportionOf,
	RATIOS,
	sizeOfRatio,
	type PixelSizes,
	type RatioSizes,
	type Sizes,
} from './size';

const MIN_MEGAPIXELS = 0.1;

const optionsOf = (custom: string) => ({
	automatic: { name: 'Automatic', description: 'The provider decides' },
	'1:1': '1:1 (Square)',
	'16:9': '16:9 (Wide)',
	'9:16': '9:16 (Tall)',
	'4:3': '4:3',
	'3:4': '3:4',
	'3:2': '3:2',
	'2:3': '2:3',
	'4:5': '4:5',
	'5:4': '5:4',
	'21:9': '21:9 (Cinema)',
	custom: `Custom (${custom})`,
});

const sizeChoice = (custom: string) =>
	inPanel(
		choice('size', {
			label: 'Size',
			description:
				'The proportions of the image. What is sent never has more pixels than asked for.',
			options: optionsOf(custom),
			default: 'automatic',
			in: 'node',
		}),
	);

const CUSTOM = { size: ['custom'] };

const megapixels = inPanel(
	shownWhen(
		decimal('megapixels', {
			label: 'Megapixels',
			description:
				'How large the image is, from 0.1 to the most that the model makes. One megapixel is 1024 × 1024 pixels; most providers bill each started one.',
			min: MIN_MEGAPIXELS,
			default: DEFAULT_MEGAPIXELS,
			in: 'node',
		}),
		{ size: [...RATIOS] },
	),
);

/** Size and Megapixels, and the width and height of a custom size. */
export function pixelParameters(
	{ maxPixels }: PixelSizes,
	...sides: ReadonlyArray<Param<number | undefined>>
): Param[] {
	const max = maxPixels && Math.floor(megapixelsOf(maxPixels) * 100) / 100;
	return [
		sizeChoice('Width and Height'),
		withRange(megapixels, { min: MIN_MEGAPIXELS, max }),
		...sides.map(shownForCustom),
	];
}

/** Size, and the provider's own aspect ratio of a custom size; Megapixels and the resolution where there are several. */
export function ratioParameters(
	{ resolutions }: RatioSizes,
	aspectRatio: Param,
	resolution: Param,
): Param[] {
	const [[min] = [1], ...larger] = resolutions;
	const own = [sizeChoice('Aspect Ratio'), shownForCustom(aspectRatio)];
	if (larger.length === 0) return own;
	const max = larger.at(-1)?.[0];
	return [...own, withRange(megapixels, { min, max }), shownForCustom(resolution)];
}

const shownForCustom = (param: Param): Param => inPanel(shownWhen(param, CUSTOM));

/** What a custom size is made of, by the parameters' own names. */
const CUSTOM_NAMES = ['width', 'height', 'aspectRatio', 'resolution'];

/** The values with the fields that the provider knows, in place of a size that is none of its own. */
export function withSize(
	reader: ParameterReader,
	values: ReadonlyMap<string, unknown>,
	{ name, sizes, parameters }: { name: string; sizes?: Sizes; parameters: readonly Param[] },
): ReadonlyMap<string, unknown> {
	const size = values.get('size') ?? 'automatic';
	if (!sizes) return values;
	if (size === 'custom') return without(values, ['megapixels']);
	const others = without(values, CUSTOM_NAMES);
	if (!isRatio(size)) return without(others, ['megapixels']);
	const wanted = megapixelsIn(values, parameters);
	const fields =
		'ratios' in sizes
			? nearestRatio(size, sizes, wanted)
			: sizeOfRatio(proportionOf(size), sizes, wanted);
	if (!fields)
		reader.addProblem('Size', `${name} makes no image of ${size} with so many megapixels`);
	return new Map([...others, ...Object.entries(fields ?? {})]);
}

const without = (values: ReadonlyMap<string, unknown>, names: readonly string[]) =>
	new Map([...values].filter(([name]) => !names.includes(name)));

/** Undefined where it is unset, and where it is wrong, which is reported with the other parameters. */
function megapixelsIn(
	values: ReadonlyMap<string, unknown>,
	parameters: readonly Param[],
): number | undefined {
	const param = parameters.find(({ property }) => property.name === 'megapixels');
	return param?.schema().safeParse(values.get('megapixels')).data as number | undefined;
}
