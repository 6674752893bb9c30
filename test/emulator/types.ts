import type { TaskFault } from './faults';
import type { ImageFormat } from './images';
import type { SubmissionRecord } from './ledger';
import type { DocumentedError, ProviderEffects, ProviderName, RouteName } from './registry';
import type { Task } from './tasks';

/** Whose key opens the route; results are open to everybody. */
export type RouteOwner = ProviderName | 'results';

/** The servers: the APIs, the one where a `polling_url` leads, and the images. */
export type Port = 'api' | 'polling' | 'results';

export type JsonObject = Record<string, unknown>;

export interface FormPart {
	name: string;
	/** A text field has a value, a file has bytes. */
	value?: string;
	file?: { filename: string; mimetype: string; data: Buffer };
}

/** The body of a request, as far as it could be read. */
export type Body =
	| { kind: 'none' }
	| { kind: 'json'; value: unknown }
	| { kind: 'unreadable'; contentType: string; reason: string }
	| { kind: 'form'; parts: FormPart[] };

export interface Call {
	method: string;
	/** Path and query as they stood in the request line. */
	url: string;
	params: Record<string, string>;
	query: Record<string, string>;
	headers: Record<string, string>;
	body: Body;
	/** The key as presented in `Authorization`, without its scheme, or in `x-key` (which is then the scheme). */
	key?: string;
	scheme?: string;
	/** Filled in while a submission is handled. */
	submission?: SubmissionRecord;
}

/** Pieces of text that are sent as they come, until the client disconnects. */
export type Stream = (disconnected: AbortSignal) => AsyncIterable<string>;

/** A Buffer or string is sent as it is, a `Stream` piece by piece, anything else as JSON. */
export interface ApiResponse {
	status: number;
	headers: Record<string, string>;
	body: unknown;
}

export interface Route {
	name: RouteName;
	/** The server it is on; the one of the APIs by default. */
	port?: Port;
	method: 'GET' | 'POST' | 'PUT' | 'DELETE';
	/** Fastify's notation. */
	path: string;
	/** Which list of the ledger a call belongs to. */
	kind: 'submission' | 'poll' | 'cancel' | 'download' | 'account';
	/** For submissions: the prompt, read without checking anything. */
	prompt?: (call: Call) => string | undefined;
	/** For the others: the task that the call is about. */
	task?: (call: Call) => Task | undefined;
	handle: (call: Call, effect: Effect) => Promise<ApiResponse> | ApiResponse;
}

export interface Shape {
	format?: ImageFormat;
	width?: number;
	height?: number;
	/** The size of the file; for PNG alone. */
	bytes?: number;
}

/** What a rule does to the calls it matches. Parts may be combined. */
export interface SharedEffect {
	/** Responds with this instead; a body that is not a string is sent as JSON. */
	status?: number;
	body?: unknown;
	headers?: Record<string, string>;
	/** Responds with one of the documented errors, see `documentedErrors`. */
	error?: DocumentedError;
	/** Responds with a proxy's HTML error page (502 without a status). */
	html?: true;
	redirect?: string;
	/** Cuts the JSON in the middle, with the content-length of what is left. */
	truncateJson?: true;
	/** Breaks the connection at that point of the response. */
	reset?: 'beforeHeaders' | 'midHeaders' | 'midBody';
	/** Never responds. */
	hang?: true;
	/** Waits, in ms, after the work is done and before the response. */
	delayMs?: number;
	/** Sends the response in small pieces over about half a second. */
	slowBytes?: true;
	/**
	 * Whether the call is carried out (and billed) although its response is replaced or lost.
	 * By default only where a response had begun (`midHeaders`, `midBody`).
	 */
	accepted?: boolean;
	/** The faults of the task that this submission creates. */
	task?: TaskFault;
	/** Format and size of the image, whatever the request says. */
	as?: Shape;
	/** The fault of a stream of events. */
	stream?: StreamFault;
	/** The fault of a download. */
	image?: 'truncated' | 'html' | 'empty' | 'wrongContentType' | 'expired';
	/** Changes the finished response; only within the process. */
	mutate?: (response: ApiResponse) => ApiResponse;
}

/** With the effects that only one provider has. */
export type Effect = SharedEffect & ProviderEffects;

export interface StreamFault {
	/** Sends nothing at all, not even the comments that keep it alive. */
	silent?: true;
	/** Breaks the connection around a completion event. */
	breaks?: 'beforeEvent' | 'inEvent' | 'afterEvent';
	/** Which completion event that is; 1, the first, by default. */
	event?: number;
}

/** Thrown by a `Stream` to break its connection. */
export class BrokenConnection extends Error {}

/** Thrown by a handler to respond at once. */
export class Refusal extends Error {
	constructor(readonly response: ApiResponse) {
		super(`refused with ${response.status}`);
	}
}

export function toResponse(
	status: number,
	body: unknown,
	headers: Record<string, string> = {},
): ApiResponse {
	return { status, headers, body };
}

export function isObject(value: unknown): value is JsonObject {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The prompt of a JSON body that has it at the top. */
export function readPrompt({ body }: Call): string | undefined {
	const fields = body.kind === 'json' ? body.value : undefined;
	return isObject(fields) && typeof fields.prompt === 'string' ? fields.prompt : undefined;
}
