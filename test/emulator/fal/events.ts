import type { StreamRecord } from '../ledger';
import type { Task } from '../tasks';
import { BrokenConnection, type Call, type Effect, type JsonObject, type Stream } from '../types';
import type { FalWorld } from './world';

/** fal's status stream: the body of `status` at each change, in events without a name, until the task has ended. */

const TICK_MS = 5;

export const streamStatus =
	(
		world: FalWorld,
		{ key }: Call,
		task: Task,
		{ stream: fault = {} }: Effect,
		readStatus: () => JsonObject,
	): Stream =>
	(disconnected) => {
		const { streams } = world.tasks.ledger;
		const taskIds: string[] = [];
		const record: StreamRecord = { n: streams.length + 1, at: Date.now(), key, taskIds };
		streams.push(record);
		return closing(record, async function* () {
			for await (const body of statuses(world, task, readStatus, disconnected)) {
				if (fault.silent) continue;
				const text = `data: ${JSON.stringify(body)}\n\n`;
				const isEnd = body.status === 'COMPLETED';
				if (isEnd && fault.breaks === 'beforeEvent') throw new BrokenConnection();
				if (isEnd && fault.breaks === 'inEvent') {
					yield text.slice(0, Math.floor(text.length / 2));
					throw new BrokenConnection();
				}
				if (isEnd) taskIds.push(task.record.id);
				yield text;
				if (isEnd && fault.breaks === 'afterEvent') throw new BrokenConnection();
			}
		});
	};

async function* closing(
	record: StreamRecord,
	read: () => AsyncGenerator<string>,
): AsyncGenerator<string> {
	try {
		yield* read();
	} finally {
		record.closedAt = Date.now();
	}
}

/** Each body that differs from the one before. */
async function* statuses(
	world: FalWorld,
	task: Task,
	readStatus: () => JsonObject,
	disconnected: AbortSignal,
): AsyncGenerator<JsonObject> {
	const { event, eventDelay = 0 } = task.fault;
	let last: unknown;
	for (let body = readStatus(); !disconnected.aborted; body = readStatus()) {
		const isEnd = body.status === 'COMPLETED';
		if (isEnd && event !== 'lost') {
			await world.wait(eventDelay * 1000);
			yield body;
			if (event === 'twice') yield body;
			return;
		}
		if (!isEnd && body.status !== last) yield body;
		// without an event that could come, nothing is waited for
		if (event === 'lost') break;
		last = body.status;
		// for faults that count polls
		task.polls++;
		await world.wait(TICK_MS);
	}
	if (!disconnected.aborted) {
		await new Promise((done) => disconnected.addEventListener('abort', done, { once: true }));
	}
}
