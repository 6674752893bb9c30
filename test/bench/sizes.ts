/** How much is measured. */
export interface Sizes {
	/** How long the jobs take whose lateness matters. */
	jobSeconds: { medianSeconds: number; sigma: number };
	/** Jobs from which the node learns first. */
	learn: number;
	lateness: { jobs: number; atOnce: number };
	/** As many at once as Black Forest Labs allow a key. */
	allowed: { jobs: number; atOnce: number };
	tls: { jobs: number; atOnce: number };
	download: { pictures: number; bytes: number };
	events: { jobs: number; atOnce: number; medianSeconds: number };
	makespan: { jobs: number; atOnce: number };
	memory: { many: number; few: number; atOnce: number; bytes: number };
	load: { times: number };
	cpu: { jobs: number; seconds: number };
}

/** Six to seven minutes. */
export const FULL: Sizes = {
	jobSeconds: { medianSeconds: 8, sigma: 0.3 },
	learn: 20,
	lateness: { jobs: 200, atOnce: 40 },
	allowed: { jobs: 120, atOnce: 24 },
	tls: { jobs: 40, atOnce: 20 },
	download: { pictures: 30, bytes: 1_000_000 },
	events: { jobs: 60, atOnce: 20, medianSeconds: 2 },
	makespan: { jobs: 100, atOnce: 32 },
	memory: { many: 400, few: 100, atOnce: 8, bytes: 8_000_000 },
	load: { times: 9 },
	cpu: { jobs: 40, seconds: 1 },
};

/** Shows in seconds that everything is measured; its figures mean nothing. */
export const QUICK: Sizes = {
	jobSeconds: { medianSeconds: 0.3, sigma: 0.3 },
	learn: 2,
	lateness: { jobs: 4, atOnce: 4 },
	allowed: { jobs: 2, atOnce: 2 },
	tls: { jobs: 2, atOnce: 2 },
	download: { pictures: 2, bytes: 100_000 },
	events: { jobs: 2, atOnce: 2, medianSeconds: 0.1 },
	makespan: { jobs: 4, atOnce: 2 },
	memory: { many: 2, few: 1, atOnce: 2, bytes: 100_000 },
	load: { times: 1 },
	cpu: { jobs: 2, seconds: 0.2 },
};
