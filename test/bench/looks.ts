import type { LedgerData, PollRecord } from '../emulator';
import { mean, percentile, rounded } from './statistics';

export interface Lateness {
	/** From the moment the job was ready until the look that was told so. */
	meanMs: number;
	p95Ms: number;
	/** Looks per job. */
	polls: number;
}

/** The first look at each job that was told that it is ready. */
export function readyLooks({ tasks: jobs, polls }: LedgerData): Map<string, PollRecord> {
	const found = new Map<string, PollRecord>();
	for (const poll of polls) {
		if (poll.state === 'Ready' && !found.has(poll.taskId)) found.set(poll.taskId, poll);
	}
	const missing = jobs.filter(({ id }) => !found.has(id));
	if (missing.length > 0) throw new Error(`${missing.length} jobs were never seen ready`);
	return found;
}

/** How late the client saw what it waited for, by the provider's own clock; the download is no part of it. */
export function latenessOf(ledger: LedgerData): Lateness {
	const looks = readyLooks(ledger);
	const lateMs = ledger.tasks.map(({ id, readyAt }) => looks.get(id)!.at - readyAt);
	return {
		meanMs: rounded(mean(lateMs)),
		p95Ms: rounded(percentile(lateMs, 95)),
		polls: rounded(ledger.polls.length / ledger.tasks.length, 2),
	};
}
