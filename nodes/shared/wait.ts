import { sleep } from 'n8n-workflow';
import { Stopped } from './errors';

// n8n's lint wants every throw inside a catch to go through a function or an n8n error
const stopped = (): Error => new Stopped();

/** Settles as `work` does, or rejects with `reason` (`Stopped`) as soon as the signal is aborted. */
export async function unlessAborted<T>(
	work: Promise<T>,
	signal: AbortSignal,
	reason = stopped,
): Promise<T> {
	let onAbort = () => {};
	const aborted = new Promise<never>((_resolve, reject) => {
		onAbort = () => reject(reason());
		if (signal.aborted) onAbort();
		else signal.addEventListener('abort', onAbort, { once: true });
	});
	try {
		return await Promise.race([work, aborted]);
	} finally {
		signal.removeEventListener('abort', onAbort);
	}
}

/**
 * Waits that many milliseconds; rejects with `Stopped` once the signal is aborted.
 * n8n before 2.34 ignores the signal in `sleep`: its timer runs on there, but nobody waits for it.
 */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
	if (signal.aborted) throw stopped();
	try {
		await unlessAborted(sleep(ms, signal), signal);
	} catch {
		throw stopped();
	}
}

/** What `work` yields, or undefined after that many milliseconds; rejects with `Stopped` like `pause`. */
export async function within<T>(
	work: Promise<T>,
	ms: number,
	signal: AbortSignal,
): Promise<T | undefined> {
	const over = new AbortController();
	const onAbort = () => over.abort();
	signal.addEventListener('abort', onAbort, { once: true });
	try {
		if (signal.aborted) throw stopped();
		return await Promise.race([work, pause(ms, over.signal).then(() => undefined)]);
	} finally {
		signal.removeEventListener('abort', onAbort);
		over.abort();
	}
}

/** At most one call per `gapMs` and key; further calls queue up behind each other. */
export function spacing(gapMs: number) {
	const nextFree = new Map<string, number>();
	return async (key: string, signal: AbortSignal): Promise<void> => {
		const now = Date.now();
		const turn = Math.max(now, nextFree.get(key) ?? 0);
		nextFree.set(key, turn + gapMs);
		if (turn > now) await pause(turn - now, signal);
	};
}
