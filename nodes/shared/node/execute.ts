import {
	ExpressionError,
	NodeApiError,
	NodeOperationError,
	type IDataObject,
	type IExecuteFunctions,
	type INodeExecutionData,
} from 'n8n-workflow';
import {
	toFlux2Error,
	rethrow,
	Flux2Error,
	invalidInput,
	AbortedError,
	withAdvice,
} from '../core/errors';
import { closeEvents } from '../tasks/eventStream';
import {
	claimCheckpoint,
	deleteCheckpoint,
	releaseCheckpoint,
	type Claim,
	type RequestIdentity,
	type OutputItem,
} from '../tasks/checkpoints';
import type { ApiClient } from '../http/client';
import { readText, type Model } from '../parameters/model';
import { maxConcurrent } from '../parameters/options';
import { omitUndefined } from '../images/store';
import type { Durations } from '../tasks/pollSchedule';
import { Permit, AdaptiveLimiter } from '../http/limiter';
import type { TaskProtocol } from '../tasks/protocol';
import { toDisplayText } from '../core/redact';
import { pLimit } from '../core/vendor';

/** What a node is made of: one provider, its models and its operations. */
export interface ProviderDefinition<M extends Model = Model>
	extends Pick<ApiClient, 'credentialType' | 'label' | 'explain' | 'trustsHost'> {
	/** `provider` in the output. */
	readonly name: string;
	baseUrl(credentials: IDataObject): string;
	/** The shortest time between two looks at a task that the provider's documents ask for. */
	readonly shortestGapSeconds: number;
	/** How long a picture usually takes, where the model is not known. */
	readonly typicalSeconds: number;
	readonly operations: Readonly<Record<string, Operation>>;
	/** The models and the provider that the item's parameters choose. */
	routeFor(context: IExecuteFunctions, itemIndex: number): Route<M>;
}

export interface Route<M extends Model = Model> {
	readonly models: readonly M[];
	/** The models whose parameters a custom model has; all when left out. */
	readonly customRoute?: (id: string) => readonly M[];
	readonly provider: TaskProtocol<M>;
	/** The model of a task that is looked up, where the item names one. */
	readonly taskModel?: string;
}

/** Checks the item's parameters (throwing Flux2Error) and returns the work that needs the network. */
export type Operation = (run: RunContext, itemIndex: number) => PreparedOperation;

export interface PreparedOperation {
	/** For the error item. */
	readonly model?: string;
	start(): Promise<ItemResult[]>;
}

export type ItemResult = { item: OutputItem } | { error: Flux2Error };

/** One execution of the node, over all its items. */
export interface RunContext {
	readonly context: IExecuteFunctions;
	readonly service: ProviderDefinition;
	readonly api: ApiClient;
	readonly durations: Durations;
	/** The item's handle, for this run alone. */
	claim(itemIndex: number, identity: RequestIdentity): Claim;
}

interface Failure {
	readonly itemIndex: number;
	readonly error: Flux2Error;
	/** n8n's own error about an expression, which the editor explains better than we could. */
	readonly cause?: ExpressionError;
}

/** What the jobs of this process have taken; only the poll schedule reads it. */
const durations: Durations = new Map();

/** The node's `execute`: every item at once up to "Max Concurrent", in order, each linked to its input. */
export async function runItems(
	context: IExecuteFunctions,
	service: ProviderDefinition,
): Promise<INodeExecutionData[][]> {
	const stop = context.getExecutionCancelSignal() ?? new AbortController().signal;
	if (stop.aborted) return [[]];
	const halt = new AbortController();
	const onStop = () => halt.abort();
	stop.addEventListener('abort', onStop);
	const claims: Claim[] = [];
	try {
		return [await runAll(context, service, { stop, halt, claims })];
	} finally {
		stop.removeEventListener('abort', onStop);
		closeEvents(halt.signal);
		claims.forEach((claim) => releaseCheckpoint(context, claim));
	}
}

async function runAll(
	context: IExecuteFunctions,
	service: ProviderDefinition,
	{ stop, halt, claims }: { stop: AbortSignal; halt: AbortController; claims: Claim[] },
): Promise<INodeExecutionData[]> {
	const most = concurrencyOf(context);
	const limit = pLimit(most);
	const pressure = new AdaptiveLimiter(most);
	let api: Omit<ApiClient, 'place'>;
	try {
		api = await connect(context, service, { stop, signal: halt.signal });
	} catch (thrown) {
		return unconnected(context, service, thrown);
	}
	const claim: RunContext['claim'] = (itemIndex, identity) => {
		const claimed = claimCheckpoint(context, itemIndex, identity);
		claims.push(claimed);
		return claimed;
	};
	const failures: Failure[] = [];
	const fail = (failure: Failure) => {
		failures.push(failure);
		if (!context.continueOnFail()) halt.abort();
	};
	// every item's parameters are checked before the first one is paid for
	const prepared = context.getInputData().map((_item, itemIndex) => {
		const run = {
			context,
			service,
			api: { ...api, place: new Permit(pressure) },
			durations,
			claim,
		};
		return { run, itemIndex, work: prepare(run, itemIndex, fail) };
	});
	const items = await Promise.all(
		prepared.map(async (item) => await limit(async () => await runItem(item, fail))),
	);
	if (stop.aborted) return items.flat();
	if (failures.length === 0) claims.forEach((claim) => deleteCheckpoint(context, claim));
	else if (!context.continueOnFail()) throw toNodeError(context, api, mostInformative(failures));
	return items.flat();
}

/** Without a usable credential every item fails alike. */
function unconnected(
	context: IExecuteFunctions,
	service: ProviderDefinition,
	thrown: unknown,
): INodeExecutionData[] {
	const api = { credentials: {} };
	const error = toFlux2Error(thrown, 'auth');
	if (!context.continueOnFail()) {
		throw error === thrown ? toNodeError(context, api, { itemIndex: 0, error }) : rethrow(thrown);
	}
	return context.getInputData().map((_item, item) => ({
		json: { error: errorJson({ api, service }, {}, error) },
		pairedItem: { item },
	}));
}

function prepare(
	run: RunContext,
	itemIndex: number,
	fail: (failure: Failure) => void,
): PreparedOperation {
	try {
		return operationOf(run)(run, itemIndex);
	} catch (thrown) {
		const error = toFlux2Error(thrown, 'invalidInput');
		fail({ itemIndex, error, ...(thrown instanceof ExpressionError && { cause: thrown }) });
		return { start: async () => [{ error }] };
	}
}

/** Never rejects: what goes wrong becomes an error item, and is told to `fail`. */
async function runItem(
	{ run, itemIndex, work }: { run: RunContext; itemIndex: number; work: PreparedOperation },
	fail: (failure: Failure) => void,
): Promise<INodeExecutionData[]> {
	if (run.api.signal.aborted) return [];
	const outcomes = await work
		.start()
		.catch((thrown: unknown): ItemResult[] =>
			thrown instanceof AbortedError ? [] : [{ error: toFlux2Error(thrown) }],
		)
		.finally(() => run.api.place.leave());
	return outcomes.map((outcome) => {
		const pairedItem = { item: itemIndex };
		if ('item' in outcome) return { ...outcome.item, pairedItem };
		fail({ itemIndex, error: outcome.error });
		return { json: { error: errorJson(run, work, outcome.error) }, pairedItem };
	});
}

function operationOf({ context, service }: RunContext): Operation {
	const resource = readText(context, 0, 'resource') || 'image';
	const operation = readText(context, 0, 'operation') || 'generate';
	const found = service.operations[`${resource}:${operation}`];
	if (!found)
		throw invalidInput([`Operation: ${service.label} has no "${operation}" for "${resource}"`]);
	return found;
}

/** One setting for the whole run: the first item's. */
function concurrencyOf(context: IExecuteFunctions): number {
	const { name, default: usual } = maxConcurrent.property;
	try {
		const wanted: unknown = context.getNodeParameter(`options.${name}`, 0, null);
		return maxConcurrent.schema().parse(wanted);
	} catch {
		// what is wrong with it is told when the item's parameters are checked
		return usual as number;
	}
}

async function connect(
	context: IExecuteFunctions,
	service: ProviderDefinition,
	signals: Pick<ApiClient, 'stop' | 'signal'>,
): Promise<Omit<ApiClient, 'place'>> {
	const credentials = await context.getCredentials(service.credentialType);
	const { credentialType, label, explain, trustsHost } = service;
	const baseUrl = service.baseUrl(credentials).trim().replace(/\/+$/, '');
	if (!URL.canParse(baseUrl)) {
		throw new Flux2Error('invalidInput', `"${baseUrl}" is not a URL`, {
			description: 'Correct the Base URL in the credential.',
		});
	}
	return { context, credentialType, label, baseUrl, credentials, explain, trustsHost, ...signals };
}

export const errorJson = (
	{
		api,
		service,
	}: { api: Pick<ApiClient, 'credentials'>; service: Pick<ProviderDefinition, 'name'> },
	{ model }: Pick<PreparedOperation, 'model'>,
	error: Flux2Error,
): IDataObject =>
	omitUndefined({
		message: toDisplayText(api, error.message),
		description: toDisplayText(api, error.description),
		kind: error.kind,
		taskId: error.taskId,
		provider: service.name,
		model,
		httpCode: error.httpCode,
	});

/** The first failure. Others that may have been paid for are named, because a retry would submit them anew. */
function mostInformative(failures: readonly Failure[]): Failure {
	const [first, ...others] = failures as [Failure, ...Failure[]];
	const uncertain = others.filter(({ error }) => error.uncertain);
	if (uncertain.length === 0) return first;
	const numbers = uncertain.map(({ itemIndex }) => itemIndex + 1).sort((a, b) => a - b);
	const advice = `Also without a usable answer: item ${numbers.join(', ')}. It may have been billed, and a retry of this execution submits it anew.`;
	return { ...first, error: withAdvice(first.error, advice) };
}

/** The one place where a failure becomes n8n's error. */
export function toNodeError(
	context: IExecuteFunctions,
	api: Pick<ApiClient, 'credentials'>,
	{ itemIndex, error, cause }: Failure,
): Error {
	if (cause) return cause;
	const node = context.getNode();
	const message = toDisplayText(api, error.message);
	const description = toDisplayText(api, error.description);
	const fromProvider = error.httpCode !== undefined || error.kind !== 'invalidInput';
	const wrapped = fromProvider
		? new NodeApiError(
				node,
				{},
				{
					message,
					description,
					httpCode: error.httpCode?.toString(),
					itemIndex,
				},
			)
		: new NodeOperationError(node, message, { description, itemIndex });
	Object.assign(wrapped.context, omitUndefined({ kind: error.kind, taskId: error.taskId }));
	// n8n puts a sentence of its own in place of a message that happens to hold a system error code
	wrapped.message = message;
	return wrapped;
}
