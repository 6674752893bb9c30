import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
	seconds?: number;
	intervalMs?: number;
	/** Whoever waits gives up when it is aborted. */
	signal?: AbortSignal;
}

/** What `look` finds, as soon as it finds something; one look that fails is followed by another. */
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
