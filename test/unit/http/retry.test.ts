import { AbortedError, Flux2Error, type ErrorDetails } from '../../../nodes/shared/core/errors';
import { AdaptiveLimiter, Permit } from '../../../nodes/shared/http/limiter';
import { retry } from '../../../nodes/shared/http/retry';

const { signal } = new AbortController();

afterEach(() => jest.useRealTimers());

/** Counts how often the provider refused the submit. */
class CountingPermit extends Permit {
	refusals = 0;

	override onRefused(retryAfterMs?: number): void {
		this.refusals++;
		super.onRefused(retryAfterMs);
	}
}

type Kind = 'submit' | 'read';

/** A request that always ends in this error: how many attempts it got, and how many refusals reached the limiter. */
async function countAttempts(kind: Kind, error: unknown) {
	let attempts = 0;
	const permit = new CountingPermit(new AdaptiveLimiter(1));
	const result = retry({ signal, idempotent: kind === 'read', permit }, async () => {
		attempts++;
		throw error;
	});
	await expect(result).rejects.toBe(error);
	return { attempts, refusals: permit.refusals };
}

const failure = (details: ErrorDetails) =>
	new Flux2Error('unavailable', 'down', { retryAfterMs: 0, ...details });

test.each<[string, Kind, ErrorDetails, { attempts: number; refusals: number }]>([
	[
		'a refused submit six times',
		'submit',
		{ refused: true, httpCode: 429 },
		{ attempts: 6, refusals: 5 },
	],
	[
		'a submit whose connection was never made four times',
		'submit',
		{ refused: true },
		{ attempts: 4, refusals: 3 },
	],
	[
		'a submit after a transient error once',
		'submit',
		{ transient: true },
		{ attempts: 1, refusals: 0 },
	],
	['a submit after any other error once', 'submit', {}, { attempts: 1, refusals: 0 }],
	[
		'a read after a transient error four times',
		'read',
		{ transient: true },
		{ attempts: 4, refusals: 0 },
	],
	['a read after any other error once', 'read', {}, { attempts: 1, refusals: 0 }],
	[
		'a read once, if it should wait for more than two minutes',
		'read',
		{ transient: true, retryAfterMs: 120_001 },
		{ attempts: 1, refusals: 0 },
	],
])('attempts %s', async (_name, kind, details, expected) => {
	expect(await countAttempts(kind, failure(details))).toEqual(expected);
});

test('never retries what is no Flux2Error', async () => {
	const mistake = new TypeError('a mistake');
	expect(await countAttempts('read', mistake)).toEqual({ attempts: 1, refusals: 0 });
});

test('goes on with a refused submit while the provider accepts others, at most 30 refusals long', async () => {
	const limiter = new AdaptiveLimiter(10);
	let attempts = 0;
	const permit = new Permit(limiter);
	const result = retry({ signal, idempotent: false, permit }, async () => {
		attempts++;
		// another item's submit
		limiter.onAccepted();
		throw failure({ refused: true, httpCode: 429 });
	});

	await expect(result).rejects.toThrow('down');
	expect(attempts).toBe(35);
});

test('returns the result of the first attempt that succeeds', async () => {
	let attempts = 0;
	const result = retry({ signal, idempotent: true }, async () => {
		if (++attempts < 3) throw failure({ transient: true });
		return attempts;
	});

	expect(await result).toBe(3);
});

test('waits as long as Retry-After asks, and not much longer', async () => {
	jest.useFakeTimers();
	let attempts = 0;
	const ended = retry({ signal, idempotent: true }, async () => {
		if (++attempts < 2) throw failure({ transient: true, retryAfterMs: 60_000 });
	});

	await jest.advanceTimersByTimeAsync(59_999);
	expect(attempts).toBe(1);
	await jest.advanceTimersByTimeAsync(7000);
	expect(attempts).toBe(2);
	await ended;
});

test('an abort ends the wait for the next attempt at once', async () => {
	const controller = new AbortController();
	const permit = new Permit(new AdaptiveLimiter(1));
	const result = retry({ signal: controller.signal, idempotent: false, permit }, async () => {
		setImmediate(() => controller.abort());
		throw failure({ refused: true, retryAfterMs: 60_000 });
	});

	await expect(result).rejects.toThrow(AbortedError);
});
