import type { DrawnImage } from './images';
import type { ProviderName, RouteName } from './registry';
import type { Port } from './types';

/** Everything the emulator saw. Times are ms since 1970, amounts US dollars. */

export interface RequestRecord {
	n: number;
	at: number;
	port: Port;
	method: string;
	path: string;
	/** Undefined when the response was withheld or broken off. */
	status?: number;
}

export interface SubmissionRecord {
	n: number;
	at: number;
	provider: ProviderName;
	route: RouteName;
	key?: string;
	model?: string;
	prompt?: string;
	/** JSON as it came; a form as an object, with its files described. */
	body: unknown;
	/** Task API: whether the parameters stood under `input[0].params` or beside `model`. */
	bodyForm?: 'wrapped' | 'flat';
	/** BFL: fields that the API does not know, and passes over in silence. */
	ignored?: string[];
	/** content-type, user-agent and every cf-aig-* header. */
	headers: Record<string, string>;
	/** Of several images, the first one's. */
	taskId?: string;
	/** A task was created, or (cached) an older one's response repeated. */
	accepted: boolean;
	/** The response came from the gateway's cache: nothing was generated or paid. */
	cached: boolean;
	/** What the key paid. A task that a rule makes fail costs nothing. */
	cost: number;
	status?: number;
}

export interface TaskRecord {
	id: string;
	provider: ProviderName;
	route: RouteName;
	model: string;
	prompt: string;
	/** BFL: the prompt that the image is made from. */
	revisedPrompt?: string;
	key: string;
	/** How long the task takes. */
	seconds: number;
	acceptedAt: number;
	readyAt: number;
	cost: number;
	seed: number;
	width: number;
	height: number;
	format: string;
	url: string;
	/** Of the image, once it is drawn. */
	sha256?: string;
	cancelledAt?: number;
}

/** A call for a task's status or result. */
export interface PollRecord {
	n: number;
	at: number;
	route: RouteName;
	key?: string;
	taskId: string;
	status?: number;
	/** The task's status in the response. */
	state?: string;
}

export interface DownloadRecord {
	n: number;
	at: number;
	taskId: string;
	file: string;
	status?: number;
	/** Bytes of the response's body. */
	bytes?: number;
	headers: Record<string, string>;
}

export interface CancelRecord {
	n: number;
	at: number;
	key?: string;
	taskId: string;
	status?: number;
}

/** A subscription to events, from its opening on. */
export interface StreamRecord {
	n: number;
	at: number;
	key?: string;
	/** The tasks whose end it has announced, in order. */
	taskIds: string[];
	closedAt?: number;
}

/** An attempt to deliver a webhook. */
export interface DeliveryRecord {
	n: number;
	at: number;
	taskId: string;
	url: string;
	/** 1 for a task's first. */
	attempt: number;
	/** Undefined when there was no response. */
	status?: number;
	respondedAt?: number;
}

export interface UnexpectedRecord {
	at: number;
	method: string;
	path: string;
	reason: string;
}

/** A key, or a header that carries one, where it must not be. */
export interface LeakRecord {
	at: number;
	port: Port;
	method: string;
	path: string;
	where: string;
	/** The known key's name in `keys`, if it is one. */
	key?: string;
}

export interface LedgerData {
	requests: RequestRecord[];
	submissions: SubmissionRecord[];
	tasks: TaskRecord[];
	polls: PollRecord[];
	downloads: DownloadRecord[];
	cancels: CancelRecord[];
	streams: StreamRecord[];
	deliveries: DeliveryRecord[];
	unexpected: UnexpectedRecord[];
	leaks: LeakRecord[];
}

export class Ledger implements LedgerData {
	requests: RequestRecord[] = [];
	submissions: SubmissionRecord[] = [];
	tasks: TaskRecord[] = [];
	polls: PollRecord[] = [];
	downloads: DownloadRecord[] = [];
	cancels: CancelRecord[] = [];
	streams: StreamRecord[] = [];
	deliveries: DeliveryRecord[] = [];
	unexpected: UnexpectedRecord[] = [];
	leaks: LeakRecord[] = [];

	constructor(private readonly drawImageOf: (taskId: string) => Promise<DrawnImage>) {}

	/** How many images a key paid, and how much. */
	paidBy(key: string): { count: number; amount: number } {
		const paid = this.tasks.filter((task) => task.key === key && task.cost > 0);
		const amount = paid.reduce((sum, task) => sum + task.cost, 0);
		return { count: paid.length, amount: Number(amount.toFixed(6)) };
	}

	/** The image of a task, as a download would return it. Rejects for a task that has none. */
	image(taskId: string): Promise<DrawnImage> {
		return this.drawImageOf(taskId);
	}

	task(taskId: string): TaskRecord | undefined {
		return this.tasks.find((task) => task.id === taskId);
	}

	clear(): void {
		for (const list of Object.values(this.toJSON()) as unknown[][]) list.length = 0;
	}

	toJSON(): LedgerData {
		const { requests, submissions, tasks, polls, downloads, cancels, streams } = this;
		const { deliveries, unexpected, leaks } = this;
		return {
			requests,
			submissions,
			tasks,
			polls,
			downloads,
			cancels,
			streams,
			deliveries,
			unexpected,
			leaks,
		};
	}
}
