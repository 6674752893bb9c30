import fc from './properties';

/** Places at which bytes are cut on their way. */
export const cuts = fc.array(fc.nat(), { maxLength: 30 });

/** The bytes in pieces that end at these places. */
export function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
	const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort(
		(a, b) => a - b,
	);
	return [0, ...ends].map((start, index) => bytes.subarray(start, ends[index] ?? bytes.length));
}
