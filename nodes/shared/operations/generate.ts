import { endedSlot, givenUp, isExpired } from '../tasks/taskErrors';
import {
	toFlux2Error,
	rethrow,
	Flux2Error,
	invalidInput,
	AbortedError,
	withAdvice,
} from '../core/errors';
import {
	failedResult,
	restoreError,
	type RequestFacts,
	type Claim,
	type SavedResult,
	type OutputItem,
} from '../tasks/checkpoints';
import { given, readImageRequest, valueOf, type ImageRequest } from '../parameters/model';
import { customBody, generateOptions, simplify } from '../parameters/options';
import { omitUndefined, collectImage, type RequestSummary } from '../images/store';
import { fingerprintReferences } from '../images/references';
import type { ItemResult, RunContext, PreparedOperation } from '../node/execute';
import {
	splitImages,
	type Done,
	type Failed,
	type TaskProtocol,
	type Task,
	type TaskState,
} from '../tasks/protocol';
import { isDownloadable } from '../http/urlPolicy';
import {
	cancelIfStopped,
	withCollectHint,
	deadlineOf,
	poll,
	waitUntilFinal,
	type TaskPoller,
} from '../tasks/poller';

/** One item's request on its way. */
interface Job {
	readonly run: RunContext;
	readonly itemIndex: number;
	readonly request: ImageRequest;
	readonly provider: TaskProtocol;
	readonly claim: Claim;
	/** False when an earlier run of the node has submitted it. */
	readonly fresh: boolean;
}

/** How an item goes on when its task has ended, where the provider calls instead of being asked. */
export interface Callback {
	/** What the provider shall call. */
	url: string;
	/** Lets the execution wait for that, with the handle in hand. */
	park(this: void, request: ImageRequest, task: Task, handle: OutputItem): Promise<void>;
}

/** Image: Generate. Submits, waits and stores, or takes up what an earlier run of the node has paid for. */
export function generate(
	run: RunContext,
	itemIndex: number,
	callback?: Callback,
): PreparedOperation {
	const prepared = prepare(run, itemIndex, callback?.url);
	return {
		model: prepared.request.model.id,
		async start() {
			const job = await accepted(run, itemIndex, prepared, 'generate');
			// what an earlier run has submitted would call the address of that run
			if (callback && job.fresh && !run.api.signal.aborted) return await parked(job, callback);
			// a copy: a slot with several pictures makes room for each
			const slots = [...job.claim.handle.slots];
			return (await Promise.all(slots.map(async (slot) => await finish(job, slot)))).flat();
		},
	};
}

/** Task: Submit. Answers with the task's handle at once. */
export function submit(run: RunContext, itemIndex: number): PreparedOperation {
	const prepared = prepare(run, itemIndex);
	return {
		model: prepared.request.model.id,
		async start() {
			const job = await accepted(run, itemIndex, prepared, 'submit');
			return job.claim.handle.slots.map((slot) => handleOutcome(job, slot));
		},
	};
}

function prepare(
	run: RunContext,
	itemIndex: number,
	callbackUrl?: string,
): Pick<Job, 'request' | 'provider'> {
	const { models, customRoute, provider } = run.service.routeFor(run.context, itemIndex);
	const read = readImageRequest(run.context, itemIndex, models, generateOptions, customRoute);
	const request = { ...read, callbackUrl };
	const problems = provider.problems?.(request) ?? [];
	if (problems.length > 0) throw invalidInput(problems);
	return { provider, request };
}

/** The item's job once the provider has accepted it, now or in an earlier run. */
async function accepted(
	run: RunContext,
	itemIndex: number,
	prepared: Pick<Job, 'request' | 'provider'>,
	operation: string,
): Promise<Job> {
	const claim = run.claim(itemIndex, identityOf(run, prepared.request, operation));
	const fresh = claim.handle.slots.length === 0;
	const job = { run, itemIndex, ...prepared, claim, fresh };
	if (fresh) {
		claim.handle.asked = askedFor(prepared.request);
		await submitNow(job);
	}
	return job;
}

const askedFor = ({ model, prompt, body }: ImageRequest): RequestFacts => ({
	model: model.id,
	prompt,
	seed: body.seed,
});

/** What makes two requests the same picture to pay for; waiting and storing are no part of it. */
const identityOf = (
	{ service, api }: RunContext,
	{ model, prompt, body, headers, settings, references }: ImageRequest,
	operation: string,
) => ({
	operation,
	service: service.name,
	baseUrl: api.baseUrl,
	model: model.id,
	prompt,
	body,
	headers,
	customBody: given(settings, customBody),
	references: fingerprintReferences(references),
});

/** Submits, and keeps what comes back before anything else can go wrong. */
async function submitNow({ run, request, provider, claim }: Job): Promise<void> {
	const { handle } = claim;
	try {
		const states = await provider.submit(run.api, request);
		handle.slots = states.map((state) => slotOf({ run, request }, state, states.length));
	} catch (error) {
		if (error instanceof Flux2Error && error.kind === 'moderated') {
			handle.slots = [failedResult(error, 'never')];
		}
		// n8n's Retry On Fail would otherwise send at once what may have been billed
		if (error instanceof Flux2Error && error.uncertain) {
			handle.slots = [failedResult(error, run.context.getExecutionId())];
		}
		throw rethrow(error);
	}
}

function slotOf(
	{ run, request }: Pick<Job, 'run' | 'request'>,
	state: TaskState,
	pictures: number,
): SavedResult {
	const raw = valueOf(request.settings, simplify) ? undefined : state.raw;
	// a status that nobody has documented may still become a picture: the task stays
	const open =
		state.status === 'pending' || (state.status === 'failed' && state.kind === 'badResponse');
	if (open && state.task) return { state: 'pending', task: state.task, raw };
	if (state.status !== 'done') {
		return endedSlot(run.context.getExecutionId(), state as Failed, pictures);
	}
	return { state: 'ready', done: { ...state, raw } };
}

async function parked(job: Job, { park }: Callback): Promise<ItemResult[]> {
	const [slot] = job.claim.handle.slots;
	if (slot?.state !== 'pending') return slot ? await finish(job, slot) : [];
	const item = handleItem(job, slot);
	try {
		await park(job.request, slot.task, item);
		return [{ item }];
	} catch (error) {
		throw withCollectHint(toFlux2Error(error), slot.task);
	}
}

/** Brings one slot to its end, each of its pictures apart. Never rejects: what a stop interrupts has no outcome. */
async function finish(job: Job, slot: SavedResult): Promise<ItemResult[]> {
	const watch = watchFor(job);
	try {
		const ended = slot.state === 'pending' ? await settled(job, watch, slot.task) : slot;
		const parts = partsOf(ended);
		replace(job, slot, parts);
		return (await Promise.all(parts.map(async (part) => await conclude(job, watch, part)))).flat();
	} catch (error) {
		if (!(error instanceof AbortedError)) {
			return [{ error: withCollectHint(toFlux2Error(error), taskOf(slot)) }];
		}
		if (slot.state === 'pending') cancelIfStopped(watch, slot.task);
		return [];
	}
}

/** The pictures of one answer are stored apart, so that one that fails does not take the others with it. */
const partsOf = (slot: SavedResult): SavedResult[] =>
	slot.state === 'ready' ? splitImages(slot.done).map((done) => ({ ...slot, done })) : [slot];

function replace({ claim }: Job, old: SavedResult, next: SavedResult[]): void {
	const { slots } = claim.handle;
	slots.splice(slots.indexOf(old), 1, ...next);
}

async function conclude(job: Job, watch: TaskPoller, slot: SavedResult): Promise<ItemResult[]> {
	try {
		const item = await stored(job, watch, slot);
		replace(job, slot, [{ state: 'stored', item }]);
		return [{ item }];
	} catch (error) {
		if (error instanceof AbortedError) return [];
		const failure = withCollectHint(toFlux2Error(error), taskOf(slot));
		const executionId = job.run.context.getExecutionId();
		const pictures = job.claim.handle.slots.length;
		// n8n's own failure to store says nothing about the picture
		const isOurs = error instanceof Flux2Error;
		const last = isOurs ? givenUp(slot, failure, { executionId, pictures }) : undefined;
		if (!last) return [{ error: failure }];
		replace(job, slot, [last]);
		return [{ error: restoreError(last.error) }];
	}
}

const taskOf = (slot: SavedResult | undefined): Task | undefined =>
	slot?.state === 'pending' ? slot.task : slot?.state === 'ready' ? slot.done.task : undefined;

async function settled(job: Job, watch: TaskPoller, task: Task): Promise<SavedResult> {
	const state = await waitUntilFinal(watch, task);
	// a status that nobody has documented may still become a picture: the task stays
	if (state.status === 'failed' && state.kind === 'badResponse') {
		throw withCollectHint(new Flux2Error(state.kind, state.message), task);
	}
	return slotOf(job, state, job.claim.handle.slots.length);
}

async function stored(job: Job, watch: TaskPoller, slot: SavedResult): Promise<OutputItem> {
	if (slot.state === 'stored') return slot.item;
	if (slot.state !== 'ready')
		throw restoreError((slot as Extract<SavedResult, { state: 'ended' }>).error);
	const { slots } = job.claim.handle;
	const part = slots.length > 1 ? slots.indexOf(slot) + 1 : undefined;
	const origin = { itemIndex: job.itemIndex, ...job.claim.handle.asked, part };
	return await store(origin, watch, slot.done);
}

/** Stores the picture; a URL that has expired meanwhile, or is none, is asked for once more. */
async function store(origin: RequestSummary, watch: TaskPoller, done: Done): Promise<OutputItem> {
	const { task } = done;
	try {
		return await collectImage(watch, origin, done).catch(async (error: unknown) => {
			const mayDiffer = isExpired(error) || !hasAddress(watch, done);
			const renewed = task && mayDiffer ? await lookAgain(watch, task) : undefined;
			const again = renewed && splitImages(renewed)[(done.part?.number ?? 1) - 1];
			if (!again) throw error;
			return await collectImage(watch, origin, again);
		});
	} catch (error) {
		throw task ? rethrow(error) : stillThere(error, done);
	}
}

/** Where there is no task to ask, the picture's own address is all that is left of what was paid. */
function stillThere(error: unknown, { images }: Done): unknown {
	const urls = images.flatMap((image) => ('url' in image ? [image.url] : []));
	if (!(error instanceof Flux2Error) || urls.length === 0 || isExpired(error)) return error;
	return withAdvice(error, `The image is at ${urls.join(' and ')} for a short time.`);
}

/** False when the answer names a picture that could never be opened, e.g. because it came garbled. */
const hasAddress = ({ run }: TaskPoller, { images }: Done) =>
	images.every((image) => 'base64' in image || isDownloadable(run.api, image.url));

async function lookAgain(watch: TaskPoller, task: Task): Promise<Done | undefined> {
	const state = watch.provider.check ? await poll(watch, task) : undefined;
	return state?.status === 'done' ? state : undefined;
}

function watchFor({ run, provider, request, fresh }: Job): TaskPoller {
	const { model, body, settings } = request;
	return {
		run,
		provider,
		settings,
		deadline: deadlineOf(settings),
		durationKey: [run.service.name, model.id, megapixels(body.width, body.height)].join(' '),
		typicalSeconds: model.typicalSeconds,
		fresh,
		polls: 0,
	};
}

const megapixels = (width: unknown, height: unknown): string =>
	typeof width === 'number' && typeof height === 'number'
		? `${Math.max(1, Math.round((width * height) / 1e6))} MP`
		: 'automatic size';

function handleOutcome(job: Job, slot: SavedResult): ItemResult {
	if (slot.state === 'ended') return { error: restoreError(slot.error) };
	return { item: handleItem(job, slot.state === 'ready' ? slot.done : slot) };
}

function handleItem({ run, claim }: Job, known: SavedResult | Done): OutputItem {
	const task = 'task' in known ? known.task : undefined;
	return {
		json: omitUndefined({
			provider: run.service.name,
			model: claim.handle.asked?.model ?? task?.model,
			taskId: task?.id,
			pollUrl: task?.pollUrl,
			submittedAt: task?.submittedAt,
			raw: 'raw' in known ? known.raw : undefined,
		}),
	};
}
