import { createHash } from 'node:crypto';
import type { IExecuteFunctions } from 'n8n-workflow';
import { z } from '../core/vendor';
import {
	savedResultSchema,
	type RequestSummary,
	type ResubmitRule,
	type SavedResult,
} from './savedResults';

/** The facts that identify a request: two items with equal facts are the same image. They must be JSON, to be hashed. */
export interface RequestIdentity {
	operation: string;
	[fact: string]: unknown;
}

/** One request and its results; no results until the provider has accepted it. */
export interface Checkpoint {
	/** Of the request's identity. */
	readonly hash: string;
	results: SavedResult[];
	request?: RequestSummary;
	/** Under which the budget has its cost, as long as no task's ID is known. */
	costKey?: string;
	/** ID of the execution that claimed this checkpoint last. */
	executionId?: string;
	/** ID of the execution that has submitted the request, and pays for it. */
	submittedIn?: string;
}

/** Checkpoints by the place of their item: run index, item index and operation. */
type Places = Record<string, Checkpoint[]>;

const STORE = 'flux2Checkpoints';
/** Rises with every change of the format: what another version of the package has saved is not read. */
const VERSION = 1;
/** Checkpoints that a run of this process is working on: an agent may call a tool several times at once. */
const claimed = new WeakSet<Checkpoint>();

interface Claim {
	readonly itemIndex: number;
	readonly place: Checkpoint[];
	readonly checkpoint: Checkpoint;
}

/** One run's view of the checkpoints in the node context. */
export class CheckpointStore {
	private readonly claims: Claim[] = [];

	readonly executionId: string;

	private places?: Places;

	constructor(
		private readonly context: IExecuteFunctions,
		/** Whether an agent has called the node as its tool: each of its retries gets a new run index. */
		private readonly isToolCall: boolean,
	) {
		this.executionId = context.getExecutionId();
	}

	/** The request's checkpoint for this run alone: what an earlier run has left, or a new and empty one. */
	claim(itemIndex: number, identity: RequestIdentity): Checkpoint {
		const place = this.findPlace(itemIndex, identity.operation);
		const hash = identityHash(identity);
		const free = place.filter((checkpoint) => !claimed.has(checkpoint));
		const checkpoint: Checkpoint = free.find((left) => left.hash === hash) ??
			this.findOfSameExecution(free) ?? { hash, results: [] };
		if (!place.includes(checkpoint)) place.push(checkpoint);
		claimed.add(checkpoint);
		this.claims.push({ itemIndex, place, checkpoint });
		checkpoint.executionId = this.executionId;
		if (checkpoint.results.every((result) => this.mayResubmit(result))) checkpoint.results = [];
		return checkpoint;
	}

	/** Whether nothing else is left of the request than what another execution has lost: a person has retried it. */
	wasLost(checkpoint: Checkpoint): boolean {
		return this.isAllLost(checkpoint, (executionId) => executionId !== this.executionId);
	}

	/** Whether this execution has lost it too. */
	isLostAgain(checkpoint: Checkpoint): boolean {
		return this.isAllLost(checkpoint, (executionId) => executionId === this.executionId);
	}

	/** How many tasks and images a retry of this execution passes on without paying again, beside the one that failed. */
	countKept(failed: { itemIndex: number; taskId?: string }): number {
		return this.claims
			.flatMap(({ itemIndex, checkpoint }) =>
				checkpoint.results.map((result) => ({ itemIndex, result })),
			)
			.filter(({ result }) => result.state !== 'failed' && !isLost(result))
			.filter(({ itemIndex, result }) => {
				const isOther = itemIndex !== failed.itemIndex || taskIdOf(result) !== failed.taskId;
				return isOther || result.state === 'stored';
			}).length;
	}

	/** Lets a later run resume what this one has claimed. */
	releaseAll(): void {
		for (const { place, checkpoint } of this.claims) {
			claimed.delete(checkpoint);
			if (checkpoint.results.length === 0) remove(place, checkpoint);
		}
	}

	/** Forgets what was paid for, because every image has been passed on. */
	deleteAll(): void {
		for (const { place, checkpoint } of this.claims) remove(place, checkpoint);
		const places = this.places ?? {};
		for (const [key, place] of Object.entries(places)) if (place.length === 0) delete places[key];
	}

	/**
	 * Nobody changes parameters within one execution: when Retry On Fail finds others at the same place, an expression
	 * has yielded another value (a random seed, the time), and the request is still the one that was paid for.
	 */
	private findOfSameExecution(place: readonly Checkpoint[]): Checkpoint | undefined {
		if (this.isToolCall || !this.executionId) return undefined;
		return place.find(
			({ executionId, results }) =>
				executionId === this.executionId && results.some((result) => this.isResumable(result)),
		);
	}

	/** A refusal was of those values alone; what may have been billed is reported again, whatever the values. */
	private isResumable(result: SavedResult): boolean {
		return result.state !== 'failed' || this.isForbiddenNow(result.resubmit);
	}

	/** An image that is there, or may still come, must not be paid for again: one request makes them all. */
	private isAllLost({ results }: Checkpoint, isIn: (executionId: string) => boolean): boolean {
		const isLost = (result: SavedResult) =>
			'lostIn' in result && result.lostIn !== undefined && isIn(result.lostIn);
		return (
			results.some(isLost) && results.every((result) => isLost(result) || this.mayResubmit(result))
		);
	}

	private mayResubmit(result: SavedResult): boolean {
		if (result.state !== 'failed' || result.resubmit === 'never') return false;
		return !this.isForbiddenNow(result.resubmit);
	}

	private isForbiddenNow(rule: ResubmitRule): boolean {
		return typeof rule === 'object' && rule.exceptExecution === this.executionId;
	}

	private findPlace(itemIndex: number, operation: string): Checkpoint[] {
		const run = this.isToolCall
			? 'tool'
			: String(this.context.getWorkflowDataProxy(itemIndex).$runIndex);
		this.places ??= this.read();
		return (this.places[`${run}:${itemIndex}:${operation}`] ??= []);
	}

	private read(): Places {
		const nodeContext = this.context.getContext('node');
		const saved: unknown = nodeContext[STORE];
		const places = isStore(saved) ? saved.places : {};
		// n8n's type of the node context knows plain values only
		Object.assign(nodeContext, { [STORE]: { version: VERSION, places } });
		return places;
	}
}

/** n8n keeps the object itself, so it is checked in place instead of being parsed into a copy. */
const isStore = (value: unknown): value is { places: Places } =>
	z
		.object({
			version: z.literal(VERSION),
			places: z.record(
				z.array(z.object({ hash: z.string(), results: z.array(savedResultSchema()) })),
			),
		})
		.safeParse(value).success;

const remove = (place: Checkpoint[], checkpoint: Checkpoint): void => {
	const index = place.indexOf(checkpoint);
	if (index >= 0) place.splice(index, 1);
};

const identityHash = (identity: RequestIdentity): string =>
	createHash('sha256').update(JSON.stringify(identity)).digest('hex');

const isLost = (result: SavedResult): boolean => 'lostIn' in result && result.lostIn !== undefined;

function taskIdOf(result: SavedResult): string | undefined {
	if (result.state === 'pending') return result.task.id;
	return result.state === 'done' ? result.done.task?.id : undefined;
}

/** Puts other results in the place of one. */
export function replaceResult(
	{ results }: Checkpoint,
	old: SavedResult,
	next: readonly SavedResult[],
): void {
	results.splice(results.indexOf(old), 1, ...next);
}
