import {
	initialEstimate,
	nextPollDelay,
	updateEstimate,
} from '../../../nodes/shared/tasks/pollSchedule';
import fc from '../../support/properties';

test('the next poll is never sooner than the provider wants, nor later than five seconds', () => {
	const seconds = fc.double({ min: 0, max: 100_000, noNaN: true });
	const typical = fc.double({ min: 0.1, max: 600, noNaN: true });
	const interval = fc.double({ min: 0.01, max: 5, noNaN: true });
	fc.assert(
		fc.property(
			typical,
			fc.array(seconds, { maxLength: 60 }),
			seconds,
			interval,
			(typicalSeconds, earlierDurations, age, minInterval) => {
				const estimate = earlierDurations.reduce(updateEstimate, initialEstimate(typicalSeconds));
				const delay = nextPollDelay(age, estimate, minInterval);
				expect(delay).toBeGreaterThanOrEqual(minInterval);
				expect(delay).toBeLessThanOrEqual(5);
			},
		),
		{ numRuns: 300 },
	);
});
