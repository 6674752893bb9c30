import sharp from 'sharp';
import { parseEvents, type ServerSentEvent } from '../../../nodes/shared/tasks/eventStream';
import { parseRetryAfter } from '../../../nodes/shared/http/errors';
import { readImageInfo, trackCompleteness } from '../../../nodes/shared/images/format';
import {
	initialEstimate,
	updateEstimate,
	nextPollDelay,
} from '../../../nodes/shared/tasks/pollSchedule';
import fc from '../../support/properties';

/** Readers of what others send, for anything that they may send. */

/** The bytes in pieces that end at these places. */
function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
	const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
	return [0, ...ends].map((start, index) => bytes.subarray(start, ends[index] ?? bytes.length));
}

const cuts = fc.array(fc.nat(), { maxLength: 30 });

describe('server-sent events', () => {
	async function read(chunks: Buffer[]): Promise<ServerSentEvent[]> {
		const events: ServerSentEvent[] = [];
		const stream = (async function* () {
			yield* chunks;
		})();
		for await (const event of parseEvents(stream, () => undefined)) events.push(event);
		return events;
	}

	const line = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[\r\n]/g, ''));
	const ending = fc.constantFrom('\n', '\r\n');
	const sent = fc.array(fc.record({ event: line, data: line, comment: line }), { maxLength: 8 });

	test('are the same however the bytes are cut', async () => {
		await fc.assert(
			fc.asyncProperty(sent, ending, cuts, async (events, newline, where) => {
				const text = events.map(({ event, data, comment }) =>
					[`: ${comment}`, `event: ${event}`, `data: ${data}`, '', ''].join(newline),
				);
				const bytes = Buffer.from(text.join(''));
				const expected = events.map(({ event, data }) => ({ event, data }));
				expect(await read(pieces(bytes, where))).toEqual(expected);
			}),
		);
	});

	test('of any bytes are the same however they are cut', async () => {
		const bytes = fc.array(fc.constantFrom('data: x', 'event', ':', '\r', '\n', '\r\n', 'é'));
		await fc.assert(
			fc.asyncProperty(bytes, cuts, async (parts, where) => {
				const whole = Buffer.from(parts.join(''));
				expect(await read(pieces(whole, where))).toEqual(await read([whole]));
			}),
		);
	});
});

describe.each(['png', 'jpeg', 'webp'] as const)('a picture (%s)', (format) => {
	const mimeType = `image/${format}`;
	let bytes: Buffer;
	beforeAll(async () => {
		const canvas = { width: 24, height: 16, channels: 3, background: 'teal' } as const;
		bytes = await sharp({ create: canvas }).toFormat(format).toBuffer();
	});

	function isWhole(chunks: Buffer[]): boolean {
		const whole = trackCompleteness(mimeType);
		chunks.forEach((chunk) => whole.add(chunk));
		return whole.isWhole;
	}

	test('is whole however its bytes are cut', () => {
		fc.assert(fc.property(cuts, (where) => isWhole(pieces(bytes, where))));
	});

	test('is never whole when its end is missing', () => {
		const lengths = Array.from(bytes.keys());
		expect(lengths.filter((length) => isWhole([bytes.subarray(0, length)]))).toEqual([]);
		fc.assert(
			fc.property(fc.nat(), cuts, (length, where) => {
				const cut = bytes.subarray(0, length % bytes.length);
				return !isWhole(pieces(cut, where));
			}),
		);
	});

	test('has one size, or none yet, however much of it has come', () => {
		const seen = Array.from(bytes.keys(), (length) => readImageInfo(bytes.subarray(0, length)));
		const sizes = seen.map((one) => one && `${one.width} × ${one.height}`);
		expect([...new Set(sizes)]).toEqual([undefined, '24 × 16']);
	});
});

test('bytes that are no picture are told apart without a fault', () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
			const seen = readImageInfo(bytes);
			if (seen) expect(Number.isFinite(seen.width + seen.height)).toBe(true);
		}),
	);
});

describe('Retry-After', () => {
	test('of any kind is a wait, or nothing', () => {
		fc.assert(
			fc.property(fc.anything(), (header) => {
				const ms = parseRetryAfter(header);
				if (ms !== undefined) expect(ms).toBeGreaterThanOrEqual(0);
			}),
			{ numRuns: 500 },
		);
	});

	test('is read in seconds, and as a date', () => {
		const now = Date.parse('2026-11-21T12:00:00Z');
		fc.assert(
			fc.property(fc.integer({ min: 1, max: 1_000_000 }), (seconds) => {
				const date = new Date(now + seconds * 1000).toUTCString();
				expect(parseRetryAfter(String(seconds), now)).toBe(seconds * 1000);
				expect(parseRetryAfter(date, now)).toBe(seconds * 1000);
			}),
		);
	});
});

test('the next look is never sooner than the provider wants, nor later than five seconds', () => {
	const seconds = fc.double({ min: 0, max: 100_000, noNaN: true });
	const typical = fc.double({ min: 0.1, max: 600, noNaN: true });
	const gap = fc.double({ min: 0.01, max: 5, noNaN: true });
	fc.assert(
		fc.property(
			typical,
			fc.array(seconds, { maxLength: 60 }),
			seconds,
			gap,
			(guess, took, age, shortest) => {
				const known = took.reduce(updateEstimate, initialEstimate(guess));
				const wait = nextPollDelay(age, known, shortest);
				expect(wait).toBeGreaterThanOrEqual(shortest);
				expect(wait).toBeLessThanOrEqual(5);
			},
		),
		{ numRuns: 300 },
	);
});
