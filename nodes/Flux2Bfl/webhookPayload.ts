import type { IDataObject } from 'n8n-workflow';
import { hasHmac, isSecret } from '../shared/http/signature';
import type { WebhookCall } from '../shared/operations/types';
import type { WebhookPayload } from '../shared/tasks/protocol';
import { isBflHost, withoutSecrets } from './hosts';
import { payloadDetails, payloadSchema, toTaskState } from './responses';

/** What Black Forest Labs calls a webhook with; undefined for anything else. */
export function parseWebhookPayload(body: unknown): WebhookPayload | undefined {
	const read = payloadSchema.safeParse(body);
	if (!read.success) return undefined;
	const { id, model, timestamp, result } = read.data;
	const status = { ...read.data, details: payloadDetails(read.data) };
	const shown = withoutSecrets(body);
	return {
		taskId: id,
		model,
		prompt: result?.prompt,
		sentAt: toTimestamp(timestamp),
		body: shown as IDataObject,
		toTaskState: (task) => toTaskState(status, task, shown),
	};
}

/**
 * Two documents contradict each other: one signs the body (`X-BFL-Signature`), the newer one sends the secret itself
 * (`X-Webhook-Secret`, the official Python SDK). Either proves that the sender knows the secret.
 */
export async function signatureProblem({
	body,
	headers,
	secret,
}: Pick<WebhookCall, 'body' | 'headers' | 'secret'>): Promise<string | undefined> {
	const isProved =
		hasHmac(body, headers['x-bfl-signature'], secret) ||
		isSecret(headers['x-webhook-secret'], secret);
	return isProved ? undefined : 'Neither X-BFL-Signature nor X-Webhook-Secret proves the secret';
}

/** Results lie on `delivery….bfl.ai`. */
export const ownsImageUrl = (url: string): boolean =>
	URL.canParse(url) && new URL(url).protocol === 'https:' && isBflHost(new URL(url).hostname);

/** Text or a number, in seconds or in milliseconds; undefined when it is no time. */
function toTimestamp(timestamp: string | number | undefined): number | undefined {
	if (timestamp === undefined || String(timestamp).trim() === '') return undefined;
	const number = Number(timestamp);
	if (Number.isNaN(number)) {
		// without a zone it is UTC, not this computer's time; behind a zone, the Z makes it no time
		return Date.parse(`${timestamp}Z`) || Date.parse(String(timestamp)) || undefined;
	}
	return number < 1e11 ? number * 1000 : number;
}
