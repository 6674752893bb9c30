import { sleep } from 'n8n-workflow';
import { AbortedError } from './errors';

/** Node warns of a leak from eleven listeners on: a signal gets one, however many wait for it. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls back once the signal is aborted; returns how to take that back. */
function onAbort(signal: AbortSignal, callback: () => void): () => void {
	const callbacks = waiting.get(signal) ?? new Set();
	if (!waiting.has(signal)) {
		waiting.set(signal, callbacks);
		signal.addEventListener('abort', () => callbacks.forEach((call) => call()), { once: true });
	}
	callbacks.add(callback);
	return () => callbacks.delete(callback);
}

/** Settles as `work` does, or rejects with `reason` (`Stopped`) as soon as the signal is aborted. */
export async function abortable<T>(
	work: Promise<T>,
	signal: AbortSignal,
	reason = (): Error => new AbortedError(),
): Promise<T> {
	let forget = () => {};
	const aborted = new Promise<never>((_resolve, reject) => {
		if (signal.aborted) reject(reason());
		else forget = onAbort(signal, () => reject(reason()));
	});
	try {
		return await Promise.race([work, aborted]);
	} finally {
		forget();
	}
}

/** Older hosts' types do not know the signal either. */
const abortableSleep: (ms: number, signal: AbortSignal) => Promise<void> = sleep;

/**
 * What `work` yields, or undefined after that many milliseconds; rejects with `Stopped` once the signal is aborted.
 * n8n before 2.34 ignores the signal in `sleep`: its timer runs on there, but nobody waits for it.
 */
export async function raceTimeout<T>(
	work: Promise<T>,
	ms: number,
	signal: AbortSignal,
): Promise<T | undefined> {
	const over = new AbortController();
	const time = abortableSleep(ms, over.signal).then(nothing, nothing);
	const came: { value?: T } = {};
	try {
		await abortable(Promise.race([keeping(work, came), time]), signal);
		return came.value;
	} finally {
		over.abort();
	}
}

const nothing = () => undefined;

/** A timer that runs on keeps its race, and with it what the race is about: it must not be the value itself. */
async function keeping<T>(work: Promise<T>, box: { value?: T }): Promise<void> {
	box.value = await work;
}

/**
 * What `work` yields, or undefined after that many milliseconds; rejects with `Stopped` once the signal is aborted.
 * In every case the signal that `work` was given is aborted in the end, so that nothing of it goes on.
 */
export async function withTimeout<T>(
	ms: number,
	signal: AbortSignal,
	work: (until: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
	const until = new AbortController();
	try {
		return await raceTimeout(work(until.signal), ms, signal);
	} finally {
		until.abort();
	}
}

/** Waits that many milliseconds; rejects with `Stopped` once the signal is aborted. */
export async function delay(ms: number, signal: AbortSignal): Promise<void> {
	// a promise of its own each time: one that lives on would keep every race it was in
	await raceTimeout(new Promise<never>(() => {}), ms, signal);
}

/** At most one call per `gapMs` and key; further calls queue up behind each other. */
export function throttle(gapMs: number) {
	const nextFree = new Map<string, number>();
	return async (key: string, signal: AbortSignal): Promise<void> => {
		const now = Date.now();
		const turn = Math.max(now, nextFree.get(key) ?? 0);
		nextFree.set(key, turn + gapMs);
		if (turn > now) await delay(turn - now, signal);
	};
}
