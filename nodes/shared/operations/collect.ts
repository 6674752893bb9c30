import { delay } from '../core/async';
import { AbortedError, Flux2Error, rethrow } from '../core/errors';
import { pollInterval, timeout } from '../parameters/options';
import { toDisplayText } from '../core/redact';
import type { Settings } from '../parameters/param';
import { TaskPoller, type DurationEstimator } from '../tasks/poller';
import {
	splitImages,
	type Done,
	type Price,
	type PricedImage,
	type Task,
	type TaskProtocol,
} from '../tasks/protocol';
import type { OutputItem } from '../tasks/savedResults';
import { collectImage, type CollectTarget, type ImageSummary } from './items';
import type { ItemContext } from './types';

/** How long an image's host that has failed is left alone. */
const RECOVERY_MS = 1000;

/** Where an image comes from and where it goes, for one task. */
export interface Collector {
	readonly item: ItemContext;
	readonly protocol: TaskProtocol;
	readonly settings: Settings;
	readonly poller: TaskPoller;
	/** Under which the budget has the image's cost, where this run knows it. */
	readonly costKey?: string;
}

/** What a poller needs beside its item. */
interface PollerFacts {
	readonly protocol: TaskProtocol;
	readonly settings: Settings;
	readonly task?: Task;
	readonly estimator: DurationEstimator;
	readonly submittedByThisRun: boolean;
}

/** Follows a task as the item's options say. */
export function createPoller(item: ItemContext, facts: PollerFacts): TaskPoller {
	const { protocol, settings, task, estimator, submittedByThisRun } = facts;
	const { client, provider, signal, events } = item;
	return new TaskPoller({
		protocol,
		client,
		signal,
		timeoutSeconds: settings.getOrDefault(timeout),
		pollIntervalSeconds: settings.get(pollInterval),
		minPollIntervalSeconds: provider.minPollIntervalSeconds,
		estimator,
		submittedByThisRun,
		events: task && protocol.status ? events.of(protocol, client, task) : undefined,
		onUnclear({ task: { id }, message }) {
			item.unclearTasks.set(id, toDisplayText(client.redact, message));
		},
	});
}

/**
 * The item of a finished image. When its download fails for good, the task is asked for its image once more: the URL
 * may be another one then. Where there is none to ask, or no clear response, the same URL is downloaded once more.
 * @param onRefreshed is given what the task responds with
 */
export async function collectWithRefresh(
	collector: Collector,
	summary: ImageSummary,
	done: Done,
	onRefreshed: (done: Done) => void = () => undefined,
): Promise<OutputItem> {
	try {
		return await collectImage(targetOf(collector), summary, done);
	} catch (error) {
		if (error instanceof AbortedError) throw rethrow(error);
		const refreshed = await refreshImage(collector, done);
		if (refreshed) onRefreshed(refreshed);
		else if (mayRecover(error, done)) await delay(RECOVERY_MS, collector.item.signal);
		else throw rethrow(error);
		return await collectImage(targetOf(collector), summary, refreshed ?? done);
	}
}

/** Whether the image's host was asked in vain: it may be down for a moment, or lag behind the provider. */
export const mayRecover = (error: unknown, { images }: Done): boolean =>
	error instanceof Flux2Error &&
	(error.transient || error.httpCode !== undefined) &&
	images.some((image) => 'url' in image);

/** The image as the task has it now; undefined where there is no task to ask, or no image any more. */
export async function refreshImage(
	{ poller, protocol }: Collector,
	{ task, part, readyAt }: Done,
): Promise<Done | undefined> {
	if (!task || !protocol.status) return undefined;
	try {
		const state = await poller.poll(task);
		if (state.status !== 'done') return undefined;
		const image = splitImages({ ...state, readyAt })[(part?.number ?? 1) - 1];
		return image?.status === 'done' ? image : undefined;
	} catch (error) {
		// the download's error says more than this one
		if (error instanceof Flux2Error) return undefined;
		throw rethrow(error);
	}
}

/** Tells the budget what was charged. */
export function settle(
	{ item, costKey }: Pick<Collector, 'item' | 'costKey'>,
	price?: Price,
): void {
	if (costKey && price?.cost) item.budget.settle(costKey, price.cost.amount);
}

/** Made anew for each image: `polls` goes on. */
export function targetOf(collector: Collector): CollectTarget {
	const { item, protocol, settings, poller } = collector;
	const { context, client, provider, signal, isToolCall, linkProblems } = item;
	const { price: fetchPrice, maxPriceMs } = protocol;
	return {
		helpers: context.helpers,
		origin: client.baseUrl,
		signal,
		deadline: poller.deadline,
		provider: provider.name,
		settings,
		redact: client.redactItem,
		polls: poller.polls,
		isToolCall,
		onUnlinked(reason) {
			linkProblems.push(reason);
		},
		maxPriceMs,
		...(fetchPrice && {
			fetchPrice: async (done: PricedImage, callSignal: AbortSignal) => {
				const price = await fetchPrice(client, done, callSignal);
				settle(collector, price);
				return price;
			},
		}),
	};
}
