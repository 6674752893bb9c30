import type {
	IDataObject,
	IExecuteFunctions,
	IHttpRequestMethods,
	IHttpRequestOptions,
	IN8nHttpFullResponse,
} from 'n8n-workflow';
import { Flux2Error, AbortedError, type ErrorKind } from '../core/errors';
import {
	statusError,
	networkError,
	downloadStatusError,
	TimeoutError,
	schemaError,
} from './errors';
import type { Permit } from './limiter';
import { retry, type Repeat } from './retry';
import { resolveApiUrl, resolveDownloadUrl } from './urlPolicy';
import type { z } from '../core/vendor';
import { throttle, raceTimeout } from '../core/async';

/** What a provider's error answer says. */
export interface ErrorResponse {
	kind: ErrorKind;
	/** The provider's own words. */
	message: string;
	description?: string;
	/** True when the provider certainly took nothing on, whatever the status says. */
	refused?: boolean;
	/** Where the body says it; the header Retry-After comes first. */
	retryAfterMs?: number;
}

/** A provider as the HTTP layer sees it. */
export interface ApiClient {
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
	readonly explain: (answer: ApiResponse) => ErrorResponse | undefined;
	/** Hosts beside the base URL's that may see the credential. */
	readonly trustsHost?: (host: string, ownHost: string) => boolean;
	/** The item's place among those that submit. */
	readonly place: Permit;
}

/** An HTTP answer, read whole. */
export interface ApiResponse {
	status: number;
	headers: IDataObject;
	bytes: Buffer;
	/** By its content type. */
	isPicture: boolean;
	/** The parsed body; undefined when it is no JSON. */
	json: unknown;
}

export interface ApiRequest<T> {
	method: IHttpRequestMethods;
	/** A path below the base URL, or a whole URL out of an answer. */
	url: string;
	body?: IDataObject | FormData;
	headers?: Record<string, string>;
	/** Reads the answer; `fromAnswer` instead where the body may be no JSON. */
	schema: z.ZodType<T, z.ZodTypeDef, unknown>;
	repeat: Repeat;
	timeoutMs: number;
	/** What the schema is given; the parsed body when left out. */
	fromAnswer?: (answer: ApiResponse) => unknown;
}

export type DownloadStream = Exclude<
	Parameters<IExecuteFunctions['helpers']['prepareBinaryData']>[0],
	Buffer
>;

export interface Download {
	body: DownloadStream;
	headers: IDataObject;
}

/** A submit may carry ten pictures. */
export const SUBMIT_TIMEOUT_MS = 120_000;
export const READ_TIMEOUT_MS = 30_000;

const MAX_REDIRECTS = 5;
const EVENTS_OPEN_MS = 10_000;
/** At most 50 looks a second and host, whatever the number of jobs. */
const turnToLook = throttle(20);

/** One call with the credential, repeated as far as that is safe. Throws Flux2Error. */
export async function requestJson<T>(
	api: ApiClient,
	call: ApiRequest<T>,
): Promise<{ value: T; answer: ApiResponse }> {
	const url = resolveApiUrl(api, call.url);
	return await retry(api, call.repeat, async () => {
		if (call.repeat === 'look') await turnToLook(url.host, api.signal);
		else await api.place.take(api.signal);
		// a backoff may have outlived the run
		if (api.signal.aborted) throw new AbortedError();
		const answer = await send(api, call, url);
		const value = parseResponse(api, call, answer);
		if (call.repeat === 'submit') api.place.accepted();
		return { value, answer };
	});
}

/** One call after n8n stopped the execution, e.g. to cancel at the provider: not bound to its signal. */
export async function withoutExecutionSignal<T>(
	api: ApiClient,
	work: (api: ApiClient) => Promise<T>,
): Promise<T> {
	const { signal } = new AbortController();
	return await work({ ...api, context: withSignal(api.context, signal), signal, stop: signal });
}

/** n8n's authenticated helper would otherwise impose the signal of the execution. */
const withSignal = (context: IExecuteFunctions, signal: AbortSignal) =>
	Object.create(context, {
		getExecutionCancelSignal: { value: () => signal },
	}) as IExecuteFunctions;

/**
 * Opens a picture's URL without any credential, following redirects by hand so that each hop is checked.
 * The connection lasts until the body is read or `api.signal` is aborted: n8n's axios wraps the body, and to destroy
 * the wrapper before it was read would leave the connection open for ever.
 * @throws Flux2Error kind `expired` for 401, 403, 404 and 410; passing failures are marked as such
 */
export async function openDownload(api: ApiClient, url: string): Promise<Download> {
	let target = resolveDownloadUrl(api, url);
	for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
		const { statusCode, headers, body: content } = await fetchStream(api, target);
		const body = ignoreLateErrors(content as unknown as DownloadStream);
		if (statusCode === 200) return { body, headers };
		const location = statusCode >= 300 && statusCode < 400 ? headers.location : undefined;
		if (typeof location !== 'string' || !URL.canParse(location, target.href)) {
			throw downloadStatusError(statusCode, headers);
		}
		target = resolveDownloadUrl(api, new URL(location, target).href);
	}
	throw new Flux2Error('badResponse', `The image's URL redirects more than ${MAX_REDIRECTS} times`);
}

/**
 * Opens a stream of server-sent events with the credential. Asked once: whoever needs it falls back to polling.
 * The caller ends it, and an opening that takes too long, by aborting `until`.
 */
export async function openEventSource(
	api: ApiClient,
	path: string,
	until: AbortSignal,
): Promise<DownloadStream> {
	const url = resolveApiUrl(api, path);
	const context = withSignal(api.context, until);
	const opening = context.helpers.httpRequestWithAuthentication.call(context, api.credentialType, {
		method: 'GET',
		url: url.href,
		headers: { accept: 'text/event-stream' },
		encoding: 'stream',
		returnFullResponse: true,
		ignoreHttpStatusErrors: true,
		disableFollowRedirect: true,
		timeout: EVENTS_OPEN_MS,
	}) as Promise<IN8nHttpFullResponse>;
	const opened = opening.then(({ statusCode, body }) => {
		const stream = ignoreLateErrors(body as unknown as DownloadStream);
		// n8n before 2.34 passes no signal on
		if (until.aborted) stream.destroy();
		else until.addEventListener('abort', () => stream.destroy(), { once: true });
		return { statusCode, stream };
	});
	const answer = await raceTimeout(opened, EVENTS_OPEN_MS, until).catch(() => undefined);
	if (answer?.statusCode === 200) return answer.stream;
	throw new Flux2Error('unavailable', `${api.label} opened no stream of events`);
}

async function send<T>(api: ApiClient, call: ApiRequest<T>, url: URL): Promise<ApiResponse> {
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
		// when only the run has ended, a submit on the wire is awaited: its task must not be lost
		const signal = call.repeat === 'submit' ? api.stop : api.signal;
		const response = await raceTimeout(sent, call.timeoutMs, signal);
		if (!response) throw new TimeoutError();
		return toApiResponse(response);
	} catch (error) {
		throw networkError(api, call.repeat, `${api.label} (${url.host})`, error);
	}
}

/** A stream that breaks while nobody listens would end n8n's process; whoever reads it is told all the same. */
export function ignoreLateErrors<S extends DownloadStream>(stream: S): S {
	stream.on('error', () => undefined);
	return stream;
}

async function fetchStream(api: ApiClient, url: URL): Promise<IN8nHttpFullResponse> {
	try {
		return (await api.context.helpers.httpRequest({
			method: 'GET',
			url: url.href,
			encoding: 'stream',
			returnFullResponse: true,
			ignoreHttpStatusErrors: true,
			disableFollowRedirect: true,
			abortSignal: api.signal,
		})) as IN8nHttpFullResponse;
	} catch (error) {
		throw networkError(api, 'look', `the image's host (${url.host})`, error);
	}
}

function toApiResponse({ statusCode, headers, body }: IN8nHttpFullResponse): ApiResponse {
	const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body as unknown as ArrayBuffer);
	const type = headers['content-type'];
	const isPicture = typeof type === 'string' && type.startsWith('image/');
	return {
		status: statusCode,
		headers,
		bytes,
		isPicture,
		json: isPicture ? undefined : parseJson(bytes),
	};
}

/** The body as JSON; undefined when it is none. */
export function parseJson(bytes: Buffer): unknown {
	try {
		return JSON.parse(bytes.toString('utf8'));
	} catch {
		return undefined;
	}
}

function parseResponse<T>(api: ApiClient, call: ApiRequest<T>, answer: ApiResponse): T {
	if (answer.status < 200 || answer.status >= 300) throw statusError(api, call.repeat, answer);
	const content = call.fromAnswer ? call.fromAnswer(answer) : answer.json;
	const result = call.schema.safeParse(content);
	if (result.success) return result.data;
	throw schemaError(api, call.repeat, answer, content, result.error);
}
