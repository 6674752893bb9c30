import { randomUUID } from 'node:crypto';
import { toState, type Task } from '../tasks';
import { BrokenConnection, type Call, type Effect, type Stream, type StreamFault } from '../types';
import type { OxenWorld } from './world';

/**
 * Oxen.ai's server-sent events. Nothing is kept for late subscribers; a key gets the events of
 * its own account only. Beside the end of each task other events come, as the documents warn.
 */

interface OxenEvent {
	text: string;
	/** The task that has ended, where it is the completion event of one of this emulator's. */
	taskId?: string;
}

interface Subscriber {
	key: string;
	push: (event: OxenEvent) => void;
}

const KEEP_ALIVE: OxenEvent = { text: ': keep-alive\n\n' };

export class OxenEvents {
	private readonly subscribers = new Set<Subscriber>();

	constructor(private readonly world: OxenWorld) {}

	/** Publishes the task's end when it comes. */
	announce(task: Task): void {
		const { event, eventDelay = 0 } = task.fault;
		if (event === 'lost') return;
		const times = event === 'twice' ? 2 : 1;
		void this.waitUntilEnded(task, eventDelay * 1000).then(
			() => {
				for (let n = 0; n < times; n++) this.publish(task);
			},
			() => undefined,
		);
	}

	/** A subscription, as a stream that lasts until the client disconnects. */
	subscribe({ key = '' }: Call, { stream = {} }: Effect): Stream {
		return (disconnected) => this.read(key, stream, disconnected);
	}

	/** Rejects when the emulator closes. */
	private async waitUntilEnded({ record }: Task, delayMs: number): Promise<void> {
		// a timer may fire a little early
		while (Date.now() < record.readyAt + delayMs) {
			await this.world.wait(Math.max(1, record.readyAt + delayMs - Date.now()));
		}
	}

	private publish(task: Task): void {
		const data = toCompletion(task);
		// forgotten by a reset, or an end that has no event
		if (!data || this.world.tasks.find(task.record.id) !== task) return;
		const events = [
			...createForeignEvents(),
			{ text: formatEvent('media_generation_completed', data), taskId: task.record.id },
		];
		for (const { key, push } of this.subscribers) {
			if (key === task.record.key) events.forEach(push);
		}
	}

	private async *read(
		key: string,
		fault: StreamFault,
		disconnected: AbortSignal,
	): AsyncGenerator<string> {
		const { streams } = this.world.tasks.ledger;
		const buffer = new EventBuffer();
		const subscriber = { key, push: (event: OxenEvent) => buffer.push(event) };
		const timer = setInterval(() => {
			if (buffer.isEmpty) buffer.push(KEEP_ALIVE);
		}, this.world.keepAliveMs);
		const taskIds: string[] = [];
		const record = { n: streams.length + 1, at: Date.now(), key, taskIds };
		streams.push(record);
		this.subscribers.add(subscriber);
		try {
			for await (const { text, taskId } of buffer.read(disconnected)) {
				if (fault.silent) continue;
				if (taskId === undefined) yield text;
				else yield* withFault(text, fault, taskIds, taskId);
			}
		} finally {
			clearInterval(timer);
			this.subscribers.delete(subscriber);
			Object.assign(record, { closedAt: Date.now() });
		}
	}
}

/** One event, or its part before the connection breaks. */
function* withFault(
	text: string,
	{ breaks, event = 1 }: StreamFault,
	taskIds: string[],
	taskId: string,
): Generator<string> {
	const hits = breaks !== undefined && taskIds.length + 1 === event;
	if (hits && breaks === 'beforeEvent') throw new BrokenConnection();
	if (hits && breaks === 'inEvent') {
		yield text.slice(0, Math.floor(text.length / 2));
		throw new BrokenConnection();
	}
	taskIds.push(taskId);
	yield text;
	if (hits) throw new BrokenConnection();
}

/** Events that the client has not read yet. */
class EventBuffer {
	private readonly events: OxenEvent[] = [];
	private wake = () => {};

	get isEmpty(): boolean {
		return this.events.length === 0;
	}

	push(event: OxenEvent): void {
		this.events.push(event);
		this.wake();
	}

	async *read(disconnected: AbortSignal): AsyncGenerator<OxenEvent> {
		disconnected.addEventListener('abort', () => this.wake(), { once: true });
		while (!disconnected.aborted) {
			const event = this.events.shift();
			if (event) yield event;
			else await new Promise<void>((resolve) => (this.wake = resolve));
		}
	}
}

/** A cancelled task has no event, and an event for any other status is not documented. */
function toCompletion(task: Task): object | undefined {
	const { id, model, url } = task.record;
	const state = toState(task);
	const facts = { generation_id: id, media_type: 'image' };
	if (state.phase === 'completed') return { ...facts, status: 'succeeded', model, url };
	if (state.phase === 'failed') return { ...facts, status: 'failed', error: state.failure.message };
	return undefined;
}

/** What else happens in the account: another kind of event, and a task from elsewhere. */
function createForeignEvents(): OxenEvent[] {
	const elsewhere = {
		generation_id: randomUUID(),
		status: 'succeeded',
		media_type: 'video',
		model: 'a-video-model',
		url: 'https://hub.oxen.ai/api/repos/elsewhere/video.mp4',
	};
	return [
		{ text: formatEvent('fine_tune_updated', { id: randomUUID(), status: 'running' }) },
		{ text: formatEvent('media_generation_completed', elsewhere) },
	];
}

const formatEvent = (event: string, data: object) =>
	`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
