import { compareWith, type Benchmark } from '../benchmark';
import { bareWorkflow } from '../clients/bare';
import { createTasks } from '../tasks';
import { createBflNode, startNodeProcess } from '../processes/start';
import { round } from '../statistics';
import { workflowWith } from '../../support/lab';
import type { WorkflowJson } from '../../support/engine';

/**
 * Processor time of n8n's process with our node: for a task with one poll, and for each further poll. Beside it, in the
 * same process, a poll that is a bare call of n8n's own helper.
 */

interface Figures {
	msPerTask: number;
	msPerPoll: number;
	bareMsPerPoll: number;
}

interface Usage {
	cpuMs: number;
	polls: number;
}

/** A node that polls each of its tasks once in so many seconds. */
type Client = (pollInterval: number) => WorkflowJson;

/** The node's default; more would reach its limit of polls per second. */
const maxConcurrent = 4;
const MANY_POLLS = 10;

const CLIENTS: Record<'ours' | 'bare', Client> = {
	ours: (pollInterval) => workflowWith(createBflNode({ maxConcurrent, pollInterval })),
	bare: (pollInterval) => bareWorkflow({ maxConcurrent, pollInterval }),
};

export const cpu: Benchmark<Figures> = {
	async measure(context) {
		const { tasks: count, seconds } = context.sizes.cpu;
		context.log(`processor time: ${count} tasks with one poll, and with ${MANY_POLLS} polls`);
		const node = await startNodeProcess(context.emulator);
		try {
			const measureUsage = async (workflow: WorkflowJson): Promise<Usage> => {
				await context.emulator.reset();
				const tasks = createTasks('processor time', Array<number>(count).fill(seconds));
				const { cpuMs } = await node.runWorkflow(workflow, tasks);
				return { cpuMs, polls: (await context.emulator.ledger()).polls.length };
			};
			const measureClient = async (client: Client) => {
				// during the first run, V8 still compiles the code
				await measureUsage(client(seconds / MANY_POLLS));
				const few = await measureUsage(client(seconds * 1.05));
				return { few, many: await measureUsage(client(seconds / MANY_POLLS)) };
			};
			const ours = await measureClient(CLIENTS.ours);
			const bare = await measureClient(CLIENTS.bare);
			return {
				msPerTask: round(ours.few.cpuMs / count, 2),
				msPerPoll: toMsPerPoll(ours),
				bareMsPerPoll: toMsPerPoll(bare),
			};
		} finally {
			await node.close();
		}
	},

	rows: ({ msPerTask, msPerPoll, bareMsPerPoll }) => [
		{
			figure: 'processor time of a task',
			value: `${msPerTask} ms`,
			meaning: "of n8n's process: submit, one poll, download of a small image",
		},
		{
			figure: 'processor time of a poll',
			value: `${msPerPoll} ms`,
			comparison: compareWith("a bare call of n8n's helper", msPerPoll, bareMsPerPoll, 'ms'),
			meaning: 'each poll after the first',
		},
	],
};

const toMsPerPoll = ({ few, many }: Record<'few' | 'many', Usage>): number =>
	round((many.cpuMs - few.cpuMs) / (many.polls - few.polls), 2);
