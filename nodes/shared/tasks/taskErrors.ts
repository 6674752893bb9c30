import { ADVICE, Flux2Error, rethrow, withAdvice, type Cost } from '../core/errors';
import { NO_COST_REPORTED } from '../core/messages';
import { formatAmount } from '../parameters/price';
import type { Failed, Task, TaskState } from './protocol';

const COLLECT_ADVICE =
	'The image is paid for and may still come: to get it without paying again, retry this execution (Executions → Retry), or use the resource Task, operation Get.';

/** The failure with the ID of its task. */
export const withTaskId = (error: Flux2Error, task: Task | undefined): Flux2Error =>
	!task || error.taskId === task.id
		? error
		: withAdvice(error, `The task ID is ${task.id}.`, { taskId: task.id });

/** The failure of a task with what names it, and the way to its image that costs nothing. */
export function withCollectHint(error: Flux2Error, task: Task | undefined): Flux2Error {
	if (!task || error.taskId === task.id) return error;
	const { id: taskId, pollUrl } = task;
	const address = pollUrl ? `, its poll URL "${pollUrl}"` : '';
	const advice = `The task ID is ${taskId}${address}. ${COLLECT_ADVICE}`;
	return withAdvice(error, advice, { taskId });
}

const CANCELLED_ADVICE = 'Somebody has stopped it: a person, another program or the provider.';

/** The end of a task that has failed, as an error that names it and what was charged. */
export function taskError({ kind, message, task, httpCode, price, lost }: Failed): Flux2Error {
	const cost = price?.cost;
	const charged = cost ? `It cost ${toCostText(cost)}.` : NO_COST_REPORTED;
	// of the others it is said elsewhere that they may have been paid for
	const isSaidHere = cost !== undefined || !(lost || kind === 'badResponse');
	const advice = lost === 'cancelled' ? CANCELLED_ADVICE : ADVICE[kind];
	const description = isSaidHere ? `${charged} ${advice}` : advice;
	return withTaskId(new Flux2Error(kind, message, { description, httpCode, cost }), task);
}

const toCostText = ({ amount, currency, estimated }: Cost): string =>
	`${estimated ? 'about ' : ''}${formatAmount(amount, currency)}`;

/** The state of a task that the provider does not know, or not yet. */
export const taskNotFound = (task: Task, message: string): Failed => ({
	status: 'failed',
	task,
	kind: 'notFound',
	message,
	lost: 'missing',
	raw: undefined,
});

/** For a provider that responds with 404 about a task it does not know: that is a state of the task. */
export async function notFoundAsState(
	task: Task,
	readStatus: () => Promise<TaskState>,
): Promise<TaskState> {
	try {
		return await readStatus();
	} catch (error) {
		if (!(error instanceof Flux2Error) || error.kind !== 'notFound') throw rethrow(error);
		return taskNotFound(task, error.message);
	}
}

/**
 * Whether an image that its host refuses may only be late there, or blocked on the way.
 * @param readyAt ISO 8601; when the image was seen to be ready
 * @param lifetimeMs how long the provider keeps it
 */
export const isWithinUrlLifetime = (readyAt: string, lifetimeMs: number): boolean =>
	Date.now() - Date.parse(readyAt) <= lifetimeMs;
