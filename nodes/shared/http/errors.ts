import type { IDataObject } from 'n8n-workflow';
import { AbortedError, ADVICE, Flux2Error, withAdvice, type ErrorKind } from '../core/errors';
import { callMessage, NO_COST_REPORTED } from '../core/messages';
import type { z } from '../core/vendor';
import { kindFromStatus } from './errorKind';
import type { ApiResponse, ErrorResponse, ReadClient } from './types';

const NEVER_CONNECTED_CODES = new Set([
	'ECONNREFUSED',
	'ENOTFOUND',
	'EAI_AGAIN',
	'EHOSTUNREACH',
	'ENETUNREACH',
]);
/** The peer's certificate was refused, before anything was sent. */
const CERTIFICATE_CODES =
	/^(CERT_.*|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_.*|ERR_TLS_CERT_ALTNAME_INVALID)$/;
const TIMEOUT_CODES = new Set(['ECONNABORTED', 'ETIMEDOUT']);
/** Codes of Node and axios for a connection that ended too early or spoke no HTTP. */
const INTERRUPTED_CODES =
	/^(ECONNRESET|EPIPE|ERR_CANCELED|ERR_NETWORK|ERR_STREAM_PREMATURE_CLOSE|ERR_BAD_RESPONSE|ABORT_ERR|HPE_.*|Z_.*|ERR_SSL_.*|EPROTO)$/;
/** After these nobody knows whether a submit was accepted. */
const UNCERTAIN_KINDS: readonly ErrorKind[] = ['timeout', 'unavailable', 'badResponse'];
const MAYBE_BILLED_ADVICE =
	'Nobody knows whether this request was billed, because its response was lost; so it was not sent again. Look at your usage at the provider before you run it again.';
/** Of a submit that ended like this, nothing was taken on. */
const REFUSAL_KINDS: readonly ErrorKind[] = [
	'auth',
	'credits',
	'rateLimited',
	'invalidInput',
	'notFound',
];
const NOT_BILLED = 'Nothing was billed.';
const NOT_SENT = 'Nothing was sent, so nothing was billed.';
/** Downloads from these have been refused or are gone. */
const EXPIRED_STATUSES = [401, 403, 404, 410];

/** More than is kept, so that no secret is cut in two before it is redacted. */
const MAX_EXCERPT_BYTES = 40_000;
const MAX_EXCERPT_TEXT_LENGTH = 20_000;
const MAX_EXCERPT_LENGTH = 300;

/** What is needed of a client to say what has failed. */
type ErrorReader = Pick<ReadClient, 'label' | 'readError' | 'redact'>;

/** What was sent: a request that may be sent twice, or a submit. */
export interface SentRequest {
	readonly idempotent: boolean;
}

/** What a response outside 2xx means, in the provider's own words. */
export function statusError(
	client: ErrorReader,
	{ idempotent }: SentRequest,
	response: ApiResponse,
): Flux2Error {
	const { status, headers } = response;
	const said: ErrorResponse = client.readError(response) ?? {
		kind: kindFromStatus(status),
		message: excerpt(client, response),
	};
	const { kind, message: words } = said;
	const message = callMessage({ kind, provider: client.label, words }, status);
	const error = new Flux2Error(kind, message, {
		description: descriptionOf(said, { idempotent }),
		httpCode: status,
		refused: !said.final && (said.refused ?? (status === 429 && kind === 'rateLimited')),
		transient: !said.final && isTransient(status),
		retryAfterMs: parseRetryAfter(headers['retry-after']) ?? said.retryAfterMs,
	});
	const isUncertain = (status === 408 || status >= 500) && UNCERTAIN_KINDS.includes(kind);
	return !idempotent && isUncertain && !error.refused ? maybeBilledError(error) : error;
}

/** Begins with whether it was billed, where that is known. */
function descriptionOf(
	{ kind, description = ADVICE[kind] }: ErrorResponse,
	{ idempotent }: SentRequest,
): string {
	if (idempotent) return description;
	if (kind === 'moderated') return `${NO_COST_REPORTED} ${description}`;
	return REFUSAL_KINDS.includes(kind) ? `${NOT_BILLED} ${description}` : description;
}

/** The same failure of a submit of which nobody knows whether it was accepted. */
export const maybeBilledError = (error: Flux2Error): Flux2Error =>
	error.maybeBilled ? error : withAdvice(error, MAYBE_BILLED_ADVICE, { maybeBilled: true });

const isTransient = (status: number) => [408, 425, 429].includes(status) || status >= 500;

/** What a 2xx response means that the schema does not take. */
export function schemaError(
	client: ErrorReader,
	{ idempotent }: SentRequest,
	response: ApiResponse,
	{ content, problem }: { content: unknown; problem: z.ZodError },
): Flux2Error {
	const said = client.readError(response);
	const words = said?.message ?? schemaMessage(client, response, content, problem);
	const kind = said?.kind ?? 'badResponse';
	const error = new Flux2Error(kind, callMessage({ kind, provider: client.label, words }), {
		description: said && descriptionOf(said, { idempotent }),
		httpCode: response.status,
		transient: content === undefined,
	});
	return !idempotent && UNCERTAIN_KINDS.includes(error.kind) ? maybeBilledError(error) : error;
}

function schemaMessage(
	client: ErrorReader,
	response: ApiResponse,
	content: unknown,
	problem: z.ZodError,
): string {
	const shown = excerpt(client, response);
	if (content === undefined) return `the response is not JSON: ${shown}`;
	const field = deepestPath(problem).join('.');
	return `the response has no usable ${field ? `"${field}"` : 'content'}: ${shown}`;
}

/** Of several readings of a response, the field that the closest one lacks. */
function deepestPath({ issues }: z.ZodError): Array<string | number> {
	const paths = issues.flatMap((issue) =>
		issue.code === 'invalid_union' ? issue.unionErrors.map(deepestPath) : [issue.path],
	);
	return paths.reduce((deepest, path) => (path.length >= deepest.length ? path : deepest), []);
}

/** The beginning of a body as one line of text; of an HTML page its title. Secrets go before anything is cut. */
function excerpt({ redact }: ErrorReader, { bytes }: ApiResponse): string {
	const redacted = redact(bytes.toString('utf8', 0, MAX_EXCERPT_BYTES));
	const text = redacted.slice(0, MAX_EXCERPT_TEXT_LENGTH);
	const title = /<title[^<>]*>([^<]*)/i.exec(text)?.[1];
	const line = (title && /[a-z]/i.test(title) ? title : text.replace(/<[^<>]*>/g, ' '))
		.replace(/\s+/g, ' ')
		.trim();
	return line === '' ? 'an empty response' : line.slice(0, MAX_EXCERPT_LENGTH);
}

/** Who was asked for what, for the message about a call without a response. */
export interface SentTo extends SentRequest {
	readonly peer: string;
	/** Aborts the call. */
	readonly signal: AbortSignal;
}

/** What became of a call that has no response. */
export function networkError({ idempotent, peer, signal }: SentTo, error: unknown): Error {
	if (error instanceof AbortedError || signal.aborted) return new AbortedError();
	const causes = [...causesOf(error)];
	if (!causes.some(wasConnected) && causes.some(neverConnected)) {
		return new Flux2Error('unavailable', `No connection to ${peer} could be made`, {
			description: afterNothingWasSent(
				'Check the base URL in the credential and the network of the n8n server.',
				idempotent,
			),
			refused: true,
			transient: true,
		});
	}
	if (causes.some(({ code = '' }) => CERTIFICATE_CODES.test(code))) {
		return new Flux2Error('unavailable', `The certificate of ${peer} is not valid here`, {
			description: afterNothingWasSent(
				'Check the base URL in the credential, and the certificates that n8n trusts.',
				idempotent,
			),
		});
	}
	const failure = interruptedError(peer, causes);
	return idempotent ? failure : maybeBilledError(failure);
}

/** Of a submit that way; a poll is about a task that is paid for. */
const afterNothingWasSent = (advice: string, idempotent: boolean): string =>
	idempotent ? advice : `${NOT_SENT} ${advice}`;

function interruptedError(peer: string, causes: readonly SystemError[]): Flux2Error {
	const codes = causes.map(({ code }) => code ?? '');
	if (codes.some((code) => TIMEOUT_CODES.has(code))) {
		return new Flux2Error('timeout', `${peer} did not respond in time`, {
			transient: true,
		});
	}
	if (codes.some((code) => INTERRUPTED_CODES.test(code))) {
		const message = `The connection to ${peer} broke before the response was complete`;
		return new Flux2Error('unavailable', message, { transient: true });
	}
	// n8n's own refusal (a blocked address, a full disk) keeps its own message
	const message = causes.at(-1)?.message ?? 'for an unknown reason';
	return new Flux2Error('unavailable', `The request to ${peer} failed: ${message}`);
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

/** An established connection that loses its route has the codes of one that was never made. */
const wasConnected = ({ syscall }: SystemError) => syscall === 'read' || syscall === 'write';

const neverConnected = ({ code, syscall }: SystemError) =>
	NEVER_CONNECTED_CODES.has(code ?? '') || (code === 'ETIMEDOUT' && syscall === 'connect');

/** What an image's host responds with instead of the image. */
export function downloadStatusError(status: number, headers: IDataObject): Flux2Error {
	const details = {
		httpCode: status,
		transient: isTransient(status),
		retryAfterMs: parseRetryAfter(headers['retry-after']),
	};
	if (EXPIRED_STATUSES.includes(status)) {
		const message = `The image's URL is no longer valid (its host responded with ${status})`;
		return new Flux2Error('expired', message, details);
	}
	const message = `The image could not be downloaded: its host responded with ${status}`;
	const kind = isTransient(status) ? kindFromStatus(status) : 'badResponse';
	return new Flux2Error(kind, message, details);
}

/** n8n's own time limit starts anew with every byte; this one is the whole call's. */
export class TimeoutError extends Error {
	readonly code = 'ETIMEDOUT';
}

/** Milliseconds from `Retry-After`, a number of seconds or a date; undefined when it asks for no wait. */
export function parseRetryAfter(header: unknown, nowMs = Date.now()): number | undefined {
	if (typeof header !== 'number' && (typeof header !== 'string' || header.trim() === '')) {
		return undefined;
	}
	const seconds = Number(header);
	const ms = Number.isNaN(seconds) ? Date.parse(String(header)) - nowMs : seconds * 1000;
	return ms > 0 ? ms : undefined;
}
