import { Flux2Error } from '../core/errors';
import { openEventSource, type ApiClient, type DownloadStream } from '../http/client';
import type { Done, Failed } from './protocol';

/** Never a pending state: whoever waits would be told it over and over. */
type Ended = Done | Failed;

/** Server-sent events of one run: one connection for all its items. */
export interface TaskEvents {
	/** Resolves once the subscription stands, or could not be made; never rejects. */
	readonly opened: Promise<void>;
	/** False once the stream is broken, has ended or was silent for too long. */
	readonly isAlive: boolean;
	/**
	 * Resolves with the task's end when an event tells it (also an earlier one), or with undefined when a look is
	 * needed: the stream has ended, or an event does not say enough.
	 */
	told(taskId: string): Promise<Ended | undefined>;
}

export interface ServerSentEvent {
	event: string;
	data: string;
}

/** The provider's documents promise a keep-alive every 15 seconds; after this silence nobody is there. */
const LONGEST_SILENCE_MS = 40_000;
/** Events of other people's jobs are kept for a while too: an event may overtake the submit's answer. */
const KEPT_EVENTS = 1000;
const LARGEST_EVENT = 1024 * 1024;

const streams = new WeakMap<AbortSignal, TaskEvents & { close(): void }>();

/**
 * The run's stream, opened on first use.
 * @param read the task that an event is about and its state; undefined for foreign events
 */
export function eventsOf(
	api: ApiClient,
	path: string,
	read: (event: ServerSentEvent) => { taskId: string; state: Ended | undefined } | undefined,
): TaskEvents {
	const known = streams.get(api.signal);
	if (known) return known;
	const stream = subscribe(api, path, read);
	streams.set(api.signal, stream);
	return stream;
}

/** Ends the stream of the run that this signal belongs to, if it has one. */
export function closeEvents(signal: AbortSignal): void {
	streams.get(signal)?.close();
}

function subscribe(
	api: ApiClient,
	path: string,
	read: Parameters<typeof eventsOf>[2],
): TaskEvents & { close(): void } {
	const mail = mailbox();
	const end = new AbortController();
	let heardAt = Date.now();
	const close = () => {
		end.abort();
		mail.close();
	};
	const listen = async (stream: DownloadStream) => {
		for await (const event of parseEvents(stream, () => (heardAt = Date.now()))) {
			const news = read(event);
			if (news) mail.deliver(news.taskId, news.state);
		}
	};
	const until = AbortSignal.any([api.signal, end.signal]);
	const opened = openEventSource(api, path, until).then((stream) => {
		heardAt = Date.now();
		void listen(stream)
			.catch(() => undefined)
			.finally(close);
	}, close);
	return {
		opened,
		close,
		told: mail.take,
		get isAlive() {
			return mail.isOpen && Date.now() - heardAt < LONGEST_SILENCE_MS;
		},
	};
}

/** Brings each event to the one who waits for it, or keeps it until somebody does. */
function mailbox() {
	const kept = new Map<string, Ended>();
	const waiting = new Map<string, Array<(state?: Ended) => void>>();
	let isOpen = true;
	return {
		get isOpen() {
			return isOpen;
		},
		deliver(taskId: string, state: Ended | undefined) {
			if (kept.size >= KEPT_EVENTS) kept.delete(kept.keys().next().value ?? '');
			if (state) kept.set(taskId, state);
			for (const resolve of waiting.get(taskId) ?? []) resolve(state);
			waiting.delete(taskId);
		},
		async take(this: void, taskId: string): Promise<Ended | undefined> {
			if (kept.has(taskId) || !isOpen) return kept.get(taskId);
			return await new Promise((resolve) => {
				waiting.set(taskId, [...(waiting.get(taskId) ?? []), resolve]);
			});
		},
		close() {
			isOpen = false;
			for (const resolve of [...waiting.values()].flat()) resolve(undefined);
			waiting.clear();
		},
	};
}

/**
 * Events out of a byte stream, as far as the HTML standard's format is used; comments only count as a sign of life.
 * @throws Flux2Error when an event is larger than any that is of interest
 */
export async function* parseEvents(
	body: AsyncIterable<Buffer>,
	onBytes: () => void,
): AsyncGenerator<ServerSentEvent> {
	const decoder = new TextDecoder();
	let rest = '';
	for await (const chunk of body) {
		onBytes();
		rest += decoder.decode(chunk, { stream: true });
		const blocks = rest.split(/\r?\n\r?\n/);
		rest = blocks.pop() ?? '';
		if (rest.length > LARGEST_EVENT)
			throw new Flux2Error('badResponse', 'The event stream makes no sense');
		yield* blocks.flatMap(parseEvent);
	}
}

function parseEvent(block: string): ServerSentEvent[] {
	const fields = block.split(/\r?\n/).map((line) => /^(event|data): ?([^]*)$/.exec(line));
	const values = (name: string) =>
		fields.flatMap((field) => (field?.[1] === name ? [field[2] ?? ''] : []));
	const data = values('data');
	return data.length > 0
		? [{ event: values('event').at(-1) ?? 'message', data: data.join('\n') }]
		: [];
}
