import type {
	IDataObject,
	IExecuteFunctions,
	IHttpRequestMethods,
	IHttpRequestOptions,
	IN8nHttpFullResponse,
} from 'n8n-workflow';
import { Flux2Error, Stopped, type FailureKind } from './errors';
import { complaintOf, connectionFailure, downloadFailure, TooLate, unreadable } from './httpErrors';
import type { Place } from './pressure';
import { repeating, type Repeat } from './repeat';
import { ownUrl, publicUrl } from './urls';
import type { z } from './vendor';
import { spacing, within } from './wait';

/** What a provider's error answer says. */
export interface Complaint {
	kind: FailureKind;
	/** The provider's own words. */
	message: string;
	description?: string;
	/** True when the provider certainly took nothing on, whatever the status says. */
	refused?: boolean;
	/** Where the body says it; the header Retry-After comes first. */
	retryAfterMs?: number;
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
	readonly trustsHost?: (host: string, ownHost: string) => boolean;
	/** The item's place among those that submit. */
	readonly place: Place;
}

/** An HTTP answer, read whole. */
export interface Answer {
	status: number;
	headers: IDataObject;
	bytes: Buffer;
	/** By its content type. */
	isPicture: boolean;
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
	repeat: Repeat;
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

/** A submit may carry ten pictures. */
export const SUBMIT_TIMEOUT_MS = 120_000;
export const LOOK_TIMEOUT_MS = 30_000;

const MAX_REDIRECTS = 5;
const EVENTS_OPEN_MS = 10_000;
/** At most 50 looks a second and host, whatever the number of jobs. */
const turnToLook = spacing(20);

/** One call with the credential, repeated as far as that is safe. Throws Flux2Error. */
export async function json<T>(api: Api, call: Call<T>): Promise<{ value: T; answer: Answer }> {
	const url = ownUrl(api, call.url);
	return await repeating(api, call.repeat, async () => {
		if (call.repeat === 'look') await turnToLook(url.host, api.signal);
		else await api.place.take(api.signal);
		// a backoff may have outlived the run
		if (api.signal.aborted) throw new Stopped();
		const answer = await send(api, call, url);
		const value = readAnswer(api, call, answer);
		if (call.repeat === 'submit') api.place.accepted();
		return { value, answer };
	});
}

/** One call after n8n stopped the execution, e.g. to cancel at the provider: not bound to its signal. */
export async function afterStop<T>(api: Api, work: (api: Api) => Promise<T>): Promise<T> {
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
export async function openDownload(api: Api, url: string): Promise<Download> {
	let target = publicUrl(api, url);
	for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
		const { statusCode, headers, body: content } = await fetchStream(api, target);
		const body = calm(content as unknown as DownloadBody);
		if (statusCode === 200) return { body, headers };
		const location = statusCode >= 300 && statusCode < 400 ? headers.location : undefined;
		if (typeof location !== 'string' || !URL.canParse(location, target.href)) {
			throw downloadFailure(statusCode, headers);
		}
		target = publicUrl(api, new URL(location, target).href);
	}
	throw new Flux2Error('badResponse', `The image's URL redirects more than ${MAX_REDIRECTS} times`);
}

/**
 * Opens a stream of server-sent events with the credential. Asked once: whoever needs it falls back to polling.
 * The caller ends it, and an opening that takes too long, by aborting `until`.
 */
export async function openEvents(
	api: Api,
	path: string,
	until: AbortSignal,
): Promise<DownloadBody> {
	const url = ownUrl(api, path);
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
		const stream = calm(body as unknown as DownloadBody);
		// n8n before 2.34 passes no signal on
		if (until.aborted) stream.destroy();
		else until.addEventListener('abort', () => stream.destroy(), { once: true });
		return { statusCode, stream };
	});
	const answer = await within(opened, EVENTS_OPEN_MS, until).catch(() => undefined);
	if (answer?.statusCode === 200) return answer.stream;
	throw new Flux2Error('unavailable', `${api.label} opened no stream of events`);
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
		// when only the run has ended, a submit on the wire is awaited: its task must not be lost
		const signal = call.repeat === 'submit' ? api.stop : api.signal;
		const response = await within(sent, call.timeoutMs, signal);
		if (!response) throw new TooLate();
		return toAnswer(response);
	} catch (error) {
		throw connectionFailure(api, call.repeat, `${api.label} (${url.host})`, error);
	}
}

/** A stream that breaks while nobody listens would end n8n's process; whoever reads it is told all the same. */
export function calm<S extends DownloadBody>(stream: S): S {
	stream.on('error', () => undefined);
	return stream;
}

async function fetchStream(api: Api, url: URL): Promise<IN8nHttpFullResponse> {
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
		throw connectionFailure(api, 'look', `the image's host (${url.host})`, error);
	}
}

function toAnswer({ statusCode, headers, body }: IN8nHttpFullResponse): Answer {
	const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body as unknown as ArrayBuffer);
	const type = headers['content-type'];
	const isPicture = typeof type === 'string' && type.startsWith('image/');
	return {
		status: statusCode,
		headers,
		bytes,
		isPicture,
		json: isPicture ? undefined : parsed(bytes),
	};
}

/** The body as JSON; undefined when it is none. */
export function parsed(bytes: Buffer): unknown {
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
