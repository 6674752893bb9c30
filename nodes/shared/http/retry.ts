import { delay } from '../core/async';
import { flux2ErrorOrThrow, rethrow, type Flux2Error } from '../core/errors';
import type { Permit } from './limiter';

/** What may be sent again: after anything transient, or only after a certain refusal. */
export type RetryPolicy = { readonly signal: AbortSignal } & (
	| { readonly idempotent: true }
	| { readonly idempotent: false; readonly permit: Permit }
);

/** A wrong base URL is not waited for as long as a busy provider. */
const MAX_CONNECT_ATTEMPTS = 4;
/** However many others the provider accepts, it may never accept this one. */
const MAX_REFUSALS = 30;
/** A longer wait is the user's decision. */
const MAX_RETRY_AFTER_MS = 120_000;

const SUBMIT = { maxAttempts: 6, firstDelayMs: 1000 };
const READ = { maxAttempts: 4, firstDelayMs: 500 };

/**
 * Attempts something until it succeeds, fails for good, or has been attempted often enough. A submit acquires its
 * permit before each attempt, and gives it back after a refusal.
 * @throws AbortedError once the policy's signal is aborted
 */
export async function retry<T>(policy: RetryPolicy, attempt: () => Promise<T>): Promise<T> {
	let attempts = 0;
	for (let refusals = 0; ; refusals++) {
		try {
			if (!policy.idempotent) await policy.permit.acquire(policy.signal);
			const result = await attempt();
			if (!policy.idempotent) policy.permit.onAccepted();
			return result;
		} catch (thrown) {
			const error = flux2ErrorOrThrow(thrown);
			// a provider that accepts other items is busy, not closed: this one's turn comes
			const isBusy = !policy.idempotent && policy.permit.othersAccepted && refusals < MAX_REFUSALS;
			attempts = isBusy ? 1 : attempts + 1;
			const delayMs = retryDelayMs(policy, error, attempts);
			if (delayMs === undefined) throw rethrow(error);
			if (!policy.idempotent) policy.permit.onRefused(error.retryAfterMs);
			await delay(delayMs, policy.signal);
		}
	}
}

/** How long to wait before the next attempt; undefined where there is none. */
function retryDelayMs(
	{ idempotent }: RetryPolicy,
	error: Flux2Error,
	attempts: number,
): number | undefined {
	const { maxAttempts, firstDelayMs } = idempotent ? READ : SUBMIT;
	const max =
		error.httpCode === undefined ? Math.min(maxAttempts, MAX_CONNECT_ATTEMPTS) : maxAttempts;
	if (attempts >= max || !(idempotent ? error.transient : error.refused)) return undefined;
	const growth = 2 ** (attempts - 1);
	const { retryAfterMs } = error;
	if (retryAfterMs === undefined) return firstDelayMs * growth * (0.75 + Math.random() / 2);
	if (retryAfterMs > MAX_RETRY_AFTER_MS) return undefined;
	// If a provider keeps responding with `Retry-After: 1`, back off exponentially all the same, up to the longest
	// delay that we would use without the header.
	const backoffMs = Math.min(retryAfterMs * growth, firstDelayMs * 2 ** (max - 2));
	return Math.max(retryAfterMs, backoffMs) * (1 + Math.random() / 10);
}
