import { parseRetryAfter } from '../../../nodes/shared/http/errors';
import fc from '../../support/properties';

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
