import type {
	IExecuteFunctions,
	INodeExecutionData,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';
import { taskError } from '../tasks/taskErrors';
import { generate, type Callback } from './generate';
import { toFlux2Error, invalidInput, type Flux2Error } from '../core/errors';
import { claimCheckpoint, isToolCall, type OutputItem } from '../tasks/checkpoints';
import { parseJson, type ApiClient } from '../http/client';
import { respond, readRawBody } from '../node/webhookRequest';
import { given, readChoice, type Settings } from '../parameters/model';
import { collectOptions, timeout } from '../parameters/options';
import { collectImage } from '../images/store';
import {
	errorJson,
	type RunContext,
	type ProviderDefinition,
	type PreparedOperation,
} from '../node/execute';
import type { Done, Failed, Task, TaskState } from '../tasks/protocol';
import { describe } from './task';
import { isLoopback } from '../http/urlPolicy';
import { pLimit } from '../core/vendor';
import { isWithinUrlLifetime, type TaskPoller } from '../tasks/poller';

/** What a provider tells about a task on its own account. */
export interface WebhookPayload {
	taskId: string;
	/** Where the provider tells it. */
	prompt?: string;
	model?: string;
	/** Milliseconds since the epoch; when it was said. */
	at?: number;
	stateOf(task: Task): TaskState;
}

/** Reads a body; undefined when it tells about no task. */
export type ParsePayload = (body: unknown) => WebhookPayload | undefined;

/** All that is needed when the callback comes, as text: it is read back through an expression. */
interface SuspendedExecution {
	task: Task;
	baseUrl: string;
	prompt: string;
	seed?: unknown;
	settings: Array<[string, unknown]>;
}

const STORE = 'flux2Parked';

/**
 * How long an execution waits for its callback, unless "Timeout" says otherwise: the last delivery finds it even at a slow
 * model, and a picture that is kept for 10 minutes can still be collected afterwards.
 */
const LONGEST_WAIT_SECONDS = 300;
/** Providers give up on an answer after 30 s. */
const LONGEST_ANSWER_MS = 25_000;
/** Tasks whose picture this process is fetching. */
const underWay = new Set<string>();
const atOnce = pLimit(8);

/** Image: Generate, where the provider can call back: by polling, or by parking the execution until it calls. */
export function generateOrSuspend(run: RunContext, itemIndex: number): PreparedOperation {
	const { context } = run;
	const completion = readChoice(context, itemIndex, 'completion', 'Completion', [
		'poll',
		'callback',
	]);
	return completion === 'poll'
		? generate(run, itemIndex)
		: generate(run, itemIndex, callbackOf(run, itemIndex));
}

/** @throws Flux2Error `invalidInput` where nobody could be called back */
function callbackOf({ context, api, service }: RunContext, itemIndex: number): Callback {
	const { length } = context.getInputData();
	if (length !== 1) {
		throw invalidInput([
			`Completion: Callback parks the whole execution, so it takes one item at a time, and there are ${length}; choose Poll, or put a Loop Over Items node in front`,
		]);
	}
	if (isToolCall(context)) {
		throw invalidInput(["Completion: an agent's tool cannot be parked; choose Poll"]);
	}
	const { $execution } = context.getWorkflowDataProxy(itemIndex);
	const { resumeUrl } = $execution as { resumeUrl: string };
	const { origin, protocol } = new URL(resumeUrl);
	if (
		isLoopback(api.baseUrl)
			? !isLoopback(resumeUrl) && protocol !== 'https:'
			: !isReachable(resumeUrl)
	) {
		throw invalidInput([
			`Completion: ${service.label} cannot call ${origin}; set n8n's WEBHOOK_URL to its public https address, or choose Poll`,
		]);
	}
	return {
		url: resumeUrl,
		async park({ prompt, body, settings }, task, handle) {
			const facts = { task, baseUrl: api.baseUrl, prompt, seed: body.seed };
			keep(context, { ...facts, settings: forCollecting(settings) }, handle);
			const seconds = given(settings, timeout) ?? LONGEST_WAIT_SECONDS;
			await context.putExecutionToWait(new Date(Date.now() + seconds * 1000));
		},
	};
}

/** The other settings are of no use any more, and may be large. */
const forCollecting = (settings: Settings) =>
	[...settings].filter(([name]) => collectOptions.some(({ property }) => property.name === name));

const isReachable = (url: string) => new URL(url).protocol === 'https:' && !isLoopback(url);

/** If nobody calls in time, n8n passes on what stands in place of the node's input: the handle. */
function keep(context: IExecuteFunctions, parked: SuspendedExecution, handle: OutputItem): void {
	context.getContext('node')[STORE] = JSON.stringify(parked);
	context.getExecuteData().data.main = [[{ ...handle, pairedItem: { item: 0 } }]];
}

/** The node's `webhook`: the parked execution goes on with the picture that the provider tells about. */
export async function resumeExecution(
	context: IWebhookFunctions,
	service: ProviderDefinition,
	read: ParsePayload,
): Promise<IWebhookResponseData> {
	const body = await readRawBody(context);
	if (!body) return respond(context, 413, 'This is too large');
	const notice = read(parseJson(body));
	if (!notice) return respond(context, 400, 'This tells about no task');
	const parked = parkedIn(context);
	if (notice.taskId !== parked?.task.id) return respond(context, 404, 'This task is unknown here');
	const state = notice.stateOf(parked.task);
	// a status that nobody has documented may still become a picture
	const isOpen =
		state.status === 'pending' || (state.status === 'failed' && state.kind === 'badResponse');
	if (isOpen) return respond(context, 200, 'Still waiting');
	const watchOf = () => {
		const { baseUrl, settings } = parked;
		return storing(context, service, {
			baseUrl,
			settings: new Map(settings),
			ms: LONGEST_ANSWER_MS,
		});
	};
	if (state.status === 'failed') return { workflowData: [[itemOf(watchOf(), state)]] };
	return await once(
		context,
		parked.task,
		async () => await collected(watchOf(), context, parked, state),
	);
}

/** The call may come twice at once, and hundreds may come together: n8n resumes each execution once. */
async function once(
	context: IWebhookFunctions,
	{ id }: Task,
	work: () => Promise<IWebhookResponseData>,
): Promise<IWebhookResponseData> {
	if (underWay.has(id)) return respond(context, 409, 'This is being fetched');
	underWay.add(id);
	try {
		return await atOnce(work);
	} finally {
		underWay.delete(id);
	}
}

/** A webhook has no node context of its own, but its expressions do. */
function parkedIn(context: IWebhookFunctions): SuspendedExecution | undefined {
	const name = JSON.stringify(context.getNode().name).replaceAll('}', '\\u007d');
	const stored = context.evaluateExpression(`{{ $node[${name}].context["${STORE}"] }}`);
	return typeof stored === 'string' ? (JSON.parse(stored) as SuspendedExecution) : undefined;
}

async function collected(
	watch: TaskPoller,
	context: IWebhookFunctions,
	{ task, ...facts }: SuspendedExecution,
	done: Done,
): Promise<IWebhookResponseData> {
	try {
		const origin = { itemIndex: 0, model: task.model, ...facts };
		const item = await collectImage(watch, origin, done);
		return { workflowData: [[{ ...item, pairedItem: { item: 0 } }]] };
	} catch (thrown) {
		const error = toFlux2Error(thrown);
		// it is delivered again, and the execution goes on waiting for that
		if (isPassing(error, task)) return respond(context, 503, 'The image could not be fetched');
		const { kind, message } = error;
		return { workflowData: [[itemOf(watch, { ...done, status: 'failed', kind, message })]] };
	}
}

const isPassing = ({ passing, kind }: Flux2Error, { submittedAt }: Task) =>
	passing || kind === 'timeout' || (kind === 'expired' && isWithinUrlLifetime(submittedAt));

/** n8n does not run the node again, so it cannot fail any more: a failure is an item. */
function itemOf(watch: TaskPoller, failed: Failed): INodeExecutionData {
	const { onError, continueOnFail } = watch.run.context.getNode();
	const continues = onError ? onError !== 'stopWorkflow' : continueOnFail === true;
	const json = continues
		? { error: errorJson(watch.run, { model: failed.task?.model }, taskError(failed)) }
		: describe(watch, failed.task!, failed);
	return { json, pairedItem: { item: 0 } };
}

/** For storing pictures that nobody has asked for; of the context, only the helpers that webhooks have too are used. */
export function storing(
	webhook: IExecuteFunctions | IWebhookFunctions,
	service: ProviderDefinition,
	facts: Pick<ApiClient, 'baseUrl'> & { settings: Settings; ms: number; signal?: AbortSignal },
): TaskPoller {
	const context = webhook as IExecuteFunctions;
	const { credentialType, label, explain, typicalSeconds } = service;
	const { baseUrl, settings, ms, signal = new AbortController().signal } = facts;
	const api: ApiClient = {
		context,
		credentialType,
		label,
		baseUrl,
		credentials: {},
		explain,
		stop: signal,
		signal,
		// only submits need one
		place: {} as ApiClient['place'],
	};
	const claim: RunContext['claim'] = (...identity) => claimCheckpoint(context, ...identity);
	return {
		run: { context, service, api, durations: new Map(), claim },
		provider: { submit: async () => [] },
		settings,
		deadline: Date.now() + ms,
		durationKey: '',
		typicalSeconds,
		fresh: false,
		polls: 0,
	};
}
