import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { invalidInput } from '../core/errors';
import { presetSize, size } from './options';
import { either, text, type Param } from './param';
import { readReferenceImages, type ReferenceInput } from './referenceImages';

/** One model of a provider; everything about it stands in its record. */
export interface Model {
	/** The provider's own id. */
	readonly id: string;
	readonly name: string;
	readonly description: string;
	readonly parameters: readonly Param[];
	readonly maxReferences: number;
	/** The largest picture (width × height), where the provider has a limit for it. */
	readonly maxPixels?: number;
	/** How long a picture usually takes; the first looks go by it until the node has learnt better. */
	readonly typicalSeconds: number;
}

/** Option values of one item, read and checked. */
export type Settings = ReadonlyMap<string, unknown>;

/** What one item asks of a model, read and checked. */
export interface ImageRequest<M extends Model = Model> {
	readonly model: M;
	readonly prompt: string;
	/** Parameters by wire name, without the prompt and the references. */
	readonly body: IDataObject;
	readonly headers: Record<string, string>;
	readonly settings: Settings;
	readonly references: readonly ReferenceInput[];
	/** What the provider shall call when the task has ended; no part of what is asked for. */
	readonly callbackUrl?: string;
}

export const CUSTOM_MODEL = 'custom';
export const OPTIONS = 'options';
export const FILTERS = 'filters';

export const prompt = text('prompt', {
	label: 'Prompt',
	description:
		'What the image shows, or what to change in the reference images. Structured JSON prompts and hex colors work too.',
	placeholder: 'e.g. A lighthouse at dawn, watercolor',
	rows: 4,
});

/** The option's value as given, or undefined when it is unset. */
export const given = <T>(settings: Settings, param: Param<T>): T | undefined =>
	settings.get(param.property.name) as T | undefined;

/** The option's value, or the default that the editor shows. */
export const valueOf = <T>(settings: Settings, param: Param<T>): T =>
	given(settings, param) ?? (param.property.default as T);

/** A model that is not on the list: it has whatever the models of its route have. */
export function customModel<M extends Model>(id: string, route: readonly M[]): M {
	const parameters = new Map<string, Param>();
	for (const param of route.flatMap((model) => model.parameters)) {
		const known = parameters.get(param.wireName);
		// nobody knows whether it has the parameter, so nothing is sent that was not asked for
		parameters.set(param.wireName, {
			...(known ? either(known, param) : param),
			alwaysSent: false,
		});
	}
	return {
		...route[0]!,
		id,
		name: id,
		description: '',
		parameters: [...parameters.values()],
		maxReferences: Math.max(...route.map((model) => model.maxReferences)),
		typicalSeconds: Math.max(...route.map((model) => model.typicalSeconds)),
	};
}

/**
 * Reads and checks everything one item asks for; nothing is sent and no file is read.
 * @throws Flux2Error `invalidInput` with all problems at once, by label
 */
export function readImageRequest<M extends Model>(
	context: IExecuteFunctions,
	itemIndex: number,
	models: readonly M[],
	ownOptions: readonly Param[],
	routeOf: (id: string) => readonly M[] = () => models,
): ImageRequest<M> {
	const problems: string[] = [];
	const model = readModel(context, itemIndex, models, routeOf, problems);
	const values = readValues(context, itemIndex, problems);
	const request = {
		model,
		prompt: readPrompt(context, itemIndex, problems),
		body: {} as IDataObject,
		headers: {} as Record<string, string>,
		settings: new Map<string, unknown>(),
		references: readReferenceImages(context, itemIndex, problems),
	};
	const known = [...models.flatMap(({ parameters }) => parameters), ...ownOptions];
	rejectUnknownOptions(values, [...model.parameters, ...ownOptions], known, model, problems);
	assignValues(request, values, [...model.parameters, ...ownOptions], problems);
	checkLimits(request, problems);
	if (problems.length > 0) throw invalidInput(problems);
	return request;
}

/**
 * Reads a collection of an operation that needs no model.
 * @throws Flux2Error `invalidInput` with all problems at once, by label
 */
export function readOptions(
	context: IExecuteFunctions,
	itemIndex: number,
	params: readonly Param[],
	collection = OPTIONS,
): Pick<ImageRequest, 'body' | 'settings'> {
	const problems: string[] = [];
	const target = { body: {}, headers: {}, settings: new Map<string, unknown>() };
	assignValues(target, readValues(context, itemIndex, problems, collection), params, problems);
	if (problems.length > 0) throw invalidInput(problems);
	return target;
}

/** The chosen model's id, whether it is on the list or not. */
export function readModelId(context: IExecuteFunctions, itemIndex: number): string {
	const chosen = readText(context, itemIndex, 'model');
	return chosen === CUSTOM_MODEL ? readText(context, itemIndex, 'customModel') : chosen;
}

/** A parameter as trimmed text; numbers out of an expression too, anything else counts as empty. */
export function readText(context: IExecuteFunctions, itemIndex: number, name: string): string {
	const value: unknown = context.getNodeParameter(name, itemIndex, '');
	return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
}

/**
 * A parameter outside of the collections; its default where it is unset.
 * @throws Flux2Error `invalidInput` for what an expression may have put there
 */
export function readParam<T>(
	context: IExecuteFunctions,
	itemIndex: number,
	{ property, schema }: Param<T>,
): T {
	const given: unknown = context.getNodeParameter(property.name, itemIndex, null);
	const result = schema().safeParse(given === null || given === '' ? property.default : given);
	if (result.success) return result.data;
	throw invalidInput([`${property.displayName}: ${result.error.issues[0]!.message}`]);
}

/**
 * A list parameter's value, or the first of the list where the parameter does not exist.
 * @throws Flux2Error `invalidInput` for what an expression or a file may have put there
 */
export function readChoice<V extends string>(
	context: IExecuteFunctions,
	itemIndex: number,
	name: string,
	label: string,
	values: readonly [V, ...V[]],
): V {
	const value = readText(context, itemIndex, name) || values[0];
	const found = values.find((known) => known === value);
	if (!found) throw invalidInput([`${label}: must be one of ${values.join(', ')}`]);
	return found;
}

/** A model id as a part of a path: its own slashes and the at sign stay. */
export const encodeModelId = (id: string): string =>
	encodeURI(id).replace(/[?#]/g, (letter) => encodeURIComponent(letter));

function readModel<M extends Model>(
	context: IExecuteFunctions,
	itemIndex: number,
	models: readonly M[],
	routeOf: (id: string) => readonly M[],
	problems: string[],
): M {
	const custom = context.getNodeParameter('model', itemIndex) === CUSTOM_MODEL;
	const id = readModelId(context, itemIndex);
	if (custom && id === '') problems.push('Custom Model: must not be empty');
	const listed = models.find((model) => model.id === id);
	if (!custom && id === '') {
		problems.push('Model: must not be empty');
	} else if (!listed && !custom) {
		problems.push(`Model: "${id}" is not on the list; choose Custom to use an ID of your own`);
	}
	return listed ?? customModel(id, routeOf(id));
}

function readPrompt(context: IExecuteFunctions, itemIndex: number, problems: string[]): string {
	const words = prompt.schema().parse(context.getNodeParameter('prompt', itemIndex) ?? '');
	if (words.trim() === '') problems.push('Prompt: must not be empty');
	return words;
}

/** The collection's values that are set; null and empty text count as unset. */
function readValues(
	context: IExecuteFunctions,
	itemIndex: number,
	problems: string[],
	collection = OPTIONS,
): Map<string, unknown> {
	const options: unknown = context.getNodeParameter(collection, itemIndex, {});
	const set = Object.entries(options as IDataObject).filter(
		([, value]) => value !== undefined && value !== null && value !== '',
	);
	const values = new Map<string, unknown>(set);
	const preset = presetSize(values.get(size.property.name) as string | undefined);
	if (!preset) return values;
	if (['width', 'height'].some((side) => values.has(side) && Number(values.get(side)) !== 0)) {
		problems.push('Size: choose Custom when Width or Height is set');
	}
	return new Map([...values, ...Object.entries(preset)]);
}

function checkLimits({ model, references, body }: ImageRequest, problems: string[]): void {
	const { maxReferences, maxPixels = Infinity } = model;
	if (references.length > maxReferences) {
		problems.push(
			`Reference Images: ${references.length} given, but ${model.name} takes at most ${maxReferences}`,
		);
	}
	const { width, height } = body as { width?: number; height?: number };
	if (width && height && width * height > maxPixels) {
		problems.push(
			`Width, Height: ${width} × ${height} is more than the ${Math.floor(maxPixels / 1e6)} megapixels that ${model.name} makes`,
		);
	}
}

function rejectUnknownOptions(
	values: ReadonlyMap<string, unknown>,
	params: readonly Param[],
	known: readonly Param[],
	model: Model,
	problems: string[],
): void {
	const taken = new Set(params.map(({ property }) => property.name));
	for (const name of values.keys()) {
		if (taken.has(name)) continue;
		const label = known.find(({ property }) => property.name === name)?.property.displayName;
		problems.push(
			label
				? `${label}: ${model.name} has no such parameter here`
				: `${name}: is not an option of this node`,
		);
	}
}

function assignValues(
	target: Pick<ImageRequest, 'body' | 'headers'> & { settings: Map<string, unknown> },
	values: ReadonlyMap<string, unknown>,
	params: readonly Param[],
	problems: string[],
): void {
	for (const { property, wireName, schema, goesTo, alwaysSent } of params) {
		const value = values.get(property.name) ?? (alwaysSent ? property.default : undefined);
		if (value === undefined) continue;
		const result = schema().safeParse(value);
		if (!result.success) {
			problems.push(`${property.displayName}: ${result.error.issues[0]!.message}`);
		} else if (result.data === undefined) {
			continue;
		} else if (goesTo === 'body') {
			target.body[wireName] = result.data;
		} else if (goesTo === 'header') {
			target.headers[wireName] = `${result.data as string | number | boolean}`;
		} else {
			target.settings.set(property.name, result.data);
		}
	}
}
