import type {
	IDataObject,
	IExecuteFunctions,
	IHttpRequestMethods,
	IHttpRequestOptions,
	IN8nHttpFullResponse,
} from 'n8n-workflow';
import { asIs, Flux2Error, kindOfStatus, Stopped, withAdvice, type FailureKind } from './errors';
import { pause, spacing, unlessAborted } from './wait';
import type { z } from './vendor';

/** What a provider's error answer says. */
export interface Complaint {
	kind: FailureKind;
	/** The provider's own words. */
	message: string;
	description?: string;
	/** True when the provider certainly took nothing on, whatever the status says. */
	refused?: boolean;
}

/** A provider as the HTTP layer sees it. */
export interface Api {
	readonly context: IExecuteFunctions;
	readonly credentialType: string;
	/** The provider's name in messages. */
	readonly label: string;
	/** From the credential, without a trailing slash. */
	readonly baseUrl: string;
	readonly credentials: IDataObject;
	/** Aborted when n8n stops the execution. */
	readonly stop: AbortSignal;
	/** Aborted when n8n stops the execution, and when another item ended the run. */
	readonly signal: AbortSignal;
	/** Reads the provider's error answers; undefined when the answer says nothing. */
	readonly explain: (answer: Answer) => Complaint | undefined;
	/** Hosts beside the base URL's that may see the credential. */
	readonly trustsHost?: (host: string) => boolean;
	/** Told of each submit that was refused or accepted. */
	readonly pressure: { refused(): void; accepted(): void };
}

/** An HTTP answer, read whole. */
export interface Answer {
	status: number;
	headers: IDataObject;
	bytes: Buffer;
	/** The parsed body; undefined when it is no JSON. */
	json: unknown;
}

export interface Call<T> {
	method: IHttpRequestMethods;
	/** A path below the base URL, or a whole URL out of an answer. */
	url: string;
	body?: IDataObject | FormData;
	headers?: Record<string, string>;
	/** Reads the answer; `fromAnswer` instead where the body may be no JSON. */
	schema: z.ZodType<T, z.ZodTypeDef, unknown>;
	/** `submit`: only what was certainly refused is sent again. `look`: whatever may pass by itself. */
	repeat: 'submit' | 'look';
	timeoutMs: number;
	/** What the schema is given; the parsed body when left out. */
	fromAnswer?: (answer: Answer) => unknown;
}

export type DownloadBody = Exclude<
	Parameters<IExecuteFunctions['helpers']['prepareBinaryData']>[0],
	Buffer
>;

export interface Download {
	body: DownloadBody;
	headers: IDataObject;
}

const MAX_REDIRECTS = 5;
/** A provider that asks for a longer wait is told to the user instead of waited for. */
const LONGEST_RETRY_AFTER_MS = 120_000;
const repeats = {
	submit: { attempts: 6, firstMs: 1000 },
	look: { attempts: 4, firstMs: 500 },
} as const;
const CONNECTION_NEVER_MADE = new Set([
	'ECONNREFUSED',
	'ENOTFOUND',
	'EAI_AGAIN',
	'EHOSTUNREACH',
	'ENETUNREACH',
]);
/** After these nobody knows whether a submit was accepted. */
const UNCERTAIN: readonly FailureKind[] = ['timeout', 'unavailable', 'badResponse'];
const MAYBE_BILLED =
	'The provider may have accepted and billed this request although its answer was lost, so it was not sent again.';

/** At most 50 looks a second and host, whatever the number of jobs. */
const turnToLook = spacing(20);

/** One call with the credential, repeated as far as that is safe. Throws Flux2Error. */
export async function json<T>(api: Api, call: Call<T>): Promise<{ value: T; answer: Answer }> {
	const url = ownUrl(api, call.url);
	return await repeating(api, call.repeat, async () => {
		if (call.repeat === 'look') await turnToLook(url.host, api.signal);
		const answer = await send(api, call, url);
		const value = readAnswer(api, call, answer);
		if (call.repeat === 'submit') api.pressure.accepted();
		return { value, answer };
	});
}

/** One call after n8n stopped the execution, e.g. to cancel at the provider: not bound to its signal. */
export async function afterStop<T>(api: Api, work: (api: Api) => Promise<T>): Promise<T> {
	const signal = new AbortController().signal;
	// n8n's helper would otherwise impose the aborted signal of the execution
	const context = Object.create(api.context, {
		getExecutionCancelSignal: { value: () => signal },
	}) as IExecuteFunctions;
	return await work({ ...api, context, signal, stop: signal });
}

/**
 * Opens a picture's URL without any credential, following redirects by hand so that each hop is checked.
 * @throws Flux2Error kind `expired` for 403, 404 and 410; passing failures are marked as such
 */
export async function openDownload(
	api: Api,
	url: string,
	until: AbortSignal,
): Promise<Download> {
	let target = publicUrl(api, url);
	for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
		const { statusCode, headers, body } = await fetchStream(api, target, until);
		if (statusCode === 200) return { body: body as unknown as DownloadBody, headers };
		(body as unknown as DownloadBody).destroy();
		const location = statusCode >= 300 && statusCode < 400 ? headers.location : undefined;
		if (typeof location !== 'string') throw downloadFailure(statusCode, headers);
		target = publicUrl(api, new URL(location, target).href);
	}
	throw new Flux2Error('badResponse', `The picture's URL redirects more than ${MAX_REDIRECTS} times`);
}

/** Repeats what may pass by itself or was certainly refused, with growing pauses. */
export async function repeating<T>(
	api: Pick<Api, 'signal' | 'pressure'>,
	policy: Call<unknown>['repeat'],
	attempt: () => Promise<T>,
): Promise<T> {
	for (let tries = 1; ; tries++) {
		try {
			return await attempt();
		} catch (error) {
			const waitMs = error instanceof Flux2Error ? waitBefore(policy, error, tries) : undefined;
			if (waitMs === undefined) throw asIs(error);
			if (policy === 'submit') api.pressure.refused();
			await pause(waitMs, api.signal);
		}
	}
}

function waitBefore(
	policy: Call<unknown>['repeat'],
	error: Flux2Error,
	tries: number,
): number | undefined {
	const { attempts, firstMs } = repeats[policy];
	if (tries >= attempts || !(policy === 'submit' ? error.refused : error.passing)) return undefined;
	if (error.retryAfterMs === undefined) {
		return firstMs * 2 ** (tries - 1) * (0.75 + Math.random() / 2);
	}
	if (error.retryAfterMs > LONGEST_RETRY_AFTER_MS) return undefined;
	return error.retryAfterMs * (1 + Math.random() / 10);
}

/** Milliseconds out of `Retry-After`, which is a number of seconds or a date. */
export function retryAfterMs(header: unknown, now = Date.now()): number | undefined {
	if (typeof header !== 'string' && typeof header !== 'number') return undefined;
	const seconds = Number(header);
	const ms = Number.isNaN(seconds) ? Date.parse(String(header)) - now : seconds * 1000;
	return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

async function send<T>(api: Api, call: Call<T>, url: URL): Promise<Answer> {
	const request: IHttpRequestOptions = {
		method: call.method,
		url: url.href,
		headers: { accept: 'application/json', ...call.headers },
		body: call.body,
		encoding: 'arraybuffer',
		returnFullResponse: true,
		ignoreHttpStatusErrors: true,
		disableFollowRedirect: true,
		timeout: call.timeoutMs,
	};
	const { context } = api;
	try {
		const sent = context.helpers.httpRequestWithAuthentication.call(
			context,
			api.credentialType,
			request,
		) as Promise<IN8nHttpFullResponse>;
		const inTime = unlessAborted(sent, AbortSignal.timeout(call.timeoutMs), () => new TooLate());
		// when only the run has ended, a submit on the wire is awaited: its task must not be lost
		const signal = call.repeat === 'submit' ? api.stop : api.signal;
		return toAnswer(await unlessAborted(inTime, signal));
	} catch (error) {
		throw connectionFailure(api, call.repeat, error);
	}
}

/** n8n's own time limit starts anew with every byte; this one is the whole call's. */
class TooLate extends Error {
	readonly code = 'ETIMEDOUT';
}

async function fetchStream(
	api: Api,
	url: URL,
	until: AbortSignal,
): Promise<IN8nHttpFullResponse> {
	try {
		return (await api.context.helpers.httpRequest({
			method: 'GET',
			url: url.href,
			encoding: 'stream',
			returnFullResponse: true,
			ignoreHttpStatusErrors: true,
			disableFollowRedirect: true,
			abortSignal: until,
		})) as IN8nHttpFullResponse;
	} catch (error) {
		throw connectionFailure(api, 'look', error);
	}
}

function toAnswer({ statusCode, headers, body }: IN8nHttpFullResponse): Answer {
	const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body as unknown as ArrayBuffer);
	return {
		status: statusCode,
		headers,
		bytes,
		get json() {
			return parsed(bytes);
		},
	};
}

function parsed(bytes: Buffer): unknown {
	try {
		return JSON.parse(bytes.toString('utf8'));
	} catch {
		return undefined;
	}
}

function readAnswer<T>(api: Api, call: Call<T>, answer: Answer): T {
	if (answer.status < 200 || answer.status >= 300) throw complaintOf(api, call.repeat, answer);
	const content = call.fromAnswer ? call.fromAnswer(answer) : answer.json;
	const result = call.schema.safeParse(content);
	if (result.success) return result.data;
	throw unreadable(api, call.repeat, answer, content, result.error);
}

function complaintOf(api: Api, repeat: Call<unknown>['repeat'], answer: Answer): Flux2Error {
	const complaint = api.explain(answer) ?? {
		kind: kindOfStatus(answer.status),
		message: excerpt(answer),
	};
	const { kind, message, description } = complaint;
	const error = new Flux2Error(kind, `${api.label} answered ${answer.status}: ${message}`, {
		description,
		httpCode: answer.status,
		refused: complaint.refused ?? (answer.status === 429 && kind === 'rateLimited'),
		passing: isPassing(answer.status),
		retryAfterMs: retryAfterMs(answer.headers['retry-after']),
	});
	return repeat === 'submit' && UNCERTAIN.includes(kind) ? withAdvice(error, MAYBE_BILLED) : error;
}

const isPassing = (status: number) => [408, 425, 429].includes(status) || status >= 500;

function unreadable(
	api: Api,
	repeat: Call<unknown>['repeat'],
	answer: Answer,
	content: unknown,
	problem: z.ZodError,
): Flux2Error {
	const complaint = api.explain(answer);
	const field = problem.issues[0]?.path.join('.') ?? '';
	const words =
		complaint?.message ??
		(content === undefined
			? `the answer is no JSON: ${excerpt(answer)}`
			: `the answer has no usable ${field ? `"${field}"` : 'content'}: ${excerpt(answer)}`);
	const error = new Flux2Error(complaint?.kind ?? 'badResponse', `${api.label}: ${words}`, {
		description: complaint?.description,
		httpCode: answer.status,
		passing: content === undefined,
	});
	return repeat === 'submit' && !complaint ? withAdvice(error, MAYBE_BILLED) : error;
}

/** The beginning of a body as one line of text; an HTML page is told by its title. */
function excerpt({ bytes }: Answer): string {
	const text = bytes.toString('utf8', 0, 2000);
	const title = /<title[^>]*>([^<]*)/i.exec(text)?.[1];
	const line = (title ?? text.replace(/<[^>]*>/g, ' ')).replace(/\s+/g, ' ').trim();
	return line === '' ? 'an empty answer' : line.slice(0, 300);
}

/** A picture's bytes broke off on the way; worth another attempt. */
export const brokenDownload = (api: Api, error: unknown): unknown =>
	error instanceof Flux2Error ? error : connectionFailure(api, 'look', error);

function connectionFailure(api: Api, repeat: Call<unknown>['repeat'], error: unknown): unknown {
	if (error instanceof Stopped || api.signal.aborted) return new Stopped();
	const codes = [...causesOf(error)];
	const host = `${api.label} (${new URL(api.baseUrl).host})`;
	if (codes.some(neverConnected)) {
		return new Flux2Error('unavailable', `No connection to ${host} could be made`, {
			description: 'Check the base URL in the credential and the network of the n8n server.',
			refused: true,
			passing: true,
		});
	}
	const late = codes.some(({ code }) => code === 'ECONNABORTED' || code === 'ETIMEDOUT');
	const failure = late
		? new Flux2Error('timeout', `${host} did not answer in time`, { passing: true })
		: new Flux2Error('unavailable', `The connection to ${host} broke before the answer was complete`, {
				passing: true,
			});
	return repeat === 'submit' ? withAdvice(failure, MAYBE_BILLED) : failure;
}

interface SystemError {
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

function downloadFailure(status: number, headers: IDataObject): Flux2Error {
	const gone = status === 403 || status === 404 || status === 410;
	return new Flux2Error(
		gone ? 'expired' : kindOfStatus(status),
		gone
			? `The picture's URL is no longer valid (it answered ${status})`
			: `The picture could not be downloaded: its host answered ${status}`,
		{
			httpCode: status,
			passing: isPassing(status),
			retryAfterMs: retryAfterMs(headers['retry-after']),
		},
	);
}

/** A URL that may see the credential: the base URL's host, or one the provider owns. */
function ownUrl(api: Api, url: string): URL {
	const base = new URL(api.baseUrl);
	const target = new URL(url.startsWith('/') ? `${api.baseUrl}${url}` : url);
	const own = target.hostname === base.hostname || api.trustsHost?.(target.hostname);
	if (!own) {
		throw new Flux2Error(
			'badResponse',
			`The address ${target.host} is not ${api.label}'s, so the key was not sent there`,
		);
	}
	return safeScheme(base, target);
}

/** A URL that is opened without a credential. */
export function publicUrl(api: Pick<Api, 'baseUrl'>, url: string): URL {
	const target = URL.canParse(url) ? new URL(url) : undefined;
	if (!target) throw new Flux2Error('badResponse', `"${url.slice(0, 100)}" is not a URL`);
	return safeScheme(new URL(api.baseUrl), target);
}

/** https, or plain http where the base URL itself is plain http and the host is the same. */
function safeScheme(base: URL, target: URL): URL {
	const plain = target.protocol === 'http:' && base.protocol === 'http:';
	if (target.protocol === 'https:' || (plain && target.hostname === base.hostname)) return target;
	throw new Flux2Error(
		'badResponse',
		`The address ${target.protocol}//${target.host} was not opened, because it is not https`,
	);
}
