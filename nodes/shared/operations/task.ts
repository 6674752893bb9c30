import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { toFlux2Error, rethrow, invalidInput, AbortedError } from '../core/errors';
import { taskError } from '../tasks/taskErrors';
import { readOptions, readParam, readText, valueOf, type Settings } from '../parameters/model';
import { collectOptions, simplify } from '../parameters/options';
import { omitUndefined, collectImage } from '../images/store';
import { waitForCompletion } from '../parameters/properties';
import type { ItemResult, RunContext, PreparedOperation } from '../node/execute';
import {
	splitImages,
	type Done,
	type Failed,
	type Pending,
	type TaskProtocol,
	type Task,
} from '../tasks/protocol';
import { toDisplayText } from '../core/redact';
import { trustedUrl } from '../http/urlPolicy';
import {
	withCollectHint,
	deadlineOf,
	poll,
	waitUntilFinal,
	type TaskPoller,
} from '../tasks/poller';

interface Target {
	readonly task: Task;
	readonly settings: Settings;
	readonly provider: TaskProtocol;
}

/** Task: Get. The task's state, or its picture once it is done; with "Wait for Completion" as generate does. */
export function get(run: RunContext, itemIndex: number): PreparedOperation {
	const target = readTarget(run, itemIndex);
	const waits = readParam(run.context, itemIndex, waitForCompletion);
	return {
		model: target.task.model,
		async start() {
			const watch = watchFor(run, target);
			const { task } = target;
			const state = waits ? await waitUntilFinal(watch, task) : await poll(watch, task);
			if (state.status === 'done') return await collected(watch, itemIndex, state);
			if (waits) throw taskError(state as Failed);
			return [{ item: { json: describe(watch, state.task ?? task, state) } }];
		},
	};
}

/** Task: Cancel. */
export function cancel(run: RunContext, itemIndex: number): PreparedOperation {
	const { task, provider } = readTarget(run, itemIndex);
	const { cancel: stopTask, check } = provider;
	if (!stopTask) throw invalidInput(['Operation: Cancel does not exist in this dialect']);
	return {
		model: task.model,
		async start() {
			await stopTask(run.api, task);
			// a task that was quicker than the cancel is finished, and paid for
			const state = await check?.(run.api, task).catch(() => undefined);
			const status = state?.status === 'done' ? 'completed' : 'cancelled';
			return [{ item: { json: { provider: run.service.name, taskId: task.id, status } } }];
		},
	};
}

function readTarget(run: RunContext, itemIndex: number): Target {
	const { context, service, api } = run;
	const id = readText(context, itemIndex, 'taskId');
	if (id === '') throw invalidInput(['Task ID: must not be empty']);
	const { provider, taskModel } = service.routeFor(context, itemIndex);
	const given = readText(context, itemIndex, 'pollUrl') || undefined;
	if (given && !trustedUrl(api, given)) {
		throw invalidInput([`Poll URL: is no address of ${service.label} that may see the key`]);
	}
	// the default takes the input's, which may be another task's
	const pollUrl = trustedUrl(api, given, id);
	const { model = taskModel, submittedAt } = handleIn(context, itemIndex, id);
	return {
		task: { id, pollUrl, model, submittedAt },
		settings: readOptions(context, itemIndex, collectOptions).settings,
		provider,
	};
}

/** What else the operation Submit has emitted about this task, if the item still has it. */
function handleIn(context: IExecuteFunctions, itemIndex: number, id: string): Partial<Task> {
	const { taskId, model, submittedAt } = context.getInputData()[itemIndex]?.json ?? {};
	if (taskId !== id) return {};
	const isTime = typeof submittedAt === 'string' && !Number.isNaN(Date.parse(submittedAt));
	return {
		...(typeof model === 'string' && model !== '' && { model }),
		...(isTime && { submittedAt }),
	};
}

function watchFor(run: RunContext, { settings, provider }: Target): TaskPoller {
	return {
		run,
		provider,
		settings,
		deadline: deadlineOf(settings),
		durationKey: `${run.service.name} submitted elsewhere`,
		typicalSeconds: run.service.typicalSeconds,
		fresh: false,
		polls: 0,
	};
}

async function collected(watch: TaskPoller, itemIndex: number, done: Done): Promise<ItemResult[]> {
	const store = async (part: Done): Promise<ItemResult> => {
		try {
			return { item: await collectImage(watch, { itemIndex }, part) };
		} catch (error) {
			if (error instanceof AbortedError) throw rethrow(error);
			return { error: withCollectHint(toFlux2Error(error), done.task) };
		}
	};
	return await Promise.all(splitImages(done).map(store));
}

/** A task that has no picture to show, as an item. */
export function describe(
	{ run, settings }: TaskPoller,
	task: Task,
	state: Pending | Failed,
): IDataObject {
	return omitUndefined({
		provider: run.service.name,
		model: task.model,
		taskId: task.id,
		pollUrl: task.pollUrl,
		submittedAt: task.submittedAt,
		status: state.status,
		...(state.status === 'pending'
			? { progress: state.progress }
			: { kind: state.kind, message: toDisplayText(run.api, state.message) }),
		raw: valueOf(settings, simplify) ? undefined : state.raw,
	});
}
