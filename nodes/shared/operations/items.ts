import type { IDataObject } from 'n8n-workflow';
import { withTimeout } from '../core/async';
import { Flux2Error } from '../core/errors';
import { omitUndefined } from '../core/json';
import { redactJson, toDisplayText, type Redact } from '../core/redact';
import { storeImage, type ImageSource, type ImageTarget, type StoredImage } from '../images/store';
import { binaryField, download, simplify } from '../parameters/options';
import type { Settings } from '../parameters/param';
import type { Estimate } from '../parameters/price';
import {
	shareOf,
	type Done,
	type Failed,
	type Pending,
	type Price,
	type PricedImage,
	type Task,
	type Unclear,
} from '../tasks/protocol';
import type { OutputItem, RequestSummary } from '../tasks/savedResults';
import { toBaseName } from './fileName';
import { withLink, type LinkTarget } from './imageLink';

/** Every output item is made here, and shows no secret. */
export interface ItemTarget {
	/** `provider` in the output. */
	readonly provider: string;
	readonly settings: Settings;
	readonly redact: Redact;
}

/** Where an image and its item go. */
export interface CollectTarget extends ItemTarget, LinkTarget, ImageTarget {
	readonly helpers: ImageTarget['helpers'] & LinkTarget['helpers'];
	/** How often the task was polled. */
	readonly polls?: number;
	/** Where the price has a call of its own. */
	fetchPrice?(this: void, done: PricedImage, signal: AbortSignal): Promise<Price | undefined>;
	/** How long that call may take; 3 seconds when left out. */
	readonly maxPriceMs?: number;
}

/** What is known of an image beside the provider's response. */
export interface ImageSummary extends RequestSummary {
	/** From 1, where the item has several images. */
	imageNumber?: number;
	/** Where there is no task ID to name the file by. */
	itemIndex?: number;
}

const DEFAULT_MAX_PRICE_MS = 3000;
const MAX_STATUS_LENGTH = 100;

/**
 * The item of a finished image, which is put into n8n's binary store.
 * @param done the response, with one image
 * @throws Flux2Error `expired`, `badResponse` (no complete image), `timeout`, `unavailable`
 */
export async function collectImage(
	target: CollectTarget,
	summary: ImageSummary,
	done: Done,
): Promise<OutputItem> {
	const { settings } = target;
	const [image] = done.images;
	if (!image) throw new Flux2Error('badResponse', 'The response has no image');
	const pricing = priceOf(target, done);
	const isDownloaded = 'base64' in image || settings.getOrDefault(download);
	const stored = isDownloaded
		? await storeImage(target, image, toBaseName(target, summary, done))
		: undefined;
	const json = imageJson(target, summary, { ...done, price: await pricing }, image, stored);
	return withLink(target, {
		json: redactJson(json, target.redact),
		...(stored && { binary: { [fieldName(settings)]: stored.binary } }),
	});
}

/** An expression may yield blanks, which n8n has no field for. */
const fieldName = (settings: Settings): string =>
	settings.getOrDefault(binaryField).trim() || binaryField.default;

/** Asked for while the image is downloaded. It neither delays the image for long nor loses it. */
async function priceOf(
	{ fetchPrice, signal, maxPriceMs = DEFAULT_MAX_PRICE_MS }: CollectTarget,
	{ task, price, priceKey }: Done,
): Promise<Price | undefined> {
	const known = price ?? task?.price;
	if (known || !fetchPrice) return known;
	return await withTimeout(
		maxPriceMs,
		signal,
		async (callSignal) => await fetchPrice({ task, priceKey }, callSignal),
		() => undefined,
	).catch(() => undefined);
}

const isOneOfSeveral = ({ part }: Done): boolean => (part?.of ?? 1) > 1;

/** In this order the editor's table shows what matters first. */
function imageJson(
	target: CollectTarget,
	{ model, prompt, seed, estimatedCost }: ImageSummary,
	done: Done,
	image: ImageSource,
	stored: StoredImage | undefined,
): IDataObject {
	const { revisedPrompt } = done;
	return omitUndefined({
		prompt: prompt || undefined,
		model: model ?? done.task?.model,
		image: imageFacts(image, stored),
		cost: costOf(done) ?? estimatedCost,
		// several images of one request cannot all have its seed
		seed: isOneOfSeveral(done) ? undefined : (done.seed ?? seed),
		status: 'completed',
		revisedPrompt: revisedPrompt === prompt ? undefined : revisedPrompt,
		megapixels: done.price?.megapixels && omitUndefined({ ...done.price.megapixels }),
		taskId: done.task?.id,
		timing: timingOf(target, done),
		provider: target.provider,
		raw: rawOf(target, done.raw),
	});
}

/** One image's part, so that the sum over the items is right. */
function costOf({ price, part }: Done): IDataObject | undefined {
	return price?.cost && omitUndefined({ ...shareOf(price.cost, part?.of ?? 1) });
}

function imageFacts(image: ImageSource, stored: StoredImage | undefined): IDataObject {
	const { width, height, mimeType, fileSize }: Partial<StoredImage> = stored ?? {};
	const url = 'url' in image ? image.url : undefined;
	return omitUndefined({ width, height, mimeType, fileSize, url });
}

function timingOf({ polls = 0 }: CollectTarget, done: Done): IDataObject {
	const submittedAt = done.task?.submittedAt ?? done.submittedAt;
	const completedAt = new Date();
	return omitUndefined({
		submittedAt,
		completedAt: completedAt.toISOString(),
		seconds: submittedAt && (completedAt.getTime() - Date.parse(submittedAt)) / 1000,
		polls: polls > 0 ? polls : undefined,
	});
}

/** A task that was accepted: what *Task: Get* needs to collect its image later. */
export const submittedItem = (
	{ provider, redact }: Pick<ItemTarget, 'provider' | 'redact'>,
	{ model, estimatedCost }: RequestSummary,
	{ task, raw }: { task?: Task; raw?: unknown },
): OutputItem => {
	const json = omitUndefined({
		model: model ?? task?.model,
		cost: task?.price?.cost ?? estimatedCost,
		...taskFacts(task),
		provider,
		raw,
	});
	return { json: redactJson(json, redact) };
};

/** What an image would cost. */
export const estimateItem = (
	{ provider, redact }: Pick<ItemTarget, 'provider' | 'redact'>,
	model: string,
	estimate: Estimate | undefined,
): OutputItem => ({ json: redactJson(omitUndefined({ model, estimate, provider }), redact) });

/** A task that has no image to show: it still runs, or has failed. */
export function taskItem(
	target: ItemTarget,
	task: Task,
	state: Pending | Unclear | Failed,
): OutputItem {
	const json = omitUndefined({
		model: task.model,
		...(state.status === 'failed' ? failureFacts(target, state) : runningFacts(state)),
		providerStatus: shortStatus(target, state),
		...taskFacts(task),
		provider: target.provider,
		raw: rawOf(target, state.raw),
	});
	return { json: redactJson(json, target.redact) };
}

/** The provider's own word; cut only once no secret can be cut in two. */
const shortStatus = ({ redact }: ItemTarget, { providerStatus = '' }: Pending | Unclear | Failed) =>
	redact(providerStatus).slice(0, MAX_STATUS_LENGTH) || undefined;

const failureFacts = ({ redact }: ItemTarget, { kind, message, price }: Failed) => ({
	status: 'failed',
	kind,
	message: toDisplayText(redact, message),
	cost: price?.cost,
});

/** A task whose state is unclear may still run. */
const runningFacts = (state: Pending | Unclear) => ({
	status: 'pending',
	...(state.status === 'pending' && {
		progress: state.progress,
		queuePosition: state.queuePosition,
	}),
});

const taskFacts = (task: Task | undefined) => ({
	taskId: task?.id,
	submittedAt: task?.submittedAt,
	pollUrl: task?.pollUrl,
});

const rawOf = ({ settings }: ItemTarget, raw: unknown): unknown =>
	settings.getOrDefault(simplify) ? undefined : raw;

/** The one value of an error item. */
export const errorJson = (
	{ provider, redact, model }: Pick<ItemTarget, 'provider' | 'redact'> & { model?: string },
	error: Flux2Error,
): IDataObject =>
	omitUndefined({
		message: toDisplayText(redact, error.message),
		description: toDisplayText(redact, error.description),
		kind: error.kind,
		taskId: error.taskId,
		provider,
		model,
		httpCode: error.httpCode,
		cost: error.cost,
	});
