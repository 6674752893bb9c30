import type {
	IDataObject,
	IExecuteFunctions,
	IHttpRequestMethods,
	ILoadOptionsFunctions,
	IN8nHttpFullResponse,
	IWebhookFunctions,
} from 'n8n-workflow';
import type { Throttle } from '../core/async';
import type { ErrorKind } from '../core/errors';
import type { Redact } from '../core/redact';
import type { z } from '../core/vendor';
import type { Permit } from './limiter';

/** An execution, a webhook and a list in the editor all send with a credential. */
export type ClientContext = IExecuteFunctions | ILoadOptionsFunctions | IWebhookFunctions;

/** A credential's values that are text, trimmed. */
export type CredentialValues = Readonly<Record<string, string>>;

/** A provider's API with the credential for it, for what costs nothing. */
export interface ReadClient {
	readonly context: ClientContext;
	readonly credentialType: string;
	/** The provider's name in messages. */
	readonly label: string;
	/** From the credential, without a trailing slash. */
	readonly baseUrl: string;
	readonly credentials: CredentialValues;
	/** Aborted when n8n stops the execution. */
	readonly cancelSignal: AbortSignal;
	/** Hides the credential's values in a message. */
	readonly redact: Redact;
	/** Hides the keys in an item. An account's ID stays: the URL of an image may need it. */
	readonly redactItem: Redact;
	/** Reads the provider's error bodies; undefined when the body says nothing. */
	readonly readError: (response: ApiResponse) => ErrorResponse | undefined;
	/** Hosts beside the base URL's that may see the credential. */
	readonly trustsHost?: (host: string, baseHost: string) => boolean;
	/** Spaces out the reads of all items at one host. */
	readonly readThrottle: Throttle;
}

/** The API for one item, which may submit. */
export interface ApiClient extends ReadClient {
	readonly permit: Permit;
}

/** An HTTP response, read whole. */
export interface ApiResponse {
	status: number;
	headers: IDataObject;
	bytes: Buffer;
	/** By its content type, or by its first bytes where it has none. */
	isImage: boolean;
	/** The parsed body; undefined when it is no JSON. */
	json: unknown;
}

/** What a provider's error body says. */
export interface ErrorResponse {
	kind: ErrorKind;
	/** In the provider's own words. */
	message: string;
	description?: string;
	/** True when the provider certainly processed nothing, whatever the status says. */
	refused?: boolean;
	/** True when sending again cannot help, whatever the status says. */
	final?: boolean;
	/** Where the body says it. The header Retry-After comes first. */
	retryAfterMs?: number;
}

export interface ApiRequest<T> {
	method: IHttpRequestMethods;
	/** A path below the base URL, or a whole URL from a response. */
	url: string;
	body?: IDataObject | FormData;
	headers?: Record<string, string>;
	/** Reads what `selectBody` yields. */
	schema: z.ZodType<T, z.ZodTypeDef, unknown>;
	/** Whether sending twice does no more than sending once (RFC 9110, section 9.2.2), whatever the method. */
	idempotent: boolean;
	timeoutMs: number;
	/** What of the response the schema reads; the parsed body when left out. */
	selectBody?(response: ApiResponse): unknown;
	/** Whether a response outside 2xx is the result all the same, e.g. a task's status under 503. */
	isResult?(response: ApiResponse): boolean;
}

export type DownloadStream = Exclude<
	Parameters<IExecuteFunctions['helpers']['prepareBinaryData']>[0],
	Buffer
>;

/** A whole response of n8n's helper. Its types know no streams as bodies. */
export const toStream = ({ body }: IN8nHttpFullResponse): DownloadStream =>
	body as unknown as DownloadStream;
