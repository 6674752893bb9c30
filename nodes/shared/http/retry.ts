import { rethrow, Flux2Error } from '../core/errors';
import type { ApiClient } from './client';
import { delay } from '../core/async';

/** `submit`: only what was certainly refused is sent again. `look`: whatever may pass by itself. */
export type Repeat = 'submit' | 'look';

/** A wrong base URL shall not be waited for as long as a busy provider. */
const ATTEMPTS_TO_CONNECT = 4;

/** A provider that asks for a longer wait is told to the user instead of waited for. */
const LONGEST_RETRY_AFTER_MS = 120_000;
const repeats = {
	submit: { attempts: 6, firstMs: 1000 },
	look: { attempts: 4, firstMs: 500 },
} as const;

/** Repeats what may pass by itself or was certainly refused, with growing pauses. */
export async function retry<T>(
	api: Pick<ApiClient, 'signal' | 'place'>,
	policy: Repeat,
	attempt: () => Promise<T>,
): Promise<T> {
	for (let tries = 1; ; tries++) {
		try {
			return await attempt();
		} catch (error) {
			if (!(error instanceof Flux2Error)) throw rethrow(error);
			// a provider that accepts others is busy, not closed: this one's turn comes
			if (policy === 'submit' && api.place.runGoesOn) tries = 1;
			const waitMs = retryDelay(policy, error, tries);
			if (waitMs === undefined) throw rethrow(error);
			if (policy === 'submit') api.place.refused(error.retryAfterMs);
			await delay(waitMs, api.signal);
		}
	}
}

function retryDelay(policy: Repeat, error: Flux2Error, tries: number): number | undefined {
	const { attempts: most, firstMs } = repeats[policy];
	const attempts = error.httpCode === undefined ? Math.min(most, ATTEMPTS_TO_CONNECT) : most;
	if (tries >= attempts || !(policy === 'submit' ? error.refused : error.passing)) return undefined;
	const growth = 2 ** (tries - 1);
	const asked = error.retryAfterMs;
	if (asked === undefined) return firstMs * growth * (0.75 + Math.random() / 2);
	if (asked > LONGEST_RETRY_AFTER_MS) return undefined;
	// who is told "in a second" again and again waits as long in all as without being told
	const grown = Math.min(asked * growth, firstMs * 2 ** (attempts - 2));
	return Math.max(asked, grown) * (1 + Math.random() / 10);
}
