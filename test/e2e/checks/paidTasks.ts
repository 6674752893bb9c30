import { deepEqual } from 'node:assert/strict';
import type { TaskRecord, Ledger } from '../../emulator';

/**
 * The paid tasks and which of them an item has shown. Every paid task belongs to one item, and no
 * item may show an image that no task has generated.
 */
export class PaidTasks {
	private readonly shown = new Set<string>();

	constructor(private readonly ledger: Ledger) {}

	/** Takes the task of an item's task ID. */
	takeTask(taskId: string): TaskRecord | undefined {
		const task = this.ledger.task(taskId);
		if (task) this.shown.add(task.id);
		return task;
	}

	/** Takes a task with this image that no item has shown yet: not every provider has task IDs. */
	takeByImage(hash: string): TaskRecord | undefined {
		const task = this.ledger.tasks.find((one) => one.sha256 === hash && !this.shown.has(one.id));
		if (task) this.shown.add(task.id);
		return task;
	}

	/** Throws if a task was paid for that no item shows, or if the emulator saw a leak or an undocumented request. */
	assertAllShown(): void {
		const { tasks, unexpected, leaks } = this.ledger;
		const notShown = tasks
			.filter(({ id }) => !this.shown.has(id))
			.map(({ model, prompt, id }) => ({ model, prompt, id }));
		deepEqual({ notShown, unexpected, leaks }, { notShown: [], unexpected: [], leaks: [] });
	}
}
