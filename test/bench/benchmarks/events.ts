import type { Benchmark } from '../benchmark';
import { createTasks } from '../tasks';
import { startNodeProcess } from '../processes/start';
import type { NodeUnderTest } from '../../support/lab';
import type { BenchmarkContext } from '../context';
import { generateDurations, mean, percentile, round } from '../statistics';

/** Oxen.ai's events: from the moment a task is ready until the node, after the event, requests the image. */

interface Figures {
	meanMs: number;
	p95Ms: number;
	/** Per task: events make polls unnecessary. */
	polls: number;
}

export const events: Benchmark<Figures> = {
	async measure({ sizes, emulator, log }) {
		const { tasks: count, concurrency, medianSeconds } = sizes.events;
		log(`events: ${count} tasks, ${concurrency} at once`);
		await emulator.reset();
		const node = await startNodeProcess(emulator);
		try {
			const seconds = generateDurations('events', count, { ...sizes.taskSeconds, medianSeconds });
			await node.run(createOxenNode(concurrency), createTasks('events', seconds));
		} finally {
			await node.close();
		}
		return await measureEventLateness(emulator);
	},

	rows: ({ meanMs, p95Ms, polls }) => [
		{
			figure: 'events, mean',
			value: `${meanMs} ms`,
			comparison: `95 of 100 within ${p95Ms} ms, ${polls} polls per task`,
			meaning: "how long a finished image waits in Oxen.ai's events mode",
		},
	],
};

const createOxenNode = (maxConcurrent: number): NodeUnderTest => ({
	type: 'flux2Oxen',
	parameters: {
		prompt: '={{ $json.prompt }}',
		options: { mode: 'events', maxConcurrent },
	},
});

async function measureEventLateness(emulator: BenchmarkContext['emulator']): Promise<Figures> {
	const { tasks, downloads, polls } = await emulator.ledger();
	const latenessMs = tasks.map(({ id, readyAt }) => {
		const first = downloads.find(({ taskId }) => taskId === id);
		if (!first) throw new Error(`the image of task ${id} was never requested`);
		return first.at - readyAt;
	});
	const statusPolls = polls.filter(({ route }) => route === 'oxen.queue');
	return {
		meanMs: round(mean(latenessMs)),
		p95Ms: round(percentile(latenessMs, 95)),
		polls: round(statusPolls.length / tasks.length, 2),
	};
}
