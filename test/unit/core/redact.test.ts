import {
	createRedactor,
	MIN_SECRET_LENGTH,
	redactJson,
	secretsIn,
	toDisplayText,
} from '../../../nodes/shared/core/redact';

const SECRET = 'sk/ä"0123+456789';
const redact = createRedactor([SECRET]);
const base64 = (text: string, encoding: 'base64' | 'base64url' = 'base64') =>
	Buffer.from(text).toString(encoding);

describe('a secret is hidden', () => {
	test.each([
		['as it is', SECRET],
		['inside JSON', JSON.stringify(SECRET).slice(1, -1)],
		[
			'inside JSON with escaped slashes',
			JSON.stringify(SECRET).slice(1, -1).replaceAll('/', '\\/'),
		],
		['URL-encoded', encodeURIComponent(SECRET)],
		['URL-encoded in lower case', 'sk%2f%c3%a4%220123%2b456789'],
		['in base64', base64(SECRET)],
		['in base64url', base64(SECRET, 'base64url')],
	])('%s', (_form, sent) => {
		const shown = redact(`before ${sent} after ${sent}`);
		expect(shown).toContain('***');
		expect(shown).not.toContain(sent.slice(1, -4));
	});

	test.each(['', 'u', 'us', 'usr', 'user:'])('in base64 behind "%s"', (prefix) => {
		for (const encoding of ['base64', 'base64url'] as const) {
			const sent = base64(`${prefix}${SECRET}${prefix}`, encoding);
			const shown = redact(`Basic ${sent}`);
			expect(shown).toContain('***');
			const visible = shown.replace('Basic ', '').split('***').join('');
			expect(Buffer.from(visible, encoding).toString()).not.toContain('0123');
		}
	});

	test('without the blanks that were typed around it', () => {
		const typed = createRedactor([` ${SECRET}\n`]);
		expect(typed(`Bearer ${SECRET}.`)).toBe('Bearer ***.');
		expect(typed(`" ${SECRET}\n"`)).toBe('"***"');
	});

	test('wholly where another secret is a part of it', () => {
		const both = createRedactor(['part-of-it', 'part-of-it-and-more']);
		expect(both('part-of-it-and-more, part-of-it')).toBe('***, ***');
	});

	test('as it is, not as a pattern', () => {
		expect(createRedactor(['a.c*e(g[i'])('a.c*e(g[i abcdefghi')).toBe('*** abcdefghi');
	});
});

test('values too short to be secrets, and what is no text, hide nothing', () => {
	const short = 'x'.repeat(MIN_SECRET_LENGTH - 1);
	const none = createRedactor([short, ` ${short} `, '', 12345678, null, undefined, { a: SECRET }]);
	expect(none(`${short} 12345678 null ${SECRET}`)).toBe(`${short} 12345678 null ${SECRET}`);
	expect(createRedactor(['x'.repeat(MIN_SECRET_LENGTH)])('xxxxxxxx')).toBe('***');
});

test("a credential's values are secrets, but its base URL is not", () => {
	const credentials = { apiKey: 'k', accountId: 'a', baseUrl: 'https://api.example.com' };
	expect(secretsIn(credentials)).toEqual(['k', 'a']);
});

describe('JSON', () => {
	test('is redacted in every text, at any depth, in the names of fields too', () => {
		const value = { [`x-${SECRET}`]: [{ deep: `Bearer ${SECRET}` }, SECRET], plain: 'text' };
		expect(redactJson(value, redact)).toEqual({
			'x-***': [{ deep: 'Bearer ***' }, '***'],
			plain: 'text',
		});
	});

	test('keeps what is no text, and is not changed itself', () => {
		const value = { number: 1, no: false, nothing: null, list: [], text: SECRET };
		expect(redactJson(value, redact)).toEqual({ ...value, text: '***' });
		expect(value.text).toBe(SECRET);
		expect([redactJson(undefined, redact), redactJson(null, redact)]).toEqual([undefined, null]);
	});
});

describe('a text for n8n', () => {
	test('is redacted before it is cut, so that no part of a secret stays', () => {
		const text = `${'x'.repeat(990)}${SECRET}${'y'.repeat(100)}`;
		expect(toDisplayText(redact, text)).toBe(`${'x'.repeat(990)}***${'y'.repeat(6)}…`);
	});

	test.each([
		[1000, 'x'.repeat(1000)],
		[1001, `${'x'.repeat(999)}…`],
		[5000, `${'x'.repeat(999)}…`],
	])('of %d characters ends at 1,000', (length, expected) => {
		expect(toDisplayText(redact, 'x'.repeat(length))).toBe(expected);
	});

	test('never says "canceled", for which n8n would mark the whole execution so', () => {
		expect(toDisplayText(redact, 'Canceled by you, CANCELED; canceling')).toBe(
			'Cancelled by you, CANCELlED; cancelling',
		);
		expect(toDisplayText(redact, 'cancelled, cancel, cancellation')).toBe(
			'cancelled, cancel, cancellation',
		);
	});
});
