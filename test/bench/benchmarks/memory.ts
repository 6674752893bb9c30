import type { Shape } from '../../emulator';
import type { Benchmark } from '../benchmark';
import { sameWishes } from '../jobs';
import { bflNode, startNodeProcess } from '../processes/actors';
import type { Stage } from '../stage';
import { rounded } from '../statistics';

/** The most memory of n8n's process, a new one for each run, with its binary data in files. */

interface Figures {
	/** Many large pictures beside as many tiny ones. */
	growthMb: number;
	/** Many large pictures beside few. */
	slopeMb: number;
	peakMb: number;
}

const JOB_SECONDS = 0.02;
const TINY: Shape = { format: 'png', width: 64, height: 64 };

export const memory: Benchmark<Figures> = {
	async measure(stage) {
		const { many, few, bytes } = stage.sizes.memory;
		const large: Shape = { format: 'png', bytes };
		const tiny = await peakWith(stage, many, TINY);
		const fewLarge = await peakWith(stage, few, large);
		const manyLarge = await peakWith(stage, many, large);
		return {
			growthMb: rounded(manyLarge - tiny),
			slopeMb: rounded(manyLarge - fewLarge),
			peakMb: rounded(manyLarge),
		};
	},

	rows: ({ growthMb, slopeMb, peakMb }) => [
		{
			figure: 'memory, growth',
			value: `${growthMb} MB`,
			beside: `at the peak ${peakMb} MB, with n8n's engine`,
			meaning: '400 images of 8 MB, 8 at once, beside as many tiny ones',
		},
		{
			figure: 'memory, slope',
			value: `${slopeMb} MB`,
			meaning: '400 images of 8 MB beside 100 of them',
		},
	],
};

/** Megabytes. */
async function peakWith({ sizes, provider, say }: Stage, count: number, as: Shape) {
	const { atOnce: maxConcurrent } = sizes.memory;
	const size = as.bytes ? `of ${as.bytes / 1e6} MB` : 'that are tiny';
	say(`memory: ${count} pictures ${size}, ${maxConcurrent} at once`);
	await provider.reset([{ route: 'bfl.submit', effect: { as } }]);
	const node = await startNodeProcess(provider);
	try {
		const options = bflNode({ maxConcurrent, pollInterval: JOB_SECONDS });
		const { peakMb } = await node.run(options, sameWishes('memory', count, JOB_SECONDS));
		return peakMb;
	} finally {
		await node.close();
	}
}
