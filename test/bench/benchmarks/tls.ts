import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { selfSigned } from '../certificate';
import { wishes } from '../jobs';
import { latenessOf, type Lateness } from '../looks';
import { bflNode, startProvider, type Provider } from '../processes/actors';
import { learn, type Stage } from '../stage';
import { durations } from '../statistics';

/** Our node's lateness where the provider speaks TLS, with a certificate made for this run. */
export async function overTls(stage: Stage): Promise<Lateness> {
	const folder = await mkdtemp(path.join(tmpdir(), 'flux2-bench-'));
	try {
		const tls = selfSigned();
		const file = path.join(folder, 'certificate.pem');
		await writeFile(file, tls.cert);
		const provider = await startProvider(tls);
		try {
			return await latenessAt(provider, stage, { NODE_EXTRA_CA_CERTS: file });
		} finally {
			await provider.close();
		}
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

async function latenessAt(
	provider: Provider,
	{ sizes, say }: Stage,
	environment: Record<string, string>,
): Promise<Lateness> {
	const node = await learn(sizes, provider, say, environment);
	try {
		const { jobs: count, atOnce: maxConcurrent } = sizes.tls;
		say(`our node over TLS: ${count} jobs, ${maxConcurrent} at once`);
		await provider.reset();
		const jobs = wishes('TLS', durations('TLS', count, sizes.jobSeconds));
		await node.run(bflNode({ maxConcurrent }), jobs);
		return latenessOf(await provider.ledger());
	} finally {
		await node.close();
	}
}
