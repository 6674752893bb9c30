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
 * How long a finished image waits until its client knows. Three clients, one after the other, get the same tasks with
 * the same durations and concurrency: our node, which has learnt from earlier tasks; the AI SDK; and the ideal client.
 */

interface Figures {
	ours: Lateness;
	/** Our node with the concurrency that a key may have: it then stays below its own limit of polls per second. */
	allowed: Lateness;
	aiSdk: Lateness;
	ideal: Lateness;
	/** Our node over TLS: every poll needs a handshake, because n8n opens a connection per request. */
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
			meaning: 'the same, for the slowest 5 of 100',
		},
		{
			figure: 'polls per task',
			value: `${ours.polls}`,
			comparison: compareWith('AI SDK', ours.polls, aiSdk.polls, 'polls'),
			meaning: 'requests for the status of each task',
		},
		{
			figure: 'lateness at 24 at once',
			value: `${allowed.meanMs} ms`,
			comparison: `with ${allowed.polls} polls`,
			meaning: 'with as many concurrent tasks as Black Forest Labs allow a key',
		},
		{
			figure: 'ideal client',
			value: `${ideal.meanMs} ms`,
			comparison: `with ${ideal.polls} polls`,
			meaning: 'a client that knows the moment: the minimum on this computer',
		},
		{
			figure: 'lateness over TLS',
			value: `${tls.meanMs} ms`,
			comparison: `with ${tls.polls} polls; without TLS ${ours.meanMs} ms`,
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
	log(`${name}: ${count} tasks, ${concurrency} at once`);
	await emulator.reset();
	await client(
		createTasks('lateness', generateDurations('lateness', count, sizes.taskSeconds)),
		concurrency,
	);
	return toLateness(await emulator.ledger());
}
