import type { IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';

/** Bytes; what a provider says about a task is a few kilobytes, the prompt included. */
const MAX_BODY_BYTES = 1_000_000;

interface WebhookRequest {
	rawBody?: Buffer;
	readRawBody?: () => Promise<void>;
}

/** What is used of Express's response. */
export interface WebhookResponse {
	statusCode: number;
	readonly destroyed: boolean;
	readonly writableEnded: boolean;
	status(code: number): { json(body: object): void };
	once(event: 'finish' | 'close', listener: () => void): void;
}

/** n8n's type of the response is that of another version of Express. */
export function responseOf(context: IWebhookFunctions): WebhookResponse {
	const response: unknown = context.getResponseObject();
	return response as WebhookResponse;
}

/** The bytes that were sent, which are what a signature is about; undefined when there are too many. */
export async function readRawBody(context: IWebhookFunctions): Promise<Buffer | undefined> {
	const request = context.getRequestObject() as WebhookRequest;
	// n8n has read a form already and reads nothing twice
	if (!request.rawBody) await request.readRawBody?.().catch(() => undefined);
	const body = request.rawBody ?? Buffer.alloc(0);
	return body.length > MAX_BODY_BYTES ? undefined : body;
}

/** Responds by itself: n8n starts nothing, resumes nothing and adds nothing. */
export function respond(
	context: IWebhookFunctions,
	status: number,
	message: string,
): IWebhookResponseData {
	responseOf(context).status(status).json({ message });
	return { noWebhookResponse: true };
}
