import { sleep } from 'n8n-workflow';
import { AbortedError } from './errors';

/** Node warns of a leak from eleven listeners on, so a signal gets one, however many wait for it. */
const abortCallbacks = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls back once the signal is aborted. Returns how to take that back. */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
	const callbacks = abortCallbacks.get(signal) ?? new Set();
	if (!abortCallbacks.has(signal)) {
		abortCallbacks.set(signal, callbacks);
		signal.addEventListener('abort', () => callbacks.forEach((call) => call()), { once: true });
	}
	callbacks.add(callback);
	return () => callbacks.delete(callback);
}

/** Settles as `work` does, or rejects with AbortedError as soon as the signal is aborted. */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
	let forget = () => {};
	const aborted = new Promise<never>((_resolve, reject) => {
		if (signal.aborted) reject(new AbortedError());
		else forget = onAbort(signal, () => reject(new AbortedError()));
	});
	try {
		return await Promise.race([work, aborted]);
	} finally {
		forget();
	}
}

/** The types of older hosts do not know the signal either. */
const abortableSleep: (ms: number, signal: AbortSignal) => Promise<void> = sleep;

/**
 * What `work` yields, or what `onTimeout` returns or throws after that many milliseconds.
 * On n8n before 2.34 the sleep cannot be cancelled. A pending sleep keeps its `Promise.race` alive, and with it the
 * raced value (an image, say). So race a promise of nothing and hold the value in a box that this function drops.
 * @throws AbortedError once the signal is aborted
 */
export async function raceTimeout<T, U>(
	work: Promise<T>,
	ms: number,
	signal: AbortSignal,
	onTimeout: () => U,
): Promise<T | U> {
	const finished = new AbortController();
	const timer = abortableSleep(ms, finished.signal).then(doNothing, doNothing);
	const box: { result?: { value: T } } = {};
	try {
		await abortable(Promise.race([storeResult(work, box), timer]), signal);
		return box.result ? box.result.value : onTimeout();
	} finally {
		finished.abort(OVER);
	}
}

const doNothing = () => undefined;

/** The reason for which a finished race is aborted. Without one, Node.js makes an error with a stack trace each time. */
const OVER = new AbortedError();

async function storeResult<T>(work: Promise<T>, box: { result?: { value: T } }): Promise<void> {
	box.result = { value: await work };
}

/**
 * As `raceTimeout`, with a signal for `work` that is aborted in the end in every case, so that nothing of it goes on.
 * @throws AbortedError once the signal is aborted
 */
export async function withTimeout<T, U>(
	ms: number,
	signal: AbortSignal,
	work: (signal: AbortSignal) => Promise<T>,
	onTimeout: () => U,
): Promise<T | U> {
	const finished = new AbortController();
	try {
		return await raceTimeout(work(finished.signal), ms, signal, onTimeout);
	} finally {
		finished.abort(OVER);
	}
}

/**
 * Waits that many milliseconds.
 * @throws AbortedError once the signal is aborted
 */
export async function delay(ms: number, signal: AbortSignal): Promise<void> {
	// a promise of its own each time: a shared one would keep every race it was in
	await raceTimeout(new Promise<never>(doNothing), ms, signal, doNothing);
}

/** Waits for the caller's turn among all callers of the same key. */
export type Throttle = (key: string, signal: AbortSignal) => Promise<void>;

/** At most one turn per `gapMs` and key, in order of arrival. An aborted caller gives its turn to the next. */
export function throttle(gapMs: number): Throttle {
	const queues = new Map<string, { last: Promise<void>; nextAt: number }>();
	return async (key, signal) => {
		const queue = queues.get(key) ?? { last: Promise.resolve(), nextAt: 0 };
		queues.set(key, queue);
		const takeTurn = async (previous: Promise<void>) => {
			await previous;
			if (signal.aborted) throw new AbortedError();
			const waitMs = queue.nextAt - Date.now();
			if (waitMs > 0) await delay(waitMs, signal);
			queue.nextAt = Date.now() + gapMs;
		};
		const turn = takeTurn(queue.last);
		queue.last = turn.catch(doNothing);
		await abortable(turn, signal);
	};
}
