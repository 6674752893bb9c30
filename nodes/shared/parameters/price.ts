import { megapixelsOf, type Size } from './size';

/** What a price counts: the started megapixels of each image, exact megapixels, started tiles of 512 × 512, or images. */
export type PriceUnit = 'startedMegapixel' | 'megapixel' | 'tile' | 'image';

/** A published price in US dollars, as data. */
export interface ListPrice {
	readonly unit: PriceUnit;
	/** For the first unit of the generated image. */
	readonly first: number;
	/** For each further unit of it; the same when left out. */
	readonly further?: number;
	/** For each unit of a reference image; nothing when left out. */
	readonly reference?: number;
	/** The amounts for a request with reference images, where they differ. */
	readonly edit?: Pick<ListPrice, 'first' | 'further' | 'reference'>;
	/** A reference counts so many units at most, because the provider makes larger ones smaller first. */
	readonly maxReferenceUnits?: number;
	/** The amounts are for so many steps. */
	readonly perSteps?: number;
	/** Counted where no steps are set and no document says how many the provider takes. */
	readonly assumedSteps?: number;
	/** Which requests the documents leave no doubt about. */
	readonly certain: 'all' | 'withoutReferences' | 'none';
	/** Where the price is published. */
	readonly source: string;
	/** When it was read there: ISO 8601, without a time. */
	readonly date: string;
}

/** What of a model its price depends on. */
export interface Priced {
	/** Left out where nobody has published a price. */
	readonly price?: ListPrice;
	/** What the model makes when no size is set, where the provider's documents say so. */
	readonly automaticSize?: Size;
	/** What it makes is as large as the first image that it is given. */
	readonly keepsSize?: boolean;
}

/** What of a request its price depends on. */
export interface PriceFacts {
	/** Left out where the provider chooses it. */
	readonly width?: number;
	readonly height?: number;
	readonly steps?: number;
	/** The size of each reference image; undefined where it is not known. */
	readonly references: ReadonlyArray<Size | undefined>;
	/** How many images the request asks for. */
	readonly images: number;
	/** Whether the request has fields that nothing is known of. */
	readonly hasUnknownFields?: boolean;
}

/** What a request will cost. */
export interface Estimate {
	amount: number;
	currency: 'USD';
	/** Whether the provider will charge just that. */
	exact: boolean;
	basis: 'formula' | 'precharge' | 'pricing API';
	/** Something that is not known is counted with the least that it can be. */
	atLeast?: true;
}

const TILE_SIDE = 512;
/** The side that counts where it is not known: one megapixel in all. */
export const ASSUMED_SIDE = 1024;

/** Sums of binary fractions would otherwise show digits that nobody has charged. */
export const roundUsd = (amount: number): number => Number(amount.toFixed(6));

/** "$0.03", "$0.001148": no fewer digits than people write, and no more than there are. */
export const formatUsd = (amount: number): string => {
	const [whole, fraction = ''] = String(roundUsd(amount)).split('.');
	return `$${whole}.${fraction.padEnd(2, '0')}`;
};

/** The same in any currency: "2.00 EUR". */
export const formatAmount = (amount: number, currency: string): string =>
	currency === 'USD' ? formatUsd(amount) : `${formatUsd(amount).slice(1)} ${currency}`;

/** How many megapixels are counted: each started one. */
export const startedMegapixels = ({ width, height }: Size): number =>
	Math.max(1, Math.ceil(megapixelsOf(width * height)));

const UNITS_OF: Readonly<Record<PriceUnit, (size: Size) => number>> = {
	startedMegapixel: startedMegapixels,
	megapixel: ({ width, height }) => megapixelsOf(width * height),
	tile: ({ width, height }) => Math.ceil(width / TILE_SIDE) * Math.ceil(height / TILE_SIDE),
	image: () => 1,
};

/** By the model's list price; undefined where it has none. */
export function estimatePrice(
	{ price, automaticSize }: Priced,
	facts: PriceFacts,
): Estimate | undefined {
	if (!price) return undefined;
	const { images, references } = facts;
	const amounts = references.length > 0 ? (price.edit ?? price) : price;
	const { first, further = first, reference = 0 } = amounts;
	const units = UNITS_OF[price.unit](outputSize(automaticSize, facts));
	const referenceUnits = references.reduce((sum, size) => sum + unitsOfReference(price, size), 0);
	const amount = first + further * (units - 1) + reference * referenceUnits;
	const atLeast = leavesPriceOpen({ price, automaticSize }, facts);
	return {
		amount: roundUsd(amount * stepsFactor(price, facts) * images),
		currency: 'USD',
		exact: !atLeast && isCertain(price, facts),
		basis: 'formula',
		...(atLeast && { atLeast }),
	};
}

const outputSize = (
	{ width: standardWidth, height: standardHeight }: Partial<Size> = {},
	{ width = standardWidth, height = standardHeight }: PriceFacts,
): Size => ({ width: width ?? ASSUMED_SIDE, height: height ?? ASSUMED_SIDE });

/** One of unknown size counts as one unit. */
function unitsOfReference({ unit, maxReferenceUnits }: ListPrice, size: Size | undefined): number {
	return size ? Math.min(UNITS_OF[unit](size), maxReferenceUnits ?? Infinity) : 1;
}

function stepsFactor({ perSteps, assumedSteps }: ListPrice, { steps }: PriceFacts): number {
	return perSteps === undefined ? 1 : (steps ?? assumedSteps ?? perSteps) / perSteps;
}

const hasBothSides = (
	{ width: standardWidth, height: standardHeight }: Partial<Size> = {},
	{ width = standardWidth, height = standardHeight }: PriceFacts,
): boolean => width !== undefined && height !== undefined;

/** Whether something is not known that the price depends on. */
export function leavesPriceOpen({ price, automaticSize }: Priced, facts: PriceFacts): boolean {
	const hasSize = price?.unit === 'image' || hasBothSides(automaticSize, facts);
	const hasSteps = facts.steps !== undefined || price?.assumedSteps === undefined;
	const countsReferences = !price || price.reference !== undefined;
	const hasReferences = !countsReferences || !facts.references.includes(undefined);
	return !hasSize || !hasSteps || !hasReferences || (facts.hasUnknownFields ?? false);
}

function isCertain(price: ListPrice, { references }: PriceFacts): boolean {
	const { certain, maxReferenceUnits = Infinity, unit } = price;
	if (certain === 'none') return false;
	if (certain === 'withoutReferences') return references.length === 0;
	return references.every((size) => size && UNITS_OF[unit](size) <= maxReferenceUnits);
}
