import type {
	IDataObject,
	INodeExecutionData,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';
import { withTimeout } from '../core/async';
import { toFlux2Error } from '../core/errors';
import { parseJson } from '../core/json';
import { createRedactor } from '../core/redact';
import { pLimit } from '../core/vendor';
import { TimeoutError } from '../http/errors';
import type { ReadClient } from '../http/types';
import { mayRecover } from '../operations/collect';
import { collectImage, errorJson, taskItem, type CollectTarget } from '../operations/items';
import { loadSuspended, type SuspendedExecution } from '../operations/suspend';
import type { ProviderDefinition, WebhookProtocol } from '../operations/types';
import { Settings } from '../parameters/param';
import {
	splitImages,
	type Done,
	type Failed,
	type Task,
	type TaskState,
	type WebhookPayload,
} from '../tasks/protocol';
import { taskError } from '../tasks/taskErrors';
import { createClient } from './client';
import { processState } from './processState';
import { readRawBody, respond } from './webhookRequest';

/** One call of the provider for an execution that waits for it. */
interface Delivery {
	readonly context: IWebhookFunctions;
	readonly provider: ProviderDefinition;
	readonly webhook: WebhookProtocol;
	readonly suspended: SuspendedExecution;
	readonly payload: WebhookPayload;
	readonly body: Buffer;
	/** Undefined where the credential cannot be used any more. */
	readonly client: ReadClient | undefined;
	readonly target: CollectTarget;
}

/** Providers give up on a response after 30 s. */
const MAX_RESPONSE_MS = 25_000;
/** Leaves time for the download. */
const MAX_POLL_MS = 10_000;
const MAX_DOWNLOADS = 8;
const GOES_ON_WAITING = 'The execution goes on waiting';

/** Tasks whose image this process is fetching. */
const inFlight = new Set<string>();
const downloadLimit = pLimit(MAX_DOWNLOADS);

/** The node's `webhook`: the suspended execution goes on with the image that the provider calls about. */
export async function resumeExecution(
	context: IWebhookFunctions,
	provider: ProviderDefinition,
	webhook: WebhookProtocol,
): Promise<IWebhookResponseData> {
	const body = await readRawBody(context);
	if (!body) return respond(context, 413, 'The body is too large');
	const payload = webhook.parsePayload(parseJson(body));
	if (!payload) return respond(context, 400, 'The body is about no task');
	const suspended = loadSuspended(context);
	if (!suspended || payload.taskId !== suspended.task.id) {
		return respond(context, 404, 'No execution waits for this task');
	}
	const facts = { context, provider, webhook, suspended, payload, body };
	return await singleFlight(context, suspended.task.id, async () => {
		return await takeOver(await openDelivery(facts));
	});
}

/** The call may come twice at once, and hundreds may come together: n8n resumes each execution once. */
async function singleFlight(
	context: IWebhookFunctions,
	taskId: string,
	work: () => Promise<IWebhookResponseData>,
): Promise<IWebhookResponseData> {
	if (inFlight.has(taskId)) return respond(context, 409, 'The image is being fetched');
	inFlight.add(taskId);
	try {
		return await downloadLimit(work);
	} finally {
		inFlight.delete(taskId);
	}
}

async function openDelivery(facts: Omit<Delivery, 'client' | 'target'>): Promise<Delivery> {
	const { context, provider, suspended } = facts;
	const { signal } = new AbortController();
	const client = await createClient(context, provider, {
		cancelSignal: signal,
		readThrottle: processState.readThrottle,
	}).catch(() => undefined);
	const target: CollectTarget = {
		helpers: context.helpers,
		origin: suspended.baseUrl,
		signal,
		deadline: Date.now() + MAX_RESPONSE_MS,
		provider: provider.name,
		settings: new Settings(new Map(suspended.settings)),
		redact: client?.redactItem ?? createRedactor([suspended.secret]),
	};
	return { ...facts, client, target };
}

async function takeOver(delivery: Delivery): Promise<IWebhookResponseData> {
	const { context, payload, suspended } = delivery;
	const claimed = payload.toTaskState(suspended.task);
	if (claimed.status === 'pending') return respond(context, 200, GOES_ON_WAITING);
	const polled = await pollSuspended(delivery);
	const state = polled ?? ((await isBelievable(delivery, claimed)) ? claimed : undefined);
	if (state?.status === 'failed') return { workflowData: [[failedItem(delivery, state)]] };
	if (state?.status === 'done') return await collect(delivery, state);
	if (polled && claimed.status === 'unclear') return respond(context, 200, GOES_ON_WAITING);
	// the provider delivers again, and by then the task may say the same
	return respond(context, 503, 'The task does not confirm this yet');
}

/**
 * A call is a hint, not the truth: anybody who knows the address can send it. The task's own state counts; only where
 * that cannot be asked for, a call that is proved to be the provider's, or an image on the provider's own hosts.
 */
async function isBelievable(delivery: Delivery, claimed: TaskState): Promise<boolean> {
	const { webhook, body, context, suspended, client, target } = delivery;
	if (claimed.status === 'unclear') return false;
	const { baseUrl, secret } = suspended;
	const { signal } = target;
	const headers = context.getHeaderData() as IDataObject;
	const isProved = await webhook
		.signatureProblem({ context, body, headers, secret, baseUrl, client, signal })
		.then((problem) => problem === undefined)
		.catch(() => false);
	const isOwn = (url: string) => webhook.ownsImageUrl?.(url) ?? false;
	const images = claimed.status === 'done' ? claimed.images : [];
	const areOwn = images.length > 0 && images.every((image) => 'url' in image && isOwn(image.url));
	return isProved || areOwn;
}

/** Undefined where the task cannot be asked for, and where the provider does not know it. */
async function pollSuspended(delivery: Delivery): Promise<TaskState | undefined> {
	const { client, webhook, suspended, target } = delivery;
	if (!client) return undefined;
	const state = await pollTask(client, webhook, suspended.task, target.signal).catch(
		() => undefined,
	);
	return state?.status === 'failed' && state.lost === 'missing' ? undefined : state;
}

/** Asks for the task that a webhook is about. */
export const pollTask = async (
	client: ReadClient,
	{ status }: WebhookProtocol,
	task: Task,
	runSignal: AbortSignal,
): Promise<TaskState> =>
	await withTimeout(
		MAX_POLL_MS,
		runSignal,
		async (signal) => await status(client, task, signal),
		() => {
			throw new TimeoutError();
		},
	);

async function collect(delivery: Delivery, done: Done): Promise<IWebhookResponseData> {
	const { context, target, suspended } = delivery;
	const { task, prompt, seed, estimatedCost } = suspended;
	const summary = { model: task.model, prompt, seed, estimatedCost };
	const items = splitImages(done).map(async (part) =>
		part.status === 'failed'
			? failedItem(delivery, part)
			: { ...(await collectImage(target, summary, part)), pairedItem: { item: 0 } },
	);
	try {
		return { workflowData: [await Promise.all(items)] };
	} catch (thrown) {
		const error = toFlux2Error(thrown);
		// the provider delivers again, and the execution goes on waiting for that
		if (mayRecover(error, done) || error.kind === 'timeout') {
			return respond(context, 503, 'The image could not be fetched');
		}
		const { kind, message } = error;
		const failed: Failed = { status: 'failed', task, kind, message, raw: done.raw };
		return { workflowData: [[failedItem(delivery, failed)]] };
	}
}

/** n8n does not run the node again, so it cannot fail any more: a failure is an item. */
function failedItem({ context, target, suspended }: Delivery, failed: Failed): INodeExecutionData {
	const { onError, continueOnFail } = context.getNode();
	const continues = onError ? onError !== 'stopWorkflow' : continueOnFail === true;
	const { task } = suspended;
	const item = continues
		? { json: { error: errorJson({ ...target, model: task.model }, taskError(failed)) } }
		: taskItem(target, task, failed);
	return { ...item, pairedItem: { item: 0 } };
}
