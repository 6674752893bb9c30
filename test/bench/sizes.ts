/** How much is measured. */
export interface Sizes {
	/** Durations of the tasks whose lateness is measured. */
	taskSeconds: { medianSeconds: number; sigma: number };
	/** Tasks from which the node first learns durations. */
	trainingTasks: number;
	lateness: { tasks: number; concurrency: number };
	/** With the concurrency that Black Forest Labs allow a key. */
	allowed: { tasks: number; concurrency: number };
	tls: { tasks: number; concurrency: number };
	download: { images: number; bytes: number };
	events: { tasks: number; concurrency: number; medianSeconds: number };
	makespan: { tasks: number; concurrency: number };
	/** Executions at once, which share a key that takes a fixed number of tasks at once. */
	refusals: { executions: number; images: number; maxRunning: number };
	memory: { many: number; few: number; concurrency: number; bytes: number };
	load: { runs: number };
	cpu: { tasks: number; seconds: number };
}

/** Nine to ten minutes. */
export const FULL: Sizes = {
	taskSeconds: { medianSeconds: 8, sigma: 0.3 },
	trainingTasks: 20,
	lateness: { tasks: 200, concurrency: 40 },
	allowed: { tasks: 120, concurrency: 24 },
	tls: { tasks: 40, concurrency: 20 },
	download: { images: 30, bytes: 1_000_000 },
	events: { tasks: 60, concurrency: 20, medianSeconds: 2 },
	makespan: { tasks: 100, concurrency: 32 },
	refusals: { executions: 60, images: 6, maxRunning: 24 },
	memory: { many: 400, few: 100, concurrency: 8, bytes: 8_000_000 },
	load: { runs: 9 },
	cpu: { tasks: 40, seconds: 1 },
};

/** Proves within seconds that every benchmark runs; its figures mean nothing. */
export const QUICK: Sizes = {
	taskSeconds: { medianSeconds: 0.3, sigma: 0.3 },
	trainingTasks: 2,
	lateness: { tasks: 4, concurrency: 4 },
	allowed: { tasks: 2, concurrency: 2 },
	tls: { tasks: 2, concurrency: 2 },
	download: { images: 2, bytes: 100_000 },
	events: { tasks: 2, concurrency: 2, medianSeconds: 0.1 },
	makespan: { tasks: 4, concurrency: 2 },
	refusals: { executions: 2, images: 1, maxRunning: 1 },
	memory: { many: 2, few: 1, concurrency: 2, bytes: 100_000 },
	load: { runs: 1 },
	cpu: { tasks: 2, seconds: 0.2 },
};
