import { randomUUID } from 'node:crypto';
import { stateOf, type Task } from '../tasks';
import { BreakOff, type Call, type Effect, type Stream, type StreamFault } from '../types';
import type { OxenWorld } from './world';

/**
 * Oxen.ai's server-sent events. Nothing is kept for those who subscribe late; a key hears of its
 * own account only. Beside the end of each job other events come, as the documents warn.
 */

interface Letter {
	text: string;
	/** Whose end it tells, where it is a completion event of this emulator's jobs. */
	taskId?: string;
}

interface Subscriber {
	key: string;
	/** `final`: nothing is to come after it. */
	deliver: (letter: Letter) => void;
}

const KEEP_ALIVE: Letter = { text: ': keep-alive\n\n' };

export class OxenEvents {
	private readonly subscribers = new Set<Subscriber>();

	constructor(private readonly world: OxenWorld) {}

	/** Tells the job's end when it comes. */
	announce(task: Task): void {
		const { event, eventDelay = 0 } = task.fault;
		if (event === 'lost') return;
		const times = event === 'twice' ? 2 : 1;
		void this.untilDone(task, eventDelay * 1000).then(
			() => {
				for (let n = 0; n < times; n++) this.publish(task);
			},
			() => undefined,
		);
	}

	/** A subscription, as a stream that lasts until the client has gone. */
	subscribe({ key = '' }: Call, { stream = {} }: Effect): Stream {
		return (gone) => this.read(key, stream, gone);
	}

	/** Rejects when the emulator closes. */
	private async untilDone({ record }: Task, delayMs: number): Promise<void> {
		// a timer may fire a little early
		while (Date.now() < record.readyAt + delayMs) {
			await this.world.wait(Math.max(1, record.readyAt + delayMs - Date.now()));
		}
	}

	private publish(task: Task): void {
		const data = completion(task);
		// forgotten by a reset, or an end that has no event
		if (!data || this.world.tasks.find(task.record.id) !== task) return;
		const letters = [
			...foreign(),
			{ text: format('media_generation_completed', data), taskId: task.record.id },
		];
		for (const { key, deliver } of this.subscribers) {
			if (key === task.record.key) letters.forEach(deliver);
		}
	}

	private async *read(key: string, fault: StreamFault, gone: AbortSignal): AsyncGenerator<string> {
		const { streams } = this.world.tasks.ledger;
		const box = new Mailbox();
		const subscriber = { key, deliver: (letter: Letter) => box.put(letter) };
		const timer = setInterval(() => {
			if (box.isEmpty) box.put(KEEP_ALIVE);
		}, this.world.keepAliveMs);
		const taskIds: string[] = [];
		const record = { n: streams.length + 1, at: Date.now(), key, taskIds };
		streams.push(record);
		this.subscribers.add(subscriber);
		try {
			for await (const { text, taskId } of box.read(gone)) {
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

/** One event, or what a break leaves of it. */
function* withFault(
	text: string,
	{ breaks, event = 1 }: StreamFault,
	taskIds: string[],
	taskId: string,
): Generator<string> {
	const hits = breaks !== undefined && taskIds.length + 1 === event;
	if (hits && breaks === 'beforeEvent') throw new BreakOff();
	if (hits && breaks === 'inEvent') {
		yield text.slice(0, Math.floor(text.length / 2));
		throw new BreakOff();
	}
	taskIds.push(taskId);
	yield text;
	if (hits) throw new BreakOff();
}

/** Holds what was not read yet. */
class Mailbox {
	private readonly letters: Letter[] = [];
	private wake = () => {};

	get isEmpty(): boolean {
		return this.letters.length === 0;
	}

	put(letter: Letter): void {
		this.letters.push(letter);
		this.wake();
	}

	async *read(gone: AbortSignal): AsyncGenerator<Letter> {
		gone.addEventListener('abort', () => this.wake(), { once: true });
		while (!gone.aborted) {
			const letter = this.letters.shift();
			if (letter) yield letter;
			else await new Promise<void>((resolve) => (this.wake = resolve));
		}
	}
}

/** A cancelled job has no event, and an end in other words is not documented. */
function completion(task: Task): object | undefined {
	const { id, model, url } = task.record;
	const state = stateOf(task);
	const facts = { generation_id: id, media_type: 'image' };
	if (state.phase === 'completed') return { ...facts, status: 'succeeded', model, url };
	if (state.phase === 'failed') return { ...facts, status: 'failed', error: state.failure.message };
	return undefined;
}

/** What else goes on in the account: another kind of event, and a job from elsewhere. */
function foreign(): Letter[] {
	const elsewhere = {
		generation_id: randomUUID(),
		status: 'succeeded',
		media_type: 'video',
		model: 'a-video-model',
		url: 'https://hub.oxen.ai/api/repos/elsewhere/video.mp4',
	};
	return [
		{ text: format('fine_tune_updated', { id: randomUUID(), status: 'running' }) },
		{ text: format('media_generation_completed', elsewhere) },
	];
}

const format = (event: string, data: object) =>
	`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
