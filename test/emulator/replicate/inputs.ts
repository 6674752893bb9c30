import type { ReferenceImage } from '../images';
import { BadReference, decode, readUri } from '../images/references';
import type { Size } from '../prices';
import { Refusal, isObject, type Call, type JsonObject } from '../types';
import { invalidInput, unprocessable, type InvalidField } from './documentedErrors';
import type { Files } from './files';
import { toInvalidFields, validateBody, type ReplicateModel } from './models';
import type { ReplicateWorld } from './world';

/** The bodies of creates: an input, and what stands around it. */

export interface ReplicateInput {
	prompt: string;
	/** As it came. */
	input: JsonObject;
	/** Everything that the image depends on, with the size in pixels. */
	parameters: JsonObject & Size;
	references: ReferenceImage[];
	/** What is wrong with a reference, which only the run finds out. */
	failure?: string;
}

/** What the documents allow for a file in the body itself. */
const MAX_DATA_URI_LENGTH = 256_000;
const MEGAPIXEL = 1024 * 1024;
const STEP = 16;
const ONE_MEGAPIXEL = '1';

/** The prompt, read without checking anything. */
export function readPrompt({ body }: Call): string | undefined {
	const fields = body.kind === 'json' && isObject(body.value) ? body.value.input : undefined;
	return isObject(fields) && typeof fields.prompt === 'string' ? fields.prompt : undefined;
}

/** The body around the input. */
/** What stands around the input. */
interface CreateBody extends JsonObject {
	input: JsonObject;
	version?: string;
	webhook?: string;
	webhook_events_filter?: string[];
}

export function readBody({ body }: Call): CreateBody {
	const value = body.kind === 'json' ? body.value : undefined;
	if (!validateBody(value)) {
		throw new Refusal(invalidInput(toInvalidFields(validateBody.errors, '')));
	}
	return value as CreateBody;
}

export async function readInput(
	world: ReplicateWorld,
	call: Call,
	{ input, model, files }: { input: JsonObject; model: ReplicateModel; files: Files },
): Promise<ReplicateInput> {
	const validate =
		world.replicateUndeclared === 'refused' ? model.validateStrictly : model.validate;
	if (!validate(input)) throw refused(...toInvalidFields(validate.errors, 'input'));
	checkSize(input, model);
	checkLoras(input);
	const urls = (input[model.references] ?? []) as string[];
	const { references, failure } = await readReferences(urls, call, files);
	const size = await readSize(input, references);
	const { prompt, [model.references]: _images, ...rest } = input;
	const format = rest.output_format === 'jpg' ? 'jpeg' : rest.output_format;
	const parameters = { ...rest, ...size, ...(format !== undefined && { output_format: format }) };
	return { prompt: prompt as string, input, parameters, references, failure };
}

const refused = (...fields: InvalidField[]) => new Refusal(invalidInput(fields));

const wrong = (name: string, description: string): InvalidField => ({
	type: 'condition',
	field: `input.${name}`,
	description,
});

/** Which fields go together stands in their descriptions. */
function checkSize(input: JsonObject, { references }: ReplicateModel): void {
	const { aspect_ratio: ratio, width, height, resolution } = input;
	const isCustom = ratio === 'custom';
	for (const [name, side] of Object.entries({ width, height })) {
		if ((side !== undefined) === isCustom) continue;
		throw refused(wrong(name, 'goes with the aspect ratio custom'));
	}
	const words = [ratio, resolution];
	const images = (input[references] ?? []) as unknown[];
	if (words.includes('match_input_image') && images.length === 0) {
		throw refused(wrong('aspect_ratio', 'match_input_image needs an input image'));
	}
}

function checkLoras({ lora_weights: weights, lora_scales: scales }: JsonObject): void {
	const [paths, numbers] = [weights ?? [], scales ?? []] as [unknown[], unknown[]];
	if (paths.length === numbers.length) return;
	throw refused(wrong('lora_scales', 'must have as many entries as lora_weights'));
}

async function readReferences(
	urls: readonly string[],
	{ key }: Call,
	files: Files,
): Promise<{ references: ReferenceImage[]; failure?: string }> {
	if (urls.some((url) => url.startsWith('data:') && url.length > MAX_DATA_URI_LENGTH)) {
		throw new Refusal(unprocessable('Data URIs must be at most 256kB: upload the file'));
	}
	try {
		const read = urls.map(async (url) => {
			const uploaded = files.read(url, key);
			return await (uploaded ? decode(uploaded) : readUri(url));
		});
		return { references: await Promise.all(read) };
	} catch (error) {
		if (!(error instanceof BadReference)) throw error;
		return { references: [], failure: `An input image ${error.message}` };
	}
}

async function readSize(input: JsonObject, [first]: readonly ReferenceImage[]): Promise<Size> {
	const { aspect_ratio: ratio = '1:1', width, height, resolution, output_megapixels } = input;
	if (ratio === 'custom') return { width: rounded(width), height: rounded(height) };
	const shape = first?.bytes ? await decode(first.bytes) : { width: 1, height: 1 };
	const [x = 1, y = 1] = String(ratio).split(':').map(Number);
	const proportion = ratio === 'match_input_image' ? shape.width / shape.height : x / y;
	const words = [output_megapixels, resolution, ONE_MEGAPIXEL].filter(
		(word) => typeof word === 'string',
	);
	const megapixels = parseFloat(words[0] ?? '');
	const pixels = (Number.isNaN(megapixels) ? 1 : megapixels) * MEGAPIXEL;
	return {
		width: rounded(Math.sqrt(pixels * proportion)),
		height: rounded(Math.sqrt(pixels / proportion)),
	};
}

const rounded = (side: unknown): number => Math.max(1, Math.floor(Number(side) / STEP)) * STEP;
