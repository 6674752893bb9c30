import type { IExecuteFunctions, IN8nHttpFullResponse } from 'n8n-workflow';
import { withTimeout } from '../core/async';
import { AbortedError, Flux2Error, rethrow } from '../core/errors';
import { parseJson } from '../core/json';
import { imageSize } from '../core/vendor';
import { ignoreLateErrors, readBytes } from './download';
import { networkError, schemaError, statusError, TimeoutError } from './errors';
import { retry } from './retry';
import {
	toStream,
	type ApiClient,
	type ApiRequest,
	type ApiResponse,
	type ClientContext,
	type ReadClient,
} from './types';
import { resolveApiUrl } from './urlPolicy';

/** An image in JSON is large; the largest that a model makes is well below. */
const MAX_RESPONSE_BYTES = 64 * 1024 * 1024;

/** Long enough for a request that carries ten images. */
const SUBMIT_TIMEOUT_MS = 120_000;
const READ_TIMEOUT_MS = 30_000;

type Read<T> = Pick<ApiRequest<T>, 'url' | 'schema' | 'isResult' | 'body'> &
	Partial<Pick<ApiRequest<T>, 'method' | 'timeoutMs'>>;
type Submit<T> = Omit<ApiRequest<T>, 'method' | 'idempotent' | 'timeoutMs'> &
	Partial<Pick<ApiRequest<T>, 'timeoutMs'>>;

/** What came back: the body as the schema reads it, and the response itself. */
interface Received<T> {
	value: T;
	response: ApiResponse;
}

/**
 * A request that sending twice does no harm: it is retried after anything transient.
 * @throws Flux2Error, AbortedError
 */
export async function readJson<T>(
	client: ReadClient,
	request: Read<T>,
	signal: AbortSignal,
): Promise<Received<T>> {
	const read = { method: 'GET', timeoutMs: READ_TIMEOUT_MS, ...request, idempotent: true } as const;
	const url = resolveApiUrl(client, request.url);
	return await retry({ idempotent: true, signal }, async () => {
		await client.readThrottle(url.host, signal);
		return await send(client, read, url, signal);
	});
}

/**
 * A request that costs money: it is retried only after a certain refusal.
 * @param signal ends waiting. A submit on the wire is awaited until n8n stops the execution: its task must not be lost
 * because another item has failed.
 * @throws Flux2Error, AbortedError
 */
export async function submitJson<T>(
	client: ApiClient,
	request: Submit<T>,
	signal: AbortSignal,
): Promise<Received<T>> {
	const submit = {
		timeoutMs: SUBMIT_TIMEOUT_MS,
		...request,
		method: 'POST',
		idempotent: false,
	} as const;
	const url = resolveApiUrl(client, request.url);
	return await retry({ idempotent: false, permit: client.permit, signal }, async () => {
		// the run may have been aborted while we waited
		if (signal.aborted) throw new AbortedError();
		return await send(client, submit, url, client.cancelSignal);
	});
}

/**
 * The client for calls after n8n has stopped the execution, e.g. to cancel at the provider. n8n's authenticated helper
 * would otherwise impose the aborted signal of the execution.
 */
export function withoutExecutionSignal(client: ReadClient): ReadClient {
	const { signal } = new AbortController();
	const context = withCancelSignal(client.context, signal);
	return { ...client, context, cancelSignal: signal };
}

/** The same context, whose authenticated helper goes by another signal. */
export const withCancelSignal = <C extends ClientContext>(context: C, signal: AbortSignal): C =>
	Object.create(context, { getExecutionCancelSignal: { value: () => signal } }) as C;

/** For n8n's authenticated helper: it returns every status, and follows no redirect, which would carry the key along. */
export const WITH_CREDENTIAL = {
	encoding: 'stream',
	returnFullResponse: true,
	ignoreHttpStatusErrors: true,
	disableFollowRedirect: true,
} as const;

async function send<T>(
	client: ReadClient,
	request: ApiRequest<T>,
	url: URL,
	signal: AbortSignal,
): Promise<Received<T>> {
	const { method, headers, body, timeoutMs, idempotent } = request;
	// a webhook's helper needs no more of its context than an execution's
	const context = client.context as IExecuteFunctions;
	try {
		const response = await withTimeout(
			timeoutMs,
			signal,
			async (callSignal) => {
				const received = (await context.helpers.httpRequestWithAuthentication.call(
					context,
					client.credentialType,
					{
						...WITH_CREDENTIAL,
						method,
						url: url.href,
						headers: { accept: 'application/json', ...headers },
						body,
						timeout: timeoutMs,
					},
				)) as IN8nHttpFullResponse;
				return await toApiResponse(client, received, { idempotent, signal: callSignal });
			},
			() => {
				throw new TimeoutError();
			},
		);
		return { value: parseResponse(client, request, response), response };
	} catch (error) {
		if (error instanceof Flux2Error) throw rethrow(error);
		throw networkError({ idempotent, peer: `${client.label} (${url.host})`, signal }, error);
	}
}

/** Reads the body as it comes, so that one that is too large is refused before it fills the memory. */
async function toApiResponse(
	{ label }: ReadClient,
	response: IN8nHttpFullResponse,
	{ idempotent, signal }: { idempotent: boolean; signal: AbortSignal },
): Promise<ApiResponse> {
	const { statusCode: status, headers } = response;
	const stream = ignoreLateErrors(toStream(response));
	// nobody reads on after the time limit
	if (signal.aborted) stream.destroy();
	else signal.addEventListener('abort', () => stream.destroy(), { once: true });
	const bytes = await readBytes({ stream, timer: {} }, MAX_RESPONSE_BYTES, () =>
		tooLargeError(label, status, idempotent),
	);
	const { 'content-type': type } = headers;
	const saysImage = typeof type === 'string' && type.toLowerCase().startsWith('image/');
	const json = parseJson(bytes);
	const isImage = json === undefined && (saysImage || hasImageHeader(bytes));
	return { status, headers, bytes, isImage, json };
}

/** The bytes say what they are, whatever the content type says. */
function hasImageHeader(bytes: Buffer): boolean {
	try {
		return ['png', 'jpg', 'webp'].includes(imageSize(bytes).type ?? '');
	} catch {
		return false;
	}
}

/** Of a submit, the image has been made and billed. */
const tooLargeError = (label: string, httpCode: number, idempotent: boolean) =>
	new Flux2Error(
		'badResponse',
		`${label} responded with more than ${MAX_RESPONSE_BYTES / 1024 / 1024} MB`,
		{ httpCode, maybeBilled: !idempotent },
	);

function parseResponse<T>(client: ReadClient, request: ApiRequest<T>, response: ApiResponse): T {
	const isSuccess = response.status >= 200 && response.status < 300;
	if (!isSuccess && !request.isResult?.(response)) throw statusError(client, request, response);
	const content = request.selectBody ? request.selectBody(response) : response.json;
	const result = request.schema.safeParse(content);
	if (result.success) return result.data;
	throw schemaError(client, request, response, { content, problem: result.error });
}
