type Step = () => unknown;

/** Ends or removes everything that was started or created, the latest first. */
export class Cleanup {
	private steps: Step[] = [];
	private ending?: Promise<void>;

	/** After `run`, a step runs at once, so that late additions are cleaned up too. */
	async add(step: Step): Promise<void> {
		if (this.ending) await attempt(step);
		else this.steps.push(step);
	}

	run(): Promise<void> {
		this.ending ??= this.runSteps();
		return this.ending;
	}

	private async runSteps(): Promise<void> {
		for (const step of this.steps.reverse()) await attempt(step);
	}
}

/** A failed step does not prevent the others. */
async function attempt(step: Step): Promise<void> {
	try {
		await step();
	} catch (error) {
		console.error(`While cleaning up: ${(error as Error).message}`);
	}
}
