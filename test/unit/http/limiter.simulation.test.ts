import { delay } from '../../../nodes/shared/core/async';
import { Flux2Error } from '../../../nodes/shared/core/errors';
import { AdaptiveLimiter, Permit } from '../../../nodes/shared/http/limiter';
import { retry } from '../../../nodes/shared/http/retry';

/** Many executions of one credential at a provider that takes a fixed number of tasks at once. */

const RUNS = 60;
const ITEMS_PER_RUN = 10;
const MAX_CONCURRENT = 4;
const PROVIDER_LIMIT = 24;
const TASK_MS = 8000;
const WIRE_MS = 50;
const { signal } = new AbortController();

/** Refuses whatever exceeds its limit, and counts. */
class Provider {
	accepted = 0;

	refused = 0;

	private running = 0;

	async submit(): Promise<void> {
		await delay(WIRE_MS, signal);
		const isFull = this.running >= PROVIDER_LIMIT;
		if (isFull) this.refused++;
		else {
			this.accepted++;
			this.running++;
		}
		await delay(WIRE_MS, signal);
		if (isFull) throw new Flux2Error('rateLimited', 'too many', { refused: true, httpCode: 429 });
	}

	async finishTask(): Promise<void> {
		await delay(TASK_MS, signal);
		this.running--;
	}
}

async function runItem(provider: Provider, limiter: AdaptiveLimiter): Promise<void> {
	const permit = new Permit(limiter);
	await retry({ signal, idempotent: false, permit }, async () => await provider.submit());
	await provider.finishTask();
	permit.release();
}

/** One execution: its items at once, up to "Max Concurrent". */
async function runExecution(provider: Provider, limiter: AdaptiveLimiter): Promise<void> {
	limiter.join(MAX_CONCURRENT);
	let started = 0;
	const workers = Array.from({ length: MAX_CONCURRENT }, async () => {
		while (started++ < ITEMS_PER_RUN) await runItem(provider, limiter);
	});
	await Promise.all(workers);
}

/** What the provider has counted, and how long all runs took in simulated seconds. */
async function simulate(limiterOfRun: () => AdaptiveLimiter) {
	jest.useFakeTimers();
	try {
		const provider = new Provider();
		const startedAt = Date.now();
		let hasEnded = false;
		const runs = Array.from(
			{ length: RUNS },
			async () => await runExecution(provider, limiterOfRun()),
		);
		const ended = Promise.allSettled(runs).finally(() => (hasEnded = true));
		while (!hasEnded) await jest.advanceTimersByTimeAsync(1000);
		await ended;
		const { accepted, refused } = provider;
		return { accepted, refused, seconds: (Date.now() - startedAt) / 1000 };
	} finally {
		jest.useRealTimers();
	}
}

test('60 runs that share a limiter meet fewer than one refusal for ten acceptances, and keep the provider busy', async () => {
	const limiter = new AdaptiveLimiter(MAX_CONCURRENT);
	const { accepted, refused, seconds } = await simulate(() => limiter);

	expect(accepted).toBe(RUNS * ITEMS_PER_RUN);
	expect(refused).toBeLessThan(accepted / 10);
	const idealSeconds = (accepted / PROVIDER_LIMIT) * ((TASK_MS + 2 * WIRE_MS) / 1000);
	expect(seconds).toBeLessThan(1.3 * idealSeconds);
});

test('60 runs of which each has a limiter of its own meet many more', async () => {
	const { accepted, refused } = await simulate(() => new AdaptiveLimiter(MAX_CONCURRENT));
	expect(refused).toBeGreaterThan(accepted / 10);
});
