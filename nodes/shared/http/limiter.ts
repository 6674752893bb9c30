import { abortable, delay, onAbort } from '../core/async';
import { AbortedError } from '../core/errors';

/**
 * How many tasks one credential has at the provider at the same time, over all executions of this process. As TCP
 * treats a network: each acceptance adds one until the first refusal (slow start). A refusal halves the limit, and from
 * then on as many acceptances as the limit add one again (additive increase, multiplicative decrease).
 */
export class AdaptiveLimiter {
	/** Submits that the provider has accepted so far. */
	acceptedCount = 0;

	private limit: number;

	private growth = 0;

	private wasRefused = false;

	private decreasedAt = -Infinity;

	private notBefore = 0;

	/** Runs that use the limiter. */
	private runs = 0;

	/** Items whose submit is on the wire or about to be. */
	private submitting = 0;

	/** Items whose task the provider works on. */
	private running = 0;

	private readonly queue = new Set<() => void>();

	constructor(initialLimit: number) {
		this.limit = initialLimit;
	}

	/** A run of so many items at once starts. What a refusal has taught counts more. */
	join(maxConcurrency: number): void {
		this.runs++;
		if (!this.wasRefused) this.limit = Math.max(this.limit, maxConcurrency);
	}

	/** A run has ended. */
	leave(): void {
		this.runs--;
	}

	/** Whether no run uses the limiter. What it has learnt is old news then. */
	get isIdle(): boolean {
		return this.runs === 0;
	}

	/** Resolves in order of arrival, when there is room for one more and the provider wants no pause. */
	async waitForPermit(signal: AbortSignal, onGranted: () => void): Promise<void> {
		await abortable(this.enqueue(signal, onGranted), signal);
		for (let ms = this.pauseMs; ms > 0; ms = this.pauseMs) await delay(ms, signal);
	}

	enter(stage: Stage): void {
		this[stage]++;
	}

	exit(stage: Stage): void {
		this[stage]--;
		this.grantNext();
	}

	/** @param sentAt when the refused submit was sent */
	onRefused(sentAt: number, retryAfterMs: number): void {
		this.wasRefused = true;
		this.notBefore = Math.max(this.notBefore, Date.now() + retryAfterMs);
		// submits that were on the wire together are refused together: that is one sign, not many
		if (sentAt <= this.decreasedAt) return;
		// Never below the number of running tasks: the provider has accepted those, so it can take that many.
		this.limit = Math.max(1, Math.floor(this.limit / 2), this.running);
		this.growth = 0;
		this.decreasedAt = Date.now();
	}

	onAccepted(): void {
		this.acceptedCount++;
		// a limit that is not used says nothing about what the provider can take
		if ((this.submitting + this.running) * 2 < this.limit) return;
		this.growth++;
		if (this.wasRefused && this.growth < this.limit) return;
		this.limit++;
		this.growth = 0;
		this.grantNext();
	}

	private get pauseMs(): number {
		return this.notBefore - Date.now();
	}

	private async enqueue(signal: AbortSignal, onGranted: () => void): Promise<void> {
		if (signal.aborted) throw new AbortedError();
		let forget = () => {};
		await new Promise<void>((resolve) => {
			const grant = () => {
				onGranted();
				resolve();
			};
			this.queue.add(grant);
			this.grantNext();
			// an aborted item leaves its turn to the next
			if (this.queue.has(grant)) forget = onAbort(signal, () => this.queue.delete(grant));
		});
		forget();
	}

	private grantNext(): void {
		for (const grant of this.queue) {
			if (this.submitting + this.running >= this.limit) return;
			this.queue.delete(grant);
			grant();
		}
	}
}

type Stage = 'submitting' | 'running';

/** One item's permit to have a task at the provider. */
export class Permit {
	private stage?: Stage;

	private sentAt = 0;

	private acceptedBefore: number;

	constructor(private readonly limiter: AdaptiveLimiter) {
		this.acceptedBefore = limiter.acceptedCount;
	}

	/** A permit of its own, for another request of the same item. */
	another(): Permit {
		return new Permit(this.limiter);
	}

	/** Whether the provider has accepted other items since this one was refused last. */
	get othersAccepted(): boolean {
		return this.limiter.acceptedCount > this.acceptedBefore;
	}

	/**
	 * Resolves when the item may submit.
	 * @throws AbortedError once the signal is aborted
	 */
	async acquire(signal: AbortSignal): Promise<void> {
		await this.limiter.waitForPermit(signal, () => this.moveTo('submitting'));
		this.sentAt = Date.now();
	}

	/** The submit was refused: others may use the permit until it is acquired again. */
	onRefused(retryAfterMs = 0): void {
		this.acceptedBefore = this.limiter.acceptedCount;
		this.limiter.onRefused(this.sentAt, retryAfterMs);
		this.moveTo(undefined);
	}

	/** The task was accepted. It keeps the permit until the item has ended. */
	onAccepted(): void {
		this.moveTo('running');
		this.limiter.onAccepted();
	}

	/** The item has ended, well or badly. */
	release(): void {
		this.moveTo(undefined);
	}

	private moveTo(next: Stage | undefined): void {
		const previous = this.stage;
		this.stage = next;
		if (next) this.limiter.enter(next);
		if (previous) this.limiter.exit(previous);
	}
}
