import type { IDataObject } from 'n8n-workflow';
import { mergeJson } from '../core/json';
import { CUSTOM_MODEL, isPathSafe, UNSAFE_ID, type Model } from './model';
import { customBody, OPTIONS, presetSize, size } from './options';
import { Settings, type Param } from './param';
import { messageOf, type ParameterReader } from './reader';
import { readReferenceImages, type ReferenceInput } from './referenceImages';
import { readPrompt } from './structuredPrompt';

/** What one item asks of a model, read and checked. */
export interface ImageRequest<M extends Model = Model> {
	readonly model: M;
	readonly prompt: string;
	/** Parameters by wire name, without the prompt and the references. */
	readonly body: IDataObject;
	readonly headers: Record<string, string>;
	readonly settings: Settings;
	readonly references: readonly ReferenceInput[];
	/** What the provider calls when the task has ended. No part of the image. */
	readonly callback?: RequestCallback;
}

export interface RequestCallback {
	readonly url: string;
	/** Made for this one request: who calls with it has got it from the provider. */
	readonly secret: string;
}

/** The models among which an item chooses. */
export interface ModelChoice<M extends Model = Model> {
	readonly models: readonly M[];
	/** A model that is not on the list. */
	customModel(this: void, id: string): M;
}

/**
 * Reads everything one item asks for; nothing is sent and no file is read. Problems are left to the reader.
 * @param nodeOptions the node's own options of this operation
 */
export function readImageRequest<M extends Model>(
	reader: ParameterReader,
	choice: ModelChoice<M>,
	nodeOptions: readonly Param[],
): ImageRequest<M> {
	const model = readModel(reader, choice);
	const values = withPresetSize(reader, reader.collection(OPTIONS));
	const request = {
		model,
		prompt: readPrompt(reader),
		references: readReferenceImages(reader),
	};
	const own = [...model.parameters, ...nodeOptions];
	const known = [...choice.models.flatMap(({ parameters }) => parameters), ...nodeOptions];
	rejectUnknownOptions(reader, { values, own, known, model });
	const assigned = assignValues(reader, values, own);
	checkLimits(reader, { ...request, ...assigned });
	return { ...request, ...assigned };
}

/** Reads a collection of an operation that needs no model. */
export const readOptions = (
	reader: ParameterReader,
	params: readonly Param[],
	collection = OPTIONS,
): Pick<ImageRequest, 'body' | 'settings'> =>
	assignValues(reader, reader.collection(collection), params);

/** The request's body with "Custom Body" merged in last. */
export const withCustomBody = (body: IDataObject, settings: Settings): IDataObject =>
	mergeJson(body, settings.get(customBody) ?? {}) as IDataObject;

function readModel<M extends Model>(
	reader: ParameterReader,
	{ models, customModel }: ModelChoice<M>,
): M {
	const isCustom = reader.raw('model') === CUSTOM_MODEL;
	const id = reader.modelId();
	const listed = models.find((model) => model.id === id);
	if (id === '') {
		reader.addProblem(isCustom ? 'Custom Model' : 'Model', 'must not be empty');
	} else if (isCustom && !isPathSafe(id)) {
		reader.addProblem('Custom Model', UNSAFE_ID);
	} else if (!listed && !isCustom) {
		reader.addProblem(
			'Model',
			`"${id}" is not on the list; choose Custom to use an ID of your own`,
		);
	}
	return listed ?? customModel(id);
}

/** Width and height in place of a preset size. */
function withPresetSize(
	reader: ParameterReader,
	values: ReadonlyMap<string, unknown>,
): ReadonlyMap<string, unknown> {
	const preset = presetSize(values.get(size.property.name));
	if (!preset) return values;
	if (['width', 'height'].some((side) => values.has(side) && Number(values.get(side)) !== 0)) {
		reader.addProblem('Size', 'choose Custom when Width or Height is set');
	}
	return new Map([...values, ...Object.entries(preset)]);
}

function checkLimits(
	reader: ParameterReader,
	{ model, references, body }: Pick<ImageRequest, 'model' | 'references' | 'body'>,
): void {
	const { name, maxReferences, maxPixels = Infinity } = model;
	if (references.length > maxReferences) {
		reader.addProblem(
			'Reference Images',
			`${references.length} given, but ${name} takes at most ${maxReferences}`,
		);
	}
	const { width, height } = body as { width?: number; height?: number };
	if (width && height && width * height > maxPixels) {
		reader.addProblem(
			'Width, Height',
			`${width} × ${height} is more than the ${Math.floor(maxPixels / 1e6)} megapixels that ${name} makes`,
		);
	}
}

/** An option that the model lacks is refused instead of ignored: the user would wait for its effect. */
function rejectUnknownOptions(
	reader: ParameterReader,
	options: {
		values: ReadonlyMap<string, unknown>;
		own: readonly Param[];
		known: readonly Param[];
		model: Model;
	},
): void {
	const { values, own, known, model } = options;
	const ownNames = new Set(own.map(({ property }) => property.name));
	for (const name of values.keys()) {
		if (ownNames.has(name)) continue;
		const label = known.find(({ property }) => property.name === name)?.property.displayName;
		if (label) reader.addProblem(label, `${model.name} has no such parameter here`);
		else reader.addProblem(name, 'is not an option of this node');
	}
}

/** Each value where its parameter says: in the body, in a header, or among the node's own settings. */
function assignValues(
	reader: ParameterReader,
	values: ReadonlyMap<string, unknown>,
	params: readonly Param[],
): Pick<ImageRequest, 'body' | 'headers' | 'settings'> {
	const body: IDataObject = {};
	const headers: Record<string, string> = {};
	const settings = new Map<string, unknown>();
	for (const { property, wireName, schema, in: location, sendDefault } of params) {
		const value = values.get(property.name) ?? (sendDefault ? property.default : undefined);
		if (value === undefined) continue;
		const result = schema().safeParse(value);
		if (!result.success) reader.addProblem(property.displayName, messageOf(result.error));
		else if (result.data === undefined) continue;
		else if (location === 'node') settings.set(property.name, result.data);
		else if (location === 'header')
			headers[wireName] = `${result.data as string | number | boolean}`;
		else body[wireName] = result.data;
	}
	return { body, headers, settings: new Settings(settings) };
}
