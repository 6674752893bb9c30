import { delay, abortable } from '../core/async';

/**
 * How many jobs a run has at the provider at the same time. Additive increase, multiplicative decrease, as TCP treats a
 * network: a refusal halves the number, and as many acceptances as there are places add one again.
 */
export class AdaptiveLimiter {
	private places: number;

	private growth = 0;

	/** Submits of the run that the provider has accepted so far. */
	acceptances = 0;

	private halvedAt = -Infinity;

	private notBefore = 0;

	private waiting: Array<() => void> = [];

	private readonly held = { nothing: 0, submit: 0, job: 0 };

	/** @param most jobs at the same time, while nothing is refused */
	constructor(private readonly most: number) {
		this.places = most;
	}

	/** Resolves when there is room for one more and the provider wants no pause. */
	async turn(signal: AbortSignal, enter: () => void): Promise<void> {
		while (this.held.submit + this.held.job >= this.places) {
			await abortable(new Promise<void>((resolve) => this.waiting.push(resolve)), signal);
		}
		enter();
		for (let ms; (ms = this.notBefore - Date.now()) > 0; ) await delay(ms, signal);
	}

	move(from: Holding, to: Holding): void {
		this.held[from]--;
		this.held[to]++;
		const woken = this.waiting;
		this.waiting = [];
		woken.forEach((resolve) => resolve());
	}

	shrink(sentAt: number, retryAfterMs: number): void {
		this.notBefore = Math.max(this.notBefore, Date.now() + retryAfterMs);
		// submits that were on the wire together are refused together: that is one sign, not many
		if (sentAt <= this.halvedAt) return;
		// what the provider has accepted and still works on shows what it can take
		this.places = Math.max(1, Math.floor(this.places / 2), this.held.job);
		this.growth = 0;
		this.halvedAt = Date.now();
	}

	grow(): void {
		this.acceptances++;
		this.growth++;
		if (this.places === this.most || this.growth < this.places) return;
		this.places++;
		this.growth = 0;
	}
}

type Holding = 'nothing' | 'submit' | 'job';

/** One item's place among the jobs of its run. */
export class Permit {
	private holding: Holding = 'nothing';

	private sentAt = 0;

	private seen = 0;

	constructor(private readonly pressure: AdaptiveLimiter) {}

	/** Whether the provider has accepted others of the run since this item was refused last. */
	get runGoesOn(): boolean {
		return this.pressure.acceptances > this.seen;
	}

	/** Resolves when the item may submit; rejects with `Stopped` once the signal is aborted. */
	async take(signal: AbortSignal): Promise<void> {
		await this.pressure.turn(signal, () => this.hold('submit'));
		this.sentAt = Date.now();
	}

	/** The submit was refused: the place is free until it is taken again. */
	refused(retryAfterMs = 0): void {
		this.seen = this.pressure.acceptances;
		this.hold('nothing');
		this.pressure.shrink(this.sentAt, retryAfterMs);
	}

	/** The job was accepted, and keeps the place until the item has ended. */
	accepted(): void {
		this.hold('job');
		this.pressure.grow();
	}

	/** The item has ended, well or badly. */
	leave(): void {
		this.hold('nothing');
	}

	private hold(next: Holding): void {
		this.pressure.move(this.holding, next);
		this.holding = next;
	}
}
