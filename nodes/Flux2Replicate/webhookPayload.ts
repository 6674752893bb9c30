import { createHash } from 'node:crypto';
import { withTimeout } from '../shared/core/async';
import { Flux2Error } from '../shared/core/errors';
import { z } from '../shared/core/vendor';
import { readJson } from '../shared/http/client';
import { FetchedKeys } from '../shared/http/fetchedKeys';
import { hasStandardSignature, standardHeadersProblem } from '../shared/http/signature';
import type { ReadClient } from '../shared/http/types';
import type { WebhookCall } from '../shared/operations/types';
import type { WebhookPayload } from '../shared/tasks/protocol';
import { submittedSchema, toTaskState, withoutDataUris } from './responses';

/** Replicate calls with the prediction itself; undefined for anything else. */
export function parseWebhookPayload(json: unknown): WebhookPayload | undefined {
	const read = submittedSchema.safeParse(json);
	if (!read.success) return undefined;
	const { id, model, input } = read.data;
	return {
		taskId: id,
		model,
		prompt: input.prompt,
		body: withoutDataUris(json) as WebhookPayload['body'],
		toTaskState: (task) => toTaskState(read.data, { task, json }),
	};
}

/** Replicate gives up on a response after a few seconds. */
const FETCH_TIMEOUT_MS = 4000;

const secretSchema = z.object({ key: z.string().min(1) });

/** By the account's key, of which nothing is kept. */
const secrets = new Map<string, FetchedKeys<string>>();

/**
 * Replicate signs with a secret of the account, which the API tells whoever has the key.
 * @throws Flux2Error where the secret cannot be read
 */
export async function signatureProblem({
	body,
	headers,
	secret,
	client,
	signal,
}: Omit<WebhookCall, 'context' | 'baseUrl'>): Promise<string | undefined> {
	const problem = standardHeadersProblem(headers);
	if (problem !== undefined) return problem;
	const isMadeWith = (key: string) => hasStandardSignature(body, headers, key);
	const isSigned = client
		? await secretsOf(client).some(isMadeWith, async () => [await readSecret(client, signal)])
		: isMadeWith(secret);
	return isSigned ? undefined : 'No signature in webhook-signature is made with the secret';
}

function secretsOf({ baseUrl, credentials }: ReadClient): FetchedKeys<string> {
	const account = createHash('sha256').update(`${baseUrl} ${credentials.apiToken}`).digest('hex');
	const known = secrets.get(account) ?? new FetchedKeys<string>();
	secrets.set(account, known);
	return known;
}

/** https://replicate.com/docs/topics/webhooks/verify-webhook */
const readSecret = async (client: ReadClient, runSignal: AbortSignal): Promise<string> =>
	await withTimeout(
		FETCH_TIMEOUT_MS,
		runSignal,
		async (signal) => {
			const request = { url: '/webhooks/default/secret', schema: secretSchema };
			const { value } = await readJson(client, request, signal);
			return value.key;
		},
		() => {
			throw new Flux2Error('timeout', 'The secret of the account does not come in time');
		},
	);
