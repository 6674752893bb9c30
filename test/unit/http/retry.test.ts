import { Flux2Error, AbortedError, type ErrorDetails } from '../../../nodes/shared/core/errors';
import type { ApiClient } from '../../../nodes/shared/http/client';
import { networkError, downloadStatusError, parseRetryAfter } from '../../../nodes/shared/http/errors';
import { Permit, AdaptiveLimiter } from '../../../nodes/shared/http/limiter';
import { retry } from '../../../nodes/shared/http/retry';
import { resolveDownloadUrl } from '../../../nodes/shared/http/urlPolicy';

const newPlace = () => new Permit(new AdaptiveLimiter(1));
const NOW = Date.parse('2026-11-21T12:00:00Z');

test.each([
	['0', undefined],
	['2', 2000],
	['1.5', 1500],
	[3, 3000],
	['-4', undefined],
	['Sat, 21 Nov 2026 12:00:30 GMT', 30_000],
	['Sat, 21 Nov 2026 11:59:00 GMT', undefined],
	['soon', undefined],
	['', undefined],
	[undefined, undefined],
	[['1', '2'], undefined],
])('reads Retry-After %p as %p ms', (header, expected) => {
	expect(parseRetryAfter(header, NOW)).toBe(expected);
});

/** Calls that always end in this error: how many there were, and how often the pressure was lowered. */
async function attempts(
	policy: 'submit' | 'look',
	error: unknown,
	signal = new AbortController().signal,
) {
	let calls = 0;
	let refusals = 0;
	const place = Object.assign(newPlace(), { refused: () => void refusals++ });
	const result = retry({ signal, place }, policy, async () => {
		calls++;
		throw error;
	});
	await expect(result).rejects.toBe(error);
	return { calls, refusals };
}

const failure = (facts: ErrorDetails) =>
	new Flux2Error('unavailable', 'down', { retryAfterMs: 0, ...facts });

test.each<[string, 'submit' | 'look', ErrorDetails, { calls: number; refusals: number }]>([
	[
		'a submit that was refused, six times',
		'submit',
		{ refused: true, httpCode: 429 },
		{ calls: 6, refusals: 5 },
	],
	[
		'a submit whose connection was never made, four times',
		'submit',
		{ refused: true },
		{ calls: 4, refusals: 3 },
	],
	['no submit that only may pass', 'submit', { passing: true }, { calls: 1, refusals: 0 }],
	['no submit that was answered', 'submit', {}, { calls: 1, refusals: 0 }],
	['a look that may pass, four times', 'look', { passing: true }, { calls: 4, refusals: 0 }],
	['no look that was answered', 'look', {}, { calls: 1, refusals: 0 }],
	[
		'nothing that asks for more than two minutes',
		'look',
		{ passing: true, retryAfterMs: 120_001 },
		{ calls: 1, refusals: 0 },
	],
])('repeats %s', async (_name, policy, facts, expected) => {
	expect(await attempts(policy, failure(facts))).toEqual(expected);
});

test.each([
	[401, 'expired', false],
	[403, 'expired', false],
	[404, 'expired', false],
	[410, 'expired', false],
	[400, 'badResponse', false],
	[402, 'badResponse', false],
	[451, 'badResponse', false],
	[408, 'timeout', true],
	[429, 'rateLimited', true],
	[500, 'unavailable', true],
])("takes a %i of a image's host as %s", (status, kind, passing) => {
	expect(downloadStatusError(status, {})).toMatchObject({ kind, passing, httpCode: status });
});

test('repeats nothing that is no failure of its own', async () => {
	expect(await attempts('look', new TypeError('a mistake'))).toEqual({ calls: 1, refusals: 0 });
});

test('returns what the first good attempt gave', async () => {
	let calls = 0;
	const result = retry(
		{ signal: new AbortController().signal, place: newPlace() },
		'look',
		async () => {
			if (++calls < 3) throw failure({ passing: true });
			return calls;
		},
	);

	expect(await result).toBe(3);
});

test('stops waiting for the next attempt at once', async () => {
	const stop = new AbortController();
	const place = Object.assign(newPlace(), { refused: () => stop.abort() });
	const result = retry({ signal: stop.signal, place }, 'submit', async () => {
		throw failure({ refused: true, retryAfterMs: 60_000 });
	});

	await expect(result).rejects.toThrow(AbortedError);
});

test.each(['DEPTH_ZERO_SELF_SIGNED_CERT', 'CERT_HAS_EXPIRED', 'ERR_TLS_CERT_ALTNAME_INVALID'])(
	'a certificate that is refused (%s) says so, and that nothing was billed',
	(code) => {
		const { signal } = new AbortController();
		const api = { stop: signal, signal } as ApiClient;
		const cause = Object.assign(new Error('certificate'), { code });

		expect(networkError(api, 'submit', 'the service', { cause })).toMatchObject({
			kind: 'unavailable',
			message: 'The certificate of the service is not valid here',
			uncertain: false,
			passing: false,
		});
	},
);

const OPENED = 'opened';
test.each([
	['https://api.example.com', 'https://cdn.example.net/a.png', OPENED],
	[
		'https://api.example.com',
		'http://api.example.com/a.png',
		'The address http://api.example.com was not opened, because it is not https',
	],
	['http://127.0.0.1:1', 'http://127.0.0.1:2/a.png', OPENED],
	['http://127.0.0.1:1', 'https://cdn.example.net/a.png', OPENED],
	[
		'http://127.0.0.1:1',
		'http://localhost:1/a.png',
		'The address http://localhost:1 was not opened, because it is not https',
	],
	[
		'http://127.0.0.1:1',
		'file:///etc/passwd',
		'The address file:// was not opened, because it is not https',
	],
	['https://api.example.com', 'a.png', '"a.png" is not a URL'],
])('from %s, %s: %s', (baseUrl, url, expected) => {
	const open = () => {
		try {
			return resolveDownloadUrl({ baseUrl }, url) && OPENED;
		} catch (error) {
			return (error as Error).message;
		}
	};

	expect(open()).toBe(expected);
});
