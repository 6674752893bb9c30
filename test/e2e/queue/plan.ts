import type { RestartPlan } from './restart';
import type { Blow, Scenario } from './scenario';
import type { ShapeName } from './shapes';

export interface Sizes {
	/** Of most scenarios. */
	executions: number;
	/** How many of them a worker takes on at once. */
	concurrency: number;
	/** Executions that are parked at once, and as many that poll. */
	parked: number;
	/** Executions that are parked when n8n itself is killed. */
	restarted: number;
	/** How late callbacks come, in seconds, where all executions are to be parked at once. */
	lateSeconds: number;
}

export const FULL: Sizes = {
	executions: 200,
	concurrency: 10,
	parked: 500,
	restarted: 50,
	lateSeconds: 120,
};
export const QUICK: Sizes = {
	executions: 12,
	concurrency: 3,
	parked: 15,
	restarted: 5,
	lateSeconds: 30,
};

const SMALL_WORKER = 5;

export function scenariosOf({ executions, concurrency, parked }: Sizes): Scenario[] {
	const usual = (shape: ShapeName, workers: number, blow?: Blow): Scenario => ({
		shape,
		workers,
		concurrency,
		executions,
		blow,
	});
	const struck = (shape: ShapeName, ...moments: Array<Blow['when']>): Scenario[] => [
		...moments.map((when) => usual(shape, 2, { signal: 'SIGKILL', when })),
		usual(shape, 2, { signal: 'SIGTERM', when: 'submitting' }),
	];
	const small = { workers: 1, concurrency: SMALL_WORKER, executions: parked };
	return [
		usual('generate', 1),
		usual('generate', 2),
		...struck('generate', 'submitting'),
		usual('submitGet', 2, { signal: 'SIGKILL', when: 'collecting' }),
		...struck('submitWaitGet', 'submitting', 'parked', 'collecting'),
		...struck('callback', 'submitting'),
		{ ...usual('callback', 2, { signal: 'SIGKILL', when: 'parked' }), lateCallbacks: true },
		{ ...small, shape: 'generate' },
		{ ...small, shape: 'callback', lateCallbacks: true },
	];
}

export const restartsOf = ({ restarted }: Sizes): RestartPlan[] => [
	{ shape: 'callback', when: 'parked', executions: restarted },
	{ shape: 'submitGet', when: 'collecting', executions: restarted },
	{ shape: 'generate', when: 'collecting', executions: restarted },
];
