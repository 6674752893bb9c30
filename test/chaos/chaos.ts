import {
	startEmulator,
	startListener,
	type Emulator,
	type Ledger,
	type Listener,
} from '../emulator';
import { SECRETS } from '../emulator/keys';
import { sha256 } from '../emulator/images';
import { emulatorCredentials } from '../support/providers';
import { startEngine } from '../support/engine';
import { openWebhooks } from '../support/webhooks';
import { pLimit } from '../../nodes/shared/core/vendor';
import { judge, type Evidence, type Verdict } from './judge';
import { laneOf, planScenarios, type ChaosItem, type Scenario } from './scenarios';
import { runScenario, type ChaosWorld, type ScenarioResult } from './runner';
import { FaultPlan, type CallRecord } from './faultPlan';

/** Runs all scenarios of one seed and judges every item. */

export interface ChaosOptions {
	items: number;
	seed: number;
	/** Only the scenarios with these items. They meet the same faults as in a whole run. */
	only?: readonly number[];
	/** An execution that takes longer counts as hung. */
	timeoutMs?: number;
	onScenario?: (done: number, total: number) => void;
}

export interface ItemReport {
	number: number;
	prompt: string;
	scenario: Scenario;
	verdict: Verdict;
	calls: CallRecord[];
}

export interface ChaosReport {
	seed: number;
	items: ItemReport[];
	/** Number of responses by their fault. */
	faults: Map<string, number>;
	fates: Map<string, number>;
	executions: number;
	/** A description of each key that was seen where it must not be. */
	leaks: string[];
	/** Requests that no document describes. */
	unexpected: string[];
	/** A hash of all outcomes: two runs of one seed have the same. */
	fingerprint: string;
	seconds: number;
}

const EXECUTION_TIMEOUT_MS = 180_000;
const MAX_CONCURRENT_SCENARIOS = 64;
const TASK_SECONDS = 0.05;
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
	const started = Date.now();
	const { items, seed, only } = options;
	const all = planScenarios(seed, items);
	const scenarios = all.filter(
		(scenario) => !only || scenario.items.some(({ number }) => only.includes(number)),
	);
	const faultPlan = new FaultPlan(seed, scenarios);
	const emulator = await startEmulator({
		seconds: TASK_SECONDS,
		images: 'plain',
		keepAliveMs: 1000,
		webhookUnitMs: 20,
		script: faultPlan.effect,
	});
	const foreignHost = await startListener();
	faultPlan.hosts = {
		missingImageUrl: `${emulator.urls.results}/results/missing.jpeg`,
		foreignUrl: foreignHost.url,
		sameHostUrl: `http://127.0.0.1:${foreignHost.port}`,
	};
	const engine = await startEngine({ credentials: emulatorCredentials(emulator) });
	const webhooks = await openWebhooks(engine);
	const world = { engine, webhooks, emulator, faultPlan, foreignUrl: foreignHost.url };
	try {
		const results = await runAll(world, scenarios, options);
		const judged = await judgeScenarios(scenarios, results, faultPlan, emulator);
		return {
			...judged,
			seed,
			leaks: findLeaks(emulator, foreignHost, results),
			seconds: (Date.now() - started) / 1000,
		};
	} finally {
		await webhooks.close();
		await engine.close();
		await foreignHost.close();
		await emulator.close();
	}
}

async function runAll(
	world: Omit<ChaosWorld, 'timeoutMs'>,
	scenarios: readonly Scenario[],
	{ timeoutMs = EXECUTION_TIMEOUT_MS, onScenario }: ChaosOptions,
): Promise<ScenarioResult[]> {
	const limit = pLimit(MAX_CONCURRENT_SCENARIOS);
	let done = 0;
	const run = async (scenario: Scenario) => {
		const result = await runScenario({ ...world, timeoutMs }, scenario);
		onScenario?.(++done, scenarios.length);
		return result;
	};
	return await Promise.all(scenarios.map(async (scenario) => await limit(run, scenario)));
}

async function judgeScenarios(
	scenarios: Scenario[],
	results: ScenarioResult[],
	{ calls }: FaultPlan,
	{ ledger }: Emulator,
) {
	const perScenario = scenarios.map(async (scenario, index) => {
		const judgeOne = async (item: ChaosItem, itemIndex: number): Promise<ItemReport> => {
			const { ended, results: itemResults, firstResults } = results[index]!;
			const evidence: Evidence = {
				...item,
				hasTasks: laneOf(scenario.variant).hasTasks,
				ended,
				results: itemResults[itemIndex] ?? [],
				firstResults: firstResults[itemIndex],
				calls: calls.filter((call) => call.item === item.number),
				...(await findRecords(ledger, item)),
			};
			return { ...item, scenario, verdict: judge(evidence), calls: evidence.calls };
		};
		return await Promise.all(scenario.items.map(judgeOne));
	});
	const items = (await Promise.all(perScenario)).flat();
	return {
		items,
		faults: countNames(calls.map(({ fault }) => fault)),
		fates: countNames(calls.flatMap(({ fate }) => fate ?? [])),
		executions: results.reduce((sum, { executions }) => sum + executions, 0),
		unexpected: ledger.unexpected.map(({ method, path, reason }) => `${method} ${path}: ${reason}`),
		fingerprint: sha256(items.map(formatItem).join('\n')),
	};
}

/** What the emulator has recorded for an item. */
async function findRecords(ledger: Ledger, { prompt }: ChaosItem) {
	const tasks = ledger.tasks.filter((task) => task.prompt === prompt);
	const hashes = tasks.map(async ({ id }): Promise<[string, string]> => {
		const image = await ledger.image(id).catch(() => undefined);
		return [id, image?.sha256 ?? ''];
	});
	return {
		submissions: ledger.submissions.filter((submission) => submission.prompt === prompt),
		tasks,
		images: new Map(await Promise.all(hashes)),
	};
}

export const formatItem = ({ number, scenario, verdict }: ItemReport): string =>
	[number, scenario.variant, verdict.form, verdict.outcome, verdict.paidTwice].join(' ');

function findLeaks(
	{ ledger }: Emulator,
	{ requests }: Listener,
	results: ScenarioResult[],
): string[] {
	const foreignRequests = requests.flatMap((request) =>
		findSecrets(JSON.stringify(request)).map((key) => `${key} at a foreign host: ${request.path}`),
	);
	const shown = results.flatMap((one) =>
		findSecrets(one.shownText).map((key) => `${key} in an item`),
	);
	const ledgerLeaks = ledger.leaks.map(
		({ key, where, path }) => `${key ?? 'a key'} in ${where} of ${path}`,
	);
	return [...ledgerLeaks, ...foreignRequests, ...shown];
}

const findSecrets = (text: string): string[] =>
	SECRETS.filter(([, value]) => text.includes(value)).map(([name]) => name);

function countNames(names: string[]): Map<string, number> {
	const counts = new Map<string, number>();
	for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
	return new Map([...counts].sort(([, a], [, b]) => b - a));
}
