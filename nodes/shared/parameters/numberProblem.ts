/** What a number may be. */
export interface Limits {
	min?: number;
	max?: number;
	multipleOf?: number;
	/** No fraction. */
	whole?: boolean;
}

const MAX_SHOWN_LENGTH = 40;

/** What is wrong with a value, and which number nearest to it would do; undefined where nothing is wrong. */
export function numberProblem(value: unknown, limits: Limits): string | undefined {
	if (typeof value !== 'number' || !Number.isFinite(value))
		return `${toShown(value)} is not a number`;
	const { min = -Infinity, max = Infinity, multipleOf, whole } = limits;
	if (value < min || value > max) return withAdvice(value, rangeProblem(limits), limits);
	if (whole && !Number.isInteger(value)) return withAdvice(value, 'is not a whole number', limits);
	if (whole && !Number.isSafeInteger(value)) return `${value} is too large`;
	if (multipleOf === undefined || value % multipleOf === 0) return undefined;
	return withAdvice(value, `is not a multiple of ${multipleOf}`, limits);
}

function rangeProblem({ min, max }: Limits): string {
	if (min === max) return 'is not possible here';
	if (min !== undefined && max !== undefined) return `is not between ${min} and ${max}`;
	return min === undefined ? `is more than ${max}` : `is less than ${min}`;
}

const withAdvice = (value: number, problem: string, limits: Limits): string =>
	`${value} ${problem}; try ${nearest(value, limits).join(' or ')}`;

/** One number, or two where the value lies between them. */
function nearest(value: number, limits: Limits): number[] {
	const { min = -Infinity, max = Infinity, whole, multipleOf = whole ? 1 : undefined } = limits;
	const clamp = (number: number, low: number, high: number) =>
		Math.min(Math.max(number, low), high);
	if (multipleOf === undefined) return [clamp(value, min, max)];
	const lowest = Math.ceil(min / multipleOf);
	const highest = Math.floor(max / multipleOf);
	const multiples = [Math.floor(value / multipleOf), Math.ceil(value / multipleOf)].map(
		(count) => clamp(count, lowest, highest) * multipleOf,
	);
	return [...new Set(multiples)];
}

/** Not cut: half a secret could not be redacted. */
function toShown(value: unknown): string {
	const text = typeof value === 'number' ? String(value) : String(JSON.stringify(value));
	return text.length > MAX_SHOWN_LENGTH ? 'The value' : text;
}
