import { createHmac } from 'node:crypto';
import { toState, type Task } from '../tasks';
import type { JsonObject } from '../types';
import type { Webhook } from '../webhooks';
import { toResult } from './results';
import type { BflWorld } from './world';

/** BFL's webhooks: the end of a task goes to its `webhook_url`, with a proof of its `webhook_secret`. */

const RETRY_DELAYS = [1, 5, 30];
const RESPONSE_TIMEOUT_MS = 30_000;

export const toWebhook = (
	world: BflWorld,
	task: Task,
	{ url, secret }: { url: string; secret?: string },
): Webhook => ({
	url,
	retryDelays: RETRY_DELAYS,
	responseTimeoutMs: RESPONSE_TIMEOUT_MS,
	async toPost() {
		const body = JSON.stringify(toPayload(world, task));
		const proof = secret && (task.fault.webhook === 'wrongSignature' ? 'x' : secret);
		return await Promise.resolve({ headers: proof ? toProofHeader(world, body, proof) : {}, body });
	},
});

/** Two documents contradict each other: the body is signed with the secret, or the secret itself is sent. */
function toProofHeader(
	{ webhookProof }: BflWorld,
	body: string,
	secret: string,
): Record<string, string> {
	if (webhookProof === 'secret') return { 'x-webhook-secret': secret };
	const signature = createHmac('sha256', secret).update(body).digest('hex');
	return { 'x-bfl-signature': `sha256=${signature}` };
}

function toPayload(world: BflWorld, task: Task): JsonObject {
	const { id, readyAt } = task.record;
	const time = world.webhookTimestamp ? { timestamp: new Date().toISOString() } : {};
	const state = toState(task, Math.max(readyAt, Date.now()));
	switch (state.phase) {
		case 'failed':
			return { id, status: 'Error', error: 'failed', message: state.failure.message, ...time };
		case 'other':
			return { id, status: state.status, error: 'refused', message: state.status, ...time };
		default:
			return { id, status: 'Ready', result: toResult(world, task), ...time };
	}
}
