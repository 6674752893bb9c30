import { AbortedError, Flux2Error, invalidInput, rethrow, toFlux2Error } from '../core/errors';
import { trustedUrl } from '../http/urlPolicy';
import { readOptions } from '../parameters/imageRequest';
import { collectOptions, waitForCompletion } from '../parameters/options';
import { isPathSafe, UNSAFE_ID } from '../parameters/model';
import type { Settings } from '../parameters/param';
import type { ParameterReader } from '../parameters/reader';
import { DurationEstimator } from '../tasks/poller';
import {
	splitImages,
	type AsyncProtocol,
	type CancelResult,
	type Done,
	type FinalState,
	type Task,
	type TaskState,
} from '../tasks/protocol';
import { taskError, withCollectHint } from '../tasks/taskErrors';
import { collectWithRefresh, createPoller, type Collector } from './collect';
import { taskItem } from './items';
import type { ItemContext, ItemResult, PreparedOperation } from './types';

interface TaskTarget {
	readonly task: Task;
	readonly settings: Settings;
	readonly protocol: AsyncProtocol;
}

/** Task: Get. The task's state, or its image once it is done; with "Wait for Completion" as generate does. */
export function getTask(item: ItemContext): PreparedOperation {
	const target = readTarget(item);
	const waits = item.reader.value(waitForCompletion);
	item.reader.throwIfInvalid();
	const { task, settings, protocol } = target;
	return {
		model: task.model,
		async run() {
			// nothing is known of a task that was submitted elsewhere, and nothing is learnt from it
			const estimator = new DurationEstimator(new Map(), '', item.provider.typicalSeconds);
			const poller = createPoller(item, { ...target, estimator, submittedByThisRun: false });
			const collector = { item, protocol, settings, poller };
			if (waits) {
				const end = await poller.waitUntilFinal(task);
				if (end.status === 'failed') throw taskError(end);
				return await collectAll(collector, end);
			}
			const state = await poller.poll(task);
			if (state.status === 'done') return await collectAll(collector, state);
			const { provider, client } = item;
			const itemTarget = { provider: provider.name, settings, redact: client.redact };
			return [{ item: taskItem(itemTarget, state.task ?? task, state) }];
		},
	};
}

/** Task: Cancel. A task that has ended is reported with its end, whatever the provider says to the cancel. */
export function cancelTask(item: ItemContext): PreparedOperation {
	const { task, protocol } = readTarget(item);
	const { cancel, status } = protocol;
	if (!cancel) throw invalidInput(['Operation: this service cannot cancel']);
	const { client, provider, signal } = item;
	return {
		model: task.model,
		async run() {
			const result = await cancel(client, task, signal).catch(flux2Failure);
			const state = await status(client, task, signal).catch(flux2Failure);
			return [
				{
					item: {
						json: {
							status: statusAfterCancel(result, state),
							taskId: task.id,
							provider: provider.name,
						},
					},
				},
			];
		},
	};
}

/** A failed call as a value; whatever else was thrown is thrown again. */
function flux2Failure(thrown: unknown): Flux2Error {
	if (thrown instanceof AbortedError) throw rethrow(thrown);
	return toFlux2Error(thrown);
}

/** @throws Flux2Error where the cancel failed and the task has not ended */
function statusAfterCancel(
	result: CancelResult | Flux2Error,
	state: TaskState | Flux2Error,
): string {
	if (!(state instanceof Flux2Error)) {
		if (state.status === 'done') return 'completed';
		if (state.status === 'failed' && state.lost === 'cancelled') return 'cancelled';
		if (state.status === 'failed' && state.lost !== 'missing') return 'failed';
	}
	if (result instanceof Flux2Error) throw result;
	const mayRun = !(state instanceof Flux2Error) && state.status !== 'failed';
	return result === 'requested' || mayRun ? 'cancellationRequested' : 'cancelled';
}

function readTarget(item: ItemContext): TaskTarget {
	const { reader, provider, client } = item;
	const id = reader.text('taskId');
	if (id === '') reader.addProblem('Task ID', 'must not be empty');
	if (!isTaskId(id)) reader.addProblem('Task ID', 'must not be a path');
	const { protocol, taskModel } = provider.routeFor(reader, client.credentials);
	if (taskModel && !isPathSafe(taskModel)) reader.addProblem('Custom Model', UNSAFE_ID);
	const userUrl = reader.text('pollUrl') || undefined;
	if (userUrl && !trustedUrl(client, userUrl)) {
		reader.addProblem('Poll URL', `is no address of ${provider.label} that may see the key`);
	}
	const { settings } = readOptions(reader, collectOptions);
	reader.throwIfInvalid();
	if (!protocol.status) throw invalidInput(['Operation: this API has no tasks']);
	// the default takes the input's, which may be another task's
	const pollUrl = trustedUrl(client, userUrl, id);
	const { model = taskModel, submittedAt } = taskFromInput(reader, id);
	return { task: { id, pollUrl, model, submittedAt }, settings, protocol };
}

/** A task ID is one part of a path. */
const isTaskId = (id: string): boolean => !/^\.{1,2}$|[\p{Cc}\p{Cs}]/u.test(id);

/** What else the operation Submit has put out about this task, if the item still has it. */
function taskFromInput({ context, itemIndex }: ParameterReader, id: string): Partial<Task> {
	const { taskId, model, submittedAt } = context.getInputData()[itemIndex]?.json ?? {};
	if (taskId !== id) return {};
	const isTime = typeof submittedAt === 'string' && !Number.isNaN(Date.parse(submittedAt));
	return {
		...(typeof model === 'string' && isPathSafe(model) && { model }),
		...(isTime && { submittedAt }),
	};
}

async function collectAll(collector: Collector, done: Done): Promise<ItemResult[]> {
	const { itemIndex } = collector.item;
	const collect = async (image: FinalState): Promise<ItemResult> => {
		if (image.status === 'failed') return { error: taskError(image) };
		try {
			return { item: await collectWithRefresh(collector, { itemIndex }, image) };
		} catch (error) {
			return { error: withCollectHint(toFlux2Error(error), done.task) };
		}
	};
	return await Promise.all(splitImages(done).map(collect));
}
