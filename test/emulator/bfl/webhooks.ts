import { createHmac } from 'node:crypto';
import { isThisComputer } from './inputs';
import { stateOf, type Job } from '../tasks';
import type { DeliveryRecord } from '../ledger';
import type { JsonObject } from '../types';
import type { World } from '../world';

/**
 * BFL's webhooks: what has become of a task is posted to its `webhook_url`, signed with its
 * `webhook_secret`, and posted again until it is taken with a 2xx.
 */

/** Between the attempts, in units of `webhookUnitMs`. */
const PAUSES = [1, 5, 30];
const ANSWER_WITHIN_MS = 30_000;

interface Webhook {
	url: string;
	secret?: string;
}

type ResultOf = (job: Job) => JsonObject;

/** Posts when the task has ended; an early one is posted, and answered, before the submission is. */
export async function callBack(
	world: World,
	job: Job,
	webhook: Webhook,
	resultOf: ResultOf,
): Promise<void> {
	const { fault, record } = job;
	if (fault.webhook === 'never') return;
	const attempt = async () => await post(world, job, webhook, resultOf);
	if (fault.webhook !== 'early') {
		const late = fault.webhook === 'late' ? world.webhookLateMs : 0;
		const due = world.wait(record.readyAt - Date.now() + late);
		void due.then(
			async () => await insist(world, job, await attempt(), attempt),
			() => undefined,
		);
		return;
	}
	Object.assign(record, { seconds: 0, readyAt: record.acceptedAt });
	void insist(world, job, await attempt(), attempt);
}

async function insist(
	world: World,
	job: Job,
	first: DeliveryRecord,
	attempt: () => Promise<DeliveryRecord>,
): Promise<void> {
	let last = first;
	if (job.fault.webhook === 'twice') await attempt();
	for (const pause of PAUSES) {
		if (isTaken(last)) return;
		const isClosing = await world.wait(pause * world.webhookUnitMs).then(
			() => false,
			() => true,
		);
		// a reset has forgotten it
		if (isClosing || world.jobs.find(job.record.id) !== job) return;
		last = await attempt();
	}
}

const isTaken = ({ status = 0 }: DeliveryRecord) => status >= 200 && status < 300;

async function post(
	world: World,
	job: Job,
	{ url, secret }: Webhook,
	resultOf: ResultOf,
): Promise<DeliveryRecord> {
	const { deliveries } = world.jobs.ledger;
	const { id: jobId } = job.record;
	const attempt = deliveries.filter((one) => one.jobId === jobId).length + 1;
	const record: DeliveryRecord = { n: deliveries.length + 1, at: Date.now(), jobId, url, attempt };
	deliveries.push(record);
	// the emulator calls nobody else, whatever a test writes down
	if (!isThisComputer(url)) return record;
	const body = JSON.stringify(bodyOf(job, resultOf));
	const signature = secret && sign(body, job.fault.webhook === 'wrongSignature' ? 'x' : secret);
	try {
		const answer = await fetch(url, {
			method: 'POST',
			headers: {
				'content-type': 'application/json',
				...(signature && { 'x-bfl-signature': `sha256=${signature}` }),
			},
			body,
			signal: AbortSignal.any([AbortSignal.timeout(ANSWER_WITHIN_MS), world.closing]),
		});
		await answer.arrayBuffer();
		record.status = answer.status;
	} catch {
		// nobody there, or no answer in time: as the record says, without a status
	}
	record.answeredAt = Date.now();
	return record;
}

const sign = (body: string, secret: string) =>
	createHmac('sha256', secret).update(body).digest('hex');

function bodyOf(job: Job, resultOf: ResultOf): JsonObject {
	const { id, readyAt } = job.record;
	const timestamp = new Date().toISOString();
	const state = stateOf(job, Math.max(readyAt, Date.now()));
	switch (state.phase) {
		case 'failed':
			return { id, status: 'Error', error: 'failed', message: state.failure.message, timestamp };
		case 'other':
			return { id, status: state.word, error: 'refused', message: state.word, timestamp };
		default:
			return { id, status: 'Ready', result: resultOf(job), timestamp };
	}
}
