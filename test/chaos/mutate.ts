import { pickOne, type Random } from '../emulator/images/random';

/** Values that a response may hold in place of the documented ones. */
const UNEXPECTED_VALUES: readonly unknown[] = [
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

/** Copies the JSON and replaces, removes or renames one value in it. */
export function mutate(body: unknown, random: Random): unknown {
	const copy: unknown = structuredClone(body);
	const entries = [...findEntries(copy)];
	if (entries.length === 0 || random() < 0.05) return pickOne(random, UNEXPECTED_VALUES);
	const { holder, key } = pickOne(random, entries);
	const choice = random();
	if (choice < 0.15) delete holder[key];
	else if (choice < 0.3) rename(holder, key);
	else holder[key] = pickOne(random, UNEXPECTED_VALUES);
	return copy;
}

function* findEntries(value: unknown): Generator<{ holder: Container; key: string }> {
	if (typeof value !== 'object' || value === null) return;
	const holder = value as Container;
	for (const key of Object.keys(holder)) {
		yield { holder, key };
		yield* findEntries(holder[key]);
	}
}

function rename(holder: Container, key: string): void {
	holder[`${key}_`] = holder[key];
	delete holder[key];
}
