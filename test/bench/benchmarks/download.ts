import { compareWith, type Benchmark } from '../benchmark';
import { createIdealClient } from '../clients/ideal';
import { createIdenticalTasks } from '../tasks';
import { findReadyPolls } from '../polls';
import { createBflNode, startNodeProcess, type EmulatorProcess } from '../processes/start';
import type { BenchmarkContext } from '../context';
import { mean, round } from '../statistics';

/** How long an image takes from the poll that finds it until n8n has stored it, one at a time. */

interface Figures {
	meanMs: number;
	/** An undici client that reuses its connection and stores nothing. */
	idealMs: number;
}

const TASK_SECONDS = 0.05;

export const download: Benchmark<Figures> = {
	async measure(context) {
		const { images, bytes } = context.sizes.download;
		context.log(`download: ${images} images of ${bytes / 1e6} MB`);
		return { meanMs: await measureNode(context), idealMs: await measureIdealClient(context) };
	},

	rows: ({ meanMs, idealMs }) => [
		{
			figure: 'download of 1 MB',
			value: `${meanMs} ms`,
			comparison: compareWith('undici, storing nothing', meanMs, idealMs, 'ms'),
			meaning: 'from the poll that finds it until n8n has stored it',
		},
	],
};

async function resetEmulator({ emulator, sizes }: BenchmarkContext): Promise<EmulatorProcess> {
	const { bytes } = sizes.download;
	await emulator.reset([{ route: 'bfl.submit', effect: { as: { format: 'png', bytes } } }]);
	return emulator;
}

async function measureNode(context: BenchmarkContext): Promise<number> {
	const emulator = await resetEmulator(context);
	const node = await startNodeProcess(emulator);
	try {
		const { items } = await node.run(
			createBflNode({ maxConcurrent: 1, pollInterval: TASK_SECONDS }),
			createDownloadTasks(context),
		);
		const readyPolls = findReadyPolls(await emulator.ledger());
		const durationsMs = items.map(({ taskId, timing }) => {
			const { completedAt } = timing as { completedAt: string };
			return Date.parse(completedAt) - readyPolls.get(taskId as string)!.at;
		});
		return round(mean(durationsMs));
	} finally {
		await node.close();
	}
}

async function measureIdealClient(context: BenchmarkContext): Promise<number> {
	const client = createIdealClient(await resetEmulator(context));
	const durationsMs: number[] = [];
	for (const task of createDownloadTasks(context))
		durationsMs.push((await client.generate(task)).downloadMs);
	await client.close();
	return round(mean(durationsMs));
}

const createDownloadTasks = ({ sizes }: BenchmarkContext) =>
	createIdenticalTasks('download', sizes.download.images, TASK_SECONDS);
