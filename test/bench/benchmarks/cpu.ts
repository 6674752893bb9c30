import type { Benchmark } from '../benchmark';
import { createTasks } from '../tasks';
import { createBflNode, startNodeProcess } from '../processes/start';
import { round } from '../statistics';

/** Processor time of n8n's process with our node in it: for a job with one look, and for each look more. */

interface Figures {
	msPerTask: number;
	msPerPoll: number;
}

/** n8n's default; more would meet the limit on looks per second. */
const CONCURRENCY = 4;
const MANY_POLLS = 10;

export const cpu: Benchmark<Figures> = {
	async measure(context) {
		const { tasks: count, seconds } = context.sizes.cpu;
		context.log(`processor time: ${count} jobs with one look, and with ${MANY_POLLS}`);
		const node = await startNodeProcess(context.emulator);
		try {
			const measureUsage = async (name: string, pollInterval: number) => {
				await context.emulator.reset();
				const tasks = createTasks(name, Array<number>(count).fill(seconds));
				const { cpuMs } = await node.run(createBflNode({ maxConcurrent: CONCURRENCY, pollInterval }), tasks);
				return { cpuMs, polls: (await context.emulator.ledger()).polls.length };
			};
			// the first run's code is not yet compiled
			await measureUsage('warming up', seconds / MANY_POLLS);
			const few = await measureUsage('few looks', seconds * 1.05);
			const many = await measureUsage('many looks', seconds / MANY_POLLS);
			return toFigures(few, many, count);
		} finally {
			await node.close();
		}
	},

	rows: ({ msPerTask, msPerPoll }) => [
		{
			figure: 'processor time',
			value: `${msPerTask} ms per job`,
			comparison: `${msPerPoll} ms for each look after the first`,
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
