import { onAbort } from '../core/async';
import { openEventSource, parseEvents, type ServerSentEvent } from '../http/eventSource';
import type { DownloadStream, ReadClient } from '../http/types';
import type { AsyncProtocol, FinalState, Task, TaskEvents } from './protocol';

/** The task that an event is about and its end; undefined for foreign events. */
export type ReadEvent = (
	event: ServerSentEvent,
) => { taskId: string; state: FinalState | undefined } | undefined;

/** The provider's documents promise a keep-alive every 15 seconds; after this silence nobody is there. */
const EVENTS_IDLE_TIMEOUT_MS = 40_000;
/** Events of other people's tasks are buffered for a while too: an event may overtake the submit's response. */
const MAX_BUFFERED_EVENTS = 1000;

/** Subscribes to a stream of server-sent events that bring the ends of tasks. */
export function subscribeToTaskEvents(
	client: ReadClient,
	path: string,
	read: ReadEvent,
	signal: AbortSignal,
): TaskEvents {
	const buffer = new EventBuffer();
	const end = new AbortController();
	let lastActivity = Date.now();
	const close = () => {
		end.abort();
		buffer.close();
	};
	const listen = async (stream: DownloadStream) => {
		for await (const event of parseEvents(stream, () => (lastActivity = Date.now()))) {
			const news = read(event);
			if (news) buffer.push(news.taskId, news.state);
		}
	};
	const ready = openEventSource(client, path, AbortSignal.any([signal, end.signal])).then(
		(stream) => {
			lastActivity = Date.now();
			void listen(stream)
				.catch(() => undefined)
				.finally(close);
		},
		close,
	);
	return {
		ready,
		close,
		next: async (taskId, waitSignal) => await buffer.next(taskId, waitSignal),
		get isConnected() {
			return buffer.isOpen && Date.now() - lastActivity < EVENTS_IDLE_TIMEOUT_MS;
		},
	};
}

type Waiter = (state?: FinalState) => void;

/** Passes each event to the waiters for its task, or keeps it until there is one. */
class EventBuffer {
	isOpen = true;

	/** Only final states: a buffered pending state would wake the same waiter again and again. */
	private readonly buffered = new Map<string, FinalState>();

	private readonly waiters = new Map<string, Set<Waiter>>();

	push(taskId: string, state: FinalState | undefined): void {
		const [oldest] = this.buffered.keys();
		if (this.buffered.size >= MAX_BUFFERED_EVENTS && oldest) this.buffered.delete(oldest);
		if (state) this.buffered.set(taskId, state);
		for (const resolve of this.waiters.get(taskId) ?? []) resolve(state);
		this.waiters.delete(taskId);
	}

	/** @param signal ends the waiting: each poll waits anew, and what it leaves behind would pile up */
	async next(taskId: string, signal: AbortSignal): Promise<FinalState | undefined> {
		if (this.buffered.has(taskId) || !this.isOpen) return this.buffered.get(taskId);
		const waiters = this.waiters.get(taskId) ?? new Set();
		this.waiters.set(taskId, waiters);
		return await new Promise((resolve) => {
			waiters.add(resolve);
			onAbort(signal, () => waiters.delete(resolve));
		});
	}

	close(): void {
		this.isOpen = false;
		for (const waiters of this.waiters.values()) for (const resolve of waiters) resolve(undefined);
		this.waiters.clear();
	}
}

/** The event streams of one run: one for all its tasks or one for each, as the provider has them. */
export class RunEvents {
	private readonly streams = new Map<unknown, TaskEvents>();

	constructor(private readonly signal: AbortSignal) {}

	/** The stream that is to be listened to before a submit; undefined where there is none. */
	beforeSubmit(
		{ events }: Pick<AsyncProtocol, 'events'>,
		client: ReadClient,
	): TaskEvents | undefined {
		if (events?.scope !== 'run') return undefined;
		return this.memoize(events, () => events.open(client, this.signal));
	}

	/** The stream that brings the task's end; undefined where there is none. */
	of(
		protocol: Pick<AsyncProtocol, 'events'>,
		client: ReadClient,
		task: Task,
	): TaskEvents | undefined {
		const { events } = protocol;
		if (events?.scope !== 'task') return this.beforeSubmit(protocol, client);
		return this.memoize(task.id, () => events.open(client, task, this.signal));
	}

	/** Ends the stream of a task that has ended. */
	close(task: Task): void {
		this.streams.get(task.id)?.close();
	}

	closeAll(): void {
		for (const stream of this.streams.values()) stream.close();
	}

	private memoize(key: unknown, open: () => TaskEvents): TaskEvents {
		const stream = this.streams.get(key) ?? open();
		this.streams.set(key, stream);
		return stream;
	}
}
