import type { IExecuteFunctions } from 'n8n-workflow';
import type { ReadClient } from '../http/types';
import { Budget } from '../operations/budget';
import type { ItemResult, ProviderDefinition, RunContext } from '../operations/types';
import { maxConcurrent, OPTIONS } from '../parameters/options';
import { CheckpointStore } from '../tasks/checkpoints';
import { RunEvents } from '../tasks/eventStream';
import { tellResults } from './afterRun';
import { mostInformative, toNodeError, withKeptAdvice, type Failure } from './nodeError';
import type { ProcessState } from './processState';

/** One run of the node. */
export interface Run {
	readonly runContext: RunContext;
	readonly cancelSignal: AbortSignal;
	readonly maxConcurrency: number;
	readonly failures: Failure[];
	/** Of all items, in the order in which they ended. */
	readonly results: ItemResult[];
	/** Ends the run, unless it goes on after failures. */
	reportFailure(this: void, failure: Failure): void;
	/** To be called in the end, however the run has ended. */
	close(this: void): void;
}

export function openRun(
	context: IExecuteFunctions,
	provider: ProviderDefinition,
	{ durations }: ProcessState,
	cancelSignal: AbortSignal,
): Run {
	const runAbort = new AbortController();
	const abortRun = () => runAbort.abort();
	cancelSignal.addEventListener('abort', abortRun);
	const { signal } = runAbort;
	const isToolCall = isCalledAsTool(context);
	const events = new RunEvents(signal);
	const checkpoints = new CheckpointStore(context, isToolCall);
	const budget = new Budget(context, checkpoints.executionId);
	const unclearTasks = new Map<string, string>();
	const shared = { context, provider, checkpoints, durations, events, budget, signal };
	const failures: Failure[] = [];
	return {
		runContext: { ...shared, isToolCall, unclearTasks, linkProblems: [] },
		cancelSignal,
		maxConcurrency: maxConcurrencyOf(context),
		failures,
		results: [],
		reportFailure(failure) {
			failures.push(failure);
			if (!context.continueOnFail()) abortRun();
		},
		close() {
			cancelSignal.removeEventListener('abort', abortRun);
			events.closeAll();
			checkpoints.releaseAll();
		},
	};
}

/** Older hosts do not say it, nor do their types. */
const isCalledAsTool = (context: IExecuteFunctions & { isToolExecution?(): boolean }): boolean =>
	context.isToolExecution?.() ?? false;

/** One value for the whole run: the first item's. */
function maxConcurrencyOf(context: IExecuteFunctions): number {
	const { property, schema } = maxConcurrent;
	try {
		return schema().parse(context.getNodeParameter(`${OPTIONS}.${property.name}`, 0, null));
	} catch {
		// An invalid value is reported later, when the item's parameters are checked.
		return maxConcurrent.default;
	}
}

/** Checkpoints go only when every image has been passed on. */
export function concludeRun(run: Run, { redact }: ReadClient): void {
	const { runContext, cancelSignal, failures } = run;
	const { context, checkpoints, isToolCall } = runContext;
	const [first, ...others] = failures;
	if (cancelSignal.aborted) return;
	tellRun(run);
	if (!first) checkpoints.deleteAll();
	else if (!context.continueOnFail()) {
		const failure = mostInformative([first, ...others]);
		// an agent has no executions to retry
		const kept = isToolCall ? 0 : checkpoints.countKept({ ...first, taskId: first.error.taskId });
		throw toNodeError(context, redact, withKeptAdvice(failure, kept));
	}
}

/** Says above the output what has become of the items. */
export function tellRun({ runContext, results }: Run): void {
	const { context, provider, isToolCall, unclearTasks, linkProblems } = runContext;
	tellResults(context, provider.name, { results, unclearTasks, linkProblems }, isToolCall);
}
