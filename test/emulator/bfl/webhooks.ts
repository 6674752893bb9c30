import { createHmac } from 'node:crypto';
import type { DeliveryRecord } from '../ledger';
import { toState, type Task } from '../tasks';
import type { JsonObject } from '../types';
import { isLoopback } from './inputs';
import { toResult } from './results';
import type { BflWorld } from './world';

/**
 * BFL's webhooks: the end of a task is posted to its `webhook_url` with a proof of its
 * `webhook_secret`, and posted again until the response is a 2xx.
 */

/** Delays between the attempts, in units of `webhookUnitMs`. */
const RETRY_DELAYS = [1, 5, 30];
const RESPONSE_TIMEOUT_MS = 30_000;

interface Webhook {
	url: string;
	secret?: string;
}

/** Delivers when the task has ended; an early webhook before the response to the submission. */
export async function scheduleWebhook(
	world: BflWorld,
	task: Task,
	webhook: Webhook,
): Promise<void> {
	const { fault, record } = task;
	if (fault.webhook === 'never') return;
	const attempt = async () => await deliver(world, task, webhook);
	if (fault.webhook !== 'early') {
		const late = fault.webhook === 'late' ? world.webhookLateMs : 0;
		const due = world.wait(record.readyAt - Date.now() + late);
		void due.then(
			async () => await deliverUntilAccepted(world, task, await attempt(), attempt),
			() => undefined,
		);
		return;
	}
	Object.assign(record, { seconds: 0, readyAt: record.acceptedAt });
	void deliverUntilAccepted(world, task, await attempt(), attempt);
}

async function deliverUntilAccepted(
	world: BflWorld,
	task: Task,
	first: DeliveryRecord,
	attempt: () => Promise<DeliveryRecord>,
): Promise<void> {
	let last = first;
	if (task.fault.webhook === 'twice') await attempt();
	for (const delay of RETRY_DELAYS) {
		if (isAccepted(last)) return;
		const isClosing = await world.wait(delay * world.webhookUnitMs).then(
			() => false,
			() => true,
		);
		// a reset has forgotten it
		if (isClosing || world.tasks.find(task.record.id) !== task) return;
		last = await attempt();
	}
}

const isAccepted = ({ status = 0 }: DeliveryRecord) => status >= 200 && status < 300;

async function deliver(
	world: BflWorld,
	task: Task,
	{ url, secret }: Webhook,
): Promise<DeliveryRecord> {
	const { deliveries } = world.tasks.ledger;
	const { id: taskId } = task.record;
	const attempt = deliveries.filter((delivery) => delivery.taskId === taskId).length + 1;
	const record: DeliveryRecord = { n: deliveries.length + 1, at: Date.now(), taskId, url, attempt };
	deliveries.push(record);
	// the emulator calls no other computer
	if (!isLoopback(url)) return record;
	const body = JSON.stringify(toPayload(world, task));
	const proof = secret && (task.fault.webhook === 'wrongSignature' ? 'x' : secret);
	try {
		const response = await fetch(url, {
			method: 'POST',
			headers: {
				'content-type': 'application/json',
				...(proof && toProofHeader(world, body, proof)),
			},
			body,
			signal: AbortSignal.any([AbortSignal.timeout(RESPONSE_TIMEOUT_MS), world.closing]),
		});
		await response.arrayBuffer();
		record.status = response.status;
	} catch {
		// no server, or no response in time: the record has no status
	}
	record.respondedAt = Date.now();
	return record;
}

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
