import { pickOne, type Random } from '../emulator/images/random';

/** What an answer may hold in place of what its document says. */
const ODD: readonly unknown[] = [
	null,
	0,
	-1,
	1e300,
	true,
	'',
	'something else',
	'x'.repeat(5000),
	[],
	[null],
	{},
	{ error: {} },
];

type Container = Record<string, unknown>;

/** A copy of the JSON with one value somewhere replaced, removed or renamed. */
export function mutated(body: unknown, random: Random): unknown {
	const copy: unknown = structuredClone(body);
	const places = [...placesIn(copy)];
	if (places.length === 0 || random() < 0.05) return pickOne(random, ODD);
	const { holder, key } = pickOne(random, places);
	const how = random();
	if (how < 0.15) delete holder[key];
	else if (how < 0.3) rename(holder, key);
	else holder[key] = pickOne(random, ODD);
	return copy;
}

function* placesIn(value: unknown): Generator<{ holder: Container; key: string }> {
	if (typeof value !== 'object' || value === null) return;
	const holder = value as Container;
	for (const key of Object.keys(holder)) {
		yield { holder, key };
		yield* placesIn(holder[key]);
	}
}

function rename(holder: Container, key: string): void {
	holder[`${key}_`] = holder[key];
	delete holder[key];
}
