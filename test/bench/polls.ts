import type { LedgerData, PollRecord } from '../emulator';
import { mean, percentile, round } from './statistics';

export interface Lateness {
	/** From the moment the job was ready until the look that was told so. */
	meanMs: number;
	p95Ms: number;
	/** Looks per job. */
	polls: number;
}

/** The first look at each job that was told that it is ready. */
export function findReadyPolls({ jobs, polls }: LedgerData): Map<string, PollRecord> {
	const found = new Map<string, PollRecord>();
	for (const poll of polls) {
		if (poll.state === 'Ready' && !found.has(poll.jobId)) found.set(poll.jobId, poll);
	}
	const missing = jobs.filter(({ id }) => !found.has(id));
	if (missing.length > 0) throw new Error(`${missing.length} jobs were never seen ready`);
	return found;
}

/** How late the client saw what it waited for, by the provider's own clock; the download is no part of it. */
export function toLateness(ledger: LedgerData): Lateness {
	const readyPolls = findReadyPolls(ledger);
	const latenessMs = ledger.jobs.map(({ id, readyAt }) => readyPolls.get(id)!.at - readyAt);
	return {
		meanMs: round(mean(latenessMs)),
		p95Ms: round(percentile(latenessMs, 95)),
		polls: round(ledger.polls.length / ledger.jobs.length, 2),
	};
}
