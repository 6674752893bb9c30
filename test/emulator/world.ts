import type { Answer, Call } from './types';
import { Refusal } from './types';
import type { Rules } from './faults';
import type { Jobs } from './jobs';

/** What all routes of one emulator share. */
export interface World {
	jobs: Jobs;
	rules: Rules;
	urls: { api: string; results: string };
	/** The AI gateways of the account; any other id is refused. */
	gateways: readonly string[];
	/** The catalogue's answers, unless a rule says otherwise. */
	envelope: 'bare' | 'wrapped';
	/** How many unfinished jobs one key may have before it gets 429. */
	maxRunning: number;
	gatewayCache: Map<string, CachedAnswer>;
	/** Waits; ends early, by rejecting, when the emulator closes. */
	wait: (ms: number) => Promise<void>;
}

export interface CachedAnswer {
	jobId: string;
	expiresAt: number;
}

/** Refuses a submission of a key that has too many jobs already. */
export function refuseCrowd(world: World, call: Call, refusal: Answer): void {
	if (world.jobs.running(call.key ?? '') >= world.maxRunning) {
		throw new Refusal({ ...refusal, headers: { ...refusal.headers, 'retry-after': '1' } });
	}
}
