import { generateDurations } from './statistics';
import { createTasks } from './tasks';
import {
	createBflNode,
	startNodeProcess,
	startEmulatorProcess,
	type NodeProcess,
	type EmulatorProcess,
} from './processes/start';
import type { Sizes } from './sizes';

/** What all benchmarks of one run share. */
export interface BenchmarkContext {
	readonly sizes: Sizes;
	readonly emulator: EmulatorProcess;
	/** Prints a line of progress. */
	log: (text: string) => void;
	/** The node that has learnt how long tasks take; every caller gets the same one. */
	trainedNode: () => Promise<NodeProcess>;
}

/** Starts what the benchmarks share, calls `use`, and leaves no process behind. */
export async function withContext<T>(
	sizes: Sizes,
	log: (text: string) => void,
	use: (context: BenchmarkContext) => Promise<T>,
): Promise<T> {
	const emulator = await startEmulatorProcess();
	let trained: Promise<NodeProcess> | undefined;
	const trainedNode = async () => await (trained ??= startTrainedNode(sizes, emulator, log));
	try {
		return await use({ sizes, emulator, log, trainedNode });
	} finally {
		await trained?.then(async (node) => await node.close());
		await emulator.close();
	}
}

/** Starts a node and lets it learn from its first tasks. */
export async function startTrainedNode(
	{ trainingTasks: count, taskSeconds }: Sizes,
	emulator: EmulatorProcess,
	log: BenchmarkContext['log'],
	environment?: Record<string, string>,
): Promise<NodeProcess> {
	log(`${count} tasks to learn from`);
	await emulator.reset();
	const node = await startNodeProcess(emulator, environment);
	const tasks = createTasks('learning', generateDurations('learning', count, taskSeconds));
	await node.run(createBflNode({ maxConcurrent: count }), tasks);
	return node;
}
