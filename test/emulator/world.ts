import type { Rules } from './rules';
import type { Tasks } from './tasks';
import { Refusal, type ApiResponse, type Call } from './types';

/** What all routes of one emulator share. */
export interface World {
	tasks: Tasks;
	rules: Rules;
	urls: { api: string; polling: string; results: string };
	/** How many unfinished tasks one key may have before it gets 429; the provider's documented number by default. */
	maxRunning?: number;
	/** Milliseconds of the unit in which the pauses before a webhook is delivered again are counted. */
	webhookUnitMs: number;
	/** How late the fault `late` delivers a webhook. */
	webhookLateMs: number;
	/** Aborted when the emulator closes. */
	closing: AbortSignal;
	/** Waits; ends early, by rejecting, when the emulator closes. */
	wait: (ms: number) => Promise<void>;
}

/** Refuses a submission of a key that has too many unfinished tasks already. */
export function refuseOverLimit(
	world: World,
	call: Call,
	refusal: ApiResponse,
	documented = Infinity,
): void {
	if (world.tasks.countRunning(call.key ?? '') >= (world.maxRunning ?? documented)) {
		throw new Refusal({ ...refusal, headers: { ...refusal.headers, 'retry-after': '1' } });
	}
}

/** Records a name that no document knows: most likely it is misspelt. */
export function recordUnexpected(world: World, { method, url }: Call, reason: string): void {
	world.tasks.ledger.unexpected.push({ at: Date.now(), method, path: url, reason });
}

export function recordUnknownQuery(world: World, call: Call, known: readonly string[]): void {
	const unknown = Object.keys(call.query).filter((name) => !known.includes(name));
	unknown.forEach((name) => recordUnexpected(world, call, `query ${name}`));
}
