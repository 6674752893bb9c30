import { AbortedError, Flux2Error, invalidInput, toFlux2Error, withAdvice } from '../core/errors';
import { withoutExecutionSignal } from '../http/client';
import type { RequestCallback } from '../parameters/imageRequest';
import { HOW_TO_WAIT } from '../parameters/options';
import { replaceResult } from '../tasks/checkpoints';
import { DurationEstimator } from '../tasks/poller';
import { splitImages, type Done, type Task } from '../tasks/protocol';
import {
	lostError,
	restoreError,
	uncertainResult,
	type DoneResult,
	type FailedResult,
	type OutputItem,
	type PendingResult,
	type SavedResult,
} from '../tasks/savedResults';
import { isWithinUrlLifetime, taskError, withCollectHint, withTaskId } from '../tasks/taskErrors';
import {
	collectWithRefresh,
	createPoller,
	refreshImage,
	settle,
	targetOf,
	type Collector,
} from './collect';
import { withLink } from './imageLink';
import type { ImageSummary } from './items';
import { prepareRequests } from './request';
import {
	factsOf,
	openSubmission,
	submit,
	submittedTaskItem,
	toEndedResult,
	type Submission,
} from './submit';
import type { ItemContext, ItemResult, PreparedOperation } from './types';

/** How an item goes on once its task is accepted, where the provider calls instead of being polled. */
export interface Suspension {
	/** What the provider calls. */
	readonly callback: RequestCallback;
	/** Sets the execution aside until that call, with the task item as its data. */
	suspend(this: void, submission: Submission, task: Task, item: OutputItem): Promise<void>;
}

/** How long the URL of an image lives at least, where the provider's documents do not say. */
const DEFAULT_URL_LIFETIME_MS = 600_000;

/** What the steps of one request share. */
interface Finishing extends Submission, Collector {}

/** Image: Generate. Submits, waits and stores, or resumes what an earlier run of the node has paid for. */
export function generate(item: ItemContext, suspension?: Suspension): PreparedOperation[] {
	const requests = prepareRequests(item, suspension?.callback);
	if (suspension && requests.length > 1) {
		throw invalidInput([`${HOW_TO_WAIT}: Callback waits for one image, and several are asked for`]);
	}
	return requests.map((prepared) => {
		const { claim, spending } = openSubmission(prepared, 'generate');
		return {
			item: prepared.item,
			model: prepared.request.model.id,
			spending,
			run: async () => await generateImage(claim(), suspension),
		};
	});
}

async function generateImage(
	submission: Submission,
	suspension?: Suspension,
): Promise<ItemResult[]> {
	const { checkpoint, item } = submission;
	const wasLost = item.checkpoints.wasLost(checkpoint);
	if (submission.submittedByThisRun) await submit(submission);
	// what an earlier run has submitted would call the address of that run
	const suspends = suspension && submission.submittedByThisRun && !item.signal.aborted;
	if (suspends) return await suspendResult(submission, suspension);
	const results = await finishAll(submission);
	const isLostAgain = wasLost && item.checkpoints.isLostAgain(checkpoint);
	return isLostAgain ? await resubmit(submission) : results;
}

async function suspendResult(
	submission: Submission,
	{ suspend }: Suspension,
): Promise<ItemResult[]> {
	const { item, checkpoint } = submission;
	const [result] = checkpoint.results;
	if (result?.state !== 'pending') return await finishAll(submission);
	const taskItem = submittedTaskItem(item, checkpoint, result);
	try {
		await suspend(submission, result.task, taskItem);
		return [{ item: taskItem }];
	} catch (error) {
		throw withCollectHint(toFlux2Error(error), result.task);
	}
}

/** The task was asked for once more, in vain. */
async function resubmit(submission: Submission): Promise<ItemResult[]> {
	const again = { ...submission, submittedByThisRun: true };
	await submit(again);
	return await finishAll(again);
}

async function finishAll(submission: Submission): Promise<ItemResult[]> {
	// a copy: a result with several images makes room for each
	const results = [...submission.checkpoint.results];
	const finished = await Promise.all(results.map((result) => finishResult(submission, result)));
	return finished.flat().map((result) => ({ ...result, ...factsOf(submission) }));
}

/** Brings one result to its end, each of its images apart. Never rejects: what an abort interrupts has no outcome. */
async function finishResult(submission: Submission, result: SavedResult): Promise<ItemResult[]> {
	const finishing = startFinishing(submission, result);
	try {
		const ended = result.state === 'pending' ? await awaitTask(finishing, result) : result;
		const parts = splitResult(finishing, ended);
		replaceResult(submission.checkpoint, result, parts);
		const isResumed = result.state === 'done' && !submission.submittedByThisRun;
		return await Promise.all(parts.map((part) => storeResult(finishing, part, isResumed))).then(
			(results) => results.flat(),
		);
	} catch (thrown) {
		if (!(thrown instanceof AbortedError)) {
			return [{ error: withCollectHint(toFlux2Error(thrown), taskOf(result)) }];
		}
		if (result.state === 'pending') cancelAtProvider(finishing, result.task);
		return [];
	}
}

function startFinishing(submission: Submission, result: SavedResult): Finishing {
	const { item, protocol, request, submittedByThisRun } = submission;
	const { settings, model, body } = request;
	const size = megapixelBucket(body.width, body.height);
	const key = [item.provider.name, model.id, size].join(' ');
	const estimator = new DurationEstimator(item.durations, key, model.typicalSeconds);
	const task = taskOf(result);
	const facts = { protocol, settings, task, estimator, submittedByThisRun };
	const costKey = task?.id ?? submission.checkpoint.costKey;
	return { ...submission, settings, costKey, poller: createPoller(item, facts) };
}

/** Sizes that take about the same time. */
const megapixelBucket = (width: unknown, height: unknown): string =>
	typeof width === 'number' && typeof height === 'number'
		? `${Math.max(1, Math.round((width * height) / 1e6))} MP`
		: 'automatic size';

/** @throws Flux2Error where the task may still have an image: its result stays pending */
async function awaitTask(
	finishing: Finishing,
	result: PendingResult,
): Promise<DoneResult | FailedResult> {
	const { item, checkpoint, poller } = finishing;
	const state = await poller.waitUntilFinal(result.task);
	item.events.close(result.task);
	settle(finishing, state.price);
	if (state.status === 'failed' && state.lost) {
		result.lostIn = item.checkpoints.executionId;
		throw lostError(taskError(state), checkpoint.results.length);
	}
	return toEndedResult(finishing, state, checkpoint.results.length);
}

/** The images of one response are stored apart, so that one that fails does not take the others with it. */
const splitResult = <R extends SavedResult>(
	submission: Submission,
	result: R,
): Array<R | DoneResult | FailedResult> =>
	result.state === 'done'
		? splitImages(result.done).map((part) =>
				part.status === 'done'
					? { ...result, done: part }
					: toEndedResult(submission, part, result.done.images.length),
			)
		: [result];

/** @param isResumed whether an earlier run has got the image's address, which may be another one by now */
async function storeResult(
	finishing: Finishing,
	result: Exclude<SavedResult, PendingResult>,
	isResumed: boolean,
): Promise<ItemResult[]> {
	const { checkpoint } = finishing;
	// an earlier run's link may have died
	if (result.state === 'stored') return [{ item: withLink(targetOf(finishing), result.item) }];
	if (result.state === 'failed') return [{ error: restoreError(result) }];
	try {
		if (isResumed) result.done = (await refreshImage(finishing, result.done)) ?? result.done;
		const summary = summaryOf(finishing, result);
		const item = await collectWithRefresh(finishing, summary, result.done, (done) => {
			result.done = done;
		});
		replaceResult(checkpoint, result, [{ state: 'stored', item }]);
		return [{ item }];
	} catch (thrown) {
		if (thrown instanceof AbortedError) return [];
		return [{ error: keepFailure(finishing, result, thrown) }];
	}
}

function summaryOf({ item, checkpoint, request }: Finishing, result: DoneResult): ImageSummary {
	const { results, request: summary } = checkpoint;
	const { first = 1, of = 1 } = request.numbers ?? {};
	const isOneOfSeveral = of > 1 || results.length > 1;
	return {
		...summary,
		// several images of one request cannot all have its seed
		seed: results.length > 1 ? undefined : summary?.seed,
		imageNumber: isOneOfSeveral ? first + results.indexOf(result) : undefined,
		itemIndex: item.itemIndex,
	};
}

/** Decides what a later run may do about an image that could not be stored. */
function keepFailure(
	{ item, checkpoint }: Finishing,
	result: DoneResult,
	thrown: unknown,
): Flux2Error {
	const { executionId } = item.checkpoints;
	const { done } = result;
	const count = checkpoint.results.length;
	const error = toFlux2Error(thrown);
	const named = withTaskId(error, done.task);
	// Inline base64 that is not a valid image will never become one, and there is no URL to fetch again.
	// A failure of n8n's own store says nothing about the image.
	const isOurs = thrown instanceof Flux2Error && error.kind === 'badResponse';
	if (isOurs && done.images.some((image) => 'base64' in image)) {
		const ended = uncertainResult(named, executionId, count);
		replaceResult(checkpoint, result, [ended]);
		return restoreError(ended);
	}
	const { imageUrlLifetimeMs = DEFAULT_URL_LIFETIME_MS } = item.provider;
	if (error.kind === 'expired' && !isWithinUrlLifetime(done.readyAt, imageUrlLifetimeMs)) {
		result.lostIn = executionId;
		return lostError(named, count);
	}
	return withImageHint(withCollectHint(error, done.task), done);
}

/** Where there is no task to ask, the image's own address is all that is left of what was paid. */
function withImageHint(error: Flux2Error, { task, images }: Done): Flux2Error {
	const urls = images.flatMap((image) => ('url' in image ? [image.url] : []));
	if (task || urls.length === 0 || error.kind === 'expired') return error;
	return withAdvice(error, `The image is at ${urls.join(' and ')} for a short time.`);
}

const taskOf = (result: SavedResult): Task | undefined => {
	if (result.state === 'pending') return result.task;
	return result.state === 'done' ? result.done.task : undefined;
};

/** After n8n has stopped the execution the provider need not work on. Nobody waits for its response. */
function cancelAtProvider({ item, protocol }: Finishing, task: Task): void {
	if (!item.client.cancelSignal.aborted || !protocol.status || !protocol.cancel) return;
	const client = withoutExecutionSignal(item.client);
	protocol.cancel(client, task, client.cancelSignal).catch(() => undefined);
}
