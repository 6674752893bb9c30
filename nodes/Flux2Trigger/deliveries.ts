import {
	ExpressionError,
	type IDataObject,
	type IExecuteFunctions,
	type INodeExecutionData,
	type IWebhookFunctions,
	type IWebhookResponseData,
} from 'n8n-workflow';
import { AbortedError, Flux2Error, rethrow, toFlux2Error, withAdvice } from '../shared/core/errors';
import { parseJson } from '../shared/core/json';
import { createRedactor } from '../shared/core/redact';
import { toNodeError } from '../shared/node/nodeError';
import { readRawBody, respond } from '../shared/node/webhookRequest';
import { collectImage, errorJson, taskItem, type CollectTarget } from '../shared/operations/items';
import { readOptions } from '../shared/parameters/imageRequest';
import { OPTIONS } from '../shared/parameters/options';
import { ParameterReader } from '../shared/parameters/reader';
import {
	splitImages,
	type Done,
	type Task,
	type TaskState,
	type WebhookPayload,
} from '../shared/tasks/protocol';
import { withCollectHint } from '../shared/tasks/taskErrors';
import { deliveryKey, deliveryStatus, markInProgress, markProcessed } from './deduplication';
import { maxAge, triggerOptions } from './options';
import {
	checkSignature,
	chosenProvider,
	loadProvider,
	openSource,
	parameterOf,
	pollOwnTask,
	Refusal,
} from './sources';

const DOWNLOAD_TIMEOUT_MS = 300_000;
const MS_PER_MINUTE = 60_000;

/** A delivery is saved without its secret, so that nothing is left to hide. */
const redact = createRedactor([]);

/** The trigger's `webhook`: starts the workflow for what is genuine, new and wanted; the image comes afterwards. */
export async function receiveDelivery(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	try {
		return await startWorkflow(context);
	} catch (error) {
		if (error instanceof Refusal) return respond(context, error.status, error.message);
		throw rethrow(error);
	}
}

/** @throws Refusal */
async function startWorkflow(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	const body = await readRawBody(context);
	if (!body) throw new Refusal(413, 'The body is too large');
	const source = await openSource(context);
	await checkSignature(context, source, body);
	const payload = source.webhook.parsePayload(parseJson(body));
	if (!payload) throw new Refusal(400, 'The body is about no task');
	if (exceedsMaxAge(context, payload)) throw new Refusal(401, 'The delivery is too old');
	const model = modelOf(context, payload);
	const task: Task = { id: payload.taskId, model };
	const polled = source.webhook.signsForAllAccounts ? await pollOwnTask(source, task) : undefined;
	const outcome = outcomeOf(polled ?? payload.toTaskState(task));
	if (!outcome || !isWanted(context, outcome, model)) return respond(context, 200, 'Nothing to do');
	const key = deliveryKey(task.id, outcome);
	const status = deliveryStatus(context, key);
	if (status === 'inProgress') throw new Refusal(409, 'The delivery is being processed');
	if (status === 'processed') return respond(context, 200, 'The delivery was processed before');
	markInProgress(context, key);
	const started = { delivery: payload.body, model, ...(polled && { polled }) };
	return { workflowData: [[{ json: started }]] };
}

function exceedsMaxAge(context: IWebhookFunctions, { sentAt }: WebhookPayload): boolean {
	const value = parameterOf(context, `${OPTIONS}.${maxAge.property.name}`);
	const minutes = maxAge.schema().safeParse(value).data ?? maxAge.default;
	return sentAt !== undefined && Math.abs(Date.now() - sentAt) > minutes * MS_PER_MINUTE;
}

/** The delivery does not name it; our own submits put it into the address. */
function modelOf(context: IWebhookFunctions, { model }: WebhookPayload): string | undefined {
	const { model: inQuery } = context.getQueryData() as { model?: unknown };
	return model ?? (textOf(inQuery) || undefined);
}

/** Undefined where it is no end. */
function outcomeOf(state: TaskState): string | undefined {
	if (state.status === 'done') return 'completed';
	if (state.status !== 'failed') return undefined;
	return state.kind === 'moderated' ? 'moderated' : 'failed';
}

function isWanted(context: IWebhookFunctions, outcome: string, model = ''): boolean {
	const includes = (name: string, value: string) => {
		const list = [parameterOf(context, name) ?? []].flat();
		return list.length === 0 || list.includes(value);
	};
	return includes('outcomes', outcome) && includes('models', model);
}

/** The trigger's `execute`, in the workflow it has started: the delivery becomes the item, with its image. */
export async function fetchImages(context: IExecuteFunctions): Promise<INodeExecutionData[][]> {
	const items = context.getInputData().map(async ({ json }, itemIndex) => {
		const made = await toItems(context, json).catch((thrown: unknown) => [
			toErrorItem(context, json, { itemIndex, thrown }),
		]);
		return made.map((item) => ({ ...item, pairedItem: { item: itemIndex } }));
	});
	try {
		return [(await Promise.all(items)).flat()];
	} catch (error) {
		if (error instanceof AbortedError) return [[]];
		throw rethrow(error);
	}
}

/** Where the workflow goes on. Otherwise it fails as every node does, and a retry has the delivery still. */
function toErrorItem(
	context: IExecuteFunctions,
	{ model }: IDataObject,
	{ itemIndex, thrown }: { itemIndex: number; thrown: unknown },
): INodeExecutionData {
	const error = toFlux2Error(thrown);
	if (!context.continueOnFail()) {
		const cause = thrown instanceof ExpressionError ? { cause: thrown } : {};
		throw toNodeError(context, redact, { itemIndex, error, ...cause });
	}
	const facts = { provider: chosenProvider(context), model: textOf(model), redact };
	return { json: { error: errorJson(facts, error) } };
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined);

/** Of each image one. */
async function toItems(
	context: IExecuteFunctions,
	{ delivery, model, polled }: IDataObject,
): Promise<INodeExecutionData[]> {
	const { webhook } = await loadProvider(chosenProvider(context));
	const payload = webhook.parsePayload(delivery);
	if (!payload) throw new Flux2Error('badResponse', 'The delivery is about no task');
	const task: Task = { id: payload.taskId, model: textOf(model) };
	// from the webhook that has started this execution; n8n's type of an item's JSON knows plain values only
	const state = (polled as unknown as TaskState | undefined) ?? payload.toTaskState(task);
	const outcome = outcomeOf(state);
	if (outcome) markProcessed(context, deliveryKey(task.id, outcome));
	const target = targetOf(context);
	if (state.status !== 'done') return [taskItem(target, task, state)];
	const images = splitImages(state).map(async (part) =>
		part.status === 'failed'
			? taskItem(target, task, part)
			: await collect(target, { task, prompt: payload.prompt, done: part }),
	);
	return await Promise.all(images);
}

function targetOf(context: IExecuteFunctions): CollectTarget {
	const reader = new ParameterReader(context, 0);
	const { settings } = readOptions(reader, triggerOptions);
	reader.throwIfInvalid();
	return {
		helpers: context.helpers,
		// the emulator and other local services are reached over plain http
		origin: context.getInstanceBaseUrl(),
		signal: context.getExecutionCancelSignal() ?? new AbortController().signal,
		deadline: Date.now() + DOWNLOAD_TIMEOUT_MS,
		provider: chosenProvider(context),
		settings,
		redact,
	};
}

async function collect(
	target: CollectTarget,
	{ task, prompt, done }: { task: Task; prompt?: string; done: Done },
): Promise<INodeExecutionData> {
	try {
		return await collectImage(target, { model: task.model, prompt }, done);
	} catch (thrown) {
		const error = withCollectHint(toFlux2Error(thrown), task);
		const urls = done.images.flatMap((image) => ('url' in image ? [image.url] : []));
		throw withAdvice(error, `The image's URL: ${urls.join(', ')}`);
	}
}
