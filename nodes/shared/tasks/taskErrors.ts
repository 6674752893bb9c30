import { Flux2Error, withAdvice, type ErrorKind } from '../core/errors';
import { failedResult, type SavedResult } from './checkpoints';
import type { Failed } from './protocol';
import { isWithinUrlLifetime } from './poller';

type Ended = ReturnType<typeof failedResult>;

/** The same request would meet these again: they are remembered, so that a re-run does not pay for them. */
const LASTING: readonly ErrorKind[] = ['moderated', 'invalidInput'];

const SUBMITS_ANEW = 'Running the node again submits it anew.';
/** One request made them all, so one alone cannot be asked for again. */
const KEEPS_OTHERS =
	'Running the node again hands on the other images of this request; a new execution asks for all of them anew.';
const MAYBE_BILLED = 'It may have been billed.';

/** What a re-run of the node may do about a task that ended badly. */
export function endedSlot(executionId: string, failed: Failed, pictures: number): Ended {
	const error = taskError(failed);
	if (LASTING.includes(failed.kind)) return failedResult(error, 'never');
	return failed.kind === 'badResponse' ? maybeBilled(executionId, error) : over(error, pictures);
}

const over = (error: Flux2Error, pictures: number) =>
	failedResult(withAdvice(error, pictures > 1 ? KEEPS_OTHERS : SUBMITS_ANEW), 'nextRun');

/** Retry On Fail must not pay again by itself; a person may. */
const maybeBilled = (executionId: string, error: Flux2Error) =>
	failedResult(
		withAdvice(error, `${MAYBE_BILLED} ${SUBMITS_ANEW}`, { uncertain: true }),
		executionId,
	);

/** What a task has ended with, as an error that names it. */
export function taskError({ kind, message, task }: Failed): Flux2Error {
	const error = new Flux2Error(kind, message);
	return task ? withAdvice(error, `The task ID is ${task.id}.`, { taskId: task.id }) : error;
}

/** The end of a slot whose picture can never be had; undefined while it may be. */
export function givenUp(
	slot: SavedResult,
	failure: Flux2Error,
	{ executionId, pictures }: { executionId: string; pictures: number },
): Ended | undefined {
	if (isBrokenData(failure, slot)) return maybeBilled(executionId, failure);
	return isGone(failure, slot) ? over(failure, pictures) : undefined;
}

/** Bytes out of an answer that are no picture stay none; nobody can be asked for others. */
const isBrokenData = (error: Flux2Error, slot: SavedResult): boolean =>
	error.kind === 'badResponse' &&
	slot.state === 'ready' &&
	slot.done.images.some((image) => 'base64' in image);

/** A picture that may appear yet is not given up. */
const isGone = (error: Flux2Error, slot: SavedResult): boolean =>
	isExpired(error) &&
	slot.state === 'ready' &&
	!isWithinUrlLifetime(slot.done.task?.submittedAt ?? slot.done.submittedAt);

export const isExpired = (error: unknown) =>
	error instanceof Flux2Error && error.kind === 'expired';
