import type { IExecuteFunctions, IHttpRequestOptions, IN8nHttpFullResponse } from 'n8n-workflow';
import { raceTimeout } from '../core/async';
import { AbortedError } from '../core/errors';
import { parseJson } from '../core/json';
import { networkError, schemaError, statusError, TimeoutError } from './errors';
import { retry } from './retry';
import type { ApiClient, ApiRequest, ApiResponse, ClientContext } from './types';
import { resolveApiUrl } from './urlPolicy';

/**
 * One request with the credential, retried as far as that is safe.
 * @param signal ends waiting and, for an idempotent request, the call itself. A submit on the wire is awaited until n8n
 * stops the execution: its task must not be lost because another item has failed.
 * @throws Flux2Error, AbortedError
 */
export async function requestJson<T>(
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
	try {
		const sending = sendWithCredential(client, {
			method,
			url: url.href,
			headers: { accept: 'application/json', ...headers },
			body,
			encoding: 'arraybuffer',
			timeout: timeoutMs,
		});
		return toApiResponse(
			await raceTimeout(sending, timeoutMs, signal, () => {
				throw new TimeoutError();
			}),
		);
	} catch (error) {
		throw networkError({ idempotent, peer: `${client.label} (${url.host})`, signal }, error);
	}
}

function toApiResponse({ statusCode, headers, body }: IN8nHttpFullResponse): ApiResponse {
	const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body as unknown as ArrayBuffer);
	const type = headers['content-type'];
	const isImage = typeof type === 'string' && type.toLowerCase().startsWith('image/');
	const json = isImage ? undefined : parseJson(bytes);
	return { status: statusCode, headers, bytes, isImage, json };
}

function parseResponse<T>(client: ApiClient, request: ApiRequest<T>, response: ApiResponse): T {
	const isSuccess = response.status >= 200 && response.status < 300;
	if (!isSuccess && !request.isResult?.(response)) throw statusError(client, request, response);
	const content = request.selectBody ? request.selectBody(response) : response.json;
	const result = request.schema.safeParse(content);
	if (result.success) return result.data;
	throw schemaError(client, request, response, { content, problem: result.error });
}
