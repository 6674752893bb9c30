import type { RouteName } from '../emulator';
import fc from './properties';

/** A response as the provider's documents show it when all is well. */
export interface GoodResponse extends GoodBody {
	/** The emulator's route. */
	route: RouteName;
	/** Method and path below the base URL. */
	call: string;
	/** Its name, where it is an event of a stream. */
	event?: string;
}

export interface GoodBody {
	/** Bytes are an image. */
	body: Record<string, unknown> | Buffer;
	/** The few fields without which there is no task or no image: "output.0.content.0.url". */
	needs: readonly string[];
	/** The field that names the task, where it may be missing. Another task's ID in it is no good response. */
	taskId?: string;
}

type Container = Record<string, unknown>;

/** Names that every object inherits are unknown fields too. */
const INHERITED_NAMES = ['constructor', '__proto__', 'hasOwnProperty', 'toString'];
/** What is no entry of any list. */
const ODD_ENTRIES = [null, 0, 'text', [], {}];

const isContainer = (value: unknown): value is Container =>
	typeof value === 'object' && value !== null;

const typeOf = (value: unknown): string => {
	if (value === null) return 'null';
	return Array.isArray(value) ? 'list' : typeof value;
};

/** Every field of the JSON, by its path. */
export function pathsIn(value: unknown, path: readonly string[] = []): string[] {
	if (!isContainer(value)) return [];
	return Object.keys(value).flatMap((key) => {
		const own = [...path, key];
		return [own.join('.'), ...pathsIn(value[key], own)];
	});
}

export const valueAt = (body: unknown, path: string): unknown =>
	path === ''
		? body
		: path.split('.').reduce((value: unknown, key) => (value as Container)[key], body);

/** Whether the body has what is needed of a good response: a poll of a task that still runs has not. */
export function isGood(
	body: unknown,
	{ needs }: Pick<GoodBody, 'needs'>,
): body is GoodBody['body'] {
	const paths = pathsIn(body);
	return needs.every((path) => paths.includes(path));
}

/** The field that holds a needed one is needed itself. */
const isNeeded = (path: string, needs: readonly string[]) =>
	needs.some((need) => need === path || need.startsWith(`${path}.`));

const anyValue = fc.oneof(
	fc.constant(null),
	fc.integer(),
	fc.double({ noNaN: true, noDefaultInfinity: true }),
	fc.boolean(),
	fc.string(),
	fc.array(fc.jsonValue(), { maxLength: 3 }),
	fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 3 }),
);

/** Finds its place in a copy of the body first, and changes it afterwards. */
type Edit = (copy: unknown) => () => void;

/** Takes a field away, empties it, or puts a value of another type or out of any range in its place. */
function changeOf({ body, taskId }: GoodBody, path: string): fc.Arbitrary<Edit> {
	const keys = path.split('.');
	const key = keys.at(-1)!;
	const old = valueAt(body, path);
	const otherTypes = anyValue.filter((value) => typeOf(value) !== typeOf(old));
	const others =
		path === taskId
			? otherTypes.filter((value) => !['string', 'number'].includes(typeof value))
			: fc.oneof(otherTypes, fc.constantFrom('', 1e300, -1));
	return fc.option(fc.record({ value: others }), { nil: undefined }).map((change) => (copy) => {
		const holder = valueAt(copy, keys.slice(0, -1).join('.')) as Container;
		return () => {
			if (change) holder[key] = change.value;
			else delete holder[key];
		};
	});
}

const unknownName = fc.oneof(
	fc.constantFrom(...INHERITED_NAMES),
	fc.string().map((name) => `x_${name}`),
);

/** Adds a field that no document knows, or an entry that is none before those of a list. */
const additionTo = (path: string): fc.Arbitrary<Edit> =>
	fc
		.record({ name: unknownName, value: anyValue, entry: fc.constantFrom(...ODD_ENTRIES) })
		.map(({ name, value, entry }) => (copy) => {
			const container = valueAt(copy, path);
			return () => {
				if (Array.isArray(container)) container.unshift(entry);
				// an assignment to `__proto__` would make no field
				else Object.defineProperty(container, name, { value, enumerable: true });
			};
		});

/** The response in other words: what nobody needs is missing, null or of another type, and unknown fields are there. */
export function inOtherWords(good: GoodBody): fc.Arbitrary<GoodBody['body']> {
	const { body, needs } = good;
	if (Buffer.isBuffer(body)) return fc.constant(body);
	const paths = pathsIn(body);
	const changes = paths
		.filter((path) => !isNeeded(path, needs))
		.map((path) => changeOf(good, path));
	const additions = ['', ...paths]
		.filter((path) => isContainer(valueAt(body, path)))
		.map(additionTo);
	const edits = [...changes, ...additions].map((edit) => fc.option(edit, { nil: undefined }));
	return fc.tuple(...edits).map((chosen) => {
		const copy = structuredClone(body);
		const apply = chosen.map((edit) => edit?.(copy));
		apply.forEach((change) => change?.());
		return copy;
	});
}
