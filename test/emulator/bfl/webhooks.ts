import { createHmac } from 'node:crypto';
import { isThisComputer } from './inputs';
import { stateOf, type Task } from '../tasks';
import type { DeliveryRecord } from '../ledger';
import type { JsonObject } from '../types';
import type { BflWorld } from './world';

/**
 * BFL's webhooks: what has become of a task is posted to its `webhook_url`, signed with its
 * `webhook_secret`, and posted again until it is taken with a 2xx.
 */

/** Between the attempts, in units of `webhookUnitMs`. */
const PAUSES = [1, 5, 30];
const RESPONSE_TIMEOUT_MS = 30_000;

interface Webhook {
	url: string;
	secret?: string;
}

type ResultOf = (task: Task) => JsonObject;

/** Posts when the task has ended; an early one is posted, and answered, before the submission is. */
export async function callBack(
	world: BflWorld,
	task: Task,
	webhook: Webhook,
	resultOf: ResultOf,
): Promise<void> {
	const { fault, record } = task;
	if (fault.webhook === 'never') return;
	const attempt = async () => await post(world, task, webhook, resultOf);
	if (fault.webhook !== 'early') {
		const late = fault.webhook === 'late' ? world.webhookLateMs : 0;
		const due = world.wait(record.readyAt - Date.now() + late);
		void due.then(
			async () => await insist(world, task, await attempt(), attempt),
			() => undefined,
		);
		return;
	}
	Object.assign(record, { seconds: 0, readyAt: record.acceptedAt });
	void insist(world, task, await attempt(), attempt);
}

async function insist(
	world: BflWorld,
	task: Task,
	first: DeliveryRecord,
	attempt: () => Promise<DeliveryRecord>,
): Promise<void> {
	let last = first;
	if (task.fault.webhook === 'twice') await attempt();
	for (const pause of PAUSES) {
		if (isTaken(last)) return;
		const isClosing = await world.wait(pause * world.webhookUnitMs).then(
			() => false,
			() => true,
		);
		// a reset has forgotten it
		if (isClosing || world.tasks.find(task.record.id) !== task) return;
		last = await attempt();
	}
}

const isTaken = ({ status = 0 }: DeliveryRecord) => status >= 200 && status < 300;

async function post(
	world: BflWorld,
	task: Task,
	{ url, secret }: Webhook,
	resultOf: ResultOf,
): Promise<DeliveryRecord> {
	const { deliveries } = world.tasks.ledger;
	const { id: taskId } = task.record;
	const attempt = deliveries.filter((one) => one.taskId === taskId).length + 1;
	const record: DeliveryRecord = { n: deliveries.length + 1, at: Date.now(), taskId, url, attempt };
	deliveries.push(record);
	// the emulator calls nobody else, whatever a test writes down
	if (!isThisComputer(url)) return record;
	const body = JSON.stringify(bodyOf(task, resultOf));
	const signature = secret && sign(body, task.fault.webhook === 'wrongSignature' ? 'x' : secret);
	try {
		const response = await fetch(url, {
			method: 'POST',
			headers: {
				'content-type': 'application/json',
				...(signature && { 'x-bfl-signature': `sha256=${signature}` }),
			},
			body,
			signal: AbortSignal.any([AbortSignal.timeout(RESPONSE_TIMEOUT_MS), world.closing]),
		});
		await response.arrayBuffer();
		record.status = response.status;
	} catch {
		// nobody there, or no answer in time: as the record says, without a status
	}
	record.respondedAt = Date.now();
	return record;
}

const sign = (body: string, secret: string) =>
	createHmac('sha256', secret).update(body).digest('hex');

function bodyOf(task: Task, resultOf: ResultOf): JsonObject {
	const { id, readyAt } = task.record;
	const timestamp = new Date().toISOString();
	const state = stateOf(task, Math.max(readyAt, Date.now()));
	switch (state.phase) {
		case 'failed':
			return { id, status: 'Error', error: 'failed', message: state.failure.message, timestamp };
		case 'other':
			return { id, status: state.word, error: 'refused', message: state.word, timestamp };
		default:
			return { id, status: 'Ready', result: resultOf(task), timestamp };
	}
}
