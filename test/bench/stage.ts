import { durations } from './statistics';
import { wishes } from './jobs';
import {
	bflNode,
	startNodeProcess,
	startProvider,
	type NodeProcess,
	type Provider,
} from './processes/actors';
import type { Sizes } from './sizes';

/** What all benchmarks of one run share. */
export interface Stage {
	readonly sizes: Sizes;
	readonly provider: Provider;
	/** Tells people how far it is. */
	say: (text: string) => void;
	/** The node that has learnt how long the jobs take; the same one for all who ask. */
	learntNode: () => Promise<NodeProcess>;
}

/** Opens the stage, plays on it, and leaves no process behind. */
export async function onStage<T>(
	sizes: Sizes,
	say: (text: string) => void,
	play: (stage: Stage) => Promise<T>,
): Promise<T> {
	const provider = await startProvider();
	let learnt: Promise<NodeProcess> | undefined;
	const learntNode = async () => await (learnt ??= learn(sizes, provider, say));
	try {
		return await play({ sizes, provider, say, learntNode });
	} finally {
		await learnt?.then(async (node) => await node.close());
		await provider.close();
	}
}

/** A node that has learnt from its first jobs. */
export async function learn(
	{ learn: count, jobSeconds }: Sizes,
	provider: Provider,
	say: Stage['say'],
	environment?: Record<string, string>,
): Promise<NodeProcess> {
	say(`${count} jobs to learn from`);
	await provider.reset();
	const node = await startNodeProcess(provider, environment);
	const jobs = wishes('learning', durations('learning', count, jobSeconds));
	await node.run(bflNode({ maxConcurrent: count }), jobs);
	return node;
}
