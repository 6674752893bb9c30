import type { RestartPlan } from './restart';
import type { Termination, Scenario } from './scenario';
import type { ShapeName } from './shapes';
import type { TablePlan } from './taskTable';

export interface Sizes {
	/** Number of executions in most scenarios. */
	executions: number;
	/** How many executions a worker runs at once. */
	concurrency: number;
	/** Executions that are suspended at once, and as many that poll. */
	suspended: number;
	/** Executions that are suspended when n8n itself is killed. */
	restarted: number;
	/** Workers that are killed while every task is in a table. */
	kills: number;
	/** Delay of the callbacks in seconds where all executions are suspended at once. */
	lateSeconds: number;
}

export const FULL: Sizes = {
	executions: 200,
	concurrency: 10,
	suspended: 500,
	restarted: 50,
	kills: 5,
	lateSeconds: 120,
};
export const QUICK: Sizes = {
	executions: 12,
	concurrency: 3,
	suspended: 15,
	restarted: 5,
	kills: 1,
	lateSeconds: 30,
};

const SMALL_WORKER = 5;

export function listScenarios({ executions, concurrency, suspended }: Sizes): Scenario[] {
	const createScenario = (
		shape: ShapeName,
		workers: number,
		termination?: Termination,
	): Scenario => ({
		shape,
		workers,
		concurrency,
		executions,
		termination,
	});
	const createTerminations = (
		shape: ShapeName,
		...moments: Array<Termination['when']>
	): Scenario[] => [
		...moments.map((when) => createScenario(shape, 2, { signal: 'SIGKILL', when })),
		createScenario(shape, 2, { signal: 'SIGTERM', when: 'submitting' }),
	];
	const small = { workers: 1, concurrency: SMALL_WORKER, executions: suspended };
	return [
		createScenario('generate', 1),
		createScenario('generate', 2),
		...createTerminations('generate', 'submitting'),
		createScenario('submitGet', 2, { signal: 'SIGKILL', when: 'collecting' }),
		...createTerminations('submitWaitGet', 'submitting', 'suspended', 'collecting'),
		...createTerminations('callback', 'submitting'),
		{
			...createScenario('callback', 2, { signal: 'SIGKILL', when: 'suspended' }),
			lateCallbacks: true,
		},
		{ ...small, shape: 'generate' },
		{ ...small, shape: 'callback', lateCallbacks: true },
	];
}

export const listRestarts = ({ restarted }: Sizes): RestartPlan[] => [
	{ shape: 'callback', when: 'suspended', executions: restarted },
	{ shape: 'submitGet', when: 'collecting', executions: restarted },
	{ shape: 'generate', when: 'collecting', executions: restarted },
];

export const listTablePlans = ({ executions, concurrency, kills }: Sizes): TablePlan[] => [
	{ executions, workers: 2, concurrency, kills },
];
