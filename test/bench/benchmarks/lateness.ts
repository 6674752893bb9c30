import { beside, type Benchmark } from '../benchmark';
import { aiSdkClient } from '../clients/aiSdk';
import { idealClient } from '../clients/ideal';
import { inParallel, wishes, type Wish } from '../jobs';
import { latenessOf, type Lateness } from '../looks';
import { bflNode } from '../processes/actors';
import type { Stage } from '../stage';
import { durations } from '../statistics';
import { overTls } from './tls';

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

type Client = (wishes: readonly Wish[], atOnce: number) => Promise<unknown>;

export const lateness: Benchmark<Figures> = {
	async measure(stage) {
		const node = await stage.learntNode();
		const oursWith: Client = async (jobs, maxConcurrent) => {
			await node.run(bflNode({ maxConcurrent }), jobs);
		};
		const ours = await latenessWith(stage, 'our node', oursWith);
		const allowed = await latenessWith(stage, 'our node', oursWith, stage.sizes.allowed);
		const { generate } = aiSdkClient(stage.provider);
		const aiSdk = await latenessWith(stage, 'the AI SDK', async (jobs, atOnce) => {
			await inParallel(jobs, atOnce, generate);
		});
		const client = idealClient(stage.provider);
		const ideal = await latenessWith(stage, 'the ideal client', async (jobs, atOnce) => {
			await inParallel(jobs, atOnce, client.generate);
		});
		await client.close();
		return { ours, allowed, aiSdk, ideal, tls: await overTls(stage) };
	},

	rows: ({ ours, allowed, aiSdk, ideal, tls }) => [
		{
			figure: 'lateness, mean',
			value: `${ours.meanMs} ms`,
			beside: beside('AI SDK', ours.meanMs, aiSdk.meanMs, 'ms'),
			meaning: 'how long a finished image waits until the node knows (BFL)',
		},
		{
			figure: 'lateness, 95 of 100',
			value: `${ours.p95Ms} ms`,
			beside: beside('AI SDK', ours.p95Ms, aiSdk.p95Ms, 'ms'),
			meaning: 'the same, for the unlucky ones',
		},
		{
			figure: 'polls per job',
			value: `${ours.polls}`,
			beside: beside('AI SDK', ours.polls, aiSdk.polls, 'looks'),
			meaning: 'how often the provider is asked for each image',
		},
		{
			figure: 'lateness at 24 at once',
			value: `${allowed.meanMs} ms`,
			beside: `in ${allowed.polls} looks`,
			meaning: 'with as many jobs at once as Black Forest Labs allow a key',
		},
		{
			figure: 'ideal client',
			value: `${ideal.meanMs} ms`,
			beside: `in ${ideal.polls} looks`,
			meaning: 'a client that knows the moment: the least that this computer can do',
		},
		{
			figure: 'lateness over TLS',
			value: `${tls.meanMs} ms`,
			beside: `in ${tls.polls} looks; without TLS ${ours.meanMs} ms`,
			meaning: 'with a handshake for every poll, as n8n makes them',
		},
	],
};

async function latenessWith(
	{ provider, sizes, say }: Stage,
	name: string,
	client: Client,
	{ jobs: count, atOnce } = sizes.lateness,
): Promise<Lateness> {
	say(`${name}: ${count} jobs, ${atOnce} at once`);
	await provider.reset();
	await client(wishes('lateness', durations('lateness', count, sizes.jobSeconds)), atOnce);
	return latenessOf(await provider.ledger());
}
