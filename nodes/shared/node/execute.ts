import { createHash } from 'node:crypto';
import { ExpressionError, type IExecuteFunctions, type INodeExecutionData } from 'n8n-workflow';
import { throttle, type Throttle } from '../core/async';
import { AbortedError, Flux2Error, invalidInput, rethrow, toFlux2Error } from '../core/errors';
import { createRedactor } from '../core/redact';
import { pLimit } from '../core/vendor';
import { AdaptiveLimiter, Permit } from '../http/limiter';
import { errorJson } from '../operations/items';
import type {
	ItemContext,
	ItemResult,
	Operation,
	PreparedOperation,
	ProviderDefinition,
	RunContext,
} from '../operations/types';
import { maxConcurrent, OPTIONS } from '../parameters/options';
import { ParameterReader } from '../parameters/reader';
import { CheckpointStore } from '../tasks/checkpoints';
import { RunEvents } from '../tasks/eventStream';
import type { Durations } from '../tasks/pollSchedule';
import { createClient, type ReadClient } from './client';
import { mostInformative, toNodeError, type Failure } from './nodeError';

/** What the executions of one process learn and share. */
export interface ProcessState {
	readonly durations: Durations;
	/** By credential. */
	readonly limiters: Map<string, AdaptiveLimiter>;
	readonly readThrottle: Throttle;
}

/** At most 50 reads a second and host, whatever the number of tasks. */
const MIN_READ_GAP_MS = 20;

const processState: ProcessState = {
	durations: new Map(),
	limiters: new Map(),
	readThrottle: throttle(MIN_READ_GAP_MS),
};

/** One run of the node, and what its items report to it. */
interface Run {
	readonly state: ProcessState;
	readonly runContext: RunContext;
	readonly cancelSignal: AbortSignal;
	readonly maxConcurrency: number;
	readonly failures: Failure[];
	reportFailure(failure: Failure): void;
}

interface PreparedItem {
	readonly item: ItemContext;
	readonly operation: PreparedOperation;
}

/** The node's `execute`: every item at once up to "Max Concurrent", in order, each linked to its input. */
export async function runItems(
	context: IExecuteFunctions,
	provider: ProviderDefinition,
	state = processState,
): Promise<INodeExecutionData[][]> {
	const cancelSignal = context.getExecutionCancelSignal() ?? new AbortController().signal;
	if (cancelSignal.aborted) return [[]];
	const runAbort = new AbortController();
	const abortRun = () => runAbort.abort();
	cancelSignal.addEventListener('abort', abortRun);
	const isToolCall = calledAsTool(context);
	const runContext: RunContext = {
		context,
		provider,
		checkpoints: new CheckpointStore(context, isToolCall),
		durations: state.durations,
		events: new RunEvents(runAbort.signal),
		signal: runAbort.signal,
		isToolCall,
	};
	const failures: Failure[] = [];
	const reportFailure = (failure: Failure) => {
		failures.push(failure);
		if (!context.continueOnFail()) abortRun();
	};
	const maxConcurrency = maxConcurrencyOf(context);
	try {
		const run = { state, runContext, cancelSignal, maxConcurrency, failures, reportFailure };
		return [await runAll(run)];
	} finally {
		cancelSignal.removeEventListener('abort', abortRun);
		runContext.events.closeAll();
		runContext.checkpoints.releaseAll();
	}
}

/** Older hosts do not say it, nor do their types. */
const calledAsTool = (context: IExecuteFunctions & { isToolExecution?(): boolean }): boolean =>
	context.isToolExecution?.() ?? false;

async function runAll(run: Run): Promise<INodeExecutionData[]> {
	const { runContext, cancelSignal, maxConcurrency, failures, state } = run;
	const { context, checkpoints } = runContext;
	const { readThrottle } = state;
	let client: ReadClient;
	try {
		client = await createClient(context, runContext.provider, { cancelSignal, readThrottle });
	} catch (thrown) {
		return failWithoutCredential(runContext, thrown);
	}
	const limiter = limiterOf(state.limiters, client, maxConcurrency);
	// every item's parameters are checked before the first one is paid for
	const prepared = context.getInputData().map((_item, itemIndex): PreparedItem => {
		const reader = new ParameterReader(context, itemIndex);
		const permit = new Permit(limiter);
		const item = { ...runContext, itemIndex, reader, client: { ...client, permit } };
		return { item, operation: prepareItem(run, item) };
	});
	const limit = pLimit(maxConcurrency);
	const items = await Promise.all(
		prepared.map(async (item) => await limit(async () => await runItem(run, item))),
	);
	if (cancelSignal.aborted) return items.flat();
	const [first, ...others] = failures;
	if (!first) checkpoints.deleteAll();
	else if (!context.continueOnFail()) {
		throw toNodeError(context, client.redact, mostInformative([first, ...others]));
	}
	return items.flat();
}

/** Without a usable credential every item fails alike. */
function failWithoutCredential(
	{ context, provider }: RunContext,
	thrown: unknown,
): INodeExecutionData[] {
	const redact = createRedactor([]);
	const error = toFlux2Error(thrown, 'auth');
	if (!context.continueOnFail()) {
		throw thrown instanceof Flux2Error
			? toNodeError(context, redact, { itemIndex: 0, error })
			: rethrow(thrown);
	}
	return context.getInputData().map((_item, item) => ({
		json: { error: errorJson({ provider: provider.name, redact }, error) },
		pairedItem: { item },
	}));
}

function prepareItem({ reportFailure }: Run, item: ItemContext): PreparedOperation {
	try {
		return operationOf(item)(item);
	} catch (thrown) {
		const error = toFlux2Error(thrown, 'invalidInput');
		const { itemIndex } = item;
		reportFailure({
			itemIndex,
			error,
			...(thrown instanceof ExpressionError && { cause: thrown }),
		});
		return { run: async () => [{ error }] };
	}
}

/** Never rejects: a failure becomes an error item, and is reported to the run. */
async function runItem(
	{ reportFailure }: Run,
	{ item, operation }: PreparedItem,
): Promise<INodeExecutionData[]> {
	const { itemIndex, client, provider, signal } = item;
	if (signal.aborted) return [];
	const results = await operation
		.run()
		.catch((thrown: unknown): ItemResult[] =>
			thrown instanceof AbortedError ? [] : [{ error: toFlux2Error(thrown) }],
		)
		.finally(() => client.permit.release());
	return results.map((result) => {
		const pairedItem = { item: itemIndex };
		if ('item' in result) return { ...result.item, pairedItem };
		const { error } = result;
		reportFailure({ itemIndex, error });
		const facts = { provider: provider.name, redact: client.redact, model: operation.model };
		return { json: { error: errorJson(facts, error) }, pairedItem };
	});
}

function operationOf({ reader, provider }: ItemContext): Operation {
	// one choice for the whole run: the editor allows no expression here
	const resource = reader.text('resource') || 'image';
	const operation = reader.text('operation') || 'generate';
	const found = Object.entries(provider.operations).find(
		([name]) => name === `${resource}:${operation}`,
	);
	if (found) return found[1];
	throw invalidInput([`Operation: ${provider.label} has no "${operation}" for "${resource}"`]);
}

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

/** Limits are the credential's, whoever uses it at the moment. */
function limiterOf(
	limiters: Map<string, AdaptiveLimiter>,
	{ credentialType, baseUrl, credentials }: ReadClient,
	maxConcurrency: number,
): AdaptiveLimiter {
	for (const [key, limiter] of limiters) if (limiter.isIdle) limiters.delete(key);
	const facts = JSON.stringify([credentialType, baseUrl, credentials]);
	const key = createHash('sha256').update(facts).digest('hex');
	const limiter = limiters.get(key) ?? new AdaptiveLimiter(maxConcurrency);
	limiters.set(key, limiter);
	limiter.welcome(maxConcurrency);
	return limiter;
}
