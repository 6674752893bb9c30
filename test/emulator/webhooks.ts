import type { DeliveryRecord } from './ledger';
import type { Task } from './tasks';
import type { World } from './world';

/** How webhooks are delivered: the end of a task is posted to its address, and again until the response is a 2xx. */

export interface Webhook {
	url: string;
	/** Delays between the attempts, in units of `webhookUnitMs`. */
	retryDelays: readonly number[];
	responseTimeoutMs: number;
	/** Made anew for each attempt. */
	toPost(this: void): Promise<{ headers: Record<string, string>; body: string }>;
}

/** https, or this computer, which has no certificate. */
export const isCallable = (url: string): boolean =>
	URL.canParse(url) && (url.startsWith('https:') || isLoopback(url));

/** A timer may fire a little before its time. */
const TIMER_SLACK_MS = 2;

export const isLoopback = (url: string) => /^(127\.0\.0\.1|localhost)$/.test(new URL(url).hostname);

/** Delivers when the task has ended; an early webhook before the response to the submission. */
export async function scheduleWebhook(world: World, task: Task, webhook: Webhook): Promise<void> {
	const { fault, record } = task;
	if (fault.webhook === 'never') return;
	const attempt = async () => await deliver(world, task, webhook);
	if (fault.webhook !== 'early') {
		const late = fault.webhook === 'late' ? world.webhookLateMs : 0;
		const due = world.wait(record.readyAt - Date.now() + TIMER_SLACK_MS + late);
		void due.then(
			async () => await deliverUntilAccepted(world, task, webhook, await attempt()),
			() => undefined,
		);
		return;
	}
	Object.assign(record, { seconds: 0, readyAt: record.acceptedAt });
	void deliverUntilAccepted(world, task, webhook, await attempt());
}

async function deliverUntilAccepted(
	world: World,
	task: Task,
	webhook: Webhook,
	first: DeliveryRecord,
): Promise<void> {
	let last = first;
	if (task.fault.webhook === 'twice') await deliver(world, task, webhook);
	for (const delay of webhook.retryDelays) {
		if (isAccepted(last)) return;
		const isClosing = await world.wait(delay * world.webhookUnitMs).then(
			() => false,
			() => true,
		);
		// a reset has forgotten it
		if (isClosing || world.tasks.find(task.record.id) !== task) return;
		last = await deliver(world, task, webhook);
	}
}

const isAccepted = ({ status = 0 }: DeliveryRecord) => status >= 200 && status < 300;

/** One attempt. */
export async function deliver(
	world: World,
	task: Task,
	{ url, responseTimeoutMs, toPost }: Webhook,
): Promise<DeliveryRecord> {
	const { deliveries } = world.tasks.ledger;
	const { id: taskId } = task.record;
	const attempt = deliveries.filter((delivery) => delivery.taskId === taskId).length + 1;
	const record: DeliveryRecord = { n: deliveries.length + 1, at: Date.now(), taskId, url, attempt };
	deliveries.push(record);
	// the emulator calls no other computer
	if (!isLoopback(url)) return record;
	const { headers, body } = await toPost();
	try {
		const response = await fetch(url, {
			method: 'POST',
			headers: { 'content-type': 'application/json', ...headers },
			body,
			// no document says that redirects are followed
			redirect: 'manual',
			signal: AbortSignal.any([AbortSignal.timeout(responseTimeoutMs), world.closing]),
		});
		await response.arrayBuffer();
		record.status = response.status;
	} catch {
		// no server, or no response in time: the record has no status
	}
	record.respondedAt = Date.now();
	return record;
}
