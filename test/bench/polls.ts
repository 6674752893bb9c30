import type { LedgerData, PollRecord } from '../emulator';
import { mean, percentile, round } from './statistics';

export interface Lateness {
	/** From the moment a task is ready until the poll that finds it ready. */
	meanMs: number;
	p95Ms: number;
	/** Per task. */
	polls: number;
}

/** The first poll of each task that found it ready. */
export function findReadyPolls({ tasks, polls }: LedgerData): Map<string, PollRecord> {
	const found = new Map<string, PollRecord>();
	for (const poll of polls) {
		if (poll.state === 'Ready' && !found.has(poll.taskId)) found.set(poll.taskId, poll);
	}
	const missing = tasks.filter(({ id }) => !found.has(id));
	if (missing.length > 0) throw new Error(`${missing.length} tasks were never seen ready`);
	return found;
}

/** How late the client found its tasks ready, by the emulator's clock. The download does not count. */
export function toLateness(ledger: LedgerData): Lateness {
	const readyPolls = findReadyPolls(ledger);
	const latenessMs = ledger.tasks.map(({ id, readyAt }) => readyPolls.get(id)!.at - readyAt);
	return {
		meanMs: round(mean(latenessMs)),
		p95Ms: round(percentile(latenessMs, 95)),
		polls: round(ledger.polls.length / ledger.tasks.length, 2),
	};
}
