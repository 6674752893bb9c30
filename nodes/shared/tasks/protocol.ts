import type { ErrorKind } from '../core/errors';
import type { TaskEvents } from './eventStream';
import type { ApiClient } from '../http/client';
import type { Model, ImageRequest } from '../parameters/model';

/** A job at the provider; all that is needed to ask for it again. */
export interface Task {
	id: string;
	model?: string;
	pollUrl?: string;
	/** ISO 8601; when the provider's acceptance was seen. Left out for a task submitted elsewhere. */
	submittedAt?: string;
	/** What the provider told about the price when it accepted the task. */
	price?: Price;
}

export interface Cost {
	amount: number;
	currency: string;
	/** In the provider's own unit, where it has one. */
	credits?: number;
}

export interface Price {
	cost?: Cost;
	/** What the provider counts for the price. */
	megapixels?: { input?: number; output?: number };
}

/** A picture in an answer; text in both cases, so that it can be kept until it is stored. */
export type ImageSource = { url: string } | { base64: string };

export interface Pending {
	status: 'pending';
	task: Task;
	/** 0 to 1. */
	progress?: number;
	raw: unknown;
}

export interface Done {
	status: 'done';
	/** Left out where the provider has no tasks. */
	task?: Task;
	/** Where there is no task: ISO 8601, when the request was sent. */
	submittedAt?: string;
	images: ImageSource[];
	/** Which one of the answer's pictures this is, where there are several. */
	part?: { number: number; of: number };
	seed?: number;
	price?: Price;
	/** The provider's answer without the picture's bytes. */
	raw: unknown;
}

export interface Failed {
	status: 'failed';
	task?: Task;
	kind: ErrorKind;
	message: string;
	/** The provider knows no such task: right after a submit, it may still be spreading among its servers. */
	unknown?: true;
	raw: unknown;
}

export type TaskState = Pending | Done | Failed;

/** What is particular to one provider; everything around it is the engine's. */
export interface TaskProtocol<M extends Model = Model> {
	/** What of a request can never work, by label; asked before anything is paid for. */
	problems?(this: void, request: ImageRequest<M>): string[];
	/** One state per picture or task. A synchronous provider answers `done`. */
	submit(this: void, api: ApiClient, request: ImageRequest<M>): Promise<TaskState[]>;
	check?(this: void, api: ApiClient, task: Task): Promise<TaskState>;
	cancel?(this: void, api: ApiClient, task: Task): Promise<void>;
	/** Where the price is told by a call of its own; asked while the picture is downloaded. */
	price?(this: void, api: ApiClient, task: Task): Promise<Price | undefined>;
	/** The run's push channel, where there is one: told tasks need no look. */
	events?(this: void, api: ApiClient): TaskEvents | undefined;
}

/** The answer once for each of its pictures. */
export const splitImages = (done: Done): Done[] =>
	done.images.length <= 1
		? [done]
		: done.images.map((image, index, { length }) => ({
				...done,
				images: [image],
				part: { number: index + 1, of: length },
			}));

/** This moment as handles carry it. */
export const isoNow = () => new Date().toISOString();
