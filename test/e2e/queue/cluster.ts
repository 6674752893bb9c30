import { openHost, type Host } from '../host';
import type { Cleanup } from '../host/cleanup';
import { findFreePort } from '../host/ports';
import { startProcess, waitUntilReady, type N8nProcess } from '../host/server';
import { NEWEST } from '../host/versions';
import { parseSeconds } from '../../bench/tasks';
import type { EmulatorOptions } from '../../emulator';
import { startServices, type Services } from './services';

/** n8n's main process in queue mode, with all that it needs except workers. */
export interface Cluster extends Services {
	host: Host;
	cleanup: Cleanup;
	log: (line: string) => void;
}

/** n8n's own default; the other temporary n8n get less time. */
const SHUTDOWN_SECONDS = 30;
const MAX_RUNNING_TASKS = 1_000_000;

/** Prompts say how long their images take, and no key limits the number of concurrent tasks. */
export const createEmulatorOptions = (lateSeconds: number): EmulatorOptions => ({
	seconds: ({ prompt }) => (prompt.includes(' takes ') ? parseSeconds(prompt) : 1),
	images: 'plain',
	maxRunning: MAX_RUNNING_TASKS,
	webhookLateMs: lateSeconds * 1000,
});

export async function openCluster(
	lateSeconds: number,
	cleanup: Cleanup,
	log: (line: string) => void,
): Promise<Cluster> {
	const services = await startServices(cleanup, log);
	const environment = {
		...services.environment,
		N8N_DEFAULT_BINARY_DATA_MODE: 'database',
		N8N_GRACEFUL_SHUTDOWN_TIMEOUT: String(SHUTDOWN_SECONDS),
	};
	const host = await openHost(
		{
			version: NEWEST,
			environment,
			emulator: createEmulatorOptions(lateSeconds),
			examples: [],
			log,
		},
		cleanup,
	);
	return { ...services, host, cleanup, log };
}

export interface Workers {
	all: N8nProcess[];
	stop(): Promise<void>;
}

export async function startWorkers(
	cluster: Cluster,
	count: number,
	concurrency: number,
): Promise<Workers> {
	const starts = Array.from({ length: count }, async () => await startWorker(cluster, concurrency));
	const all = await Promise.all(starts);
	return {
		all,
		stop: async () => void (await Promise.all(all.map(async (one) => await one.stop()))),
	};
}

async function startWorker({ host, cleanup }: Cluster, concurrency: number): Promise<N8nProcess> {
	const port = await findFreePort();
	const worker = startProcess(host.n8n, ['worker', `--concurrency=${concurrency}`], {
		...host.environment,
		N8N_RUNNERS_BROKER_PORT: String(await findFreePort()),
		N8N_WORKER_SERVER_ADDRESS: '127.0.0.1',
		QUEUE_HEALTH_CHECK_ACTIVE: 'true',
		QUEUE_HEALTH_CHECK_PORT: String(port),
	});
	await cleanup.add(async () => await worker.stop());
	await waitUntilReady(`http://127.0.0.1:${port}/healthz/readiness`, worker);
	return worker;
}
