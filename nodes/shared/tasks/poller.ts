import { delay, withTimeout } from '../core/async';
import { flux2ErrorOrThrow, Flux2Error, rethrow } from '../core/errors';
import type { ReadClient } from '../http/types';
import {
	initialEstimate,
	nextPollDelay,
	updateEstimate,
	type DurationEstimate,
	type Durations,
} from './pollSchedule';
import type { FinalState, Task, TaskEvents, TaskProtocol, TaskState, Unclear } from './protocol';
import { withCollectHint } from './taskErrors';

/** How one task is followed until its end. */
export interface PollerOptions {
	readonly protocol: Pick<TaskProtocol, 'status'>;
	readonly client: ReadClient;
	readonly signal: AbortSignal;
	/** Seconds from now until the image must be stored. */
	readonly timeoutSeconds: number;
	/** Seconds between two polls, where the user has set them. */
	readonly pollIntervalSeconds?: number;
	/** The least that the provider wants between two polls; left out where nothing is polled. */
	readonly minPollIntervalSeconds?: number;
	/** How long such tasks take; learnt from by a run that has submitted the task itself. */
	readonly estimator: DurationEstimator;
	/** True for a task that this run has submitted: it is given time before the first poll. */
	readonly submittedByThisRun: boolean;
	/** Where the provider pushes the task's end. */
	readonly events?: TaskEvents;
	/** Receives each state that is not clear of a task that is waited for all the same. */
	onUnclear?(this: void, state: Unclear): void;
}

/**
 * "Not found" about a task that we know to exist: right after the submit it may still be spreading among the provider's
 * servers, and later a proxy may be in the way. So many polls in a row, within so much time, are not believed.
 */
const NOT_FOUND_GRACE = { polls: 3, seconds: 10 };
/** So many responses in a row with a status that nobody documents are not believed: a proxy may be in the way. */
const MAX_ODD_RESPONSES = 3;
/** Seconds between polls while the event stream lives: events may get lost, and some ends have none. */
const POLL_INTERVAL_WITH_EVENTS = 20;
/** Seconds; how rarely a task is polled of whose state nothing is learnt. */
const MAX_VAIN_POLL_INTERVAL = 60;
/** What a call gets that begins at the deadline: the last poll, and the download of what it finds. */
const MIN_CALL_MS = 2000;

/** How long tasks of one kind take, in seconds. */
export class DurationEstimator {
	/** @param key tasks of the same key take about the same time */
	constructor(
		private readonly durations: Durations,
		private readonly key: string,
		private readonly typicalSeconds: number,
	) {}

	get estimate(): DurationEstimate {
		return this.durations.get(this.key) ?? initialEstimate(this.typicalSeconds);
	}

	learn(seconds: number): void {
		this.durations.set(this.key, updateEstimate(this.estimate, seconds));
	}
}

/** Follows one task. */
export class TaskPoller {
	/** Polls so far. */
	polls = 0;

	/** Milliseconds since the epoch; the image must be stored by then. */
	readonly deadline: number;

	/** When polls in a row began to miss the task, and how many they are. */
	private missing = { since: 0, polls: 0 };

	/** Polls in a row that said nothing: the state was unclear, or the poll failed. */
	private vainPolls = 0;

	private oddResponses = 0;

	/** Why the last poll failed. */
	private failure?: Flux2Error;

	/** What the timeout's message says about the last poll. */
	private lastProblem?: string;

	constructor(private readonly options: PollerOptions) {
		this.deadline = Date.now() + options.timeoutSeconds * 1000;
	}

	/** How long a call may take. */
	get remainingMs(): number {
		return Math.max(MIN_CALL_MS, this.deadline - Date.now());
	}

	/**
	 * Waits until the task has ended, polling when the schedule says so. A poll that fails is no end of a paid task.
	 * @throws Flux2Error `timeout` at the deadline, or what no later poll would change (a refused key, say); each names
	 * the task and how to collect it
	 */
	async waitUntilFinal(task: Task): Promise<FinalState> {
		const { events, estimator, submittedByThisRun } = this.options;
		const age = ageOf(task);
		// what ends while a resumed task is polled for the first time would otherwise be missed
		await events?.ready;
		let lastSeenRunning = 0;
		let state: TaskState | undefined = submittedByThisRun
			? undefined
			: await this.pollPatiently(task);
		while (!state || !this.isFinal(state, task)) {
			if (!this.failure) lastSeenRunning = age();
			state = (await this.waitForNextPoll(task, age())) ?? (await this.pollPatiently(task));
		}
		if (state.status === 'done' && submittedByThisRun) {
			// an event comes when the task ends; a poll finds out somewhat later
			const finishedAt = events?.isConnected ? age() : (lastSeenRunning + age()) / 2;
			estimator.learn(finishedAt);
		}
		return state;
	}

	/** One poll. When it goes wrong, the error says how to collect the task later. */
	async poll(task: Task): Promise<TaskState> {
		const { client, signal } = this.options;
		const { status } = this.options.protocol;
		if (!status)
			throw new Flux2Error('notFound', `${client.label} cannot be asked for a task here`);
		this.polls++;
		try {
			return await withTimeout(
				this.remainingMs,
				signal,
				async (callSignal) => await status(client, task, callSignal),
				() => {
					throw this.timeoutError(task);
				},
			);
		} catch (error) {
			throw error instanceof Flux2Error ? withCollectHint(error, task) : rethrow(error);
		}
	}

	/** One poll. Undefined where it failed and the next one may do better. */
	private async pollPatiently(task: Task): Promise<TaskState | undefined> {
		try {
			const state = await this.poll(task);
			this.failure = undefined;
			this.oddResponses = 0;
			return state;
		} catch (thrown) {
			const error = flux2ErrorOrThrow(thrown);
			if (!this.mayPass(error)) throw rethrow(error);
			this.failure = error;
			this.missing = { since: 0, polls: 0 };
			this.vainPolls++;
			this.lastProblem = `the last poll failed: ${error.message}`;
			return undefined;
		}
	}

	private mayPass({ transient, kind }: Flux2Error): boolean {
		return transient || (kind === 'badResponse' && this.oddResponses++ < MAX_ODD_RESPONSES);
	}

	/** False for a state that may still change. Counts how often the task was missing or unclear. */
	private isFinal(state: TaskState, task: Task): state is FinalState {
		const isUnclear = state.status === 'unclear';
		if (isUnclear) this.options.onUnclear?.(state);
		this.lastProblem = isUnclear ? state.message : undefined;
		this.vainPolls = isUnclear ? this.vainPolls + 1 : 0;
		const isMissing = state.status === 'failed' && state.lost === 'missing';
		if (!isMissing) this.missing = { since: 0, polls: 0 };
		else if (this.mayStillAppear(task)) return false;
		return state.status === 'done' || state.status === 'failed';
	}

	private mayStillAppear({ submittedAt }: Task): boolean {
		const { since, polls } = this.missing;
		this.missing = { since: since || Date.now(), polls: polls + 1 };
		if (!submittedAt) return false;
		const seconds = (Date.now() - this.missing.since) / 1000;
		return polls < NOT_FOUND_GRACE.polls && seconds <= NOT_FOUND_GRACE.seconds;
	}

	/** Waits until the next poll is due, or until an event brings the task's end. */
	private async waitForNextPoll(task: Task, ageSeconds: number): Promise<FinalState | undefined> {
		const { signal, events } = this.options;
		const leftMs = this.deadline - Date.now();
		if (leftMs <= 0) throw this.timeoutError(task);
		const waitMs = Math.min(this.pollDelaySeconds(ageSeconds) * 1000, leftMs);
		if (!events?.isConnected) {
			await delay(waitMs, signal);
			return undefined;
		}
		const end = await withTimeout(
			waitMs,
			signal,
			async (waitSignal) => await events.next(task.id, waitSignal),
			() => undefined,
		);
		return end && { ...end, task };
	}

	/** As the user has set it, or as the schedule says. A task of which nothing is learnt is polled ever more rarely. */
	private pollDelaySeconds(ageSeconds: number): number {
		const { estimator, events, minPollIntervalSeconds = 0, pollIntervalSeconds } = this.options;
		const scheduled = events?.isConnected
			? POLL_INTERVAL_WITH_EVENTS
			: nextPollDelay(ageSeconds, estimator.estimate, minPollIntervalSeconds);
		const seconds = pollIntervalSeconds ?? scheduled;
		if (this.vainPolls === 0) return seconds;
		const base = pollIntervalSeconds ?? minPollIntervalSeconds;
		const backoff = Math.min(base * 2 ** this.vainPolls, MAX_VAIN_POLL_INTERVAL);
		return Math.max(seconds, backoff, this.retryAfterSeconds);
	}

	/** As the failed poll's response asks, but half of the time that is left must remain for the image. */
	private get retryAfterSeconds(): number {
		const ms = Math.min(this.failure?.retryAfterMs ?? 0, (this.deadline - Date.now()) / 2);
		return ms / 1000;
	}

	private timeoutError(task: Task): Flux2Error {
		const reason = this.lastProblem ? `: ${this.lastProblem}` : '';
		const message = `The image was not ready after ${this.options.timeoutSeconds} s${reason}`;
		return withCollectHint(new Flux2Error('timeout', message), task);
	}
}

/** The task's age in seconds. `submittedAt` may lie in the future (clock skew, a missing time zone): clamp it to now. */
function ageOf({ submittedAt }: Task): () => number {
	const startedAt = Math.min(Date.parse(submittedAt ?? '') || Date.now(), Date.now());
	return () => (Date.now() - startedAt) / 1000;
}
