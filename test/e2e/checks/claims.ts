import { deepEqual } from 'node:assert/strict';
import type { TaskRecord, Ledger } from '../../emulator';

/**
 * Who has which picture: every job that was paid for belongs to one item, and nobody may show a
 * picture that no job has made.
 */
export class Claims {
	private readonly taken = new Set<string>();

	constructor(private readonly ledger: Ledger) {}

	/** The job of an item's task. */
	ofTask(taskId: string): TaskRecord | undefined {
		const job = this.ledger.task(taskId);
		if (job) this.taken.add(job.id);
		return job;
	}

	/** A job with this picture that nobody has yet: not every service has tasks. */
	ofPicture(hash: string): TaskRecord | undefined {
		const job = this.ledger.tasks.find((one) => one.sha256 === hash && !this.taken.has(one.id));
		if (job) this.taken.add(job.id);
		return job;
	}

	/** Fails when a job was made that no item knows of, or the emulator saw what it must not. */
	settle(): void {
		const { tasks: jobs, unexpected, leaks } = this.ledger;
		const nobodys = jobs
			.filter(({ id }) => !this.taken.has(id))
			.map(({ model, prompt, id }) => ({ model, prompt, id }));
		deepEqual({ nobodys, unexpected, leaks }, { nobodys: [], unexpected: [], leaks: [] });
	}
}
