import type { Benchmark } from '../benchmark';
import { createTasks } from '../tasks';
import { createBflNode, startNodeProcess } from '../processes/start';
import { round } from '../statistics';

/** Processor time of n8n's process with our node: for a task with one poll, and for each further poll. */

interface Figures {
	msPerTask: number;
	msPerPoll: number;
}

/** The node's default; more would reach its limit of polls per second. */
const CONCURRENCY = 4;
const MANY_POLLS = 10;

export const cpu: Benchmark<Figures> = {
	async measure(context) {
		const { tasks: count, seconds } = context.sizes.cpu;
		context.log(`processor time: ${count} tasks with one poll, and with ${MANY_POLLS} polls`);
		const node = await startNodeProcess(context.emulator);
		try {
			const measureUsage = async (name: string, pollInterval: number) => {
				await context.emulator.reset();
				const tasks = createTasks(name, Array<number>(count).fill(seconds));
				const { cpuMs } = await node.run(
					createBflNode({ maxConcurrent: CONCURRENCY, pollInterval }),
					tasks,
				);
				return { cpuMs, polls: (await context.emulator.ledger()).polls.length };
			};
			// during the first run, V8 still compiles the code
			await measureUsage('warming up', seconds / MANY_POLLS);
			const few = await measureUsage('few polls', seconds * 1.05);
			const many = await measureUsage('many polls', seconds / MANY_POLLS);
			return toFigures(few, many, count);
		} finally {
			await node.close();
		}
	},

	rows: ({ msPerTask, msPerPoll }) => [
		{
			figure: 'processor time',
			value: `${msPerTask} ms per task`,
			comparison: `${msPerPoll} ms for each poll after the first`,
			meaning: "of n8n's process: submit, one poll, download of a small image",
		},
	],
};

interface Usage {
	cpuMs: number;
	polls: number;
}

function toFigures(few: Usage, many: Usage, tasks: number): Figures {
	const msPerPoll = (many.cpuMs - few.cpuMs) / (many.polls - few.polls);
	return { msPerTask: round(few.cpuMs / tasks, 2), msPerPoll: round(msPerPoll, 2) };
}
