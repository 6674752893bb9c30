import type { IBinaryData, IDataObject } from 'n8n-workflow';
import { Flux2Error } from '../core/errors';
import type { OutputItem } from '../tasks/checkpoints';
import { openDownload, type ApiClient, type DownloadStream } from '../http/client';
import { downloadInterrupted } from '../http/errors';
import { given, valueOf, type Settings } from '../parameters/model';
import { binaryField, download, fileName, simplify } from '../parameters/options';
import { readImageInfo, trackCompleteness, type ImageInfo } from './format';
import { retry } from '../http/retry';
import {
	trackIdleTime,
	readChunk,
	streamFrom,
	withIdleTimeout,
	type Waiting,
} from '../http/download';
import type { Done, ImageSource, Price } from '../tasks/protocol';
import { withTimeout, abortable } from '../core/async';
import { remainingMs, type TaskPoller } from '../tasks/poller';

/** What is known of a picture beside the provider's answer. */
export interface RequestSummary {
	itemIndex: number;
	/** What was asked for; left out for a task that was submitted elsewhere. */
	model?: string;
	prompt?: string;
	seed?: unknown;
	/** Which of the item's pictures it is, where it has several. */
	part?: number;
}

interface StoredPicture extends ImageInfo {
	binary: IBinaryData;
	/** Bytes. */
	fileSize: number;
}

const LONGEST_PRICE_MS = 3000;

/** A header larger than this (embedded colour profiles and thumbnails) is not a picture's. */
const LARGEST_HEADER = 1024 * 1024;

/**
 * The n8n item of a picture, which is streamed into n8n's binary store.
 * @param done the answer with one picture
 * @throws Flux2Error `expired`, `badResponse` when it is no whole picture, `timeout`, `unavailable`
 */
export async function collectImage(
	watch: TaskPoller,
	origin: RequestSummary,
	done: Done,
): Promise<OutputItem> {
	const { settings } = watch;
	const [image] = done.images;
	if (!image) throw new Flux2Error('badResponse', 'The answer has no image');
	const price = priceOf(watch, done);
	const fetches = 'base64' in image || valueOf(settings, download);
	const picture = fetches
		? await storeImage(watch, image, baseName(watch, origin, done))
		: undefined;
	return {
		json: describe(watch, origin, { ...done, price: await price }, image, picture),
		...(picture && { binary: { [fieldOf(settings)]: picture.binary } }),
	};
}

/** An expression may yield blanks, which n8n has no field for. */
const fieldOf = (settings: Settings): string =>
	valueOf(settings, binaryField).trim() || (binaryField.property.default as string);

/** Asked for while the picture is downloaded; it neither holds the picture up for long nor loses it. */
async function priceOf(
	{ run, provider }: TaskPoller,
	{ task, price }: Done,
): Promise<Price | undefined> {
	const known = price ?? task?.price;
	const { price: ask } = provider;
	if (known || !task || !ask) return known;
	return await withTimeout(
		LONGEST_PRICE_MS,
		run.api.signal,
		async (signal) => await ask({ ...run.api, signal }, task),
	).catch(() => undefined);
}

async function storeImage(
	watch: TaskPoller,
	image: ImageSource,
	name: string,
): Promise<StoredPicture> {
	const { api } = watch.run;
	if ('base64' in image) return await storeBytes(api, Buffer.from(image.base64, 'base64'), name);
	const stored = await withTimeout(remainingMs(watch), api.signal, async (signal) => {
		const until = { ...api, signal };
		return await retry(until, 'look', async () => {
			return await withIdleTimeout(signal, async (own, waiting) => {
				const attempt = { ...api, signal: own };
				const { body } = await openDownload(attempt, image.url);
				return await storeStream(attempt, body, waiting, name);
			});
		});
	});
	if (stored) return stored;
	throw new Flux2Error('timeout', 'The image was ready, but its download took too long');
}

async function storeBytes(api: ApiClient, bytes: Buffer, name: string): Promise<StoredPicture> {
	const picture = readImageInfo(bytes);
	if (!picture) throw noPicture(bytes);
	const whole = trackCompleteness(picture.mimeType);
	whole.add(bytes);
	if (!whole.isWhole) throw cutShort(whole.fileSize);
	const binary = await prepare(api, bytes, name, picture);
	return { ...picture, binary, fileSize: bytes.length };
}

/** Type and size come from the first bytes; the rest passes through, checked for its end. */
async function storeStream(
	api: ApiClient,
	body: DownloadStream,
	waiting: Waiting,
	name: string,
): Promise<StoredPicture> {
	try {
		const picture = await abortable(readHeader(body), api.signal);
		// from here on it is n8n's store that asks for bytes
		waiting.since = undefined;
		const whole = trackCompleteness(picture.mimeType);
		const checked = streamFrom(body, async function* () {
			for await (const chunk of trackIdleTime(body, waiting)) {
				whole.add(chunk);
				yield chunk;
			}
			if (!whole.isWhole) throw cutShort(whole.fileSize);
		});
		const binary = await prepare(api, checked, name, picture);
		return { ...picture, binary, fileSize: whole.fileSize };
	} catch (error) {
		throw downloadInterrupted(api, error);
	}
}

const prepare = async (
	api: ApiClient,
	content: Buffer | DownloadStream,
	name: string,
	picture: ImageInfo,
) =>
	await api.context.helpers.prepareBinaryData(
		content,
		`${name}.${picture.extension}`,
		picture.mimeType,
	);

/** Reads until the header is known and puts the bytes back. */
async function readHeader(body: DownloadStream): Promise<ImageInfo> {
	let head: Buffer = Buffer.alloc(0);
	while (head.length < LARGEST_HEADER) {
		const chunk = await readChunk(body);
		if (chunk === null) break;
		head = Buffer.concat([head, chunk]);
		const picture = readImageInfo(head);
		if (picture) {
			body.unshift(head);
			return picture;
		}
	}
	throw noPicture(head);
}

function noPicture(bytes: Buffer): Flux2Error {
	const beginning = bytes
		.toString('utf8', 0, 80)
		.replace(/[^\x20-\x7e]+/g, ' ')
		.trim();
	return new Flux2Error(
		'badResponse',
		bytes.length === 0
			? 'The result is empty instead of an image'
			: `The result is not a PNG, JPEG or WebP image; it begins with "${beginning}"`,
		{ passing: true },
	);
}

const cutShort = (fileSize: number) =>
	new Flux2Error('badResponse', `The image is cut short after ${fileSize} bytes`, {
		passing: true,
	});

/** The file's name without an extension; a number tells several pictures of one item apart. */
function baseName({ settings }: TaskPoller, origin: RequestSummary, done: Done): string {
	const { itemIndex, part } = origin;
	const model = (origin.model ?? done.task?.model ?? 'flux2').split('/').at(-1);
	const own = given(settings, fileName)
		?.trim()
		.replace(/\.(png|jpe?g|webp)$/i, '');
	const name = own || `${model}-${done.task?.id ?? itemIndex + 1}`;
	const number = (own && part) || done.part?.number;
	return [name.replace(/[^\p{L}\p{N}._ -]+/gu, '-'), number].filter(Boolean).join('-');
}

function describe(
	watch: TaskPoller,
	{ model, prompt, seed, part }: RequestSummary,
	done: Done,
	image: ImageSource,
	picture: StoredPicture | undefined,
): IDataObject {
	const { run, settings } = watch;
	return omitUndefined({
		provider: run.service.name,
		model: model ?? done.task?.model,
		status: 'completed',
		taskId: done.task?.id,
		prompt,
		// several pictures of one request cannot all have its seed
		seed: done.seed ?? (part === undefined ? seed : undefined),
		image: imageFacts(image, picture),
		cost: costOf(done),
		megapixels: done.price?.megapixels && omitUndefined({ ...done.price.megapixels }),
		timing: timingOf(watch, done),
		raw: valueOf(settings, simplify) ? undefined : done.raw,
	});
}

/** One picture's part, so that the sum over the items is right. */
function costOf({ price, part }: Done): IDataObject | undefined {
	if (!price?.cost) return undefined;
	const { amount, currency, credits } = price.cost;
	const pictures = part?.of ?? 1;
	return omitUndefined({
		amount: amount / pictures,
		currency,
		credits: credits === undefined ? undefined : credits / pictures,
	});
}

function imageFacts(image: ImageSource, picture: StoredPicture | undefined): IDataObject {
	const { width, height, mimeType, fileSize }: Partial<StoredPicture> = picture ?? {};
	return omitUndefined({
		width,
		height,
		mimeType,
		fileSize,
		url: 'url' in image ? image.url : undefined,
	});
}

function timingOf({ polls }: TaskPoller, done: Done): IDataObject {
	const submittedAt = done.task?.submittedAt ?? done.submittedAt;
	const completedAt = new Date();
	return omitUndefined({
		submittedAt,
		completedAt: completedAt.toISOString(),
		seconds: submittedAt && (completedAt.getTime() - Date.parse(submittedAt)) / 1000,
		polls: polls > 0 ? polls : undefined,
	});
}

/** Without the keys whose value is unknown: an output item never says null. */
export const omitUndefined = (facts: Record<string, unknown>): IDataObject =>
	Object.fromEntries(
		Object.entries(facts).filter(([, value]) => value !== undefined),
	) as IDataObject;
