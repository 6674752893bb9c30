import type { IExecuteFunctions, IHttpRequestOptions, IN8nHttpFullResponse } from 'n8n-workflow';
import { withTimeout } from '../core/async';
import { AbortedError, Flux2Error } from '../core/errors';
import { parseJson } from '../core/json';
import { ignoreLateErrors, readBytes } from './download';
import { maybeBilledError, networkError, schemaError, statusError, TimeoutError } from './errors';
import { retry } from './retry';
import {
	toStream,
	type ApiClient,
	type ApiRequest,
	type ApiResponse,
	type ClientContext,
} from './types';
import { resolveApiUrl } from './urlPolicy';

/** An image in JSON is large; the largest that a model makes is well below. */
const MAX_RESPONSE_BYTES = 64 * 1024 * 1024;

/** Long enough for a request that carries ten images. */
const SUBMIT_TIMEOUT_MS = 120_000;
const READ_TIMEOUT_MS = 30_000;

type Read<T> = Pick<ApiRequest<T>, 'url' | 'schema' | 'isResult'> &
	Partial<Pick<ApiRequest<T>, 'method'>>;
type Submit<T> = Omit<ApiRequest<T>, 'method' | 'idempotent' | 'timeoutMs'> &
	Partial<Pick<ApiRequest<T>, 'timeoutMs'>>;

/** A request that sending twice does no harm: it is retried after anything transient. */
export const readJson = async <T>(client: ApiClient, request: Read<T>, signal: AbortSignal) =>
	await requestJson(
		client,
		{ method: 'GET', ...request, idempotent: true, timeoutMs: READ_TIMEOUT_MS },
		signal,
	);

/** A request that costs money: it is retried only after a certain refusal. */
export const submitJson = async <T>(client: ApiClient, request: Submit<T>, signal: AbortSignal) =>
	await requestJson(
		client,
		{ timeoutMs: SUBMIT_TIMEOUT_MS, ...request, method: 'POST', idempotent: false },
		signal,
	);

/**
 * One request with the credential, retried as far as that is safe.
 * @param signal ends waiting and, for an idempotent request, the call itself. A submit on the wire is awaited until n8n
 * stops the execution: its task must not be lost because another item has failed.
 * @throws Flux2Error, AbortedError
 */
async function requestJson<T>(
	client: ApiClient,
	request: ApiRequest<T>,
	signal: AbortSignal,
): Promise<{ value: T; response: ApiResponse }> {
	const url = resolveApiUrl(client, request.url);
	const { idempotent } = request;
	return await retry({ idempotent, permit: client.permit, signal }, async () => {
		if (idempotent) await client.readThrottle(url.host, signal);
		// the run may have been aborted while we waited
		if (signal.aborted) throw new AbortedError();
		const response = await send(client, request, url, idempotent ? signal : client.cancelSignal);
		return { value: parseResponse(client, request, response), response };
	});
}

/**
 * The client for calls after n8n has stopped the execution, e.g. to cancel at the provider. n8n's authenticated helper
 * would otherwise impose the aborted signal of the execution.
 */
export function withoutExecutionSignal(client: ApiClient): ApiClient {
	const { signal } = new AbortController();
	const context = withCancelSignal(client.context, signal);
	return { ...client, context, cancelSignal: signal };
}

/** The same context, whose authenticated helper goes by another signal. */
export const withCancelSignal = <C extends ClientContext>(context: C, signal: AbortSignal): C =>
	Object.create(context, { getExecutionCancelSignal: { value: () => signal } }) as C;

/** n8n's authenticated helper. It returns every status, and follows no redirect: that would carry the key along. */
export const sendWithCredential = async (
	{ context, credentialType }: Pick<ApiClient, 'context' | 'credentialType'>,
	options: IHttpRequestOptions,
): Promise<IN8nHttpFullResponse> =>
	(await context.helpers.httpRequestWithAuthentication.call(
		// a webhook's helper needs no more of its context than an execution's
		context as IExecuteFunctions,
		credentialType,
		{
			...options,
			returnFullResponse: true,
			ignoreHttpStatusErrors: true,
			disableFollowRedirect: true,
		},
	)) as IN8nHttpFullResponse;

async function send<T>(
	client: ApiClient,
	request: ApiRequest<T>,
	url: URL,
	signal: AbortSignal,
): Promise<ApiResponse> {
	const { method, headers, body, timeoutMs, idempotent } = request;
	const options: IHttpRequestOptions = {
		method,
		url: url.href,
		headers: { accept: 'application/json', ...headers },
		body,
		encoding: 'stream',
		timeout: timeoutMs,
	};
	try {
		return await withTimeout(
			timeoutMs,
			signal,
			async (callSignal) =>
				await receive(client, await sendWithCredential(client, options), callSignal),
			() => {
				throw new TimeoutError();
			},
		);
	} catch (error) {
		if (error instanceof Flux2Error) throw idempotent ? error : maybeBilledError(error);
		throw networkError({ idempotent, peer: `${client.label} (${url.host})`, signal }, error);
	}
}

/** Reads the body as it comes, so that one that is too large is refused before it fills the memory. */
async function receive(
	{ label }: ApiClient,
	response: IN8nHttpFullResponse,
	signal: AbortSignal,
): Promise<ApiResponse> {
	const { statusCode: status, headers } = response;
	const stream = ignoreLateErrors(toStream(response));
	// nobody reads on after the time limit
	signal.addEventListener('abort', () => stream.destroy(), { once: true });
	const bytes = await readBytes({ stream, timer: {} }, MAX_RESPONSE_BYTES, () =>
		tooLargeError(label, status),
	);
	const isImage = String(headers['content-type']).toLowerCase().startsWith('image/');
	return { status, headers, bytes, isImage, json: isImage ? undefined : parseJson(bytes) };
}

const tooLargeError = (label: string, httpCode: number) =>
	new Flux2Error(
		'badResponse',
		`${label} responded with more than ${MAX_RESPONSE_BYTES / 1024 / 1024} MB`,
		{ httpCode },
	);

function parseResponse<T>(client: ApiClient, request: ApiRequest<T>, response: ApiResponse): T {
	const isSuccess = response.status >= 200 && response.status < 300;
	if (!isSuccess && !request.isResult?.(response)) throw statusError(client, request, response);
	const content = request.selectBody ? request.selectBody(response) : response.json;
	const result = request.schema.safeParse(content);
	if (result.success) return result.data;
	throw schemaError(client, request, response, { content, problem: result.error });
}
