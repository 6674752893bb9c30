import type { IDataObject } from 'n8n-workflow';
import { mergeJson } from '../core/json';
import { CUSTOM_MODEL, isPathSafe, UNSAFE_ID, type Model } from './model';
import { customBody, OPTIONS } from './options';
import { Settings, type Param } from './param';
import { messageOf, type ParameterReader } from './reader';
import { readNamedImages } from './namedImages';
import { EDIT, readReferenceImages, type ReferenceInput } from './referenceImages';
import { needsReference, readLikeReference, withSize, type LikeReference } from './readSize';
import { fitSize, megapixelsOf } from './size';
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
	/** Where the size is that of the first reference image, which is read before the request is sent. */
	readonly likeReference?: LikeReference;
	/** Which of the item's images this request makes; left out before they are divided. */
	readonly numbers?: ImageNumbers;
	/** What the provider calls when the task has ended. No part of the image. */
	readonly callback?: RequestCallback;
}

export interface ImageNumbers {
	/** From 1. */
	readonly first: number;
	/** How many images the item asks for. */
	readonly of: number;
}

export interface RequestCallback {
	readonly url: string;
	/** Made for this one request: who calls with it has got it from the provider. */
	readonly secret: string;
}

/** The models among which an item chooses. */
export interface ModelChoice<M extends Model = Model> {
	readonly models: readonly M[];
	/** Where the operation is a model of its own, that one. */
	readonly chosen?: M;
	/** A model that is not on the list. */
	customModel(this: void, id: string): M;
	/** Any ID is taken, because the provider has a list of its own. */
	readonly isOpen?: true;
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
	const request = {
		model,
		prompt: model.prompt === 'none' ? '' : readPrompt(reader, model.prompt),
		references: readReferences(reader, model),
	};
	const own = [...model.parameters, ...nodeOptions];
	const known = [...choice.models.flatMap(({ parameters }) => parameters), ...own];
	const values = readValues(reader, { own, known, model });
	const assigned = assignValues(reader, withSize(reader, values, model), own);
	const likeReference = readLikeReference(values, model);
	if (needsReference(values) && request.references.length === 0) {
		reader.addProblem('Size', 'Like the Reference Image needs a reference image');
	}
	checkPixels(reader, { model, body: assigned.body });
	return { ...request, ...assigned, ...(likeReference && { likeReference }) };
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
	{ models, chosen, customModel, isOpen }: ModelChoice<M>,
): M {
	if (chosen) return chosen;
	const isCustom = reader.raw('model') === CUSTOM_MODEL;
	const id = reader.modelId();
	const listed = models.find((model) => model.id === id);
	if (id === '') {
		reader.addProblem(isCustom ? 'Custom Model' : 'Model', 'must not be empty');
	} else if (isCustom && !isPathSafe(id)) {
		reader.addProblem('Custom Model', UNSAFE_ID);
	} else if (!listed && !isCustom && !isOpen) {
		reader.addProblem(
			'Model',
			`"${id}" is not on the list; choose Custom to use an ID of your own`,
		);
	}
	return listed ?? customModel(id);
}

function readReferences(
	reader: ParameterReader,
	{ name, maxReferences, images }: Model,
): readonly ReferenceInput[] {
	if (images) return readNamedImages(reader, images);
	const { problemCount } = reader;
	const references = readReferenceImages(reader);
	const needsOne = reader.text('operation') === EDIT && reader.problemCount === problemCount;
	if (needsOne && references.length === 0)
		reader.addProblem('Reference Images', 'add at least one');
	if (references.length > maxReferences) {
		reader.addProblem(
			'Reference Images',
			`${references.length} given, but ${name} takes at most ${maxReferences}`,
		);
	}
	return references;
}

function checkPixels(
	reader: ParameterReader,
	{ model: { name, sizes }, body }: Pick<ImageRequest, 'model' | 'body'>,
): void {
	const { width, height } = body as { width?: number; height?: number };
	if (!width || !height || !sizes || !('step' in sizes)) return;
	const { maxPixels = Infinity } = sizes;
	if (width * height <= maxPixels) return;
	const nearest = fitSize({ width, height }, sizes);
	const advice = nearest ? `; try ${nearest.width} × ${nearest.height}` : '';
	reader.addProblem(
		'Width, Height',
		`${width} × ${height} is more than the ${Math.floor(megapixelsOf(maxPixels))} megapixels that ${name} makes${advice}`,
	);
}

/**
 * The values that are set. One that the model lacks is refused instead of ignored: the user would wait for its effect.
 * In the main panel, where every parameter has a value, only another one than its default counts as set.
 */
function readValues(
	reader: ParameterReader,
	{ own, known, model }: { own: readonly Param[]; known: readonly Param[]; model: Model },
): Map<string, unknown> {
	const values = reader.values(known);
	const ownNames = new Set(own.map(({ property }) => property.name));
	for (const [name, value] of values) {
		if (ownNames.has(name)) continue;
		values.delete(name);
		const foreign = known.find(({ property }) => property.name === name);
		if (!foreign) reader.addProblem(name, 'is not an option of this node');
		else if (!isPanelDefault(foreign, value)) {
			reader.addProblem(foreign.property.displayName, `${model.name} has no such parameter here`);
		}
	}
	return values;
}

const isPanelDefault = ({ place, property, variants = [] }: Param, value: unknown): boolean =>
	place === 'panel' && [property, ...variants].some((field) => field.default === value);

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
