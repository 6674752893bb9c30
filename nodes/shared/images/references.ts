import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { abortable, withTimeout } from '../core/async';
import { flux2ErrorOrThrow, invalidInput } from '../core/errors';
import {
	download,
	ignoreLateErrors,
	readBytes,
	type Download,
	type DownloadContext,
} from '../http/download';
import type { ReadClient } from '../http/types';
import { resolveDownloadUrl } from '../http/urlPolicy';
import type { ReferenceInput } from '../parameters/referenceImages';
import { readImageInfo, type ImageInfo } from './format';
import { readImageHeader } from './header';

/** A reference image as the provider takes it. */
export type LoadedReference = { url: string } | { bytes: Buffer; mimeType: string };

export interface ReferenceRules {
	/** Whether the provider fetches URLs itself. */
	takesUrls: boolean;
	/** Both sides must be smaller than this, in pixels. */
	sidesBelow?: number;
}

/** What reading the references needs. */
interface LoadContext extends DownloadContext {
	readonly helpers: Pick<IExecuteFunctions['helpers'], 'httpRequest' | 'getBinaryDataBuffer'>;
}

/** What reading their sizes needs. */
type MeasureHelpers = Pick<IExecuteFunctions['helpers'], 'getBinaryStream'>;

const FETCH_TIMEOUT_MS = 60_000;
const MAX_FETCH_BYTES = 64 * 1024 * 1024;
const HEADER_CHUNK_BYTES = 64 * 1024;
const MAX_SHOWN_LABEL_LENGTH = 200;

/** What identifies the references' content without reading it; part of a request's identity. */
export const fingerprintReferences = (references: readonly ReferenceInput[]): string[] =>
	references.map((reference) => {
		if (reference.from === 'url') return reference.url;
		if (reference.from === 'dataUri') return reference.dataUri;
		return reference.binary.id ?? reference.binary.data;
	});

/**
 * Reads each reference image and checks it before anything is sent.
 * @throws Flux2Error `invalidInput`, naming each wrong image by number and field
 */
export async function loadReferences(
	{ context, baseUrl }: Pick<ReadClient, 'context' | 'baseUrl'>,
	references: readonly ReferenceInput[],
	rules: ReferenceRules,
	signal: AbortSignal,
): Promise<LoadedReference[]> {
	const helpers = context.helpers as IExecuteFunctions['helpers'];
	const loading = { helpers, origin: baseUrl, signal };
	return await forEachReference(references, async (reference) => {
		return await loadReference(loading, reference, rules);
	});
}

/**
 * What the header of the first reference image says. Of a file behind a URL no more is fetched than that, without a key.
 * @throws Flux2Error `invalidInput`, naming the image
 */
export async function readFirstReference(
	{ context, baseUrl }: Pick<ReadClient, 'context' | 'baseUrl'>,
	first: ReferenceInput,
	signal: AbortSignal,
): Promise<ImageInfo> {
	const helpers = context.helpers as IExecuteFunctions['helpers'];
	const loading = { helpers, origin: baseUrl, signal };
	const [info] = await forEachReference([first], async (reference) => {
		const found =
			reference.from === 'url'
				? await fetchInfo(loading, reference.url)
				: await readInfo(helpers, reference);
		return checkReference(found, {});
	});
	return info as ImageInfo;
}

/**
 * Reads the size of each reference image from its header and checks it; undefined for one that has a URL only.
 * @throws Flux2Error `invalidInput`, naming each wrong image by number and field
 */
export async function measureReferences(
	helpers: MeasureHelpers,
	references: readonly ReferenceInput[],
	rules: Pick<ReferenceRules, 'sidesBelow'>,
): Promise<Array<ImageInfo | undefined>> {
	return await forEachReference(references, async (reference) => {
		if (reference.from === 'url') return undefined;
		return checkReference(await readInfo(helpers, reference), rules);
	});
}

/** One after the other, so that their bytes are not in memory all at once. */
async function forEachReference<T>(
	references: readonly ReferenceInput[],
	read: (reference: ReferenceInput) => Promise<T>,
): Promise<T[]> {
	const results: T[] = [];
	const problems: string[] = [];
	for (const [index, reference] of references.entries()) {
		const label = reference.label.slice(0, MAX_SHOWN_LABEL_LENGTH);
		try {
			results.push(await read(reference));
		} catch (thrown) {
			const { message } = flux2ErrorOrThrow(thrown);
			const name = reference.name ?? `Reference image ${index + 1}`;
			problems.push(`${name} (${label}): ${message}`);
		}
	}
	if (problems.length > 0) throw invalidInput(problems);
	return results;
}

async function loadReference(
	context: LoadContext,
	reference: ReferenceInput,
	{ takesUrls, sidesBelow }: ReferenceRules,
): Promise<LoadedReference> {
	if (reference.from === 'url' && takesUrls) {
		return { url: resolveDownloadUrl(context.origin, reference.url).href };
	}
	const bytes = await readReference(context, reference);
	const { mimeType } = checkReference(readImageInfo(bytes), { sidesBelow });
	return { bytes, mimeType };
}

function checkReference(
	info: ImageInfo | undefined,
	{ sidesBelow }: Pick<ReferenceRules, 'sidesBelow'>,
): ImageInfo {
	if (!info) throw invalidInput(['is not a PNG, JPEG or WebP image']);
	const { width, height } = info;
	if (!sidesBelow || (width < sidesBelow && height < sidesBelow)) return info;
	throw invalidInput([
		`is ${width} × ${height} pixels, but this model takes references below ${sidesBelow} × ${sidesBelow} only. Make it smaller with n8n's Edit Image node (Resize) first`,
	]);
}

/** Of a stored file, no more is read than its header. */
async function readInfo(
	helpers: MeasureHelpers,
	reference: Exclude<ReferenceInput, { from: 'url' }>,
): Promise<ImageInfo | undefined> {
	if (reference.from === 'dataUri') return readImageInfo(decodeDataUri(reference.dataUri));
	const { id, data } = reference.binary;
	if (!id) return readImageInfo(Buffer.from(data, 'base64'));
	try {
		const stream = ignoreLateErrors(await helpers.getBinaryStream(id, HEADER_CHUNK_BYTES));
		const { info } = await readImageHeader(stream);
		stream.destroy();
		return info;
	} catch {
		throw unreadableError();
	}
}

const unreadableError = () => invalidInput(['its binary data could not be read']);

const decodeDataUri = (dataUri: string): Buffer =>
	Buffer.from(dataUri.slice(dataUri.indexOf(',') + 1), 'base64');

async function readReference(context: LoadContext, reference: ReferenceInput): Promise<Buffer> {
	if (reference.from === 'url') return await fetchReference(context, reference.url);
	if (reference.from === 'dataUri') return decodeDataUri(reference.dataUri);
	try {
		return await context.helpers.getBinaryDataBuffer(reference.itemIndex, reference.field);
	} catch {
		throw unreadableError();
	}
}

const fetchReference = async (context: LoadContext, url: string): Promise<Buffer> =>
	await fetchFile(context, url, async (file) => {
		return await readBytes(file, MAX_FETCH_BYTES, () => invalidInput(['is larger than 64 MB']));
	});

const fetchInfo = async (context: DownloadContext, url: string): Promise<ImageInfo | undefined> =>
	await fetchFile(context, url, async ({ stream, signal }) => {
		const { info } = await abortable(readImageHeader(stream), signal);
		return info;
	});

const fetchFile = async <T>(
	context: DownloadContext,
	url: string,
	read: (file: Download) => Promise<T>,
): Promise<T> =>
	await withTimeout(
		FETCH_TIMEOUT_MS,
		context.signal,
		async (signal) => await download({ ...context, signal }, url, read),
		() => {
			throw invalidInput([`could not be fetched within ${FETCH_TIMEOUT_MS / 1000} s`]);
		},
	);

/** `data:image/png;base64,…`, or the URL as it is. */
export const toDataUri = (reference: LoadedReference): string =>
	'url' in reference
		? reference.url
		: `data:${reference.mimeType};base64,${reference.bytes.toString('base64')}`;

/** Base64 without a prefix, or the URL as it is. */
export const toBase64 = (reference: LoadedReference): string =>
	'url' in reference ? reference.url : reference.bytes.toString('base64');

/** The wire name of the nth reference image where each has a field of its own. */
export const imageField = (index: number): string =>
	index === 0 ? 'input_image' : `input_image_${index + 1}`;

/** The reference images as such fields, in base64 or as URLs. */
export const imageFields = (references: readonly LoadedReference[]): IDataObject =>
	Object.fromEntries(
		references.map((reference, index) => [imageField(index), toBase64(reference)]),
	);
