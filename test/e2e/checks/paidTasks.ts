import { deepEqual } from 'node:assert/strict';
import type { JobRecord, Ledger } from '../../emulator';

/**
 * Who has which picture: every job that was paid for belongs to one item, and nobody may show a
 * picture that no job has made.
 */
export class PaidTasks {
	private readonly shown = new Set<string>();

	constructor(private readonly ledger: Ledger) {}

	/** The job of an item's task. */
	takeTask(taskId: string): JobRecord | undefined {
		const task = this.ledger.job(taskId);
		if (task) this.shown.add(task.id);
		return task;
	}

	/** A job with this picture that nobody has yet: not every service has tasks. */
	takeByImage(hash: string): JobRecord | undefined {
		const task = this.ledger.jobs.find((one) => one.sha256 === hash && !this.shown.has(one.id));
		if (task) this.shown.add(task.id);
		return task;
	}

	/** Fails when a job was made that no item knows of, or the emulator saw what it must not. */
	assertAllShown(): void {
		const { jobs, unexpected, leaks } = this.ledger;
		const notShown = jobs
			.filter(({ id }) => !this.shown.has(id))
			.map(({ model, prompt, id }) => ({ model, prompt, id }));
		deepEqual({ notShown, unexpected, leaks }, { notShown: [], unexpected: [], leaks: [] });
	}
}
