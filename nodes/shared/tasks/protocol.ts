import type { IDataObject } from 'n8n-workflow';
import type { Cost, ErrorKind } from '../core/errors';
import type { ApiClient, ReadClient } from '../http/types';
import type { ImageSource } from '../images/store';
import type { ImageRequest } from '../parameters/imageRequest';
import type { Model } from '../parameters/model';
import type { Estimate, PriceFacts } from '../parameters/price';
import type { ParameterReader } from '../parameters/reader';

/** A unit of work at the provider: all that is needed to ask for it again. */
export interface Task {
	id: string;
	model?: string;
	pollUrl?: string;
	/** ISO 8601; when we saw the provider's acceptance. Left out for a task submitted elsewhere. */
	submittedAt?: string;
	/** What the provider said about the price when it accepted the task. */
	price?: Price;
	/** Whatever else the provider needs to ask for the task, e.g. several addresses. Saved and restored as it is. */
	data?: IDataObject;
}

export interface Price {
	cost?: Cost;
	/** What the provider counts for the price. */
	megapixels?: { input?: number; output?: number };
}

/** What every state of a task may say. */
interface StateFacts {
	/** The provider's own word for the state, where no document explains it. */
	providerStatus?: string;
	/** The provider's response without an image's bytes. */
	raw: unknown;
}

export interface Pending extends StateFacts {
	status: 'pending';
	task: Task;
	/** 0 to 1. */
	progress?: number;
	/** Tasks that the provider works on first. */
	queuePosition?: number;
}

/** The response does not say whether the task has ended: an undocumented status without a result or an error. */
export interface Unclear extends StateFacts {
	status: 'unclear';
	task: Task;
	/** What is unclear about it. */
	message: string;
}

export interface Done extends StateFacts {
	status: 'done';
	/** Left out where the provider has no tasks. */
	task?: Task;
	/** Where there is no task: ISO 8601, when the request was sent. */
	submittedAt?: string;
	/** ISO 8601; when we first saw that the image is ready. Its URL lives from then on. */
	readyAt: string;
	images: ImageSource[];
	/** Which of the images, from 0, the provider's moderation has made useless, e.g. black. */
	moderated?: number[];
	/** Which of the response's images this is, where there are several. */
	part?: { number: number; of: number };
	seed?: number;
	/** The prompt that the provider has used, where it says so. */
	revisedPrompt?: string;
	price?: Price;
	/** What the price's own call needs where there is no task. Saved and restored as it is. */
	priceKey?: IDataObject;
}

export interface Failed extends StateFacts {
	status: 'failed';
	task?: Task;
	kind: ErrorKind;
	message: string;
	/** The HTTP status that the provider gives for the failure. */
	httpCode?: number;
	/** What was charged all the same. */
	price?: Price;
	/**
	 * Why the task has no end of its own: the provider does not know it (any more, or yet), or somebody has cancelled
	 * it. Whether the image was paid for is not said, so it is not submitted anew by itself.
	 */
	lost?: 'missing' | 'cancelled';
}

export type TaskState = Pending | Unclear | Done | Failed;

/** The end of a task. */
export type FinalState = Done | Failed;

/** What became of the wish to cancel. `requested`: the provider has not said yet whether it will. */
export type CancelResult = 'cancelled' | 'requested';

/** Takes what is wrong with a parameter. */
type ProblemList = Pick<ParameterReader, 'addProblem'>;

interface CommonProtocol<M extends Model> {
	/** Reports what of a request can never work, by label; called before anything is paid for. */
	validate?(this: void, request: ImageRequest<M>, reader: ProblemList): void;
	/** What the provider says that a request would cost; nothing is generated. A failure means that it says nothing. */
	quote?(
		this: void,
		client: ReadClient,
		request: ImageRequest<M>,
		facts: PriceFacts,
		signal: AbortSignal,
	): Promise<Estimate | undefined>;
	/** Where the price has a call of its own; asked while the image is downloaded. */
	price?(
		this: void,
		client: ReadClient,
		done: PricedImage,
		signal: AbortSignal,
	): Promise<Price | undefined>;
	/** How long that call may take beyond the download; 3 seconds when left out. */
	readonly maxPriceMs?: number;
}

/** What is known of an image whose price is asked for. */
export type PricedImage = Pick<Done, 'task' | 'priceKey'>;

/** How to talk to a provider that responds with the image. */
export interface SyncProtocol<M extends Model = Model> extends CommonProtocol<M> {
	submit(
		this: void,
		client: ApiClient,
		request: ImageRequest<M>,
		signal: AbortSignal,
	): Promise<FinalState[]>;
	readonly status?: undefined;
}

/** How to talk to a provider that responds with a task. */
export interface AsyncProtocol<M extends Model = Model> extends CommonProtocol<M> {
	/**
	 * One state for each task.
	 * @throws Flux2Error whatever it is, the task is not known then: nothing of it can be asked for again
	 */
	submit(
		this: void,
		client: ApiClient,
		request: ImageRequest<M>,
		signal: AbortSignal,
	): Promise<TaskState[]>;
	/**
	 * The task's state. A state `failed` ends the task.
	 * @throws Flux2Error keeps the task: it is asked for again by a retry
	 */
	status(this: void, client: ReadClient, task: Task, signal: AbortSignal): Promise<TaskState>;
	/** @throws Flux2Error e.g. because the task has ended; the status is read afterwards in every case */
	cancel?(this: void, client: ReadClient, task: Task, signal: AbortSignal): Promise<CancelResult>;
	/** Where the provider pushes events: one stream for the run's tasks, or one for each task. */
	readonly events?: EventsOfRun | EventsOfTask;
}

export type TaskProtocol<M extends Model = Model> = SyncProtocol<M> | AsyncProtocol<M>;

export interface EventsOfRun {
	readonly scope: 'run';
	open(this: void, client: ReadClient, signal: AbortSignal): TaskEvents;
}

export interface EventsOfTask {
	readonly scope: 'task';
	open(this: void, client: ReadClient, task: Task, signal: AbortSignal): TaskEvents;
}

/** Pushed ends of tasks. */
export interface TaskEvents {
	/** Resolves once the subscription stands, or could not be made; never rejects. */
	readonly ready: Promise<void>;
	/** False once the stream is broken, has ended or was silent for too long. */
	readonly isConnected: boolean;
	/**
	 * Resolves with the task's end when an event brings it (also an earlier one), or with undefined when a poll is
	 * needed: the stream has ended, or an event does not say enough. Never resolves once the signal is aborted.
	 */
	next(this: void, taskId: string, signal: AbortSignal): Promise<FinalState | undefined>;
	close(this: void): void;
}

/** What a provider's webhook says about a task. */
export interface WebhookPayload {
	taskId: string;
	/** Where the provider says it. */
	prompt?: string;
	model?: string;
	/** Milliseconds since the epoch, where the body says it. */
	sentAt?: number;
	/** As it may be saved and shown. */
	body: IDataObject;
	toTaskState(task: Task): TaskState;
}

/** Reads a body; undefined when it is about no task. */
export type ParsePayload = (body: unknown) => WebhookPayload | undefined;

/** The response once for each of its images; one that the moderation has taken is a failure of its own. */
export function splitImages({ moderated = [], ...done }: Done): FinalState[] {
	const { images } = done;
	if (images.length <= 1 && moderated.length === 0) return [done];
	return images.map((image, index, { length }) =>
		moderated.includes(index)
			? moderatedImage(done, index, length)
			: { ...done, images: [image], part: { number: index + 1, of: length } },
	);
}

function moderatedImage({ task, price, raw }: Done, index: number, count: number): Failed {
	const message = `The provider's moderation has taken image ${index + 1} of ${count}`;
	const cost = (price ?? task?.price)?.cost;
	const own = cost && { cost: shareOf(cost, count) };
	return { status: 'failed', task, kind: 'moderated', message, price: own, raw };
}

/** What one of several images has cost. */
export const shareOf = ({ amount, credits, ...cost }: Cost, images: number): Cost => ({
	...cost,
	amount: amount / images,
	...(credits !== undefined && { credits: credits / images }),
});

/** This moment as tasks carry it. */
export const isoNow = (): string => new Date().toISOString();
