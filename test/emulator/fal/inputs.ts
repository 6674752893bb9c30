import type { ReferenceImage } from '../images';
import { BadReference, decode, readUri } from '../images/references';
import type { Size } from '../prices';
import { toProblems, type Problem } from '../pydantic';
import { isObject, type Body, type JsonObject } from '../types';
import type { FalEndpoint } from './models';

/** The bodies of fal's endpoints: an input itself, without anything around it. */

/** What a body lacks or has too much of. */
export class BadInput extends Error {
	readonly problems: readonly Problem[];

	constructor(...problems: Problem[]) {
		super(problems.map(({ msg }) => msg).join('; '));
		this.problems = problems;
	}
}

export interface FalInput {
	prompt: string;
	/** Everything that the image depends on, with the size in pixels. */
	parameters: JsonObject & Size;
	references: ReferenceImage[];
	images: number;
}

const NOT_PARAMETERS = [
	'prompt',
	'image_url',
	'image_urls',
	'image_size',
	'num_images',
	'sync_mode',
];

export async function readInput(body: Body, endpoint: FalEndpoint): Promise<FalInput> {
	const value = body.kind === 'json' ? body.value : undefined;
	if (!endpoint.validate(value)) {
		const problems = (endpoint.validate.errors ?? []).flatMap(toProblems);
		throw new BadInput(...problems);
	}
	const input = value as JsonObject & {
		prompt?: string;
		image_url?: string;
		image_urls?: string[];
		num_images?: number;
	};
	const { prompt = '', image_url: only, num_images: images = 1 } = input;
	const { image_urls: urls = only === undefined ? [] : [only] } = input;
	const references = await Promise.all(urls.map(readReference));
	const rest = Object.entries(input).filter(([name]) => !NOT_PARAMETERS.includes(name));
	const size = endpoint.outpaints
		? await enlarge(input, references)
		: await readSize(input.image_size, endpoint, references);
	return { prompt, parameters: { ...Object.fromEntries(rest), ...size }, references, images };
}

/** Files of other types have no extension that fal knows. */
const DATA_URI = /^data:image\/(png|jpeg|webp);base64,/;

async function readReference(url: string, index: number): Promise<ReferenceImage> {
	const loc = ['body', 'image_urls', index];
	if (url.startsWith('data:') && !DATA_URI.test(url)) {
		throw new BadInput({ loc, msg: 'Unsupported data URL', type: 'file_download_error' });
	}
	try {
		return await readUri(url);
	} catch (error) {
		if (!(error instanceof BadReference)) throw error;
		const msg = `Failed to load the image: it ${error.message}`;
		throw new BadInput({ loc, msg, type: 'image_load_error' });
	}
}

const PRESETS: Record<string, Size> = {
	square_hd: { width: 1024, height: 1024 },
	square: { width: 512, height: 512 },
	portrait_4_3: { width: 768, height: 1024 },
	portrait_16_9: { width: 576, height: 1024 },
	landscape_4_3: { width: 1024, height: 768 },
	landscape_16_9: { width: 1024, height: 576 },
};
/** In pixels; of a side that is left out. */
const DEFAULT_SIDE = 512;
const MAX_SIDE = 14_142;
const MAX_PIXELS = 4 * 1024 * 1024;

async function readSize(
	given: unknown,
	endpoint: FalEndpoint,
	references: readonly ReferenceImage[],
): Promise<Size> {
	if (isObject(given)) return readSides(given, endpoint);
	const name = given === undefined ? endpoint.defaultSize : given;
	if (name === 'reference' || (name === 'auto' && endpoint.takesAuto)) {
		return await measure(references[0]);
	}
	const size = PRESETS[name as string];
	if (size) return size;
	const names = [...Object.keys(PRESETS), ...(endpoint.takesAuto ? ['auto'] : [])];
	const msg = `Input should be ${names.map((preset) => `'${preset}'`).join(' or ')}`;
	throw new BadInput({ loc: ['body', 'image_size'], msg, type: 'enum' });
}

/** [dev] has its limits from its page, the others those of every image's size, and the models' own. */
function readSides(given: JsonObject, { hasSideLimits, isClosed }: FalEndpoint): Size {
	const { width = DEFAULT_SIDE, height = DEFAULT_SIDE, ...unknown } = given;
	const [min, max] = hasSideLimits ? [512, 2048] : [isClosed ? 64 : 1, MAX_SIDE];
	const problems = Object.entries({ width, height }).flatMap(([name, side]) =>
		findSideProblem(name, side, min, max, isClosed ? 16 : 1),
	);
	const extra = Object.keys(unknown).map((name) => ({
		loc: ['body', 'image_size', name],
		msg: 'Extra inputs are not permitted',
		type: 'extra_forbidden',
	}));
	if (problems.length + extra.length > 0) throw new BadInput(...problems, ...extra);
	const size = { width: width as number, height: height as number };
	if (size.width * size.height <= MAX_PIXELS) return size;
	const msg = 'Image size must be at most 4 megapixels';
	throw new BadInput({ loc: ['body', 'image_size'], msg, type: 'image_too_large' });
}

function findSideProblem(
	name: string,
	side: unknown,
	min: number,
	max: number,
	multiple: number,
): Problem[] {
	const loc = ['body', 'image_size', name];
	if (!Number.isInteger(side)) {
		return [{ loc, msg: 'Input should be a valid integer', type: 'int_type' }];
	}
	const pixels = side as number;
	if (pixels < min) {
		const msg = `Input should be greater than or equal to ${min}`;
		return [{ loc, msg, type: 'greater_than_equal' }];
	}
	if (pixels > max) {
		return [{ loc, msg: `Input should be less than or equal to ${max}`, type: 'less_than_equal' }];
	}
	const msg = `Input should be a multiple of ${multiple}`;
	return pixels % multiple === 0 ? [] : [{ loc, msg, type: 'multiple_of' }];
}

/** The reference, with what is put around it. */
async function enlarge(input: JsonObject, [image]: readonly ReferenceImage[]): Promise<Size> {
	const { width, height } = await measure(image);
	const grown = (edge: string) => Number(input[`expand_${edge}`] ?? 0);
	return {
		width: width + grown('left') + grown('right'),
		height: height + grown('top') + grown('bottom'),
	};
}

export const measureAll = async (references: readonly ReferenceImage[]): Promise<Size[]> =>
	await Promise.all(references.map(measure));

/** A reference on another host is not measured. */
async function measure(reference: ReferenceImage | undefined): Promise<Size> {
	if (!reference?.bytes) return { width: 1024, height: 1024 };
	const { width, height } = await decode(reference.bytes);
	return { width, height };
}
