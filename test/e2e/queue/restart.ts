import type { Emulator } from '../../emulator';
import { openHost, type Host } from '../host';
import type { Cleanup } from '../host/cleanup';
import { startProcess, waitUntilReady, type N8nProcess } from '../host/server';
import { NEWEST } from '../host/versions';
import { createEmulatorOptions } from './cluster';
import { findTaskIds } from './delivered';
import { waitFor } from './waitFor';
import { SHAPES, type ShapeName } from './shapes';
import {
	callOncePerPrompt,
	recover,
	prepareTrial,
	countOutcome,
	waitForMoment,
	waitUntilTrialFinished,
	type Recovery,
	type Moment,
	type TrialOutcome,
	type Trial,
} from './trial';

/** n8n in regular mode, killed during executions and started again. */
export interface RestartPlan {
	shape: ShapeName;
	when: Moment;
	executions: number;
}

export type Restart = RestartPlan &
	TrialOutcome &
	Recovery & {
		name: string;
		/** Deliveries that failed because n8n was down. */
		failedDeliveries: number;
		/** From the kill until n8n responded again. */
		downSeconds: number;
	};

export const toRestartName = ({ shape, when }: RestartPlan): string =>
	`${SHAPES[shape].title}: n8n itself gets SIGKILL while ${when}`;

/** Processes of n8n in regular mode, one after the other, in the same folder. */
export class RegularN8n {
	private constructor(
		readonly host: Host,
		private readonly cleanup: Cleanup,
		private server: N8nProcess,
	) {}

	static async open(lateSeconds: number, cleanup: Cleanup, log: (line: string) => void) {
		const environment = { N8N_DEFAULT_BINARY_DATA_MODE: 'database' };
		const emulator = createEmulatorOptions(lateSeconds);
		const host = await openHost(
			{ version: NEWEST, environment, emulator, examples: [], log },
			cleanup,
		);
		return new RegularN8n(host, cleanup, host.server);
	}

	get emulator(): Emulator {
		return this.host.emulator;
	}

	async kill(): Promise<void> {
		await this.server.stop('SIGKILL');
	}

	async start(): Promise<void> {
		const { n8n, environment, url } = this.host;
		this.server = startProcess(n8n, ['start'], environment);
		const { server } = this;
		await this.cleanup.add(async () => await server.stop());
		await waitUntilReady(`${url}/rest/settings`, server);
	}
}

export async function runRestart(regular: RegularN8n, plan: RestartPlan): Promise<Restart> {
	const { shape, executions, when } = plan;
	const trial = await prepareTrial(regular.host, shape, executions, when === 'suspended');
	try {
		await Promise.all([callOncePerPrompt(trial), waitForMoment(trial, when)]);
		const down = await restartN8n(regular, trial, when === 'suspended');
		await waitUntilTrialFinished(trial);
		const stock = await countOutcome(trial);
		return { name: toRestartName(plan), ...plan, ...down, ...stock, ...(await recover(trial)) };
	} finally {
		trial.abort();
	}
}

async function restartN8n(regular: RegularN8n, trial: Trial, waitsForDeliveries: boolean) {
	const killed = Date.now();
	await regular.kill();
	if (waitsForDeliveries) await waitForDeliveries(trial);
	const failedDeliveries = findDeliveries(trial).filter(
		({ status }) => status === undefined,
	).length;
	await regular.start();
	return { failedDeliveries, downSeconds: (Date.now() - killed) / 1000 };
}

/** Finds the completed deliveries, successful or failed. */
function findDeliveries({ host, prompts }: Trial) {
	const ids = findTaskIds(host, prompts);
	const { deliveries } = host.emulator.ledger;
	return deliveries.filter(
		({ taskId, respondedAt }) => ids.has(taskId) && respondedAt !== undefined,
	);
}

/** n8n is down, so every delivery fails and must be retried. */
async function waitForDeliveries(trial: Trial): Promise<void> {
	const areDelivered = () => findDeliveries(trial).length >= trial.prompts.length;
	await waitFor(areDelivered, 'the callbacks', trial.waitOptions);
}
