import { rethrow, Flux2Error, withAdvice } from '../core/errors';
import { withoutExecutionSignal } from '../http/client';
import { given, valueOf, type Settings } from '../parameters/model';
import { pollInterval, timeout } from '../parameters/options';
import { initialEstimate, updateEstimate, nextPollDelay } from './pollSchedule';
import type { RunContext } from '../node/execute';
import type { Done, Failed, TaskProtocol, Task, TaskState } from './protocol';
import { withTimeout, delay, raceTimeout } from '../core/async';

/** How one task is followed until its picture is stored. */
export interface TaskPoller {
	readonly run: RunContext;
	readonly provider: TaskProtocol;
	readonly settings: Settings;
	/** Milliseconds since the epoch; the picture must be stored by then. */
	readonly deadline: number;
	/** Jobs of the same key take about the same time. */
	readonly durationKey: string;
	readonly typicalSeconds: number;
	/** True for a task that this run has submitted: it is given time before the first look. */
	readonly fresh: boolean;
	/** Looks so far. */
	polls: number;
}

/** "Not found" right after a submit: the task may still be spreading among the provider's servers. */
const PATIENCE = { looks: 3, seconds: 10 };

/** Seconds between looks while the event stream lives: events may get lost, and some ends have none. */
const GAP_WITH_EVENTS = 20;

/** What a call gets that begins at the deadline: the last look, and the download of what it finds. */
const SHORTEST_CALL_MS = 2000;

/** The latest moment at which a picture must be stored, counted from now. */
export const deadlineOf = (settings: Settings): number =>
	Date.now() + valueOf(settings, timeout) * 1000;

/**
 * Waits until the task has ended, looking when the poll schedule says so.
 * @throws Flux2Error `timeout` at the deadline, or what a look has met; each names the task and how to collect it
 */
export async function waitUntilFinal(watch: TaskPoller, task: Task): Promise<Done | Failed> {
	const { fresh } = watch;
	// another computer's clock, or a time whose zone was lost, may say that it is yet to come
	const started = Math.min(Date.parse(task.submittedAt ?? '') || Date.now(), Date.now());
	const age = () => (Date.now() - started) / 1000;
	// a run that takes a task up listens first: what ends while it looks would otherwise be missed
	await watch.provider.events?.(watch.run.api)?.opened;
	let ranUntil = 0;
	let state = fresh ? undefined : await poll(watch, task);
	for (;;) {
		if (state && state.status !== 'pending' && !isTooEarly(watch, task, state)) {
			if (state.status === 'done' && fresh) learn(watch, (ranUntil + age()) / 2);
			return state;
		}
		ranUntil = age();
		const told = await eventOrGap(watch, task, ranUntil);
		if (told) {
			if (told.status === 'done' && fresh) learn(watch, age());
			return told;
		}
		state = await poll(watch, task);
	}
}

/** Black Forest Labs documents 10 minutes for a picture's URL; the others say nothing. */
const SHORTEST_LIFE_MS = 600_000;

/** Whether a picture that its host refuses may only be late there, or blocked on the way. */
export const isWithinUrlLifetime = (submittedAt: string | undefined): boolean =>
	submittedAt !== undefined && Date.now() - Date.parse(submittedAt) <= SHORTEST_LIFE_MS;

/** How long a call may take. */
export const remainingMs = ({ deadline }: TaskPoller): number =>
	Math.max(SHORTEST_CALL_MS, deadline - Date.now());

/** Waits until the next look is due, or until an event tells the task's end. */
async function eventOrGap(
	watch: TaskPoller,
	task: Task,
	age: number,
): Promise<Done | Failed | undefined> {
	const { run, provider, settings } = watch;
	const leftMs = watch.deadline - Date.now();
	if (leftMs <= 0) throw tooLate(watch, task);
	const own = given(settings, pollInterval);
	const events = provider.events?.(run.api);
	if (events?.isAlive) {
		const gapMs = Math.min((own ?? GAP_WITH_EVENTS) * 1000, leftMs);
		const told = await raceTimeout(events.told(task.id), gapMs, run.api.signal);
		return told && { ...told, task };
	}
	const seconds = own ?? nextPollDelay(age, known(watch), run.service.shortestGapSeconds);
	await delay(Math.min(seconds * 1000, leftMs), run.api.signal);
	return undefined;
}

/** One look at the task; when it goes wrong, the error says how to collect the task later. */
export async function poll(watch: TaskPoller, task: Task): Promise<TaskState> {
	const { provider, run } = watch;
	watch.polls++;
	try {
		const state = await withTimeout(
			remainingMs(watch),
			run.api.signal,
			async (signal) => await provider.check!({ ...run.api, signal }, task),
		);
		if (!state) throw tooLate(watch, task);
		return state;
	} catch (error) {
		throw error instanceof Flux2Error ? withCollectHint(error, task) : rethrow(error);
	}
}

/** The state of a task that the provider does not know, or not yet. */
export const taskNotFound = (task: Task, message: string): Failed => ({
	status: 'failed',
	task,
	kind: 'notFound',
	message,
	unknown: true,
	raw: undefined,
});

/** For a provider that answers 404 about a task it does not know: that is a state of the task. */
export async function notFoundAsState(
	task: Task,
	look: () => Promise<TaskState>,
): Promise<TaskState> {
	try {
		return await look();
	} catch (error) {
		if (!(error instanceof Flux2Error) || error.kind !== 'notFound') throw rethrow(error);
		return taskNotFound(task, error.message);
	}
}

const COLLECT =
	'To get the image without paying again, retry this execution, or use the resource Task, operation Get.';

/** The failure of a task with what names it, and the way to its picture that costs nothing. */
export function withCollectHint(error: Flux2Error, task: Task | undefined): Flux2Error {
	if (!task || error.taskId === task.id) return error;
	const { id: taskId, pollUrl } = task;
	if (error.kind === 'expired') return withAdvice(error, `The task ID is ${taskId}.`, { taskId });
	const address = pollUrl ? `, its poll URL "${pollUrl}"` : '';
	return withAdvice(error, `The task ID is ${taskId}${address}. ${COLLECT}`, { taskId });
}

/** After n8n has stopped the execution the provider need not work on; nobody waits for its answer. */
export function cancelIfStopped({ run, provider }: TaskPoller, task: Task): void {
	const { cancel } = provider;
	if (!run.api.stop.aborted || !cancel) return;
	void withoutExecutionSignal(run.api, async (api) => await cancel(api, task)).catch(
		() => undefined,
	);
}

function isTooEarly({ polls }: TaskPoller, { submittedAt }: Task, state: Done | Failed): boolean {
	if (state.status !== 'failed' || !state.unknown || !submittedAt) return false;
	const age = (Date.now() - Date.parse(submittedAt)) / 1000;
	return polls <= PATIENCE.looks && age <= PATIENCE.seconds;
}

function tooLate({ settings }: TaskPoller, task: Task): Flux2Error {
	const message = `The image was not ready after ${valueOf(settings, timeout)} s`;
	return withCollectHint(new Flux2Error('timeout', message), task);
}

const known = ({ run, durationKey, typicalSeconds }: TaskPoller) =>
	run.durations.get(durationKey) ?? initialEstimate(typicalSeconds);

const learn = (watch: TaskPoller, seconds: number) =>
	watch.run.durations.set(watch.durationKey, updateEstimate(known(watch), seconds));
