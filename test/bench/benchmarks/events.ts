import type { Benchmark } from '../benchmark';
import { wishes } from '../jobs';
import { startNodeProcess } from '../processes/actors';
import type { NodeUnderTest } from '../../support/lab';
import type { Stage } from '../stage';
import { durations, mean, percentile, rounded } from '../statistics';

/** Oxen.ai's events: from the moment the job was ready until the node, being told, asks for the picture. */

interface Figures {
	meanMs: number;
	p95Ms: number;
	/** Looks per job: events make them needless. */
	polls: number;
}

export const events: Benchmark<Figures> = {
	async measure({ sizes, provider, say }) {
		const { jobs: count, atOnce, medianSeconds } = sizes.events;
		say(`events: ${count} jobs, ${atOnce} at once`);
		await provider.reset();
		const node = await startNodeProcess(provider);
		try {
			const seconds = durations('events', count, { ...sizes.jobSeconds, medianSeconds });
			await node.run(oxenNode(atOnce), wishes('events', seconds));
		} finally {
			await node.close();
		}
		return await toldAfter(provider);
	},

	rows: ({ meanMs, p95Ms, polls }) => [
		{
			figure: 'events, mean',
			value: `${meanMs} ms`,
			beside: `95 of 100 within ${p95Ms} ms, ${polls} polls per job`,
			meaning: "how long a finished image waits in Oxen.ai's events mode",
		},
	],
};

const oxenNode = (maxConcurrent: number): NodeUnderTest => ({
	type: 'flux2Oxen',
	parameters: {
		mode: 'events',
		prompt: '={{ $json.prompt }}',
		options: { maxConcurrent },
	},
});

async function toldAfter(provider: Stage['provider']): Promise<Figures> {
	const { tasks: jobs, downloads, polls } = await provider.ledger();
	const lateMs = jobs.map(({ id, readyAt }) => {
		const first = downloads.find(({ taskId: jobId }) => jobId === id);
		if (!first) throw new Error(`the picture of job ${id} was never asked for`);
		return first.at - readyAt;
	});
	const looks = polls.filter(({ route }) => route === 'oxen.queue');
	return {
		meanMs: rounded(mean(lateMs)),
		p95Ms: rounded(percentile(lateMs, 95)),
		polls: rounded(looks.length / jobs.length, 2),
	};
}
