import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';

/** Bytes; what a provider tells about a task is a few kilobytes, the prompt included. */
const LARGEST_BODY = 1_000_000;

interface IncomingRequest {
	rawBody?: Buffer;
	readRawBody?: () => Promise<void>;
}

interface OutgoingResponse {
	status(code: number): { json(body: object): void };
}

/** The bytes that were sent, which are what a signature is about; undefined when there are too many. */
export async function readRawBody(context: IWebhookFunctions): Promise<Buffer | undefined> {
	const request = context.getRequestObject() as IncomingRequest;
	// n8n has read a form already and reads nothing twice
	if (!request.rawBody) await request.readRawBody?.().catch(() => undefined);
	const body = request.rawBody ?? Buffer.alloc(0);
	return body.length > LARGEST_BODY ? undefined : body;
}

/** Answers by itself: n8n starts nothing, resumes nothing and adds nothing. */
export function respond(
	context: IWebhookFunctions,
	status: number,
	message: string,
): IWebhookResponseData {
	const response = context.getResponseObject() as unknown as OutgoingResponse;
	response.status(status).json({ message });
	return { noWebhookResponse: true };
}

/**
 * Whether the header carries the HMAC-SHA256 of these bytes in hex, with or without "sha256=" before it.
 * It takes the same time however much of a wrong signature is right.
 */
export function verifySignature(body: Buffer, header: unknown, secret: string): boolean {
	const [, hex] = /^(?:sha256=)?([0-9a-f]{64})$/i.exec(String(header).trim()) ?? [];
	if (hex === undefined || secret === '') return false;
	const own = createHmac('sha256', secret).update(body).digest();
	return timingSafeEqual(Buffer.from(hex, 'hex'), own);
}

const done = async () => true;

/** There is nothing to register at the provider: each request tells it what to call. */
export const noWebhookRegistration = { default: { checkExists: done, create: done, delete: done } };
