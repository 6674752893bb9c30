import { compareWith, type Benchmark } from '../benchmark';
import { createAiSdkClient } from '../clients/aiSdk';
import { createIdealClient } from '../clients/ideal';
import { mapConcurrently, createTasks, type TaskSpec } from '../tasks';
import { toLateness, type Lateness } from '../polls';
import { createBflNode } from '../processes/start';
import type { BenchmarkContext } from '../context';
import { generateDurations } from '../statistics';
import { measureOverTls } from './tls';

/**
 * How long a finished picture waits until its client knows. Three clients, one after the other, get the same jobs with
 * the same durations, as many at once: ours, which has learnt from earlier jobs; the AI SDK; and the ideal one.
 */

interface Figures {
	ours: Lateness;
	/** Ours with as many at once as a key may have: the node's ceiling of looks per second does not matter then. */
	allowed: Lateness;
	aiSdk: Lateness;
	ideal: Lateness;
	/** Ours where every look needs a TLS handshake, because n8n opens a connection per request. */
	tls: Lateness;
}

type Client = (tasks: readonly TaskSpec[], concurrency: number) => Promise<unknown>;

export const lateness: Benchmark<Figures> = {
	async measure(context) {
		const node = await context.trainedNode();
		const runNode: Client = async (tasks, maxConcurrent) => {
			await node.run(createBflNode({ maxConcurrent }), tasks);
		};
		const ours = await measureLateness(context, 'our node', runNode);
		const allowed = await measureLateness(context, 'our node', runNode, context.sizes.allowed);
		const { generate } = createAiSdkClient(context.emulator);
		const aiSdk = await measureLateness(context, 'the AI SDK', async (tasks, concurrency) => {
			await mapConcurrently(tasks, concurrency, generate);
		});
		const client = createIdealClient(context.emulator);
		const ideal = await measureLateness(context, 'the ideal client', async (tasks, concurrency) => {
			await mapConcurrently(tasks, concurrency, client.generate);
		});
		await client.close();
		return { ours, allowed, aiSdk, ideal, tls: await measureOverTls(context) };
	},

	rows: ({ ours, allowed, aiSdk, ideal, tls }) => [
		{
			figure: 'lateness, mean',
			value: `${ours.meanMs} ms`,
			comparison: compareWith('AI SDK', ours.meanMs, aiSdk.meanMs, 'ms'),
			meaning: 'how long a finished image waits until the node knows (BFL)',
		},
		{
			figure: 'lateness, 95 of 100',
			value: `${ours.p95Ms} ms`,
			comparison: compareWith('AI SDK', ours.p95Ms, aiSdk.p95Ms, 'ms'),
			meaning: 'the same, for the unlucky ones',
		},
		{
			figure: 'polls per job',
			value: `${ours.polls}`,
			comparison: compareWith('AI SDK', ours.polls, aiSdk.polls, 'looks'),
			meaning: 'how often the provider is asked for each image',
		},
		{
			figure: 'lateness at 24 at once',
			value: `${allowed.meanMs} ms`,
			comparison: `in ${allowed.polls} looks`,
			meaning: 'with as many jobs at once as Black Forest Labs allow a key',
		},
		{
			figure: 'ideal client',
			value: `${ideal.meanMs} ms`,
			comparison: `in ${ideal.polls} looks`,
			meaning: 'a client that knows the moment: the least that this computer can do',
		},
		{
			figure: 'lateness over TLS',
			value: `${tls.meanMs} ms`,
			comparison: `in ${tls.polls} looks; without TLS ${ours.meanMs} ms`,
			meaning: 'with a handshake for every poll, as n8n makes them',
		},
	],
};

async function measureLateness(
	{ emulator, sizes, log }: BenchmarkContext,
	name: string,
	client: Client,
	{ tasks: count, concurrency } = sizes.lateness,
): Promise<Lateness> {
	log(`${name}: ${count} jobs, ${concurrency} at once`);
	await emulator.reset();
	await client(createTasks('lateness', generateDurations('lateness', count, sizes.taskSeconds)), concurrency);
	return toLateness(await emulator.ledger());
}
