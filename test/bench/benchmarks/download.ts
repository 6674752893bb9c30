import { beside, type Benchmark } from '../benchmark';
import { idealClient } from '../clients/ideal';
import { sameWishes } from '../jobs';
import { readyLooks } from '../looks';
import { bflNode, startNodeProcess, type Provider } from '../processes/actors';
import type { Stage } from '../stage';
import { mean, rounded } from '../statistics';

/** How long a picture takes from the look that was told of it until n8n has stored it, one at a time. */

interface Figures {
	meanMs: number;
	/** An undici client that keeps its connection and stores nothing. */
	idealMs: number;
}

const JOB_SECONDS = 0.05;

export const download: Benchmark<Figures> = {
	async measure(stage) {
		const { pictures, bytes } = stage.sizes.download;
		stage.say(`download: ${pictures} pictures of ${bytes / 1e6} MB`);
		return { meanMs: await ourMean(stage), idealMs: await idealMean(stage) };
	},

	rows: ({ meanMs, idealMs }) => [
		{
			figure: 'download of 1 MB',
			value: `${meanMs} ms`,
			beside: beside('undici, storing nothing', meanMs, idealMs, 'ms'),
			meaning: 'from knowing that it is ready until n8n has stored it',
		},
	],
};

async function prepare({ provider, sizes }: Stage): Promise<Provider> {
	const { bytes } = sizes.download;
	await provider.reset([{ route: 'bfl.submit', effect: { as: { format: 'png', bytes } } }]);
	return provider;
}

async function ourMean(stage: Stage): Promise<number> {
	const provider = await prepare(stage);
	const node = await startNodeProcess(provider);
	try {
		const { items } = await node.run(
			bflNode({ maxConcurrent: 1, pollInterval: JOB_SECONDS }),
			wishesOf(stage),
		);
		const looks = readyLooks(await provider.ledger());
		const tookMs = items.map(({ taskId, timing }) => {
			const { completedAt } = timing as { completedAt: string };
			return Date.parse(completedAt) - looks.get(taskId as string)!.at;
		});
		return rounded(mean(tookMs));
	} finally {
		await node.close();
	}
}

async function idealMean(stage: Stage): Promise<number> {
	const client = idealClient(await prepare(stage));
	const tookMs: number[] = [];
	for (const wish of wishesOf(stage)) tookMs.push((await client.generate(wish)).downloadMs);
	await client.close();
	return rounded(mean(tookMs));
}

const wishesOf = ({ sizes }: Stage) => sameWishes('download', sizes.download.pictures, JOB_SECONDS);
