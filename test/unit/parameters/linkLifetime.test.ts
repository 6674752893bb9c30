import { linkLifetime } from '../../../nodes/shared/parameters/linkLifetime';

const MESSAGE =
	'must be a time from 1 second to 365 days, such as 15 minutes, 1 hour, 7 days or 30 days';

/** Seconds, or the message of the refusal. */
function read(value: unknown): unknown {
	const result = linkLifetime.schema().safeParse(value);
	return result.success ? result.data : result.error.issues[0]!.message;
}

test.each([
	['1 second', 1],
	['90 seconds', 90],
	['15 minutes', 900],
	['1 hour', 3600],
	['1 day', 86_400],
	['7 days', 604_800],
	['2 weeks', 1_209_600],
	['365 days', 31_536_000],
	['1.5 hours', 5400],
	[' 7 Days ', 604_800],
	['7days', 604_800],
	['30s', 30],
	['10 sec', 10],
	['10 min', 600],
	['12h', 43_200],
	['7d', 604_800],
	['1w', 604_800],
])('%p is %p seconds', (value, seconds) => {
	expect(read(value)).toBe(seconds);
});

test.each([
	'',
	'7',
	7,
	'days',
	'7 months',
	'0 days',
	'0.1 s',
	'366 days',
	'-1 day',
	'1 day 2 hours',
	'1e3 s',
	true,
	{ days: 7 },
	`${'9'.repeat(400)} days`,
])('%p is refused', (value) => {
	expect(read(value)).toBe(MESSAGE);
});

test('what an agent gets by itself is what the editor shows at first: one day', () => {
	expect(linkLifetime.property.default).toBe('1 day');
	expect(linkLifetime.default).toBe(86_400);
});
