import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
	seconds?: number;
	intervalMs?: number;
	/** Aborts the wait. */
	signal?: AbortSignal;
}

/** Calls `find` until it finds something; retries it if it throws. */
export async function waitFor<Found>(
	find: () => Promise<Found | undefined | false> | Found | undefined | false,
	what: string,
	{ seconds = 60, intervalMs = 200, signal }: WaitOptions = {},
): Promise<Found> {
	const deadline = Date.now() + seconds * 1000;
	let failure: Error | undefined;
	for (;;) {
		try {
			const found = await find();
			if (found !== undefined && found !== false) return found;
		} catch (error) {
			failure = error as Error;
		}
		signal?.throwIfAborted();
		if (Date.now() > deadline) {
			throw new Error(`Waited ${seconds} s in vain for ${what}`, { cause: failure });
		}
		await delay(intervalMs);
	}
}
