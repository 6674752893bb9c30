import {
	ExpressionError,
	NodeApiError,
	NodeOperationError,
	type IDataObject,
	type IExecuteFunctions,
	type INodeExecutionData,
} from 'n8n-workflow';
import { asFlux2Error, asIs, Flux2Error, invalidInput, Stopped, withAdvice } from './errors';
import { closeEvents } from './events';
import {
	claimHandle,
	dropHandle,
	releaseHandle,
	type Claim,
	type Identity,
	type StoredItem,
} from './handles';
import type { Api } from './http';
import { readText, type Model } from './model';
import { maxConcurrent } from './options';
import { compact } from './output';
import type { Durations } from './pollSchedule';
import { Place, Pressure } from './pressure';
import type { Provider } from './task';
import { told } from './told';
import { pLimit } from './vendor';

/** What a node is made of: one provider, its models and its operations. */
export interface Service<M extends Model = Model>
	extends Pick<Api, 'credentialType' | 'label' | 'explain' | 'trustsHost'> {
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
	readonly provider: Provider<M>;
	/** The model of a task that is looked up, where the item names one. */
	readonly taskModel?: string;
}

/** Checks the item's parameters (throwing Flux2Error) and returns the work that needs the network. */
export type Operation = (run: Run, itemIndex: number) => Work;

export interface Work {
	/** For the error item. */
	readonly model?: string;
	start(): Promise<Outcome[]>;
}

export type Outcome = { item: StoredItem } | { error: Flux2Error };

/** One execution of the node, over all its items. */
export interface Run {
	readonly context: IExecuteFunctions;
	readonly service: Service;
	readonly api: Api;
	readonly durations: Durations;
	/** The item's handle, for this run alone. */
	claim(itemIndex: number, identity: Identity): Claim;
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
	service: Service,
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
		claims.forEach((claim) => releaseHandle(context, claim));
	}
}

async function runAll(
	context: IExecuteFunctions,
	service: Service,
	{ stop, halt, claims }: { stop: AbortSignal; halt: AbortController; claims: Claim[] },
): Promise<INodeExecutionData[]> {
	const most = concurrencyOf(context);
	const limit = pLimit(most);
	const pressure = new Pressure(most);
	let api: Omit<Api, 'place'>;
	try {
		api = await connect(context, service, { stop, signal: halt.signal });
	} catch (thrown) {
		return unconnected(context, service, thrown);
	}
	const claim: Run['claim'] = (itemIndex, identity) => {
		const claimed = claimHandle(context, itemIndex, identity);
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
		const run = { context, service, api: { ...api, place: new Place(pressure) }, durations, claim };
		return { run, itemIndex, work: prepare(run, itemIndex, fail) };
	});
	const items = await Promise.all(
		prepared.map(async (item) => await limit(async () => await runItem(item, fail))),
	);
	if (stop.aborted) return items.flat();
	if (failures.length === 0) claims.forEach((claim) => dropHandle(context, claim));
	else if (!context.continueOnFail()) throw nodeError(context, api, mostTelling(failures));
	return items.flat();
}

/** Without a usable credential every item fails alike. */
function unconnected(
	context: IExecuteFunctions,
	service: Service,
	thrown: unknown,
): INodeExecutionData[] {
	const api = { credentials: {} };
	const error = asFlux2Error(thrown, 'auth');
	if (!context.continueOnFail()) {
		throw error === thrown ? nodeError(context, api, { itemIndex: 0, error }) : asIs(thrown);
	}
	return context.getInputData().map((_item, item) => ({
		json: { error: errorJson({ api, service }, {}, error) },
		pairedItem: { item },
	}));
}

function prepare(run: Run, itemIndex: number, fail: (failure: Failure) => void): Work {
	try {
		return operationOf(run)(run, itemIndex);
	} catch (thrown) {
		const error = asFlux2Error(thrown, 'invalidInput');
		fail({ itemIndex, error, ...(thrown instanceof ExpressionError && { cause: thrown }) });
		return { start: async () => [{ error }] };
	}
}

/** Never rejects: what goes wrong becomes an error item, and is told to `fail`. */
async function runItem(
	{ run, itemIndex, work }: { run: Run; itemIndex: number; work: Work },
	fail: (failure: Failure) => void,
): Promise<INodeExecutionData[]> {
	if (run.api.signal.aborted) return [];
	const outcomes = await work
		.start()
		.catch((thrown: unknown): Outcome[] =>
			thrown instanceof Stopped ? [] : [{ error: asFlux2Error(thrown) }],
		)
		.finally(() => run.api.place.leave());
	return outcomes.map((outcome) => {
		const pairedItem = { item: itemIndex };
		if ('item' in outcome) return { ...outcome.item, pairedItem };
		fail({ itemIndex, error: outcome.error });
		return { json: { error: errorJson(run, work, outcome.error) }, pairedItem };
	});
}

function operationOf({ context, service }: Run): Operation {
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
	service: Service,
	signals: Pick<Api, 'stop' | 'signal'>,
): Promise<Omit<Api, 'place'>> {
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
	{ api, service }: { api: Pick<Api, 'credentials'>; service: Pick<Service, 'name'> },
	{ model }: Pick<Work, 'model'>,
	error: Flux2Error,
): IDataObject =>
	compact({
		message: told(api, error.message),
		description: told(api, error.description),
		kind: error.kind,
		taskId: error.taskId,
		provider: service.name,
		model,
		httpCode: error.httpCode,
	});

/** The first failure. Others that may have been paid for are named, because a retry would submit them anew. */
function mostTelling(failures: readonly Failure[]): Failure {
	const [first, ...others] = failures as [Failure, ...Failure[]];
	const uncertain = others.filter(({ error }) => error.uncertain);
	if (uncertain.length === 0) return first;
	const numbers = uncertain.map(({ itemIndex }) => itemIndex + 1).sort((a, b) => a - b);
	const advice = `Also without a usable answer: item ${numbers.join(', ')}. It may have been billed, and a retry of this execution submits it anew.`;
	return { ...first, error: withAdvice(first.error, advice) };
}

/** The one place where a failure becomes n8n's error. */
export function nodeError(
	context: IExecuteFunctions,
	api: Pick<Api, 'credentials'>,
	{ itemIndex, error, cause }: Failure,
): Error {
	if (cause) return cause;
	const node = context.getNode();
	const message = told(api, error.message);
	const description = told(api, error.description);
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
	Object.assign(wrapped.context, compact({ kind: error.kind, taskId: error.taskId }));
	// n8n puts a sentence of its own in place of a message that happens to hold a system error code
	wrapped.message = message;
	return wrapped;
}
