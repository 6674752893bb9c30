import type { World } from '../world';

/** Where fal's documents and clients contradict each other or say nothing, an option has each reading. */
export interface FalOptions {
	/** fal: where a wrong body is refused: as a task that fails, the default, or at once. */
	falValidates?: 'run' | 'submit';
	/** fal: whether `response_url` ends in `/response`, as one document shows; it does not by default. */
	falResponseUrl?: 'bare' | 'response';
	/** fal: the HTTP status of a poll that finds the task unfinished; 202 by default. */
	falWaitingStatus?: 200 | 202;
	/** fal: what becomes of a cancelled task: it has failed with `client_cancelled`, the default, or is not found. */
	falCancelled?: 'failed' | 'missing';
	/** fal: the HTTP status of a model's own failure; 500 by default. */
	falErrorStatus?: 500 | 504;
}

export type FalWorld = World & Required<FalOptions>;

export function withOptions(
	world: World,
	{
		falValidates = 'run',
		falResponseUrl = 'bare',
		falWaitingStatus = 202,
		falCancelled = 'failed',
		falErrorStatus = 500,
	}: FalOptions,
): FalWorld {
	return { ...world, falValidates, falResponseUrl, falWaitingStatus, falCancelled, falErrorStatus };
}
