import type { Emulator } from '../../emulator';
import { openHost, type Host } from '../host';
import type { Cleanup } from '../host/cleanup';
import { startProcess, untilReady, type N8nProcess } from '../host/server';
import { NEWEST } from '../host/versions';
import { emulatorOf } from './cluster';
import { idsOf } from './delivered';
import { eventually } from './eventually';
import { SHAPES, type ShapeName } from './shapes';
import {
	callOnceEach,
	mend,
	prepareTrial,
	takeStock,
	untilMoment,
	untilTrialOver,
	type Mended,
	type Moment,
	type Stock,
	type Trial,
} from './trial';

/** n8n itself, without workers, killed in the midst of executions, and started again. */
export interface RestartPlan {
	shape: ShapeName;
	when: Moment;
	executions: number;
}

export type Restart = RestartPlan &
	Stock &
	Mended & {
		name: string;
		/** Callbacks that came while n8n was down. */
		callsInVain: number;
		/** From the kill until n8n answered again. */
		downSeconds: number;
	};

export const restartNameOf = ({ shape, when }: RestartPlan): string =>
	`${SHAPES[shape].title}: n8n itself gets SIGKILL while ${when}`;

/** One n8n after the other, in the same folder. */
export class Regular {
	private constructor(
		readonly host: Host,
		private readonly cleanup: Cleanup,
		private server: N8nProcess,
	) {}

	static async open(lateSeconds: number, cleanup: Cleanup, say: (line: string) => void) {
		const environment = { N8N_DEFAULT_BINARY_DATA_MODE: 'database' };
		const emulator = emulatorOf(lateSeconds);
		const host = await openHost(
			{ version: NEWEST, environment, emulator, examples: [], say },
			cleanup,
		);
		return new Regular(host, cleanup, host.server);
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
		await untilReady(`${url}/rest/settings`, server);
	}
}

export async function runRestart(regular: Regular, plan: RestartPlan): Promise<Restart> {
	const { shape, executions, when } = plan;
	const trial = await prepareTrial(regular.host, shape, executions, when === 'parked');
	try {
		await Promise.all([callOnceEach(trial), untilMoment(trial, when)]);
		const down = await goDown(regular, trial, when === 'parked');
		await untilTrialOver(trial);
		const stock = await takeStock(trial);
		return { name: restartNameOf(plan), ...plan, ...down, ...stock, ...(await mend(trial)) };
	} finally {
		trial.giveUp();
	}
}

async function goDown(regular: Regular, trial: Trial, waitsForCalls: boolean) {
	const killed = Date.now();
	await regular.kill();
	if (waitsForCalls) await untilCalled(trial);
	const callsInVain = callsTo(trial).filter(({ status }) => status === undefined).length;
	await regular.start();
	return { callsInVain, downSeconds: (Date.now() - killed) / 1000 };
}

/** Answered or in vain. */
function callsTo({ host, prompts }: Trial) {
	const ids = idsOf(host, prompts);
	const { deliveries } = host.emulator.ledger;
	return deliveries.filter(
		({ taskId: jobId, respondedAt: answeredAt }) => ids.has(jobId) && answeredAt !== undefined,
	);
}

/** Nobody is there to answer, so every callback will have to be repeated. */
async function untilCalled(trial: Trial): Promise<void> {
	const areCalled = () => callsTo(trial).length >= trial.prompts.length;
	await eventually(areCalled, 'the callbacks', trial.patience);
}
