import type { World } from '../world';

export interface OxenOptions {
	/** Oxen.ai: milliseconds between the comments that keep a stream of events alive; 15 000 by default. */
	keepAliveMs?: number;
	/** Oxen.ai: tasks that have ended are in the history only (true), or nowhere. */
	oxenVanishes?: boolean | 'everywhere';
}

export interface OxenWorld extends World {
	keepAliveMs: number;
	/** From where a task is removed once it has ended; a rule's `leaves` overrides it. */
	leaves?: 'queue' | 'everywhere';
}

export function withOptions(
	world: World,
	{ keepAliveMs = 15_000, oxenVanishes }: OxenOptions,
): OxenWorld {
	return {
		...world,
		keepAliveMs,
		leaves: oxenVanishes === true ? 'queue' : oxenVanishes || undefined,
	};
}
