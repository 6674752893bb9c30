import {
	ApplicationError,
	type IDataObject,
	type IExecuteFunctions,
	type INodeExecutionData,
	type IWebhookFunctions,
	type IWebhookResponseData,
} from 'n8n-workflow';
import { readNotice } from '../Flux2Bfl/notice';
import { bfl } from '../Flux2Bfl/provider';
import { originOf, storing, type Notice } from '../shared/callback';
import { asFlux2Error, asIs, Stopped } from '../shared/errors';
import { answer, bodyOf, isSigned, parsed } from '../shared/incoming';
import { readCollection } from '../shared/model';
import { binaryField, download, fileName, simplify } from '../shared/options';
import { storePicture } from '../shared/output';
import { integer } from '../shared/params';
import type { Task, TaskState } from '../shared/task';
import { describe } from '../shared/tasks';
import { acquaintance, remember, save } from './handedOn';

const CREDENTIAL = 'flux2WebhookApi';
const DOWNLOAD_MS = 300_000;

const longestAge = integer('longestAge', {
	label: 'Longest Age',
	description:
		'How many minutes old a delivery may be, so that nobody can send a recorded one again. Black Forest Labs may deliver again for 36 minutes.',
	min: 1,
	max: 1440,
	default: 60,
	goesTo: 'setting',
});

/** In the order of the alphabet, as the editor wants them. */
export const triggerOptions = [download, fileName, longestAge, binaryField, simplify];

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
	if (isOld(context, notice)) return answer(context, 401, 'This is too old');
	const known = acquaintance(context, notice.taskId);
	if (known === 'underWay') return answer(context, 409, 'This is being handed on');
	const model = modelOf(context, notice);
	const state = notice.stateOf({ id: notice.taskId, model });
	if (known === 'handedOn' || !isWanted(context, state, model)) {
		return answer(context, 200, 'Nothing to do');
	}
	remember(context, notice.taskId);
	return { workflowData: [[{ json: { delivery: delivery as IDataObject, model } }]] };
}

function isOld(context: IWebhookFunctions, { at }: Notice): boolean {
	const wanted: unknown = context.getNodeParameter('options.longestAge', null);
	const minutes =
		longestAge.schema.safeParse(wanted).data ?? (longestAge.property.default as number);
	return at !== undefined && Math.abs(Date.now() - at) > minutes * 60_000;
}

/** The delivery does not name it; our own submits put it into the address. */
function modelOf(context: IWebhookFunctions, { model }: Notice): string | undefined {
	const { model: named } = context.getQueryData() as { model?: unknown };
	return model ?? (typeof named === 'string' && named !== '' ? named : undefined);
}

function isWanted(context: IWebhookFunctions, state: TaskState, model = ''): boolean {
	if (state.status === 'pending') return false;
	const outcome =
		state.status === 'done' ? 'completed' : state.kind === 'moderated' ? 'moderated' : 'failed';
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
		...(await itemOf(context, json)),
		pairedItem: { item },
	}));
	try {
		return [await Promise.all(items)];
	} catch (error) {
		if (error instanceof Stopped) return [[]];
		throw asIs(error);
	}
}

async function itemOf(
	context: IExecuteFunctions,
	{ delivery, model }: IDataObject,
): Promise<INodeExecutionData> {
	const notice = readNotice(delivery);
	if (!notice) throw new ApplicationError('The delivery tells about no task');
	save(context, notice.taskId);
	const task: Task = { id: notice.taskId, ...(typeof model === 'string' && { model }) };
	const state = notice.stateOf(task);
	const { settings } = readCollection(context, 0, triggerOptions);
	const watch = storing(context, bfl, {
		settings,
		baseUrl: context.getInstanceBaseUrl(),
		ms: DOWNLOAD_MS,
		signal: context.getExecutionCancelSignal(),
	});
	if (state.status !== 'done') return { json: describe(watch, task, state) };
	const origin = originOf(task, notice);
	try {
		return await storePicture(watch, origin, state);
	} catch (thrown) {
		if (thrown instanceof Stopped) throw asIs(thrown);
		const { kind, message } = asFlux2Error(thrown);
		const offline = { ...watch, settings: new Map([...settings, [download.property.name, false]]) };
		const { json } = await storePicture(offline, origin, state);
		return { json: { ...json, kind, message } };
	}
}
