import { randomBytes, randomUUID } from 'node:crypto';
import { Ledger, type JobRecord } from './ledger';
import {
	drawPicture,
	sha256,
	type Picture,
	type PictureFormat,
	type PictureOrder,
	type ReferencePicture,
} from './images';
import type { Call, Effect, JsonObject, ProviderName, RouteName, Shape } from './types';

/** How a failed job words its error; `state` says it by the status word alone where the API can. */
export type FailureStyle = 'message' | 'error_message' | 'string' | 'state';

export interface JobFailure {
	code?: string | number;
	message: string;
	style?: FailureStyle;
}

/** How a job goes, other than well. */
export interface JobFault {
	seconds?: number;
	fail?: JobFailure;
	/** The answer to the submission already carries the result, where the API can. */
	immediate?: true;
	/** Ends with this status word instead. */
	status?: string;
	/** Is still running when it is looked at, so many times, however long ago it was accepted. */
	looks?: number;
	/** Says this word while it runs. */
	running?: string;
	/** Is accepted and billed, and unknown from then on. */
	vanish?: true;
	/** Oxen.ai: of several pictures, only this one (0 is the first) goes like that. */
	only?: number;
	/** Oxen.ai: its end is not told, or told twice. */
	event?: 'lost' | 'twice';
	/** Oxen.ai: its end is told so many seconds later. */
	eventDelay?: number;
	/** Oxen.ai: once it has ended, it is in the history only, or nowhere. */
	leaves?: 'queue' | 'everywhere';
	/** BFL: so many looks do not find it yet. */
	unknownLooks?: number;
	/** BFL: how the webhook goes; `early` before the submission is answered, `late` some time after the end. */
	webhook?: 'early' | 'late' | 'twice' | 'wrongSignature' | 'never';
	/** BFL: where the answer says that one shall look; the task's id is added. */
	pollingUrl?: string;
}

export interface Job {
	record: JobRecord;
	fault: JobFault;
	/** How often it was looked at and told. */
	looks: number;
	picture: () => Promise<Picture>;
}

export type JobState =
	| { phase: 'pending' }
	| { phase: 'running'; progress: number; word?: string }
	| { phase: 'completed' }
	| { phase: 'failed'; failure: JobFailure }
	| { phase: 'cancelled' }
	| { phase: 'other'; word: string };

export interface JobOrder {
	provider: ProviderName;
	route: RouteName;
	model: string;
	prompt: string;
	/** Without the references, which may be URLs of a port that changes from run to run. */
	parameters: JsonObject;
	references: readonly ReferencePicture[];
	/** Where the parameters say nothing, in pixels. */
	defaultSize: { width: number; height: number };
	cost: number;
}

export type Duration = number | ((job: JobOrder) => number);

/** The share of its time that a job stands in the queue. */
const QUEUED_SHARE = 0.2;

export class Jobs {
	readonly ledger = new Ledger((id) => this.pictureOf(id));
	private jobs = new Map<string, Job>();

	constructor(
		private readonly duration: Duration,
		private readonly urlOf: (file: string) => string,
		private readonly plainPictures: boolean,
	) {}

	find(id: string | undefined): Job | undefined {
		return id === undefined ? undefined : this.jobs.get(id);
	}

	/** How many jobs of a key are not yet finished. */
	running(key: string): number {
		const now = Date.now();
		return this.ledger.jobs.filter(
			(one) => one.key === key && !one.cancelledAt && one.readyAt > now,
		).length;
	}

	/** Accepts and bills a submission. */
	accept(call: Call, effect: Effect, order: JobOrder): Job {
		const fault = effect.job ?? {};
		const picture = { ...pictureOrder(order, effect.as), plain: this.plainPictures };
		const record = this.write(call, order, fault, picture);
		const fails = fault.fail !== undefined || fault.status !== undefined;
		const job: Job = {
			record,
			fault,
			looks: 0,
			picture: () => this.draw(record, fails ? undefined : picture),
		};
		this.jobs.set(record.id, job);
		if (call.submission) {
			Object.assign(call.submission, { accepted: true, jobId: record.id, cost: record.cost });
		}
		// Drawn while the job "runs", so that it is there when it is looked for. Whoever looks gets the error.
		if (!fails) job.picture().catch(() => undefined);
		return job;
	}

	clear(): void {
		this.jobs.clear();
		this.ledger.clear();
	}

	private write(call: Call, order: JobOrder, fault: JobFault, picture: PictureOrder): JobRecord {
		const id = newId(order.route);
		const seconds = this.seconds(order, fault);
		const now = Date.now();
		const record: JobRecord = {
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
			seed: picture.seed,
			width: picture.width,
			height: picture.height,
			format: picture.format,
			url: this.urlOf(`${id}.${picture.format}`),
		};
		this.ledger.jobs.push(record);
		return record;
	}

	private seconds(order: JobOrder, fault: JobFault): number {
		if (fault.immediate) return 0;
		if (fault.seconds !== undefined) return fault.seconds;
		return typeof this.duration === 'function' ? this.duration(order) : this.duration;
	}

	private async draw(record: JobRecord, order: PictureOrder | undefined): Promise<Picture> {
		if (!order) throw new Error(`job ${record.id} makes no picture`);
		const picture = await drawPicture(order);
		record.sha256 = picture.sha256;
		return picture;
	}

	private async pictureOf(id: string): Promise<Picture> {
		const job = this.find(id);
		if (!job) throw new Error(`no job ${id}`);
		return job.picture();
	}
}

export function stateOf(job: Job, now = Date.now()): JobState {
	const { record, fault } = job;
	if (record.cancelledAt !== undefined) return { phase: 'cancelled' };
	const share = shareDone(job, now);
	if (share < 1) {
		if (share < QUEUED_SHARE && !fault.running) return { phase: 'pending' };
		return { phase: 'running', progress: Number(share.toFixed(2)), word: fault.running };
	}
	if (fault.fail) return { phase: 'failed', failure: fault.fail };
	if (fault.status !== undefined) return { phase: 'other', word: fault.status };
	return { phase: 'completed' };
}

function shareDone({ record, fault: { looks: wanted = 0 }, looks }: Job, now: number): number {
	const byTime = record.seconds === 0 ? 1 : (now - record.acceptedAt) / (record.seconds * 1000);
	return looks < wanted ? Math.min(byTime, (looks + 0.5) / (wanted + 1)) : byTime;
}

/** The ids look like the providers' own. */
function newId(route: RouteName): string {
	if (/^(oxen|bfl)\./.test(route)) return randomUUID();
	const prefix = route === 'queue.submit' ? 'mmsu_01h' : 'd';
	return prefix + randomBytes(10).toString('hex');
}

function pictureOrder(order: JobOrder, shape: Shape = {}): PictureOrder {
	const { prompt, model, parameters, references, defaultSize } = order;
	return {
		prompt,
		model,
		parameters,
		references,
		seed: typeof parameters.seed === 'number' ? parameters.seed : seedFor(order),
		width: shape.width ?? numberOr(parameters.width, defaultSize.width),
		height: shape.height ?? numberOr(parameters.height, defaultSize.height),
		format: shape.format ?? formatOr(parameters.output_format, 'jpeg'),
		bytes: shape.bytes,
	};
}

function numberOr(value: unknown, fallback: number): number {
	return typeof value === 'number' ? value : fallback;
}

function formatOr(value: unknown, fallback: PictureFormat): PictureFormat {
	return value === 'png' || value === 'webp' || value === 'jpeg' ? value : fallback;
}

/** The providers choose at random; here the same request gets the same seed, so that tests can compare. */
function seedFor({ model, prompt, parameters }: JobOrder): number {
	return parseInt(sha256(JSON.stringify([model, prompt, parameters])).slice(0, 7), 16);
}
