import { rethrow, Flux2Error, invalidInput } from '../core/errors';
import { openDownload, type ApiClient, type DownloadStream } from '../http/client';
import { downloadInterrupted } from '../http/errors';
import { readImageInfo } from './format';
import type { ReferenceInput } from '../parameters/referenceImages';
import { retry } from '../http/retry';
import { resolveDownloadUrl } from '../http/urlPolicy';
import { withTimeout } from '../core/async';

/** A reference image as the provider takes it. */
export type LoadedReference = { url: string } | { bytes: Buffer; mimeType: string };

export interface ReferenceRules {
	/** Whether the provider fetches URLs itself. */
	takesUrls: boolean;
	/** Both sides must be smaller than this, in pixels. */
	sidesBelow?: number;
}

const LONGEST_FETCH_MS = 60_000;
const LARGEST_FETCH_BYTES = 64 * 1024 * 1024;

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
	api: ApiClient,
	references: readonly ReferenceInput[],
	rules: ReferenceRules,
): Promise<LoadedReference[]> {
	const loaded: LoadedReference[] = [];
	const problems: string[] = [];
	for (const [index, reference] of references.entries()) {
		const name = `Reference image ${index + 1} (${reference.label.slice(0, 200)})`;
		try {
			loaded.push(await load(api, reference, rules, name));
		} catch (error) {
			if (!(error instanceof Flux2Error)) throw rethrow(error);
			problems.push(error.message);
		}
	}
	if (problems.length > 0) throw invalidInput(problems);
	return loaded;
}

async function load(
	api: ApiClient,
	reference: ReferenceInput,
	rules: ReferenceRules,
	name: string,
): Promise<LoadedReference> {
	if (reference.from === 'url' && rules.takesUrls) {
		return { url: checkedUrl(api, reference.url, name) };
	}
	const bytes = await bytesOf(api, reference, name);
	const picture = readImageInfo(bytes);
	if (!picture) throw invalidInput([`${name}: is not a PNG, JPEG or WebP image`]);
	const { width, height, mimeType } = picture;
	const { sidesBelow } = rules;
	if (sidesBelow && (width >= sidesBelow || height >= sidesBelow)) {
		throw invalidInput([
			`${name}: is ${width} × ${height} pixels, but this model takes references below ${sidesBelow} × ${sidesBelow} only. Make it smaller with n8n's Edit Image node (Resize) first`,
		]);
	}
	return { bytes, mimeType };
}

async function bytesOf(api: ApiClient, reference: ReferenceInput, name: string): Promise<Buffer> {
	if (reference.from === 'url') return await fetchBytes(api, reference.url, name);
	if (reference.from === 'dataUri') {
		return Buffer.from(reference.dataUri.slice(reference.dataUri.indexOf(',') + 1), 'base64');
	}
	try {
		return await api.context.helpers.getBinaryDataBuffer(reference.itemIndex, reference.field);
	} catch {
		throw invalidInput([`${name}: its binary data could not be read`]);
	}
}

function checkedUrl(api: ApiClient, url: string, name: string): string {
	try {
		return resolveDownloadUrl(api, url).href;
	} catch (error) {
		throw badReference(name, error);
	}
}

async function fetchBytes(api: ApiClient, url: string, name: string): Promise<Buffer> {
	try {
		const bytes = await withTimeout(LONGEST_FETCH_MS, api.signal, async (signal) => {
			const until = { ...api, signal };
			return await retry(until, 'look', async () => {
				const { body } = await openDownload(until, url);
				return await readWhole(body).catch((error) => {
					throw downloadInterrupted(until, error);
				});
			});
		});
		if (bytes) return bytes;
	} catch (error) {
		throw badReference(name, error);
	}
	throw invalidInput([`${name}: could not be fetched within ${LONGEST_FETCH_MS / 1000} s`]);
}

async function readWhole(body: DownloadStream): Promise<Buffer> {
	const chunks: Buffer[] = [];
	let length = 0;
	for await (const chunk of body as AsyncIterable<Buffer>) {
		chunks.push(chunk);
		length += chunk.length;
		if (length > LARGEST_FETCH_BYTES) throw invalidInput(['is larger than 64 MB']);
	}
	return Buffer.concat(chunks);
}

/** A reference that cannot be had is a wrong input of the item, not a failure of the provider. */
function badReference(name: string, error: unknown): unknown {
	if (error instanceof Flux2Error) return invalidInput([`${name}: ${error.message}`]);
	return error;
}

/** `data:image/png;base64,…`, or the URL as it is. */
export const toDataUri = (reference: LoadedReference): string =>
	'url' in reference
		? reference.url
		: `data:${reference.mimeType};base64,${reference.bytes.toString('base64')}`;

/** Base64 without a prefix, or the URL as it is. */
export const toBase64 = (reference: LoadedReference): string =>
	'url' in reference ? reference.url : reference.bytes.toString('base64');
