import type { Benchmark } from '../benchmark';
import { wishes } from '../jobs';
import { bflNode } from '../processes/actors';
import { durations, listSchedule, rounded } from '../statistics';

/** Many items: the node's time beside that of a list schedule of the same jobs, which knows no lateness at all. */

interface Figures {
	ratio: number;
	seconds: number;
	idealSeconds: number;
}

export const makespan: Benchmark<Figures> = {
	async measure(stage) {
		const { jobs: count, atOnce: maxConcurrent } = stage.sizes.makespan;
		const node = await stage.learntNode();
		stage.say(`makespan: ${count} items, ${maxConcurrent} at once`);
		await stage.provider.reset();
		const all = durations('makespan', count, stage.sizes.jobSeconds);
		const { seconds } = await node.run(bflNode({ maxConcurrent }), wishes('makespan', all));
		const idealSeconds = listSchedule(all, maxConcurrent);
		return {
			ratio: rounded(seconds / idealSeconds, 3),
			seconds: rounded(seconds, 2),
			idealSeconds: rounded(idealSeconds, 2),
		};
	},

	rows: ({ ratio, seconds, idealSeconds }) => [
		{
			figure: 'many items',
			value: `${ratio}`,
			beside: `${seconds} s, with no lateness at all ${idealSeconds} s`,
			meaning: 'time of the whole run in relation to the shortest possible',
		},
	],
};
