import type { Benchmark } from '../benchmark';
import { createTasks } from '../tasks';
import { createBflNode } from '../processes/start';
import { generateDurations, simulateListSchedule, round } from '../statistics';

/** Many items: the node's time compared with a list schedule of the same tasks that has no lateness. */

interface Figures {
	ratio: number;
	seconds: number;
	idealSeconds: number;
}

export const makespan: Benchmark<Figures> = {
	async measure(context) {
		const { tasks: count, concurrency: maxConcurrent } = context.sizes.makespan;
		const node = await context.trainedNode();
		context.log(`makespan: ${count} items, ${maxConcurrent} at once`);
		await context.emulator.reset();
		const all = generateDurations('makespan', count, context.sizes.taskSeconds);
		const { seconds } = await node.run(
			createBflNode({ maxConcurrent }),
			createTasks('makespan', all),
		);
		const idealSeconds = simulateListSchedule(all, maxConcurrent);
		return {
			ratio: round(seconds / idealSeconds, 3),
			seconds: round(seconds, 2),
			idealSeconds: round(idealSeconds, 2),
		};
	},

	rows: ({ ratio, seconds, idealSeconds }) => [
		{
			figure: 'many items',
			value: `${ratio}`,
			comparison: `${seconds} s, without any lateness ${idealSeconds} s`,
			meaning: 'time of the whole run as a ratio of the minimum',
		},
	],
};
