import { AbortedError } from '../../../nodes/shared/core/errors';
import { AdaptiveLimiter, Permit } from '../../../nodes/shared/http/limiter';

const { signal } = new AbortController();

/** Lets every promise that can settle do so. */
const settle = async () => await new Promise((resolve) => setImmediate(resolve));

/** Permits that are wanted, in order; `granted` says which of them may submit. */
function request(limiter: AdaptiveLimiter, count: number, abortSignal = signal) {
	const granted: number[] = [];
	const permits = Array.from({ length: count }, () => new Permit(limiter));
	const turns = permits.map(async (permit, index) => {
		await permit.acquire(abortSignal);
		granted.push(index);
	});
	return { permits, granted, all: async () => await Promise.all(turns) };
}

/** How many of a hundred submits would be let through now; none of them stays. */
async function room(limiter: AdaptiveLimiter): Promise<number> {
	const controller = new AbortController();
	const { permits, granted, all } = request(limiter, 100, controller.signal);
	const ended = all().catch(() => undefined);
	await settle();
	controller.abort();
	await ended;
	permits.forEach((permit) => permit.release());
	return granted.length;
}

/** As many submits at once as the limit allows, all accepted; they end together. */
async function acceptAll(limiter: AdaptiveLimiter): Promise<void> {
	const { permits, all } = request(limiter, await room(limiter));
	await all();
	permits.forEach((permit) => permit.onAccepted());
	permits.forEach((permit) => permit.release());
}

async function acceptOne(limiter: AdaptiveLimiter): Promise<void> {
	const { permits, all } = request(limiter, 1);
	await all();
	permits.forEach((permit) => permit.onAccepted());
	permits.forEach((permit) => permit.release());
}

/** Submits that are on the wire together and refused together. */
async function refuse(limiter: AdaptiveLimiter, count: number): Promise<void> {
	const { permits, all } = request(limiter, count);
	await all();
	permits.forEach((permit) => permit.onRefused());
}

/** Submits that were sent in the same millisecond count as sent together. */
async function nextMillisecond() {
	const now = Date.now();
	while (Date.now() <= now) await settle();
}

test('lets no more than the limit submit at once, in order', async () => {
	const { permits, granted, all } = request(new AdaptiveLimiter(2), 5);
	await settle();
	expect(granted).toEqual([0, 1]);
	permits[1]!.release();
	await settle();
	expect(granted).toEqual([0, 1, 2]);
	permits[0]!.release();
	await settle();
	expect(granted).toEqual([0, 1, 2, 3]);
	permits.forEach((permit) => permit.release());
	await all();
	expect(granted).toEqual([0, 1, 2, 3, 4]);
});

test('counts a task that runs as well as a submit on the wire', async () => {
	const limiter = new AdaptiveLimiter(4);
	await refuse(limiter, 4);
	const { permits, granted } = request(limiter, 3);
	await settle();
	permits[0]!.onAccepted();
	await settle();
	expect(granted).toEqual([0, 1]);
	permits[0]!.release();
	await settle();
	expect(granted).toEqual([0, 1, 2]);
});

test('halves once for refusals that come together, however many they are', async () => {
	const limiter = new AdaptiveLimiter(8);
	await refuse(limiter, 8);
	expect(await room(limiter)).toBe(4);
});

test('halves again for a refusal of a later submit, down to one', async () => {
	const limiter = new AdaptiveLimiter(8);
	const rooms: number[] = [];
	for (let refusals = 0; refusals < 4; refusals++) {
		await nextMillisecond();
		await refuse(limiter, 1);
		rooms.push(await room(limiter));
	}
	expect(rooms).toEqual([4, 2, 1, 1]);
});

test('never falls below the number of tasks that the provider has accepted and still works on', async () => {
	const limiter = new AdaptiveLimiter(16);
	await refuse(limiter, 16);
	await nextMillisecond();
	const { permits, all } = request(limiter, 8);
	await all();
	permits.slice(0, 7).forEach((permit) => permit.onAccepted());
	permits[7]!.onRefused();
	expect(await room(limiter)).toBe(0);
	permits[0]!.release();
	expect(await room(limiter)).toBe(1);
});

test('adds one for each acceptance until the first refusal: slow start', async () => {
	const limiter = new AdaptiveLimiter(3);
	const rooms: number[] = [];
	for (let rounds = 0; rounds < 3; rounds++) {
		await acceptAll(limiter);
		rooms.push(await room(limiter));
	}
	expect(rooms).toEqual([6, 12, 24]);
});

test('adds one for as many acceptances as the limit after a refusal: additive increase', async () => {
	const limiter = new AdaptiveLimiter(4);
	await refuse(limiter, 4);
	const rooms: number[] = [];
	for (let rounds = 0; rounds < 4; rounds++) {
		await acceptAll(limiter);
		rooms.push(await room(limiter));
	}
	expect(rooms).toEqual([3, 4, 5, 6]);
});

test('does not grow while less than half of it is used', async () => {
	const limiter = new AdaptiveLimiter(4);
	for (let acceptances = 0; acceptances < 12; acceptances++) await acceptOne(limiter);
	expect(await room(limiter)).toBe(4);
});

test('lets nobody submit before the time that the provider has asked for', async () => {
	const limiter = new AdaptiveLimiter(4);
	const { permits, all } = request(limiter, 1);
	await all();
	const refusedAt = Date.now();
	permits[0]!.onRefused(60);
	await request(limiter, 2).all();
	expect(Date.now() - refusedAt).toBeGreaterThanOrEqual(60);
});

test('an aborted waiter takes no permit and leaves its turn to the next, also of another run', async () => {
	const limiter = new AdaptiveLimiter(1);
	const controller = new AbortController();
	const running = request(limiter, 1);
	const aborted = request(limiter, 3, controller.signal);
	const ofAnotherRun = request(limiter, 1);
	const ended = expect(aborted.all()).rejects.toBeInstanceOf(AbortedError);
	await settle();
	controller.abort();
	await ended;
	running.permits[0]!.release();
	await ofAnotherRun.all();
	expect(aborted.granted).toEqual([]);
});

test('a permit that was granted to a waiter which is aborted in the pause is free again', async () => {
	const limiter = new AdaptiveLimiter(1);
	const first = request(limiter, 1);
	await first.all();
	first.permits[0]!.onRefused(60);
	const controller = new AbortController();
	const paused = request(limiter, 1, controller.signal);
	const ended = expect(paused.all()).rejects.toBeInstanceOf(AbortedError);
	await settle();
	controller.abort();
	await ended;
	paused.permits[0]!.release();
	await request(limiter, 1).all();
});

describe('shared by all executions of one credential', () => {
	test('a run with more items at once raises the limit, one with fewer does not lower it', async () => {
		const limiter = new AdaptiveLimiter(4);
		limiter.join(9);
		expect(await room(limiter)).toBe(9);
		limiter.join(2);
		expect(await room(limiter)).toBe(9);
	});

	test('a new run does not undo what a refusal has taught', async () => {
		const limiter = new AdaptiveLimiter(8);
		await refuse(limiter, 8);
		limiter.join(8);
		expect(await room(limiter)).toBe(4);
	});

	test('is idle, and forgotten, only while no run uses it', () => {
		const limiter = new AdaptiveLimiter(1);
		limiter.join(1);
		limiter.join(1);
		limiter.leave();
		expect(limiter.isIdle).toBe(false);
		limiter.leave();
		expect(limiter.isIdle).toBe(true);
	});
});
