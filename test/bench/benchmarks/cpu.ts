import type { Benchmark } from '../benchmark';
import { wishes } from '../jobs';
import { bflNode, startNodeProcess } from '../processes/actors';
import { rounded } from '../statistics';

/** Processor time of n8n's process with our node in it: for a job with one look, and for each look more. */

interface Figures {
	msPerJob: number;
	msPerPoll: number;
}

/** n8n's default; more would meet the limit on looks per second. */
const AT_ONCE = 4;
const MANY_LOOKS = 10;

export const cpu: Benchmark<Figures> = {
	async measure(stage) {
		const { jobs: count, seconds } = stage.sizes.cpu;
		stage.say(`processor time: ${count} jobs with one look, and with ${MANY_LOOKS}`);
		const node = await startNodeProcess(stage.provider);
		try {
			const usage = async (name: string, pollInterval: number) => {
				await stage.provider.reset();
				const jobs = wishes(name, Array<number>(count).fill(seconds));
				const { cpuMs } = await node.run(bflNode({ maxConcurrent: AT_ONCE, pollInterval }), jobs);
				return { cpuMs, polls: (await stage.provider.ledger()).polls.length };
			};
			// the first run's code is not yet compiled
			await usage('warming up', seconds / MANY_LOOKS);
			const few = await usage('few looks', seconds * 1.05);
			const many = await usage('many looks', seconds / MANY_LOOKS);
			return figures(few, many, count);
		} finally {
			await node.close();
		}
	},

	rows: ({ msPerJob, msPerPoll }) => [
		{
			figure: 'processor time',
			value: `${msPerJob} ms per job`,
			beside: `${msPerPoll} ms for each look after the first`,
			meaning: "of n8n's process: submit, one poll, download of a small image",
		},
	],
};

interface Usage {
	cpuMs: number;
	polls: number;
}

function figures(few: Usage, many: Usage, jobs: number): Figures {
	const msPerPoll = (many.cpuMs - few.cpuMs) / (many.polls - few.polls);
	return { msPerJob: rounded(few.cpuMs / jobs, 2), msPerPoll: rounded(msPerPoll, 2) };
}
