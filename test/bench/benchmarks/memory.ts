import type { Shape } from '../../emulator';
import type { Benchmark } from '../benchmark';
import { createIdenticalTasks } from '../tasks';
import { createBflNode, startNodeProcess } from '../processes/start';
import type { BenchmarkContext } from '../context';
import { round } from '../statistics';

/** Maximum memory of n8n's process, with binary data in files; each measurement starts a new process. */

interface Figures {
	/** Many large images compared with as many tiny ones. */
	growthMb: number;
	/** Many large images compared with few. */
	slopeMb: number;
	peakMb: number;
}

const TASK_SECONDS = 0.02;
const TINY: Shape = { format: 'png', width: 64, height: 64 };

export const memory: Benchmark<Figures> = {
	async measure(context) {
		const { many, few, bytes } = context.sizes.memory;
		const large: Shape = { format: 'png', bytes };
		const tiny = await measurePeakMb(context, many, TINY);
		const fewLarge = await measurePeakMb(context, few, large);
		const manyLarge = await measurePeakMb(context, many, large);
		return {
			growthMb: round(manyLarge - tiny),
			slopeMb: round(manyLarge - fewLarge),
			peakMb: round(manyLarge),
		};
	},

	rows: ({ growthMb, slopeMb, peakMb }) => [
		{
			figure: 'memory, growth',
			value: `${growthMb} MB`,
			comparison: `at the peak ${peakMb} MB, with n8n's engine`,
			meaning: '400 images of 8 MB, 8 at once, compared with as many tiny ones',
		},
		{
			figure: 'memory, slope',
			value: `${slopeMb} MB`,
			meaning: '400 images of 8 MB compared with 100 of them',
		},
	],
};

/** In megabytes. */
async function measurePeakMb({ sizes, emulator, log }: BenchmarkContext, count: number, as: Shape) {
	const { concurrency: maxConcurrent } = sizes.memory;
	const size = as.bytes ? `of ${as.bytes / 1e6} MB` : 'that are tiny';
	log(`memory: ${count} images ${size}, ${maxConcurrent} at once`);
	await emulator.reset([{ route: 'bfl.submit', effect: { as } }]);
	const node = await startNodeProcess(emulator);
	try {
		const options = createBflNode({ maxConcurrent, pollInterval: TASK_SECONDS });
		const { peakMb } = await node.run(options, createIdenticalTasks('memory', count, TASK_SECONDS));
		return peakMb;
	} finally {
		await node.close();
	}
}
