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
	| { state: 'stored'; items: StoredItem[] }
	/** `again`: a later run may submit anew, because nothing is left at the provider. */
	| { state: 'ended'; error: SavedError; again: boolean };

export type StoredItem = Pick<INodeExecutionData, 'json' | 'binary'>;

interface SavedError {
	kind: FailureKind;
	message: string;
	description: string;
	httpCode?: number;
	taskId?: string;
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
export function claimHandle(context: IExecuteFunctions, itemIndex: number, identity: unknown): Claim {
	const store = handleStore(context);
	const key = handleKey(context, itemIndex, identity);
	for (let copy = 1; ; copy++) {
		const own = copy === 1 ? key : `${key}#${copy}`;
		const handle = (store[own] ??= { slots: [] });
		if (claimed.has(handle)) continue;
		claimed.add(handle);
		if (handle.slots.every((slot) => slot.state === 'ended' && slot.again)) handle.slots = [];
		return { key: own, handle };
	}
}

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
export const endedWith = (error: Flux2Error, again: boolean): Slot => ({
	state: 'ended',
	again,
	error: {
		kind: error.kind,
		message: error.message,
		description: error.description,
		...(error.httpCode !== undefined && { httpCode: error.httpCode }),
		...(error.taskId !== undefined && { taskId: error.taskId }),
	},
});

export const savedFailure = ({ kind, message, ...facts }: SavedError): Flux2Error =>
	new Flux2Error(kind, message, facts);

function handleKey(context: IExecuteFunctions, itemIndex: number, identity: unknown): string {
	// each retry of an agent's tool gets a new run index
	const isTool = context.isToolExecution?.() ?? false;
	const run = isTool ? 'tool' : String(context.getWorkflowDataProxy(itemIndex).$runIndex);
	const hash = createHash('sha256').update(JSON.stringify(identity)).digest('hex');
	return `${run}:${itemIndex}:${hash}`;
}

function handleStore(context: IExecuteFunctions): Record<string, Handle> {
	const nodeContext: IDataObject = context.getContext('node');
	return (nodeContext[STORE] ??= {}) as unknown as Record<string, Handle>;
}
