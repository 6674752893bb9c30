import type { IExecuteFunctions, IWebhookFunctions } from 'n8n-workflow';
import { z } from '../shared/core/vendor';
import { responseOf } from '../shared/node/webhookRequest';

/** The provider delivers again when we responded to its first delivery too late or not at all. */

/** n8n keeps them with the workflow, for restarts and for other processes. More are not worth saving each time. */
const MAX_SAVED_KEYS = 500;
const MAX_REMEMBERED_KEYS = 10_000;
const STORE = 'flux2ProcessedDeliveries';

/** What another version of the package has saved is not read. */
const savedSchema = z.object({ version: z.literal(1), keys: z.array(z.string()) });

/** Of this process: what n8n saves arrives late, and is lost when two executions save at once. */
const processed = new Set<string>();
const inProgress = new Set<string>();

export type DeliveryStatus = 'new' | 'inProgress' | 'processed';

/** What a workflow is started with once: a task and its outcome, since a task may seem to have failed at first. */
export const deliveryKey = (taskId: string, outcome: string): string => `${taskId} ${outcome}`;

/** Whether a workflow was started with this delivery before. Manual test runs are never deduplicated. */
export function deliveryStatus(context: IWebhookFunctions, delivery: string): DeliveryStatus {
	if (context.getMode() === 'manual') return 'new';
	const key = processKey(context, delivery);
	if (processed.has(key) || savedKeys(context).includes(delivery)) return 'processed';
	return inProgress.has(key) ? 'inProgress' : 'new';
}

/**
 * To be called before n8n starts the workflow. A delivery counts as processed once n8n has responded to the
 * provider; until then nobody knows.
 */
export function markInProgress(context: IWebhookFunctions, delivery: string): void {
	if (context.getMode() === 'manual') return;
	markProcessed(context, delivery);
	const key = processKey(context, delivery);
	const response = responseOf(context);
	// the provider has hung up: no event would ever take the key out
	if (response.destroyed || response.writableEnded) return;
	inProgress.add(key);
	response.once('finish', () => {
		if (response.statusCode < 300) processed.add(key);
		const [oldest] = processed;
		if (processed.size > MAX_REMEMBERED_KEYS && oldest) processed.delete(oldest);
	});
	response.once('close', () => inProgress.delete(key));
}

/**
 * Both for the webhook and for the execution it starts: where one process does both, n8n saves only what the execution
 * has changed, and it saves that when the execution has ended. Nothing of a start that went wrong is saved.
 */
export function markProcessed(
	context: IExecuteFunctions | IWebhookFunctions,
	delivery: string,
): void {
	if (context.getMode() === 'manual') return;
	const others = savedKeys(context).filter((key) => key !== delivery);
	const keys = [...others, delivery].slice(-MAX_SAVED_KEYS);
	context.getWorkflowStaticData('node')[STORE] = { version: 1, keys };
}

const processKey = (context: IWebhookFunctions, delivery: string): string =>
	[context.getWorkflow().id, context.getNode().id, delivery].join(' ');

const savedKeys = (context: IExecuteFunctions | IWebhookFunctions): string[] =>
	savedSchema.safeParse(context.getWorkflowStaticData('node')[STORE]).data?.keys ?? [];
