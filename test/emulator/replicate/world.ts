import type { World } from '../world';

/** Where Replicate's documents and clients say nothing, or more than one thing, an option has each reading. */
export interface ReplicateOptions {
	/** Replicate: the HTTP status of a create that does not wait; 201 by default. */
	replicateCreatedStatus?: 201 | 202;
	/** Replicate: input fields that a model's schema does not declare are refused, the default, or ignored. */
	replicateUndeclared?: 'refused' | 'ignored';
	/** Replicate: cancelling a prediction that has ended leaves it as it is, the default, or is refused. */
	replicateLateCancel?: 'unchanged' | 'refused';
	/** Replicate: the status of a prediction that has ended within `Prefer: wait`; `succeeded` by default. */
	replicateWaitedStatus?: 'succeeded' | 'processing';
	/** Replicate: whether `urls` has a stream; it has none by default. */
	replicateStreamUrl?: boolean;
	/** Replicate: how long the files of a prediction are kept; an hour by default. */
	replicateFileSeconds?: number;
	/** Replicate: how many predictions a page of the list has; 100 by default. */
	replicatePageSize?: number;
}

export type ReplicateWorld = World & Required<ReplicateOptions>;

const DEFAULTS: Required<ReplicateOptions> = {
	replicateCreatedStatus: 201,
	replicateUndeclared: 'refused',
	replicateLateCancel: 'unchanged',
	replicateWaitedStatus: 'succeeded',
	replicateStreamUrl: false,
	replicateFileSeconds: 3600,
	replicatePageSize: 100,
};

/** The options of all providers arrive in one object. */
export function withOptions(world: World, options: ReplicateOptions): ReplicateWorld {
	const own = Object.keys(DEFAULTS).flatMap((name) => {
		const value = options[name as keyof ReplicateOptions];
		return value === undefined ? [] : [[name, value] as const];
	});
	return { ...world, ...DEFAULTS, ...Object.fromEntries(own) };
}
