import { createHash } from 'node:crypto';
import { ExpressionError, type IExecuteFunctions, type INodeExecutionData } from 'n8n-workflow';
import type { Throttle } from '../core/async';
import { AbortedError, Flux2Error, invalidInput, rethrow, toFlux2Error } from '../core/errors';
import { createRedactor } from '../core/redact';
import { pLimit } from '../core/vendor';
import { AdaptiveLimiter, Permit } from '../http/limiter';
import type { ReadClient } from '../http/types';
import { planSpending } from '../operations/budget';
import { errorJson } from '../operations/items';
import type {
	ItemContext,
	ItemResult,
	Operation,
	PreparedOperation,
	ProviderDefinition,
} from '../operations/types';
import { ParameterReader } from '../parameters/reader';
import { createClient, createClientWithoutKey } from './client';
import { toNodeError } from './nodeError';
import { processState } from './processState';
import { concludeRun, openRun, tellRun, type Run } from './run';

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
	const run = openRun(context, provider, state, cancelSignal);
	let limiter: AdaptiveLimiter | undefined;
	try {
		const client = await connect(run, state.readThrottle);
		if ('thrown' in client) return [failWithoutCredential(run, client.thrown)];
		limiter = limiterOf(state.limiters, client, run.maxConcurrency);
		const prepared = await withinBudget(run, prepareItems(run, client, limiter));
		const limit = pLimit(run.maxConcurrency);
		const items = await Promise.all(
			prepared.map(async (item) => await limit(async () => await runItem(run, item))),
		);
		concludeRun(run, client);
		return [items.flat()];
	} finally {
		limiter?.leave();
		run.close();
	}
}

/** Every item's parameters are checked before the first one is paid for. */
function prepareItems(run: Run, client: ReadClient, limiter: AdaptiveLimiter): PreparedItem[] {
	const { runContext } = run;
	const { context } = runContext;
	return context.getInputData().flatMap((_item, itemIndex) => {
		const reader = new ParameterReader(context, itemIndex);
		const permit = new Permit(limiter);
		return prepareItem(run, { ...runContext, itemIndex, reader, client: { ...client, permit } });
	});
}

/** Items whose submit the budget does not allow fail instead of being run: nothing of them is sent. */
async function withinBudget(
	{ runContext, reportFailure }: Run,
	prepared: PreparedItem[],
): Promise<PreparedItem[]> {
	const { budget, signal } = runContext;
	if (signal.aborted) return prepared;
	const items = prepared.map(({ item: { itemIndex }, operation: { spending } }) => ({
		itemIndex,
		spending,
	}));
	const refusals = await planSpending(budget, items);
	for (const [itemIndex, error] of refusals) reportFailure({ itemIndex, error });
	return prepared.map(({ item, operation }) => {
		const error = refusals.get(item.itemIndex);
		return { item, operation: error ? failedOperation(error, operation.model) : operation };
	});
}

const failedOperation = (error: Flux2Error, model?: string): PreparedOperation => ({
	model,
	run: async () => [{ error }],
});

/** The provider's API; a failure where the credential cannot be used, and one is needed. */
async function connect(
	{ runContext, cancelSignal }: Run,
	readThrottle: Throttle,
): Promise<ReadClient | { thrown: unknown }> {
	const { context, provider } = runContext;
	const facts = { cancelSignal, readThrottle };
	return await createClient(context, provider, facts).catch((thrown: unknown) =>
		operationNamed(new ParameterReader(context, 0), provider)?.needsNoKey
			? createClientWithoutKey(context, provider, facts)
			: { thrown },
	);
}

/** Without a usable credential every item fails alike. */
function failWithoutCredential(run: Run, thrown: unknown): INodeExecutionData[] {
	const { context, provider } = run.runContext;
	const redact = createRedactor([]);
	const error = toFlux2Error(thrown, 'auth');
	if (!context.continueOnFail()) {
		throw thrown instanceof Flux2Error
			? toNodeError(context, redact, { itemIndex: 0, error })
			: rethrow(thrown);
	}
	const items = context.getInputData();
	run.results.push(...items.map(() => ({ error })));
	tellRun(run);
	return items.map((_item, item) => ({
		json: { error: errorJson({ provider: provider.name, redact }, error) },
		pairedItem: { item },
	}));
}

function prepareItem({ reportFailure }: Run, item: ItemContext): PreparedItem[] {
	try {
		const operations = [operationOf(item)(item)].flat();
		return operations.map((operation) => ({ item: operation.item ?? item, operation }));
	} catch (thrown) {
		const error = toFlux2Error(thrown, 'invalidInput');
		const { itemIndex } = item;
		reportFailure({
			itemIndex,
			error,
			...(thrown instanceof ExpressionError && { cause: thrown }),
		});
		return [{ item, operation: failedOperation(error) }];
	}
}

/** Never rejects: a failure becomes an error item, and is reported to the run. */
async function runItem(
	{ reportFailure, results: allResults }: Run,
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
	allResults.push(...results);
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
	const found = operationNamed(reader, provider);
	if (found) return found;
	const { resource, operation } = chosenOperation(reader);
	throw invalidInput([`Operation: ${provider.label} has no "${operation}" for "${resource}"`]);
}

function operationNamed(
	reader: ParameterReader,
	{ operations }: ProviderDefinition,
): Operation | undefined {
	const { resource, operation } = chosenOperation(reader);
	return Object.entries(operations).find(([name]) => name === `${resource}:${operation}`)?.[1];
}

/** One choice for the whole run: the editor allows no expression here. */
const chosenOperation = (reader: ParameterReader) => ({
	resource: reader.text('resource') || 'image',
	operation: reader.text('operation') || 'generate',
});

/** All runs that use a credential at the same time share its limit. */
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
	limiter.join(maxConcurrency);
	return limiter;
}
