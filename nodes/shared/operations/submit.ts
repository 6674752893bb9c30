import type { IDataObject } from 'n8n-workflow';
import { AbortedError, Flux2Error, rethrow, toFlux2Error } from '../core/errors';
import { maybeBilledError } from '../http/errors';
import { fingerprintReferences } from '../images/references';
import { withReferenceSize } from '../images/referenceSize';
import {
	readImageRequest,
	type ImageRequest,
	type RequestCallback,
} from '../parameters/imageRequest';
import { customBody, generateOptions, simplify } from '../parameters/options';
import { checkSeeds, splitRequest } from '../parameters/severalImages';
import type { Checkpoint } from '../tasks/checkpoints';
import type { FinalState, TaskProtocol, TaskState } from '../tasks/protocol';
import {
	failedResult,
	resultOfFailure,
	restoreError,
	type DoneResult,
	type FailedResult,
	type RequestSummary,
	type SavedResult,
} from '../tasks/savedResults';
import { submittedItem } from './items';
import type { ItemContext, ItemResult, PreparedOperation, ResultFacts } from './types';

/** A request that was checked. */
export interface PreparedRequest {
	readonly item: ItemContext;
	readonly request: ImageRequest;
	readonly protocol: TaskProtocol;
}

/** A request with its checkpoint. */
export interface Submission extends PreparedRequest {
	readonly checkpoint: Checkpoint;
	readonly submittedByThisRun: boolean;
}

/** Task: Submit. Responds with the task at once. */
export const submitTask = (item: ItemContext): PreparedOperation[] =>
	prepareRequests(item).map((prepared) => ({
		item: prepared.item,
		model: prepared.request.model.id,
		async run() {
			const submission = claimSubmission(prepared, 'submit');
			if (submission.submittedByThisRun) await submit(submission);
			return submission.checkpoint.results
				.map((result) => toItemResult(submission, result))
				.map((result) => ({ ...result, ...factsOf(submission) }));
		},
	}));

/**
 * Reads and checks what the item asks for: one request, or several for several images.
 * @throws Flux2Error `invalidInput` with all problems at once
 */
export function prepareRequests(item: ItemContext, callback?: RequestCallback): PreparedRequest[] {
	const { reader, provider, client } = item;
	const { protocol, ...models } = provider.routeFor(reader);
	const nodeOptions = [...generateOptions, ...(provider.options ?? [])];
	const request = { ...readImageRequest(reader, models, nodeOptions), callback };
	reader.throwIfInvalid();
	protocol.validate?.(request, reader);
	checkSeeds(reader, request);
	reader.throwIfInvalid();
	return splitRequest(request).map((each, index) => {
		const permit = index === 0 ? client.permit : client.permit.another();
		return { item: { ...item, client: { ...client, permit } }, request: each, protocol };
	});
}

/** The request with its checkpoint, which an earlier run may have left: then it is resumed instead of submitted. */
export function claimSubmission(prepared: PreparedRequest, operation: string): Submission {
	const { item } = prepared;
	const { first = 1 } = prepared.request.numbers ?? {};
	// each request of an item has a place of its own, so that none takes what another has paid for
	const place = first === 1 ? operation : `${operation} ${first}`;
	const checkpoint = item.checkpoints.claim(item.itemIndex, identityOf(prepared, place));
	return { ...prepared, checkpoint, submittedByThisRun: checkpoint.results.length === 0 };
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

/** What is told of the submission's results after the run. */
export function factsOf({ item, checkpoint }: Submission): ResultFacts {
	const { size } = checkpoint.request ?? {};
	return {
		paid: checkpoint.submittedIn === item.checkpoints.executionId ? 'here' : 'before',
		...(size && { requestedSize: size }),
	};
}

const summarize = ({ model, prompt, body, settings }: ImageRequest): RequestSummary => ({
	model: model.id,
	prompt,
	seed: body.seed,
	// the custom body may ask for another size
	...(!settings.get(customBody) && sizeIn(body)),
});

const sizeIn = ({ width, height }: IDataObject): Pick<RequestSummary, 'size'> =>
	typeof width === 'number' && typeof height === 'number' ? { size: { width, height } } : {};

/** Submits, and saves what comes back before anything else can go wrong. */
export async function submit(submission: Submission): Promise<void> {
	const { item, request, protocol, checkpoint } = submission;
	const { client, signal } = item;
	checkpoint.submittedIn = item.checkpoints.executionId;
	try {
		// nothing is buffered for late listeners
		if (protocol.status) await item.events.beforeSubmit(protocol, client)?.ready;
		const sized = await withReferenceSize(client, request, signal);
		checkpoint.request = summarize(sized);
		const states = await protocol.submit(client, sized, signal);
		checkpoint.results = states.map((state) => toSavedResult(submission, state, states.length));
	} catch (thrown) {
		if (thrown instanceof AbortedError) throw rethrow(thrown);
		// whatever else is thrown here may come after the provider's acceptance
		const error = thrown instanceof Flux2Error ? thrown : maybeBilledError(toFlux2Error(thrown));
		checkpoint.results = resultsOfRefusal(error, item.checkpoints.executionId);
		throw error;
	}
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
