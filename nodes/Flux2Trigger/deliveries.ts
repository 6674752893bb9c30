import {
	ExpressionError,
	type IDataObject,
	type IExecuteFunctions,
	type INodeExecutionData,
	type IWebhookFunctions,
	type IWebhookResponseData,
} from 'n8n-workflow';
import { parseWebhookPayload } from '../Flux2Bfl/webhookPayload';
import { bfl } from '../Flux2Bfl/provider';
import { storing, type WebhookPayload } from '../shared/operations/suspend';
import { toFlux2Error, rethrow, Flux2Error, AbortedError, withAdvice } from '../shared/core/errors';
import { parseJson } from '../shared/http/client';
import { respond, readRawBody, verifySignature } from '../shared/node/webhookRequest';
import { readOptions, type Settings } from '../shared/parameters/model';
import { collectImage } from '../shared/images/store';
import { errorJson, toNodeError } from '../shared/node/execute';
import type { Task, TaskState } from '../shared/tasks/protocol';
import { describe } from '../shared/operations/task';
import { withCollectHint } from '../shared/tasks/poller';
import { deliveryStatus, deliveryKey, markInProgress, markProcessed } from './deduplication';
import { longestAge, triggerOptions } from './options';

const CREDENTIAL = 'flux2WebhookApi';
const DOWNLOAD_MS = 300_000;

/** The trigger's `webhook`: starts the workflow for what is genuine, new and wanted; the picture comes afterwards. */
export async function receiveDelivery(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	const body = await readRawBody(context);
	if (!body) return respond(context, 413, 'This is too large');
	const { secret } = await context.getCredentials<{ secret: string }>(CREDENTIAL);
	if (!verifySignature(body, context.getHeaderData()['x-bfl-signature'], secret)) {
		return respond(context, 401, 'The signature is not right');
	}
	const delivery = parseJson(body);
	const notice = parseWebhookPayload(delivery);
	if (!notice) return respond(context, 400, 'This tells about no task');
	if (exceedsAge(context, notice)) return respond(context, 401, 'This is too old');
	const model = modelOf(context, notice);
	const outcome = outcomeOf(notice.stateOf({ id: notice.taskId, model }));
	if (!outcome || !isWanted(context, outcome, model)) return respond(context, 200, 'Nothing to do');
	const end = deliveryKey(notice.taskId, outcome);
	const known = deliveryStatus(context, end);
	if (known === 'underWay') return respond(context, 409, 'This is being handed on');
	if (known === 'handedOn') return respond(context, 200, 'This was handed on');
	markInProgress(context, end);
	return { workflowData: [[{ json: { delivery: delivery as IDataObject, model } }]] };
}

function exceedsAge(context: IWebhookFunctions, { at }: WebhookPayload): boolean {
	const wanted: unknown = context.getNodeParameter('options.longestAge', null);
	const minutes =
		longestAge.schema().safeParse(wanted).data ?? (longestAge.property.default as number);
	return at !== undefined && Math.abs(Date.now() - at) > minutes * 60_000;
}

/** The delivery does not name it; our own submits put it into the address. */
function modelOf(context: IWebhookFunctions, { model }: WebhookPayload): string | undefined {
	const { model: named } = context.getQueryData() as { model?: unknown };
	return model ?? (typeof named === 'string' && named !== '' ? named : undefined);
}

/** Undefined where it is no end: a status that nobody has documented may still become a picture. */
function outcomeOf(state: TaskState): string | undefined {
	if (state.status === 'done') return 'completed';
	if (state.status === 'pending' || state.kind === 'badResponse') return undefined;
	return state.kind === 'moderated' ? 'moderated' : 'failed';
}

function isWanted(context: IWebhookFunctions, outcome: string, model = ''): boolean {
	const [outcomes, models] = ['outcomes', 'models'].map(
		(name) => context.getNodeParameter(name, []) as string[],
	);
	return [outcomes!, models!].every(
		(list, index) => list.length === 0 || list.includes([outcome, model][index]!),
	);
}

/** The trigger's `execute`, in the workflow it has started: the delivery becomes the item, with its picture. */
export async function fetchImages(context: IExecuteFunctions): Promise<INodeExecutionData[][]> {
	const items = context.getInputData().map(async ({ json }, item) => ({
		...(await itemOf(context, json).catch((thrown: unknown) =>
			errorItem(context, json, { itemIndex: item, thrown }),
		)),
		pairedItem: { item },
	}));
	try {
		return [await Promise.all(items)];
	} catch (error) {
		if (error instanceof AbortedError) return [[]];
		throw rethrow(error);
	}
}

/** Where the workflow goes on. Otherwise it fails as every node does, and a retry has the delivery still. */
function errorItem(
	context: IExecuteFunctions,
	{ model }: IDataObject,
	{ itemIndex, thrown }: { itemIndex: number; thrown: unknown },
): INodeExecutionData {
	if (thrown instanceof AbortedError) throw rethrow(thrown);
	const error = toFlux2Error(thrown);
	const { run } = watchFor(context, new Map());
	if (!context.continueOnFail()) {
		const cause = thrown instanceof ExpressionError ? { cause: thrown } : {};
		throw toNodeError(context, run.api, { itemIndex, error, ...cause });
	}
	return { json: { error: errorJson(run, { model: textOf(model) }, error) } };
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined);

const watchFor = (context: IExecuteFunctions, settings: Settings) =>
	storing(context, bfl, {
		settings,
		baseUrl: context.getInstanceBaseUrl(),
		ms: DOWNLOAD_MS,
		signal: context.getExecutionCancelSignal(),
	});

async function itemOf(
	context: IExecuteFunctions,
	{ delivery, model }: IDataObject,
): Promise<INodeExecutionData> {
	const notice = parseWebhookPayload(delivery);
	if (!notice) throw new Flux2Error('badResponse', 'The delivery tells about no task');
	const task: Task = { id: notice.taskId, model: textOf(model) };
	const state = notice.stateOf(task);
	const outcome = outcomeOf(state);
	if (outcome) markProcessed(context, deliveryKey(task.id, outcome));
	const { settings } = readOptions(context, 0, triggerOptions);
	const watch = watchFor(context, settings);
	if (state.status !== 'done') return { json: describe(watch, task, state) };
	const origin = { itemIndex: 0, model: task.model, prompt: notice.prompt };
	try {
		return await collectImage(watch, origin, state);
	} catch (thrown) {
		if (thrown instanceof AbortedError) throw rethrow(thrown);
		const urls = state.images.flatMap((image) => ('url' in image ? [image.url] : []));
		const error = withCollectHint(toFlux2Error(thrown), task);
		throw rethrow(withAdvice(error, `The image's URL: ${urls.join(', ')}`));
	}
}
