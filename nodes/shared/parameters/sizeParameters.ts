import { withBuilderHint } from './builderHint';
import { choice, decimal, inPanel, shownWhen, withRange, zeroAsUnset, type Param } from './param';
import { DEFAULT_MEGAPIXELS, megapixelsOf, RATIOS, type PixelSizes, type RatioSizes } from './size';

const MIN_MEGAPIXELS = 0.1;
export const LIKE_REFERENCE = 'likeReference';

const optionsOf = (custom: string) => ({
	automatic: { name: 'Automatic', description: 'The provider decides' },
	likeReference: {
		name: 'Like the Reference Image',
		description: 'The size of the first reference image, within the limits of the model',
	},
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
	withBuilderHint(
		inPanel(
			choice('size', {
				label: 'Size',
				description:
					'The proportions of the image. What is sent never has more pixels than asked for.',
				options: optionsOf(custom),
				default: 'automatic',
				in: 'node',
			}),
		),
		'Prefer a ratio with megapixels to custom, whose sides must fit the model. likeReference keeps the size of an edited photo.',
	);

const CUSTOM = { size: ['custom'] };

const MEGAPIXELS = 'One megapixel is 1024 × 1024 pixels; most providers bill each started one.';

const megapixels = decimal('megapixels', {
	label: 'Megapixels',
	description: `How large the image is at most, from 0.1 to what the model makes. ${MEGAPIXELS}`,
	min: MIN_MEGAPIXELS,
	default: DEFAULT_MEGAPIXELS,
	in: 'node',
});

/** Megapixels up to this. For a ratio there is a default, and a reference image has a size of its own. */
function megapixelsUpTo(min: number, max: number | undefined): Param {
	const param = inPanel(
		shownWhen(zeroAsUnset(withRange(megapixels, { min, max })), { size: [...RATIOS] }),
	);
	const { property } = megapixels;
	const likeReference = {
		...param.property,
		default: 0,
		description: `How large the image is at most. 0 keeps the size of the reference image, as far as the model makes it. ${MEGAPIXELS}`,
		displayOptions: { show: { size: [LIKE_REFERENCE] } },
	};
	return {
		...param,
		property: { ...param.property, typeOptions: property.typeOptions },
		variants: [likeReference],
	};
}

/** Size and Megapixels, and the width and height of a custom size. */
export function pixelParameters(
	{ maxPixels }: PixelSizes,
	...sides: ReadonlyArray<Param<number | undefined>>
): Param[] {
	const max = maxPixels && Math.floor(megapixelsOf(maxPixels) * 100) / 100;
	return [
		sizeChoice('Width and Height'),
		megapixelsUpTo(MIN_MEGAPIXELS, max),
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
	return [...own, megapixelsUpTo(min, larger.at(-1)?.[0]), shownForCustom(resolution)];
}

const shownForCustom = (param: Param): Param => inPanel(shownWhen(param, CUSTOM));
