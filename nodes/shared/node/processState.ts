import { throttle, type Throttle } from '../core/async';
import type { AdaptiveLimiter } from '../http/limiter';
import type { Durations } from '../tasks/pollSchedule';

/** What the executions and webhooks of one process learn and share. */
export interface ProcessState {
	readonly durations: Durations;
	/** By credential. */
	readonly limiters: Map<string, AdaptiveLimiter>;
	readonly readThrottle: Throttle;
}

/** At most 50 reads a second and host, whatever the number of tasks. */
const MIN_READ_GAP_MS = 20;

export const processState: ProcessState = {
	durations: new Map(),
	limiters: new Map(),
	readThrottle: throttle(MIN_READ_GAP_MS),
};
