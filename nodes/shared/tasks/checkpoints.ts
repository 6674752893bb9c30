import { createHash } from 'node:crypto';
import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { Flux2Error, type ErrorKind } from '../core/errors';
import type { Done, Task } from './protocol';

/**
 * What became of one picture or task that was paid for. It is kept in n8n's node context, which survives
 * Retry On Fail, waits and "Retry execution": a re-run takes up what is there instead of paying again.
 */
export type SavedResult =
	| { state: 'pending'; task: Task; raw?: unknown }
	/** Finished at the provider, not stored yet. */
	| { state: 'ready'; done: Done }
	| { state: 'stored'; item: OutputItem }
	| { state: 'ended'; error: SavedError; submitAgain: ResubmitRule };

/**
 * When the same request may be submitted anew: never (it would meet the same refusal), in the next run (nothing is
 * left at the provider), or in any execution but this one, given by its ID (it may have been billed: a person decides).
 */
export type ResubmitRule = 'never' | 'nextRun' | (string & {});

export type OutputItem = Pick<INodeExecutionData, 'json' | 'binary'>;

interface SavedError {
	kind: ErrorKind;
	message: string;
	description: string;
	httpCode?: number;
	taskId?: string;
	uncertain?: boolean;
}

/** What was asked for, as the item tells it. */
export interface RequestFacts {
	model: string;
	prompt: string;
	seed?: unknown;
}

/** One request's slots; empty until the provider has accepted it. */
export interface Checkpoint {
	slots: SavedResult[];
	/** Of those that have worked on it, the last. */
	executionId?: string;
	asked?: RequestFacts;
}

/** What makes two requests the same picture; plain data. */
export interface RequestIdentity {
	operation: string;
	[fact: string]: unknown;
}

export interface Claim {
	readonly key: string;
	readonly handle: Checkpoint;
}

const STORE = 'flux2Handles';

/** Handles that a run of this process is working on: an agent may call a tool several times at once. */
const claimed = new WeakSet<Checkpoint>();

/** The request's handle for this run alone: what an earlier run has left, or a new and empty one. */
export function claimCheckpoint(
	context: IExecuteFunctions,
	itemIndex: number,
	identity: RequestIdentity,
): Claim {
	const store = handleStore(context);
	const executionId = context.getExecutionId();
	const place = placeOf(context, itemIndex, identity);
	const exact = `${place}${hashOf(identity)}`;
	const key =
		leftKey(store, (name) => name === exact || name.startsWith(`${exact}#`)) ??
		(isToolCall(context) ? undefined : ofSameTry(store, place, executionId)) ??
		newKey(store, exact);
	const handle = (store[key] ??= { slots: [] });
	claimed.add(handle);
	handle.executionId = executionId;
	if (handle.slots.every((slot) => maySubmitAgain(slot, executionId))) handle.slots = [];
	return { key, handle };
}

/** A handle that an earlier run has left. */
const leftKey = (
	store: Record<string, Checkpoint>,
	isWanted: (name: string, handle: Checkpoint) => boolean,
): string | undefined =>
	Object.keys(store).find((name) => isWanted(name, store[name]!) && !claimed.has(store[name]!));

/**
 * Nobody changes parameters within one execution: when Retry On Fail finds others at the same place, an expression has
 * yielded another value (a random seed, the time), and the request is still the one that was paid for.
 */
const ofSameTry = (
	store: Record<string, Checkpoint>,
	place: string,
	executionId: string | undefined,
) =>
	executionId
		? leftKey(
				store,
				(name, handle) =>
					name.startsWith(place) &&
					handle.executionId === executionId &&
					handle.slots.some((slot) => isOfUse(slot, executionId)),
			)
		: undefined;

/** A refusal was of those values alone; what may have been billed is told again, whatever the values. */
const isOfUse = (slot: SavedResult, executionId: string): boolean =>
	slot.state !== 'ended' || slot.submitAgain === executionId;

function newKey(store: Record<string, Checkpoint>, key: string): string {
	let free = key;
	for (let copy = 2; store[free]; copy++) free = `${key}#${copy}`;
	return free;
}

const maySubmitAgain = (slot: SavedResult, executionId: string): boolean =>
	slot.state === 'ended' && slot.submitAgain !== 'never' && slot.submitAgain !== executionId;

/** Lets a later run take the handle up. */
export function releaseCheckpoint(context: IExecuteFunctions, { key, handle }: Claim): void {
	claimed.delete(handle);
	if (handle.slots.length === 0) deleteCheckpoint(context, { key, handle });
}

/** Forgets what was paid for, because every picture has been handed on. */
export function deleteCheckpoint(context: IExecuteFunctions, { key }: Claim): void {
	delete handleStore(context)[key];
}

/** A slot that tells this failure again. */
export const failedResult = (
	error: Flux2Error,
	submitAgain: ResubmitRule,
): Extract<SavedResult, { state: 'ended' }> => ({
	state: 'ended',
	submitAgain,
	error: {
		kind: error.kind,
		message: error.message,
		description: error.description,
		...(error.httpCode !== undefined && { httpCode: error.httpCode }),
		...(error.taskId !== undefined && { taskId: error.taskId }),
		...(error.uncertain && { uncertain: true }),
	},
});

export const restoreError = ({ kind, message, ...facts }: SavedError): Flux2Error =>
	new Flux2Error(kind, message, facts);

/** Whether an agent has called the node as its tool; older hosts do not tell, nor do their types. */
export const isToolCall = (context: IExecuteFunctions & { isToolExecution?(): boolean }): boolean =>
	context.isToolExecution?.() ?? false;

/** The beginning of the keys of an item's handles for one operation. */
function placeOf(
	context: IExecuteFunctions,
	itemIndex: number,
	{ operation }: RequestIdentity,
): string {
	// each retry of an agent's tool gets a new run index
	const run = isToolCall(context)
		? 'tool'
		: String(context.getWorkflowDataProxy(itemIndex).$runIndex);
	return `${run}:${itemIndex}:${operation}:`;
}

const hashOf = (identity: RequestIdentity): string =>
	createHash('sha256').update(JSON.stringify(identity)).digest('hex');

function handleStore(context: IExecuteFunctions): Record<string, Checkpoint> {
	const nodeContext: IDataObject = context.getContext('node');
	return (nodeContext[STORE] ??= {}) as unknown as Record<string, Checkpoint>;
}
