import type { IExecuteFunctions, IWebhookFunctions } from 'n8n-workflow';

/** The provider delivers again when its first delivery was answered too late or not at all. */

/** Kept by n8n with the workflow, for restarts and for other processes; the longest that is worth saving each time. */
const MOST_SAVED = 500;
const MOST_REMEMBERED = 10_000;
const STORE = 'flux2HandedOn';

/** Of this process: what n8n saves arrives late, and is lost when two executions save at once. */
const remembered = new Set<string>();
const underWay = new Set<string>();

interface Response {
	statusCode: number;
	readonly destroyed: boolean;
	readonly writableEnded: boolean;
	once(event: 'finish' | 'close', listener: () => void): void;
}

export type DeliveryStatus = 'new' | 'underWay' | 'handedOn';

/** What a workflow is started with once: a task and its outcome, since a task may seem to have failed at first. */
export const deliveryKey = (taskId: string, outcome: string) => `${taskId} ${outcome}`;

/** Whether a workflow was started with this end before. While it is being started, nobody knows. */
export function deliveryStatus(context: IWebhookFunctions, end: string): DeliveryStatus {
	// who tests a workflow wants to see it run
	if (context.getMode() === 'manual') return 'new';
	const key = keyOf(context, end);
	if (remembered.has(key) || savedBy(context).includes(end)) return 'handedOn';
	return underWay.has(key) ? 'underWay' : 'new';
}

/** To be called before n8n starts the workflow. An end counts as handed on once n8n has told the provider that it was. */
export function markInProgress(context: IWebhookFunctions, end: string): void {
	if (context.getMode() === 'manual') return;
	markProcessed(context, end);
	const key = keyOf(context, end);
	const response = context.getResponseObject() as unknown as Response;
	// the provider has hung up: no event would ever take the key out
	if (response.destroyed || response.writableEnded) return;
	underWay.add(key);
	response.once('finish', () => {
		if (response.statusCode < 300) remembered.add(key);
		const [oldest] = remembered;
		if (remembered.size > MOST_REMEMBERED) remembered.delete(oldest!);
	});
	response.once('close', () => underWay.delete(key));
}

/**
 * Both for the webhook and for the execution it starts: where one process does both, n8n saves only what the
 * execution has changed, and it saves that when the execution has ended. Nothing of a start that went wrong is saved.
 */
export function markProcessed(context: IExecuteFunctions | IWebhookFunctions, end: string): void {
	if (context.getMode() === 'manual') return;
	const others = savedBy(context).filter((one) => one !== end);
	context.getWorkflowStaticData('node')[STORE] = [...others, end].slice(-MOST_SAVED);
}

const keyOf = (context: IWebhookFunctions, end: string) =>
	[context.getWorkflow().id, context.getNode().id, end].join(' ');

const savedBy = (context: IExecuteFunctions | IWebhookFunctions) =>
	(context.getWorkflowStaticData('node')[STORE] ?? []) as string[];
