import type { ApiResponse, Call } from './types';
import { Refusal } from './types';
import type { Rules } from './rules';
import type { Tasks } from './tasks';

/** What all routes of one emulator share. */
export interface World {
	tasks: Tasks;
	rules: Rules;
	urls: { api: string; polling: string; results: string };
	/** The AI gateways of the account; any other id is refused. */
	gateways: readonly string[];
	/** The catalogue's answers, unless a rule says otherwise. */
	envelope: 'bare' | 'wrapped';
	/** How many unfinished jobs one key may have before it gets 429; what its documents say when left out. */
	maxRunning?: number;
	gatewayCache: Map<string, CachedResponse>;
	/** Oxen.ai: milliseconds between the comments of a stream of events. */
	keepAliveMs: number;
	/** Oxen.ai: what becomes of jobs that have ended, unless a rule says otherwise. */
	oxenLeaves?: 'queue' | 'everywhere';
	/** BFL: how long an image's URL is good for. */
	sampleSeconds: number;
	/** BFL: milliseconds of the unit that webhooks are delivered again by. */
	webhookUnitMs: number;
	/** BFL: how late the fault `late` delivers a webhook. */
	webhookLateMs: number;
	/** Aborted when the emulator closes. */
	closing: AbortSignal;
	/** Waits; ends early, by rejecting, when the emulator closes. */
	wait: (ms: number) => Promise<void>;
}

export interface CachedResponse {
	taskId: string;
	expiresAt: number;
}

/** Refuses a submission of a key that has too many jobs already. */
export function refuseOverLimit(
	world: World,
	call: Call,
	refusal: ApiResponse,
	documented = Infinity,
): void {
	if (world.tasks.running(call.key ?? '') >= (world.maxRunning ?? documented)) {
		throw new Refusal({ ...refusal, headers: { ...refusal.headers, 'retry-after': '1' } });
	}
}

/** What no document knows in a query is most likely misspelt. */
export function noteUnknownQuery(world: World, call: Call, known: readonly string[]): void {
	for (const name of Object.keys(call.query).filter((one) => !known.includes(one))) {
		const { method, url: path } = call;
		world.tasks.ledger.unexpected.push({ at: Date.now(), method, path, reason: `query ${name}` });
	}
}
