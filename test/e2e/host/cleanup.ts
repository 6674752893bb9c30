type Step = () => unknown;

/** What has to be ended or removed again, latest first. */
export class Cleanup {
	private steps: Step[] = [];
	private ending?: Promise<void>;

	/** Once the end has begun, a step is taken at once: whatever comes late is ended too. */
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

/** One step that fails keeps no other from being taken. */
async function attempt(step: Step): Promise<void> {
	try {
		await step();
	} catch (error) {
		console.error(`While cleaning up: ${(error as Error).message}`);
	}
}
