import type { TaskFailure, TaskFault } from './faults';
import {
	drawImage,
	sha256,
	type DrawnImage,
	type ImageFormat,
	type ImageOrder,
	type ReferenceImage,
} from './images';
import { Ledger, type TaskRecord } from './ledger';
import type { ProviderName, RouteName } from './registry';
import type { Call, Effect, JsonObject, Shape } from './types';

export interface Task {
	record: TaskRecord;
	fault: TaskFault;
	/** How many polls have got a response. */
	polls: number;
	image: () => Promise<DrawnImage>;
}

export type TaskState =
	| { phase: 'pending' }
	| { phase: 'running'; progress: number; status?: string }
	| { phase: 'completed' }
	| { phase: 'failed'; failure: TaskFailure }
	| { phase: 'cancelled' }
	| { phase: 'other'; status: string };

export interface TaskOrder {
	/** In the form of the provider's own IDs. */
	id: string;
	provider: ProviderName;
	route: RouteName;
	model: string;
	prompt: string;
	/** Without the references, which may be URLs of a port that changes from run to run. */
	parameters: JsonObject;
	references: readonly ReferenceImage[];
	/** In pixels; for a side that the parameters leave out. */
	defaultSize: { width: number; height: number };
	/** JPEG, where it is left out. */
	defaultFormat?: ImageFormat;
	cost: number;
}

export type Duration = number | ((task: TaskOrder) => number);

/** The share of its time that a task spends in the queue. */
export const QUEUED_SHARE = 0.2;

export class Tasks {
	readonly ledger = new Ledger((id) => this.drawImageOf(id));
	private tasks = new Map<string, Task>();

	constructor(
		private readonly duration: Duration,
		private readonly toUrl: (file: string) => string,
		private readonly plainImages: boolean,
	) {}

	find(id: string | undefined): Task | undefined {
		return id === undefined ? undefined : this.tasks.get(id);
	}

	/** How many tasks of a key are not yet finished. */
	countRunning(key: string): number {
		const now = Date.now();
		return this.ledger.tasks.filter(
			(task) => task.key === key && !task.cancelledAt && task.readyAt > now,
		).length;
	}

	/** Accepts and bills a submission. */
	accept(call: Call, effect: Effect, order: TaskOrder): Task {
		const fault = effect.task ?? {};
		const image = { ...toImageOrder(order, effect.as), plain: this.plainImages };
		const record = this.createRecord(call, order, fault, image);
		const fails = fault.fail !== undefined || fault.status !== undefined;
		const task: Task = {
			record,
			fault,
			polls: 0,
			image: () => this.draw(record, fails ? undefined : image),
		};
		this.tasks.set(record.id, task);
		if (call.submission) {
			Object.assign(call.submission, { accepted: true, taskId: record.id, cost: record.cost });
		}
		// Drawn while the task runs, so that it is ready for the download. An error is thrown there too.
		if (!fails) task.image().catch(() => undefined);
		return task;
	}

	clear(): void {
		this.tasks.clear();
		this.ledger.clear();
	}

	private createRecord(
		call: Call,
		order: TaskOrder,
		fault: TaskFault,
		image: ImageOrder,
	): TaskRecord {
		const { id } = order;
		const seconds = this.getSeconds(order, fault);
		const now = Date.now();
		const record: TaskRecord = {
			id,
			provider: order.provider,
			route: order.route,
			model: order.model,
			prompt: order.prompt,
			key: call.key ?? '',
			seconds,
			acceptedAt: now,
			readyAt: now + seconds * 1000,
			cost: fault.fail ? 0 : Number(order.cost.toFixed(6)),
			seed: image.seed,
			width: image.width,
			height: image.height,
			format: image.format,
			url: this.toUrl(`${id}.${image.format}`),
		};
		this.ledger.tasks.push(record);
		return record;
	}

	private getSeconds(order: TaskOrder, fault: TaskFault): number {
		if (fault.immediate) return 0;
		if (fault.seconds !== undefined) return fault.seconds;
		return typeof this.duration === 'function' ? this.duration(order) : this.duration;
	}

	private async draw(record: TaskRecord, order: ImageOrder | undefined): Promise<DrawnImage> {
		if (!order) throw new Error(`task ${record.id} has no image`);
		const image = await drawImage(order);
		record.sha256 = image.sha256;
		return image;
	}

	private async drawImageOf(id: string): Promise<DrawnImage> {
		const task = this.find(id);
		if (!task) throw new Error(`no task ${id}`);
		return task.image();
	}
}

export function toState(task: Task, now = Date.now()): TaskState {
	const { record, fault } = task;
	if (record.cancelledAt !== undefined) return { phase: 'cancelled' };
	const progress = toProgress(task, now);
	if (progress < 1) {
		if (progress < QUEUED_SHARE && !fault.running) return { phase: 'pending' };
		return { phase: 'running', progress: Number(progress.toFixed(2)), status: fault.running };
	}
	if (fault.fail) return { phase: 'failed', failure: fault.fail };
	if (fault.status !== undefined) return { phase: 'other', status: fault.status };
	return { phase: 'completed' };
}

function toProgress({ record, fault: { polls: minPolls = 0 }, polls }: Task, now: number): number {
	const byTime = record.seconds === 0 ? 1 : (now - record.acceptedAt) / (record.seconds * 1000);
	return polls < minPolls ? Math.min(byTime, (polls + 0.5) / (minPolls + 1)) : byTime;
}

function toImageOrder(order: TaskOrder, shape: Shape = {}): ImageOrder {
	const { prompt, model, parameters, references, defaultSize, defaultFormat = 'jpeg' } = order;
	return {
		prompt,
		model,
		parameters,
		references,
		seed: typeof parameters.seed === 'number' ? parameters.seed : toSeed(order),
		width: shape.width ?? numberOr(parameters.width, defaultSize.width),
		height: shape.height ?? numberOr(parameters.height, defaultSize.height),
		format: shape.format ?? formatOr(parameters.output_format, defaultFormat),
		bytes: shape.bytes,
	};
}

function numberOr(value: unknown, fallback: number): number {
	return typeof value === 'number' ? value : fallback;
}

function formatOr(value: unknown, fallback: ImageFormat): ImageFormat {
	return value === 'png' || value === 'webp' || value === 'jpeg' ? value : fallback;
}

/** The providers choose a seed at random; here the same request gets the same one, so that tests can compare. */
function toSeed({ model, prompt, parameters }: TaskOrder): number {
	return parseInt(sha256(JSON.stringify([model, prompt, parameters])).slice(0, 7), 16);
}
