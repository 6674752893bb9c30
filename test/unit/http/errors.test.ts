import { AbortedError, type Flux2Error } from '../../../nodes/shared/core/errors';
import { createRedactor } from '../../../nodes/shared/core/redact';
import {
	downloadStatusError,
	networkError,
	parseRetryAfter,
	statusError,
} from '../../../nodes/shared/http/errors';
import type { ApiResponse, ErrorResponse } from '../../../nodes/shared/http/types';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const SECRET = 'key-0123456789';
const { signal } = new AbortController();

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
])("takes the status %i of an image's host as %s", (status, kind, transient) => {
	expect(downloadStatusError(status, {})).toMatchObject({ kind, transient, httpCode: status });
});

function responseWith(status: number, body = '', headers = {}): ApiResponse {
	return { status, headers, bytes: Buffer.from(body), isImage: false, json: undefined };
}

function errorOf(response: ApiResponse, idempotent: boolean, said?: ErrorResponse) {
	const redact = createRedactor([SECRET]);
	const client = { label: 'The provider', redact, readError: () => said };
	return statusError(client, { idempotent }, response);
}

describe('a response outside 2xx', () => {
	test('is named with its status and what the body says', () => {
		expect(errorOf(responseWith(503, ' out\n of order '), true).message).toBe(
			'The provider is having trouble: out of order (HTTP 503)',
		);
		expect(errorOf(responseWith(503), true).message).toBe(
			'The provider is having trouble: an empty response (HTTP 503)',
		);
	});

	test.each([
		[429, false, { refused: true, transient: true, maybeBilled: false }],
		[429, true, { refused: true, transient: true, maybeBilled: false }],
		[503, false, { refused: false, transient: true, maybeBilled: true }],
		[503, true, { refused: false, transient: true, maybeBilled: false }],
		[408, false, { refused: false, transient: true, maybeBilled: true }],
		[400, false, { refused: false, transient: false, maybeBilled: false }],
	])('%i, idempotent %p: %p', (status, idempotent, expected) => {
		expect(errorOf(responseWith(status), idempotent)).toMatchObject(expected);
	});

	test('is not refused and not transient where the provider says that it is final', () => {
		const said: ErrorResponse = { kind: 'rateLimited', message: 'banned', final: true };
		expect(errorOf(responseWith(429), false, said)).toMatchObject({
			refused: false,
			transient: false,
		});
	});

	test('asks for the wait of its header first, then of its body', () => {
		const said: ErrorResponse = { kind: 'rateLimited', message: 'wait', retryAfterMs: 9000 };
		const withHeader = responseWith(429, '', { 'retry-after': '2' });
		expect(errorOf(withHeader, true, said).retryAfterMs).toBe(2000);
		expect(errorOf(responseWith(429), true, said).retryAfterMs).toBe(9000);
	});

	test('shows 300 characters of an unknown body, and no part of a secret that the cut would split', () => {
		const body = `${'x'.repeat(295)}${SECRET} and more`;
		const { message } = errorOf(responseWith(500, body), true);

		expect(message).toBe(`The provider is having trouble: ${'x'.repeat(295)}*** a (HTTP 500)`);
	});

	test.each<[number, boolean, string]>([
		[401, false, 'Nothing was billed. Check the credential'],
		[401, true, 'Check the credential'],
		[402, false, 'Nothing was billed. Top up the account'],
		[404, false, 'Nothing was billed. Check the model'],
		[422, false, 'Nothing was billed. Change what the message names'],
		[429, false, 'Nothing was billed. Run again in a moment'],
		[418, false, 'Check the base URL'],
		[500, false, 'Run again later'],
		[500, true, 'Run again later'],
	])('%i, idempotent %p, says whether it was billed, and what to do: %p', (...facts) => {
		const [status, idempotent, beginning] = facts;
		const { description } = errorOf(responseWith(status), idempotent);
		expect(description.slice(0, beginning.length)).toBe(beginning);
		const isUncertain = status === 500 && !idempotent;
		expect(description.includes('Nobody knows whether this request was billed')).toBe(isUncertain);
	});

	test('that is a refusal by the filter may be billed, and says that no cost is known', () => {
		const said: ErrorResponse = { kind: 'moderated', message: 'NSFW' };
		expect(errorOf(responseWith(400), false, said)).toMatchObject({
			message: "The provider's content filter refused this request: NSFW (HTTP 400)",
			description: expect.stringMatching(/^No cost is reported for it\. Change the prompt/),
		});
	});

	test("keeps the provider's own advice behind that", () => {
		const said: ErrorResponse = { kind: 'credits', message: 'no', description: 'Wait a day.' };
		expect(errorOf(responseWith(429), false, said).description).toBe(
			'Nothing was billed. Wait a day.',
		);
	});

	test('shows the title of an HTML page', () => {
		const page = '<html><head><title>502 Bad\nGateway</title></head><body>nginx</body></html>';
		expect(errorOf(responseWith(502, page), true).message).toBe(
			'The provider is having trouble: 502 Bad Gateway (HTTP 502)',
		);
	});
});

describe('a request without a response', () => {
	const submit = { idempotent: false, peer: 'the provider', signal };
	const codeError = (code: string, syscall?: string) =>
		Object.assign(new Error(code), { code, syscall });

	test.each(['DEPTH_ZERO_SELF_SIGNED_CERT', 'CERT_HAS_EXPIRED', 'ERR_TLS_CERT_ALTNAME_INVALID'])(
		'was not billed when the certificate is refused (%s), and its message says so',
		(code) => {
			expect(networkError(submit, { cause: codeError(code) })).toMatchObject({
				kind: 'unavailable',
				message: 'The certificate of the provider is not valid here',
				description: expect.stringMatching(/^Nothing was sent, so nothing was billed\./),
				maybeBilled: false,
				refused: false,
				transient: false,
			});
		},
	);

	test.each([
		['ECONNREFUSED', 'connect'],
		['ENOTFOUND', 'getaddrinfo'],
		['ETIMEDOUT', 'connect'],
	])('was refused when no connection was made (%s in %s)', (code, syscall) => {
		expect(networkError(submit, { cause: codeError(code, syscall) })).toMatchObject({
			message: 'No connection to the provider could be made',
			description: expect.stringMatching(/^Nothing was sent, so nothing was billed\./),
			refused: true,
			maybeBilled: false,
		});
		const poll = { ...submit, idempotent: true };
		const { description } = networkError(poll, codeError(code, syscall)) as Flux2Error;
		expect(description).toMatch(/^Check the base URL/);
	});

	test.each([
		['ECONNRESET', 'read', 'unavailable'],
		['EHOSTUNREACH', 'write', 'unavailable'],
		['ETIMEDOUT', 'read', 'timeout'],
		['ECONNABORTED', undefined, 'timeout'],
	])('may have been billed when the connection stood (%s in %s)', (code, syscall, kind) => {
		const error = { cause: codeError(code, syscall) };
		expect(networkError(submit, error)).toMatchObject({ kind, refused: false, maybeBilled: true });
		expect(networkError({ ...submit, idempotent: true }, error)).toMatchObject({
			kind,
			maybeBilled: false,
		});
	});

	test('was never fully connected where one address of several was', () => {
		const errors = [codeError('ECONNREFUSED', 'connect'), codeError('ECONNRESET', 'read')];
		expect(networkError(submit, { cause: { errors } })).toMatchObject({
			refused: false,
			maybeBilled: true,
		});
	});

	test('is no failure when it was aborted', () => {
		const aborted = { ...submit, signal: AbortSignal.abort() };
		expect(networkError(aborted, codeError('ECONNRESET', 'read'))).toBeInstanceOf(AbortedError);
	});

	test("keeps n8n's own message, e.g. about a blocked address, and shows no system error code", () => {
		expect(networkError(submit, new Error('The address is blocked'))).toMatchObject({
			message: 'The request to the provider failed: The address is blocked',
		});
		for (const code of ['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'CERT_HAS_EXPIRED']) {
			expect(networkError(submit, codeError(code, 'connect')).message).not.toContain(code);
		}
	});
});
