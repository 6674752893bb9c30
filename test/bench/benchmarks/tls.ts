import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createSelfSignedCertificate } from '../certificate';
import { createTasks } from '../tasks';
import { toLateness, type Lateness } from '../polls';
import { createBflNode, startEmulatorProcess, type EmulatorProcess } from '../processes/start';
import { startTrainedNode, type BenchmarkContext } from '../context';
import { generateDurations } from '../statistics';

/** Our node's lateness where the emulator uses TLS, with a certificate created for this run. */
export async function measureOverTls(context: BenchmarkContext): Promise<Lateness> {
	const folder = await mkdtemp(path.join(tmpdir(), 'flux2-bench-'));
	try {
		const tls = createSelfSignedCertificate();
		const file = path.join(folder, 'certificate.pem');
		await writeFile(file, tls.cert);
		const emulator = await startEmulatorProcess({ tls });
		try {
			return await measureLatenessAt(emulator, context, { NODE_EXTRA_CA_CERTS: file });
		} finally {
			await emulator.close();
		}
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

async function measureLatenessAt(
	emulator: EmulatorProcess,
	{ sizes, log }: BenchmarkContext,
	environment: Record<string, string>,
): Promise<Lateness> {
	const node = await startTrainedNode(sizes, emulator, log, environment);
	try {
		const { tasks: count, concurrency: maxConcurrent } = sizes.tls;
		log(`our node over TLS: ${count} tasks, ${maxConcurrent} at once`);
		await emulator.reset();
		const tasks = createTasks('TLS', generateDurations('TLS', count, sizes.taskSeconds));
		await node.run(createBflNode({ maxConcurrent }), tasks);
		return toLateness(await emulator.ledger());
	} finally {
		await node.close();
	}
}
