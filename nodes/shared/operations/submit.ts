import { randomUUID } from 'node:crypto';
import type { IDataObject } from 'n8n-workflow';
import {
	AbortedError,
	Flux2Error,
	flux2ErrorOrThrow,
	rethrow,
	toFlux2Error,
	withTexts,
} from '../core/errors';
import { createRedactor, redactJson } from '../core/redact';
import { maybeBilledError } from '../http/errors';
import type { ApiClient } from '../http/types';
import { fingerprintReferences } from '../images/references';
import { withReferenceSize } from '../images/referenceSize';
import type { ImageRequest, RequestCallback } from '../parameters/imageRequest';
import { assumedCost, customBody, maxCost, simplify } from '../parameters/options';
import { roundUsd, type Estimate } from '../parameters/price';
import { imagesOf } from '../parameters/priceFacts';
import type { Checkpoint } from '../tasks/checkpoints';
import type { FinalState, TaskState } from '../tasks/protocol';
import {
	failedResult,
	resultOfFailure,
	restoreError,
	type DoneResult,
	type FailedResult,
	type RequestSummary,
	type SavedResult,
} from '../tasks/savedResults';
import type { PlannedSubmit, Spending } from './budget';
import { estimateRequest } from './estimate';
import { submittedItem } from './items';
import { prepareRequests, type NumberedRequest, type PreparedRequest } from './request';
import type { ItemContext, ItemResult, PreparedOperation, ResultFacts } from './types';

/** A request with its checkpoint. */
export interface Submission extends NumberedRequest {
	readonly checkpoint: Checkpoint;
	readonly submittedByThisRun: boolean;
	/** The request with the size of its reference image, where it asks for that; read when it is first needed. */
	sized(this: void): Promise<ImageRequest>;
	/** What the submit will cost, worked out when it is first asked for; undefined where nobody can say it. */
	estimate(this: void): Promise<Estimate | undefined>;
}

/** Task: Submit. Responds with the task at once. */
export const submitTask = (item: ItemContext): PreparedOperation[] =>
	prepareRequests(item).map((prepared) => {
		const { claim, spending } = openSubmission(prepared, 'submit');
		return {
			item: prepared.item,
			model: prepared.request.model.id,
			spending,
			run: async () => await submitAlone(claim()),
		};
	});

async function submitAlone(submission: Submission): Promise<ItemResult[]> {
	if (submission.submittedByThisRun) await submit(submission);
	return submission.checkpoint.results
		.map((result) => toItemResult(submission, result))
		.map((result) => ({ ...result, ...factsOf(submission) }));
}

/** The way of a request to its submit, which is claimed once: to plan what it costs, or to run. */
export function openSubmission(
	prepared: NumberedRequest,
	operation: string,
): { claim(this: void): Submission; spending: Spending } {
	let claimed: Submission | undefined;
	const claim = () => (claimed ??= claimSubmission(prepared, operation));
	const spending: Spending = {
		maxCost: prepared.request.settings.get(maxCost),
		async planSubmit() {
			const submission = claim();
			if (!submission.submittedByThisRun) return undefined;
			return toPlanned(submission, await submission.estimate());
		},
	};
	return { claim, spending };
}

/** The request with its checkpoint, which an earlier run may have left: then it is resumed instead of submitted. */
function claimSubmission(prepared: NumberedRequest, operation: string): Submission {
	const { item } = prepared;
	const { first = 1 } = prepared.request.numbers ?? {};
	// each request of an item has a place of its own, so that none takes what another has paid for
	const place = first === 1 ? operation : `${operation} ${first}`;
	const checkpoint = item.checkpoints.claim(item.itemIndex, identityOf(prepared, place));
	let request: Promise<ImageRequest> | undefined;
	const sized = () => (request ??= withReferenceSize(item.client, prepared.request, item.signal));
	return {
		...prepared,
		checkpoint,
		submittedByThisRun: checkpoint.results.length === 0,
		sized,
		estimate: () => estimateOnce(prepared, sized),
	};
}

async function estimateOnce(
	prepared: NumberedRequest,
	sized: Submission['sized'],
): Promise<Estimate | undefined> {
	const { item, request, estimates } = prepared;
	const count = imagesOf(request);
	const estimate = async () =>
		await estimateRequest({ ...prepared, request: await sized() }, sourcesOf(item));
	const known = estimates.get(count) ?? estimate();
	estimates.set(count, known);
	return await known;
}

/** Nobody is asked about a price that is only shown. */
const sourcesOf = ({ budget }: ItemContext) =>
	budget.isLimited ? (['formula', 'provider'] as const) : (['formula'] as const);

/** What the budget counts for a request. */
function toPlanned({ request }: PreparedRequest, estimate: Estimate | undefined): PlannedSubmit {
	if (estimate) return { usd: estimate.amount, isExact: estimate.exact };
	const assumed = request.settings.get(assumedCost);
	const usd = assumed === undefined ? undefined : assumed * imagesOf(request);
	return { usd, isExact: false };
}

/** What makes two requests the same image to pay for. How to wait and to store is no part of it. */
const identityOf = ({ item, request }: PreparedRequest, operation: string) => ({
	operation,
	provider: item.provider.name,
	baseUrl: item.client.baseUrl,
	model: request.model.id,
	prompt: request.prompt,
	body: request.body,
	headers: request.headers,
	customBody: request.settings.get(customBody),
	references: fingerprintReferences(request.references),
	likeReference: request.likeReference,
});

/** What the report of the run says of the submission's results. */
export function factsOf({ item, checkpoint }: Submission): ResultFacts {
	const { size } = checkpoint.request ?? {};
	return {
		paid: checkpoint.submittedIn === item.checkpoints.executionId ? 'here' : 'before',
		...(size && { requestedSize: size }),
	};
}

function summarize(request: ImageRequest, estimate: Estimate | undefined): RequestSummary {
	const { model, prompt, body, settings } = request;
	return {
		model: model.id,
		prompt,
		seed: body.seed,
		// the custom body may ask for another size
		...(!settings.get(customBody) && sizeIn(body)),
		...(estimate && {
			estimatedCost: {
				amount: roundUsd(estimate.amount / imagesOf(request)),
				currency: estimate.currency,
				estimated: true,
			},
		}),
	};
}

const sizeIn = ({ width, height }: IDataObject): Pick<RequestSummary, 'size'> =>
	typeof width === 'number' && typeof height === 'number' ? { size: { width, height } } : {};

/** Submits, and saves what comes back before anything else can go wrong. */
export async function submit(submission: Submission): Promise<void> {
	const { item, protocol, checkpoint } = submission;
	const { client, signal, budget } = item;
	const request = await submission.sized();
	const estimate = await knownEstimate(submission);
	checkpoint.request = summarize(request, estimate);
	checkpoint.costKey = randomUUID();
	budget.reserve(checkpoint.costKey, toPlanned(submission, estimate));
	checkpoint.submittedIn = item.checkpoints.executionId;
	try {
		// nothing is buffered for late listeners
		if (protocol.status) await item.events.beforeSubmit(protocol, client)?.ready;
		const states = await withoutCallback(
			request.callback,
			async () => await protocol.submit(client, request, signal),
		);
		checkpoint.results = states.map((state) => toSavedResult(submission, state, states.length));
		budget.accept(checkpoint.costKey, states.map(toAccepted));
	} catch (thrown) {
		if (isCertainlyFree(thrown, client)) budget.release(checkpoint.costKey);
		if (thrown instanceof AbortedError) throw rethrow(thrown);
		// whatever else is thrown here may come after the provider's acceptance
		const error = thrown instanceof Flux2Error ? thrown : maybeBilledError(toFlux2Error(thrown));
		checkpoint.results = resultsOfRefusal(error, item.checkpoints.executionId);
		throw error;
	}
}

/** Whoever knows the address can call it, and providers repeat what they are sent: it stands in no error and no item. */
async function withoutCallback(
	callback: RequestCallback | undefined,
	work: () => Promise<TaskState[]>,
): Promise<TaskState[]> {
	if (!callback) return await work();
	const redact = createRedactor([callback.url, callback.secret]);
	const states = await work().catch((thrown: unknown) => {
		throw withTexts(flux2ErrorOrThrow(thrown), redact);
	});
	return states.map((state) => ({ ...state, raw: redactJson(state.raw, redact) }));
}

/** Without a limit, an estimate is only shown: what is wrong with it is no reason not to submit. */
async function knownEstimate({ item, estimate }: Submission): Promise<Estimate | undefined> {
	if (item.budget.isLimited) return await estimate();
	return await estimate().catch((thrown: unknown) => {
		if (thrown instanceof AbortedError) throw rethrow(thrown);
		return undefined;
	});
}

const toAccepted = ({ task, ...state }: TaskState) => {
	const price = 'price' in state ? state.price : undefined;
	return { taskId: task?.id, usd: (price ?? task?.price)?.cost?.amount };
};

/** Whether nothing was submitted that could be billed. */
function isCertainlyFree(thrown: unknown, { cancelSignal }: ApiClient): boolean {
	// a submit on the wire is given up only when n8n stops the execution
	if (thrown instanceof AbortedError) return !cancelSignal.aborted;
	return thrown instanceof Flux2Error && !thrown.maybeBilled && thrown.kind !== 'moderated';
}

/** What a retry must not send again. */
function resultsOfRefusal(error: Flux2Error, executionId: string): SavedResult[] {
	if (error.maybeBilled) return [failedResult(error, { exceptExecution: executionId })];
	return error.kind === 'moderated' ? [failedResult(error, 'never')] : [];
}

/** What is saved of a state that the response to the submit brings. */
function toSavedResult(submission: Submission, state: TaskState, count: number): SavedResult {
	const raw = rawOf(submission, state);
	if (state.status === 'failed' && state.lost && state.task) {
		const lostIn = submission.item.checkpoints.executionId;
		return { state: 'pending', task: state.task, raw, lostIn };
	}
	if (state.status === 'done' || state.status === 'failed') {
		return toEndedResult(submission, state, count);
	}
	return { state: 'pending', task: state.task, raw };
}

/**
 * What is saved of a task that has ended.
 * @param count how many results the request has
 */
export function toEndedResult(
	submission: Submission,
	state: FinalState,
	count: number,
): DoneResult | FailedResult {
	if (state.status === 'done') {
		return { state: 'done', done: { ...state, raw: rawOf(submission, state) } };
	}
	return resultOfFailure(state, submission.item.checkpoints.executionId, count);
}

const rawOf = ({ request }: Submission, { raw }: TaskState): unknown =>
	request.settings.getOrDefault(simplify) ? undefined : raw;

function toItemResult({ item, checkpoint }: Submission, result: SavedResult): ItemResult {
	if (result.state === 'failed') return { error: restoreError(result) };
	if (result.state === 'stored') return { item: result.item };
	return { item: submittedTaskItem(item, checkpoint, result) };
}

/** The task item of a request: what collects its image later. */
export const submittedTaskItem = (
	{ provider, client }: ItemContext,
	{ request = {} }: Checkpoint,
	result: Extract<SavedResult, { state: 'pending' | 'done' }>,
) =>
	submittedItem(
		{ provider: provider.name, redact: client.redact },
		request,
		result.state === 'done' ? result.done : result,
	);
