import { createHash } from 'node:crypto';
import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { Flux2Error, type FailureKind } from './errors';
import type { Done, Task } from './task';

/**
 * What became of one picture or task that was paid for. It is kept in n8n's node context, which survives
 * Retry On Fail, waits and "Retry execution": a re-run takes up what is there instead of paying again.
 */
export type Slot =
	| { state: 'pending'; task: Task; raw?: unknown }
	/** Finished at the provider, not stored yet. */
	| { state: 'ready'; done: Done }
	| { state: 'stored'; item: StoredItem }
	| { state: 'ended'; error: SavedError; submitAgain: SubmitAgain };

/**
 * When the same request may be submitted anew: never (it would meet the same refusal), in the next run (nothing is
 * left at the provider), or in any execution but this one, given by its ID (it may have been billed: a person decides).
 */
export type SubmitAgain = 'never' | 'nextRun' | (string & {});

export type StoredItem = Pick<INodeExecutionData, 'json' | 'binary'>;

interface SavedError {
	kind: FailureKind;
	message: string;
	description: string;
	httpCode?: number;
	taskId?: string;
	uncertain?: boolean;
}

/** One request's slots; empty until the provider has accepted it. */
export interface Handle {
	slots: Slot[];
}

export interface Claim {
	readonly key: string;
	readonly handle: Handle;
}

const STORE = 'flux2Handles';

/** Handles that a run of this process is working on: an agent may call a tool several times at once. */
const claimed = new WeakSet<Handle>();

/**
 * The request's handle for this run alone: what an earlier run has left, or a new and empty one.
 * @param identity what makes two requests the same picture; plain data
 */
export function claimHandle(
	context: IExecuteFunctions,
	itemIndex: number,
	identity: unknown,
): Claim {
	const store = handleStore(context);
	const key = freeKey(store, handleKey(context, itemIndex, identity));
	const handle = (store[key] ??= { slots: [] });
	claimed.add(handle);
	const executionId = context.getExecutionId();
	if (handle.slots.every((slot) => maySubmitAgain(slot, executionId))) handle.slots = [];
	return { key, handle };
}

/** A handle that an earlier run has left comes before a new one. */
function freeKey(store: Record<string, Handle>, key: string): string {
	const own = Object.keys(store).filter((name) => name === key || name.startsWith(`${key}#`));
	const left = own.find((name) => !claimed.has(store[name]!));
	if (left) return left;
	let free = key;
	for (let copy = 2; store[free]; copy++) free = `${key}#${copy}`;
	return free;
}

const maySubmitAgain = (slot: Slot, executionId: string): boolean =>
	slot.state === 'ended' && slot.submitAgain !== 'never' && slot.submitAgain !== executionId;

/** Lets a later run take the handle up. */
export function releaseHandle(context: IExecuteFunctions, { key, handle }: Claim): void {
	claimed.delete(handle);
	if (handle.slots.length === 0) dropHandle(context, { key, handle });
}

/** Forgets what was paid for, because every picture has been handed on. */
export function dropHandle(context: IExecuteFunctions, { key }: Claim): void {
	delete handleStore(context)[key];
}

/** A slot that tells this failure again. */
export const endedWith = (
	error: Flux2Error,
	submitAgain: SubmitAgain,
): Extract<Slot, { state: 'ended' }> => ({
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

export const savedFailure = ({ kind, message, ...facts }: SavedError): Flux2Error =>
	new Flux2Error(kind, message, facts);

/** Whether an agent has called the node as its tool; older hosts do not tell, nor do their types. */
export const isToolCall = (context: IExecuteFunctions & { isToolExecution?(): boolean }): boolean =>
	context.isToolExecution?.() ?? false;

function handleKey(context: IExecuteFunctions, itemIndex: number, identity: unknown): string {
	// each retry of an agent's tool gets a new run index
	const run = isToolCall(context)
		? 'tool'
		: String(context.getWorkflowDataProxy(itemIndex).$runIndex);
	const hash = createHash('sha256').update(JSON.stringify(identity)).digest('hex');
	return `${run}:${itemIndex}:${hash}`;
}

function handleStore(context: IExecuteFunctions): Record<string, Handle> {
	const nodeContext: IDataObject = context.getContext('node');
	return (nodeContext[STORE] ??= {}) as unknown as Record<string, Handle>;
}
