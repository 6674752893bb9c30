import { AbortedError } from '../../../nodes/shared/core/errors';
import { Permit, AdaptiveLimiter } from '../../../nodes/shared/http/limiter';

const { signal } = new AbortController();

/** Makes places of one run. */
function placesOf(most: number): () => Permit {
	const pressure = new AdaptiveLimiter(most);
	return () => new Permit(pressure);
}

/** Lets every promise that can settle do so. */
const settle = async () => await new Promise((resolve) => setImmediate(resolve));

/** Places that want to submit, in order; `taken` tells which of them may. */
function queue(newPlace: () => Permit, count: number) {
	const taken: number[] = [];
	const places = Array.from({ length: count }, newPlace);
	const turns = places.map(async (place, index) => {
		await place.take(signal);
		taken.push(index);
	});
	return { places, taken, all: async () => await Promise.all(turns) };
}

test('lets no more than the most submit at once, in order', async () => {
	const { places, taken, all } = queue(placesOf(2), 5);
	await settle();
	expect(taken).toEqual([0, 1]);
	places[1]!.leave();
	await settle();
	expect(taken).toEqual([0, 1, 2]);
	places[0]!.accepted();
	await settle();
	expect(taken).toEqual([0, 1, 2]);
	places.forEach((place) => place.leave());
	await all();
	expect(taken).toEqual([0, 1, 2, 3, 4]);
});

/** How many of ten submits would be let through now; none of them stays. */
async function room(newPlace: () => Permit): Promise<number> {
	const stop = new AbortController();
	const places = Array.from({ length: 10 }, newPlace);
	let taken = 0;
	const turns = places.map(async (place) => {
		await place.take(stop.signal).then(
			() => taken++,
			() => undefined,
		);
	});
	await settle();
	stop.abort();
	await Promise.all(turns);
	places.forEach((place) => place.leave());
	return taken;
}

/** Submits that were sent in the same millisecond count as sent together. */
async function nextMillisecond() {
	const now = Date.now();
	while (Date.now() <= now) await settle();
}

test('halves once for refusals that come together, however many they are', async () => {
	const newPlace = placesOf(8);
	const { places, all } = queue(newPlace, 8);
	await all();
	places.forEach((place) => place.refused());
	expect(await room(newPlace)).toBe(4);
});

test('halves again for a refusal of a later submit, down to one', async () => {
	const newPlace = placesOf(8);
	const rooms: number[] = [];
	for (let refusals = 0; refusals < 4; refusals++) {
		await nextMillisecond();
		const { places, all } = queue(newPlace, 1);
		await all();
		places[0]!.refused();
		rooms.push(await room(newPlace));
	}
	expect(rooms).toEqual([4, 2, 1, 1]);
});

test('never falls below what the provider has accepted and still works on', async () => {
	const newPlace = placesOf(8);
	const { places, all } = queue(newPlace, 8);
	await all();
	places.slice(0, 6).forEach((place) => place.accepted());
	places.slice(6).forEach((place) => place.refused());
	expect(await room(newPlace)).toBe(0);
	places[0]!.leave();
	expect(await room(newPlace)).toBe(1);
});

test('adds one after as many acceptances as there are places, up to the most', async () => {
	const newPlace = placesOf(4);
	const { places, all } = queue(newPlace, 4);
	await all();
	places.forEach((place) => place.refused());
	const rooms: number[] = [];
	for (let acceptances = 0; acceptances < 12; acceptances++) {
		const place = newPlace();
		await place.take(signal);
		place.accepted();
		place.leave();
		rooms.push(await room(newPlace));
	}
	expect(rooms).toEqual([2, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4]);
});

test('lets nobody submit before the time that the provider has asked for', async () => {
	const newPlace = placesOf(4);
	const { places, all } = queue(newPlace, 1);
	await all();
	const refusedAt = Date.now();
	places[0]!.refused(60);
	const later = queue(newPlace, 2);
	await later.all();
	expect(Date.now() - refusedAt).toBeGreaterThanOrEqual(60);
});

test('ends the wait for a place when the run is stopped, and leaves the place to others', async () => {
	const newPlace = placesOf(1);
	const stop = new AbortController();
	const [first, second, third] = [newPlace(), newPlace(), newPlace()];
	await first.take(signal);
	const stopped = expect(second.take(stop.signal)).rejects.toBeInstanceOf(AbortedError);
	const taken = third.take(signal);
	stop.abort();
	await stopped;
	second.leave();
	first.leave();
	await taken;
});
