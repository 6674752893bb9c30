import type { IDataObject } from 'n8n-workflow';
import {
	Flux2Error,
	kindFromStatus,
	AbortedError,
	withAdvice,
	type ErrorKind,
} from '../core/errors';
import type { ApiResponse, ApiClient, ErrorResponse } from './client';
import type { Repeat } from './retry';
import type { z } from '../core/vendor';

const CONNECTION_NEVER_MADE = new Set([
	'ECONNREFUSED',
	'ENOTFOUND',
	'EAI_AGAIN',
	'EHOSTUNREACH',
	'ENETUNREACH',
]);
/** The peer's certificate was refused, before anything was sent. */
const NOT_TRUSTED =
	/^(CERT_.*|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_.*|ERR_TLS_CERT_ALTNAME_INVALID)$/;
const TIMED_OUT = new Set(['ECONNABORTED', 'ETIMEDOUT']);
/** Node's and axios's words for a connection that ended too early or spoke no HTTP. */
const CONNECTION_BROKE =
	/^(ECONNRESET|EPIPE|ERR_CANCELED|ERR_NETWORK|ERR_STREAM_PREMATURE_CLOSE|ERR_BAD_RESPONSE|ABORT_ERR|HPE_.*|Z_.*|ERR_SSL_.*|EPROTO)$/;
/** After these nobody knows whether a submit was accepted. */
const UNCERTAIN: readonly ErrorKind[] = ['timeout', 'unavailable', 'badResponse'];
const MAYBE_BILLED =
	'The provider may have accepted and billed this request although its answer was lost, so it was not sent again.';

/** What an answer outside 2xx means, in the provider's own words. */
export function statusError(api: ApiClient, repeat: Repeat, answer: ApiResponse): Flux2Error {
	const complaint: ErrorResponse = api.explain(answer) ?? {
		kind: kindFromStatus(answer.status),
		message: excerpt(answer),
	};
	const { kind, message, description } = complaint;
	const error = new Flux2Error(kind, `${api.label} answered ${answer.status}: ${message}`, {
		description,
		httpCode: answer.status,
		refused: complaint.refused ?? (answer.status === 429 && kind === 'rateLimited'),
		passing: isPassing(answer.status),
		retryAfterMs: parseRetryAfter(answer.headers['retry-after']) ?? complaint.retryAfterMs,
	});
	const uncertain = (answer.status === 408 || answer.status >= 500) && UNCERTAIN.includes(kind);
	return repeat === 'submit' && uncertain ? maybeBilled(error) : error;
}

const maybeBilled = (error: Flux2Error) => withAdvice(error, MAYBE_BILLED, { uncertain: true });

const isPassing = (status: number) => [408, 425, 429].includes(status) || status >= 500;

/** What a 2xx answer means that the schema does not take. */
export function schemaError(
	api: ApiClient,
	repeat: Repeat,
	answer: ApiResponse,
	content: unknown,
	problem: z.ZodError,
): Flux2Error {
	const complaint = api.explain(answer);
	const field = deepestPath(problem).join('.');
	const words =
		complaint?.message ??
		(content === undefined
			? `the answer is not JSON: ${excerpt(answer)}`
			: `the answer has no usable ${field ? `"${field}"` : 'content'}: ${excerpt(answer)}`);
	const error = new Flux2Error(complaint?.kind ?? 'badResponse', `${api.label}: ${words}`, {
		description: complaint?.description,
		httpCode: answer.status,
		passing: content === undefined,
	});
	return repeat === 'submit' && !complaint ? maybeBilled(error) : error;
}

/** Of several readings of an answer, the field that the closest one misses. */
function deepestPath({ issues }: z.ZodError): Array<string | number> {
	const paths = issues.flatMap((issue) =>
		issue.code === 'invalid_union' ? issue.unionErrors.map(deepestPath) : [issue.path],
	);
	return paths.reduce((deepest, path) => (path.length >= deepest.length ? path : deepest), []);
}

/** The beginning of a body as one line of text; an HTML page is told by its title. */
function excerpt({ bytes }: ApiResponse): string {
	const text = bytes.toString('utf8', 0, 2000);
	const title = /<title[^>]*>([^<]*)/i.exec(text)?.[1];
	const line = (title && /[a-z]/i.test(title) ? title : text.replace(/<[^>]*>/g, ' '))
		.replace(/\s+/g, ' ')
		.trim();
	return line === '' ? 'an empty answer' : line.slice(0, 300);
}

/** A picture's bytes broke off on the way; worth another attempt. */
export const downloadInterrupted = (api: ApiClient, error: unknown): unknown =>
	error instanceof Flux2Error ? error : networkError(api, 'look', "the image's host", error);

/** What became of a call that has no answer. */
export function networkError(
	api: ApiClient,
	repeat: Repeat,
	peer: string,
	error: unknown,
): unknown {
	const ended = repeat === 'submit' ? api.stop : api.signal;
	if (error instanceof AbortedError || ended.aborted) return new AbortedError();
	const causes = [...causesOf(error)];
	// an established connection that loses its route has the same codes
	const wasOpen = causes.some(({ syscall }) => syscall === 'read' || syscall === 'write');
	if (!wasOpen && causes.some(neverConnected)) {
		return new Flux2Error('unavailable', `No connection to ${peer} could be made`, {
			description: 'Check the base URL in the credential and the network of the n8n server.',
			refused: true,
			passing: true,
		});
	}
	if (causes.some(({ code = '' }) => NOT_TRUSTED.test(code))) {
		return new Flux2Error('unavailable', `The certificate of ${peer} is not valid here`, {
			description: 'Check the base URL in the credential, and the certificates that n8n trusts.',
		});
	}
	const failure = brokenOff(peer, causes);
	return repeat === 'submit' ? maybeBilled(failure) : failure;
}

function brokenOff(peer: string, causes: readonly SystemError[]): Flux2Error {
	const codes = causes.map(({ code }) => code ?? '');
	if (codes.some((code) => TIMED_OUT.has(code))) {
		return new Flux2Error('timeout', `There was no answer in time from ${peer}`, { passing: true });
	}
	if (codes.some((code) => CONNECTION_BROKE.test(code))) {
		const message = `The connection to ${peer} broke before the answer was complete`;
		return new Flux2Error('unavailable', message, { passing: true });
	}
	// n8n's own refusal (a blocked address, a full disk) is told in its own words
	const words = causes.at(-1)?.message ?? 'for an unknown reason';
	return new Flux2Error('unavailable', `The request to ${peer} failed: ${words}`);
}

interface SystemError {
	message?: string;
	code?: string;
	syscall?: string;
	cause?: unknown;
	errors?: unknown[];
}

/** The error, its causes and the parts of aggregates, wherever n8n and axios have put them. */
function* causesOf(error: unknown, depth = 0): Generator<SystemError> {
	if (typeof error !== 'object' || error === null || depth > 5) return;
	const { cause, errors = [] }: SystemError = error;
	yield error;
	for (const inner of [cause, ...(Array.isArray(errors) ? errors : [])]) {
		yield* causesOf(inner, depth + 1);
	}
}

const neverConnected = ({ code, syscall }: SystemError) =>
	CONNECTION_NEVER_MADE.has(code ?? '') || (code === 'ETIMEDOUT' && syscall === 'connect');

/** What a picture's host says instead of the picture. */
export function downloadStatusError(status: number, headers: IDataObject): Flux2Error {
	const gone = [401, 403, 404, 410].includes(status);
	return new Flux2Error(
		gone ? 'expired' : isPassing(status) ? kindFromStatus(status) : 'badResponse',
		gone
			? `The image's URL is no longer valid (it answered ${status})`
			: `The image could not be downloaded: its host answered ${status}`,
		{
			httpCode: status,
			passing: isPassing(status),
			retryAfterMs: parseRetryAfter(headers['retry-after']),
		},
	);
}

/** n8n's own time limit starts anew with every byte; this one is the whole call's. */
export class TimeoutError extends Error {
	readonly code = 'ETIMEDOUT';
}

/** Milliseconds out of `Retry-After`, a number of seconds or a date; undefined when it asks for no wait. */
export function parseRetryAfter(header: unknown, now = Date.now()): number | undefined {
	if (typeof header !== 'number' && (typeof header !== 'string' || header.trim() === '')) {
		return undefined;
	}
	const seconds = Number(header);
	const ms = Number.isNaN(seconds) ? Date.parse(String(header)) - now : seconds * 1000;
	return ms > 0 ? ms : undefined;
}
