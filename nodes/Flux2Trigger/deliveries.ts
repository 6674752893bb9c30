import {
	ExpressionError,
	type IDataObject,
	type IExecuteFunctions,
	type INodeExecutionData,
	type IWebhookFunctions,
	type IWebhookResponseData,
} from 'n8n-workflow';
import { readNotice } from '../Flux2Bfl/notice';
import { bfl } from '../Flux2Bfl/provider';
import { storing, type Notice } from '../shared/callback';
import { asFlux2Error, asIs, Flux2Error, Stopped, withAdvice } from '../shared/errors';
import { parsed } from '../shared/http';
import { answer, bodyOf, isSigned } from '../shared/incoming';
import { readCollection, type Settings } from '../shared/model';
import { storePicture } from '../shared/output';
import { errorJson, nodeError } from '../shared/run';
import type { Task, TaskState } from '../shared/task';
import { describe } from '../shared/tasks';
import { collectable } from '../shared/watch';
import { acquaintance, endOf, remember, save } from './handedOn';
import { longestAge, triggerOptions } from './options';

const CREDENTIAL = 'flux2WebhookApi';
const DOWNLOAD_MS = 300_000;

/** The trigger's `webhook`: starts the workflow for what is genuine, new and wanted; the picture comes afterwards. */
export async function receive(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	const body = await bodyOf(context);
	if (!body) return answer(context, 413, 'This is too large');
	const { secret } = await context.getCredentials<{ secret: string }>(CREDENTIAL);
	if (!isSigned(body, context.getHeaderData()['x-bfl-signature'], secret)) {
		return answer(context, 401, 'The signature is not right');
	}
	const delivery = parsed(body);
	const notice = readNotice(delivery);
	if (!notice) return answer(context, 400, 'This tells about no task');
	if (exceedsAge(context, notice)) return answer(context, 401, 'This is too old');
	const model = modelOf(context, notice);
	const outcome = outcomeOf(notice.stateOf({ id: notice.taskId, model }));
	if (!outcome || !isWanted(context, outcome, model)) return answer(context, 200, 'Nothing to do');
	const end = endOf(notice.taskId, outcome);
	const known = acquaintance(context, end);
	if (known === 'underWay') return answer(context, 409, 'This is being handed on');
	if (known === 'handedOn') return answer(context, 200, 'This was handed on');
	remember(context, end);
	return { workflowData: [[{ json: { delivery: delivery as IDataObject, model } }]] };
}

function exceedsAge(context: IWebhookFunctions, { at }: Notice): boolean {
	const wanted: unknown = context.getNodeParameter('options.longestAge', null);
	const minutes =
		longestAge.schema().safeParse(wanted).data ?? (longestAge.property.default as number);
	return at !== undefined && Math.abs(Date.now() - at) > minutes * 60_000;
}

/** The delivery does not name it; our own submits put it into the address. */
function modelOf(context: IWebhookFunctions, { model }: Notice): string | undefined {
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
export async function fetchPictures(context: IExecuteFunctions): Promise<INodeExecutionData[][]> {
	const items = context.getInputData().map(async ({ json }, item) => ({
		...(await itemOf(context, json).catch((thrown: unknown) =>
			errorItem(context, json, { itemIndex: item, thrown }),
		)),
		pairedItem: { item },
	}));
	try {
		return [await Promise.all(items)];
	} catch (error) {
		if (error instanceof Stopped) return [[]];
		throw asIs(error);
	}
}

/** Where the workflow goes on. Otherwise it fails as every node does, and a retry has the delivery still. */
function errorItem(
	context: IExecuteFunctions,
	{ model }: IDataObject,
	{ itemIndex, thrown }: { itemIndex: number; thrown: unknown },
): INodeExecutionData {
	if (thrown instanceof Stopped) throw asIs(thrown);
	const error = asFlux2Error(thrown);
	const { run } = watchFor(context, new Map());
	if (!context.continueOnFail()) {
		const cause = thrown instanceof ExpressionError ? { cause: thrown } : {};
		throw nodeError(context, run.api, { itemIndex, error, ...cause });
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
	const notice = readNotice(delivery);
	if (!notice) throw new Flux2Error('badResponse', 'The delivery tells about no task');
	const task: Task = { id: notice.taskId, model: textOf(model) };
	const state = notice.stateOf(task);
	const outcome = outcomeOf(state);
	if (outcome) save(context, endOf(task.id, outcome));
	const { settings } = readCollection(context, 0, triggerOptions);
	const watch = watchFor(context, settings);
	if (state.status !== 'done') return { json: describe(watch, task, state) };
	const origin = { itemIndex: 0, model: task.model, prompt: notice.prompt };
	try {
		return await storePicture(watch, origin, state);
	} catch (thrown) {
		if (thrown instanceof Stopped) throw asIs(thrown);
		const urls = state.images.flatMap((image) => ('url' in image ? [image.url] : []));
		const error = collectable(asFlux2Error(thrown), task);
		throw asIs(withAdvice(error, `The image's URL: ${urls.join(', ')}`));
	}
}
