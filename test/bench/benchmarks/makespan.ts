import type { Benchmark } from '../benchmark';
import { createTasks } from '../tasks';
import { createBflNode } from '../processes/start';
import { generateDurations, simulateListSchedule, round } from '../statistics';

/** Many items: the node's time beside that of a list schedule of the same jobs, which knows no lateness at all. */

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
		const { seconds } = await node.run(createBflNode({ maxConcurrent }), createTasks('makespan', all));
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
			comparison: `${seconds} s, with no lateness at all ${idealSeconds} s`,
			meaning: 'time of the whole run in relation to the shortest possible',
		},
	],
};
