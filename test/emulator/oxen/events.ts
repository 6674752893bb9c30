import { randomUUID } from 'node:crypto';
import { stateOf, type Job } from '../tasks';
import { BreakOff, type Call, type Effect, type Stream, type StreamFault } from '../types';
import type { World } from '../world';

/**
 * Oxen.ai's server-sent events. Nothing is kept for those who subscribe late; a key hears of its
 * own account only. Beside the end of each job other events come, as the documents warn.
 */

interface Letter {
	text: string;
	/** Whose end it tells, where it is a completion event of this emulator's jobs. */
	jobId?: string;
}

interface Subscriber {
	key: string;
	/** `final`: nothing is to come after it. */
	deliver: (letter: Letter) => void;
}

const KEEP_ALIVE: Letter = { text: ': keep-alive\n\n' };

export class OxenEvents {
	private readonly subscribers = new Set<Subscriber>();

	constructor(private readonly world: World) {}

	/** Tells the job's end when it comes. */
	announce(job: Job): void {
		const { event, eventDelay = 0 } = job.fault;
		if (event === 'lost') return;
		const times = event === 'twice' ? 2 : 1;
		void this.untilDone(job, eventDelay * 1000).then(
			() => {
				for (let n = 0; n < times; n++) this.tell(job);
			},
			() => undefined,
		);
	}

	/** A subscription, as a stream that lasts until the client has gone. */
	subscribe({ key = '' }: Call, { stream = {} }: Effect): Stream {
		return (gone) => this.read(key, stream, gone);
	}

	/** Rejects when the emulator closes. */
	private async untilDone({ record }: Job, delayMs: number): Promise<void> {
		// a timer may fire a little early
		while (Date.now() < record.readyAt + delayMs) {
			await this.world.wait(Math.max(1, record.readyAt + delayMs - Date.now()));
		}
	}

	private tell(job: Job): void {
		const data = completion(job);
		// forgotten by a reset, or an end that has no event
		if (!data || this.world.jobs.find(job.record.id) !== job) return;
		const letters = [
			...foreign(),
			{ text: format('media_generation_completed', data), jobId: job.record.id },
		];
		for (const { key, deliver } of this.subscribers) {
			if (key === job.record.key) letters.forEach(deliver);
		}
	}

	private async *read(key: string, fault: StreamFault, gone: AbortSignal): AsyncGenerator<string> {
		const { streams } = this.world.jobs.ledger;
		const box = new Mailbox();
		const subscriber = { key, deliver: (letter: Letter) => box.put(letter) };
		const timer = setInterval(() => {
			if (box.isEmpty) box.put(KEEP_ALIVE);
		}, this.world.keepAliveMs);
		const told: string[] = [];
		const record = { n: streams.length + 1, at: Date.now(), key, told };
		streams.push(record);
		this.subscribers.add(subscriber);
		try {
			for await (const { text, jobId } of box.read(gone)) {
				if (fault.silent) continue;
				if (jobId === undefined) yield text;
				else yield* withFault(text, fault, told, jobId);
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
	told: string[],
	jobId: string,
): Generator<string> {
	const hits = breaks !== undefined && told.length + 1 === event;
	if (hits && breaks === 'beforeEvent') throw new BreakOff();
	if (hits && breaks === 'inEvent') {
		yield text.slice(0, Math.floor(text.length / 2));
		throw new BreakOff();
	}
	told.push(jobId);
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
function completion(job: Job): object | undefined {
	const { id, model, url } = job.record;
	const state = stateOf(job);
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
