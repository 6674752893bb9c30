import type { INodeExecutionData } from 'n8n-workflow';
import {
	Flux2Error,
	withAdvice,
	type Cost,
	type ErrorDetails,
	type ErrorKind,
} from '../core/errors';
import { z } from '../core/vendor';
import type { Done, Failed, Task } from './protocol';
import { taskError } from './taskErrors';

/**
 * What became of one image or task that was paid for. It is saved in n8n's node context, which survives Retry On Fail,
 * waits and "Retry execution": a re-run resumes what is there instead of paying again.
 */
export type SavedResult = PendingResult | DoneResult | StoredResult | FailedResult;

export interface PendingResult extends MaybeLost {
	state: 'pending';
	task: Task;
	raw?: unknown;
}

/** Finished at the provider, not stored yet. */
export interface DoneResult extends MaybeLost {
	state: 'done';
	done: Done;
}

interface StoredResult {
	state: 'stored';
	item: OutputItem;
}

export interface FailedResult {
	state: 'failed';
	error: SavedError;
	resubmit: ResubmitRule;
}

interface MaybeLost {
	/**
	 * ID of the execution that could not get the image, although the provider has not said that the task failed. Another
	 * execution, which a person has started, asks once more and then submits anew.
	 */
	lostIn?: string;
}

/**
 * When the same request may be submitted anew: never (it would meet the same refusal), in the next run (the provider
 * has said that this task failed), or in any execution but this one (it may have been billed, so a person decides).
 */
export type ResubmitRule = 'never' | 'nextRun' | { exceptExecution: string };

export type OutputItem = Pick<INodeExecutionData, 'json' | 'binary'>;

interface SavedError extends ErrorDetails {
	kind: ErrorKind;
	message: string;
}

/** What was asked for, as the output says it. */
export interface RequestSummary {
	/** Left out for a task that was submitted elsewhere. */
	model?: string;
	prompt?: string;
	seed?: unknown;
	/** In pixels, where they are known. */
	size?: { width: number; height: number };
	/** Of one image, where the price of the request can be estimated. */
	estimatedCost?: Cost;
}

/** The same request would meet these again: they are remembered, so that a re-run does not pay for them. */
const PERMANENT_KINDS: readonly ErrorKind[] = ['moderated', 'invalidInput'];

/** What a later run does about a failure: where the request has no other result, and where it has. */
interface Advice {
	alone: string;
	amongOthers: string;
}

/** All images came from one request, so a single one cannot be submitted anew. */
const KEEP_OTHERS_ADVICE =
	'A retry passes on the other images of this request, and submits it anew only if there is none; a new execution asks for all of them anew.';
const MAYBE_PAID_ADVICE = 'It may have been paid for, so it is not submitted again by itself.';

const FAILED: Advice = { alone: 'A retry submits it anew.', amongOthers: KEEP_OTHERS_ADVICE };
const UNCERTAIN: Advice = {
	alone: `${MAYBE_PAID_ADVICE} Retry this execution to submit it anew.`,
	amongOthers: `${MAYBE_PAID_ADVICE} ${KEEP_OTHERS_ADVICE}`,
};
const LOST: Advice = {
	alone: `${MAYBE_PAID_ADVICE} Retry this execution to ask for it once more and, if it is still not there, to submit it anew.`,
	amongOthers: `${MAYBE_PAID_ADVICE} Retry this execution to ask for it once more. ${KEEP_OTHERS_ADVICE}`,
};

/** A result that reports this failure again. */
export const failedResult = (error: Flux2Error, resubmit: ResubmitRule): FailedResult => ({
	state: 'failed',
	resubmit,
	error: {
		kind: error.kind,
		message: error.message,
		description: error.description,
		...(error.httpCode !== undefined && { httpCode: error.httpCode }),
		...(error.taskId !== undefined && { taskId: error.taskId }),
		...(error.maybeBilled && { maybeBilled: true }),
		...(error.cost && { cost: error.cost }),
	},
});

export const restoreError = ({ error: { kind, message, ...details } }: FailedResult): Flux2Error =>
	new Flux2Error(kind, message, details);

/**
 * What a re-run of the node may do about a task of which the provider itself has said that it failed.
 * @param count how many results the request has
 */
export function resultOfFailure(failed: Failed, executionId: string, count: number): FailedResult {
	const error = taskError(failed);
	if (PERMANENT_KINDS.includes(failed.kind)) return failedResult(error, 'never');
	if (failed.kind === 'badResponse') return uncertainResult(error, executionId, count);
	return failedResult(withAdvice(error, adviceFor(FAILED, count)), 'nextRun');
}

/** The end of a result of which nobody knows whether it was billed: Retry On Fail must not pay again by itself. */
export const uncertainResult = (
	error: Flux2Error,
	executionId: string,
	count: number,
): FailedResult =>
	failedResult(withAdvice(error, adviceFor(UNCERTAIN, count), { maybeBilled: true }), {
		exceptExecution: executionId,
	});

/** The failure of a result that is kept, because the provider has not said that the task failed. */
export const lostError = (error: Flux2Error, count: number): Flux2Error =>
	withAdvice(error, adviceFor(LOST, count));

const adviceFor = ({ alone, amongOthers }: Advice, count: number): string =>
	count > 1 ? amongOthers : alone;

/** What is needed of a saved result to resume it. */
export const savedResultSchema = () =>
	z.discriminatedUnion('state', [
		z.object({ state: z.literal('pending'), task: z.object({ id: z.string() }) }),
		z.object({ state: z.literal('done'), done: z.object({ images: z.array(z.unknown()) }) }),
		z.object({ state: z.literal('stored'), item: z.object({ json: z.record(z.unknown()) }) }),
		z.object({
			state: z.literal('failed'),
			error: z.object({ kind: z.string(), message: z.string() }),
			resubmit: z.union([
				z.literal('never'),
				z.literal('nextRun'),
				z.object({ exceptExecution: z.string() }),
			]),
		}),
	]);
