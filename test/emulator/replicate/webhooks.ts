import { createHmac } from 'node:crypto';
import type { Task } from '../tasks';
import { toResponse, type Call, type Route } from '../types';
import { deliver, isCallable, scheduleWebhook, type Webhook } from '../webhooks';
import { recordUnexpected } from '../world';
import { readBody } from './inputs';
import { GRANTS } from './keys';
import { toPredictionBody } from './results';
import { authenticate, BASE } from './tasks';
import type { ReplicateWorld } from './world';

/** Replicate's webhooks: the prediction itself, signed as Standard Webhooks have it with the secret of the account. */

/** For about a minute after the end; how they are spread is not documented. */
const RETRY_DELAYS = [1, 2, 4, 8, 15, 30];
const RESPONSE_TIMEOUT_MS = 5000;
/** What is called about where the create does not say it. */
const DEFAULT_EVENTS = ['output', 'completed'];

const secretOf = (username: string) =>
	`whsec_${Buffer.from(`made-up webhook secret of ${username}`).toString('base64')}`;

export const createSecretRoute = (): Route => ({
	name: 'replicate.webhookSecret',
	method: 'GET',
	path: `${BASE}/webhooks/default/secret`,
	kind: 'account',
	handle: (call) => toResponse(200, { key: secretOf(authenticate(call).username) }),
});

/** Calls the address that the create names, if it names one. Only the end is delivered again. */
export async function scheduleEvents(world: ReplicateWorld, call: Call, task: Task): Promise<void> {
	const { webhook: url, webhook_events_filter: events = DEFAULT_EVENTS } = readBody(call);
	if (url === undefined) return;
	if (!isCallable(url)) recordUnexpected(world, call, `webhook ${url}`);
	if (events.includes('start')) await deliver(world, task, toWebhook(world, task, url, 'starting'));
	if (events.includes('completed')) await scheduleWebhook(world, task, toWebhook(world, task, url));
}

/** @param status where it is another one than the task's own */
const toWebhook = (world: ReplicateWorld, task: Task, url: string, status?: string): Webhook => ({
	url,
	retryDelays: RETRY_DELAYS,
	responseTimeoutMs: RESPONSE_TIMEOUT_MS,
	async toPost() {
		const body = JSON.stringify(toPredictionBody(world, task, status));
		return await Promise.resolve({ headers: toHeaders(task, body, status), body });
	},
});

/** The ID is the same at each attempt, the time is that of the attempt. */
function toHeaders(
	{ record, fault }: Task,
	body: string,
	status = 'completed',
): Record<string, string> {
	const id = `msg_${record.id}_${status}`;
	const timestamp = String(Math.floor(Date.now() / 1000));
	const username = GRANTS.get(record.key)?.username ?? '';
	const secret = secretOf(fault.webhook === 'wrongSignature' ? 'nobody' : username);
	const signature = createHmac('sha256', Buffer.from(secret.slice(6), 'base64'))
		.update(`${id}.${timestamp}.${body}`)
		.digest('base64');
	return {
		'webhook-id': id,
		'webhook-timestamp': timestamp,
		'webhook-signature': `v1,${signature}`,
	};
}
