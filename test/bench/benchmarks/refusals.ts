import type { Benchmark } from '../benchmark';
import { startTrainedNode } from '../context';
import { createBflNode, startEmulatorProcess } from '../processes/start';
import { generateDurations, round } from '../statistics';
import { createTasks } from '../tasks';

/** Many executions at once that share a key: how often the provider refuses a submit as one too many. */

interface Figures {
	/** Refused submits for each image. */
	perImage: number;
	images: number;
	seconds: number;
	/** Of as many clients as the provider takes tasks at once, without any pause. */
	idealSeconds: number;
}

/** The node's default. */
const CONCURRENCY = 4;

export const refusals: Benchmark<Figures> = {
	async measure({ sizes, log }) {
		const { executions, images: each, maxRunning } = sizes.refusals;
		const emulator = await startEmulatorProcess({ maxRunning });
		const node = await startTrainedNode(sizes, emulator, log);
		try {
			log(
				`refusals: ${executions} executions of ${each} images, ${maxRunning} at once for the key`,
			);
			await emulator.reset();
			const images = executions * each;
			const seconds = generateDurations('refusals', images, sizes.taskSeconds);
			const tasks = createTasks('refusals', seconds);
			const started = performance.now();
			await Promise.all(
				Array.from({ length: executions }, async (_, index) => {
					const own = tasks.slice(index * each, (index + 1) * each);
					await node.run(createBflNode({ maxConcurrent: CONCURRENCY }), own);
				}),
			);
			const { submissions } = await emulator.ledger();
			const refused = submissions.filter(({ status }) => status === 429);
			return {
				perImage: round(refused.length / images, 3),
				images,
				seconds: round((performance.now() - started) / 1000),
				idealSeconds: round(seconds.reduce((sum, one) => sum + one, 0) / maxRunning),
			};
		} finally {
			await node.close();
			await emulator.close();
		}
	},

	rows: ({ perImage, images, seconds, idealSeconds }) => [
		{
			figure: 'refusals per image',
			value: `${perImage}`,
			comparison: `${images} images in ${seconds} s, without any pause ${idealSeconds} s`,
			meaning: 'submits that are one too many, where executions share a key',
		},
	],
};
