import { setTimeout as wait } from 'node:timers/promises';
import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import type { Emulator } from '../emulator';
import { sha256 } from '../emulator/images';
import type { Engine, Run } from '../support/engine';
import { NODE, workflowWith } from '../support/lab';
import type { Webhooks } from '../support/webhooks';
import { runWithCallback } from './callbacks';
import { MAYBE_BILLED, type ItemResult } from './judge';
import { toNode, type Scenario } from './scenarios';
import type { FaultPlan } from './faultPlan';

/** Runs one scenario to its end as a user would: retries first, then *Continue*. */

/** What all scenarios share. */
export interface ChaosWorld {
	engine: Engine;
	webhooks: Webhooks;
	emulator: Emulator;
	faultPlan: FaultPlan;
	/** A host that belongs to no provider. */
	foreignUrl: string;
	/** An execution that takes longer counts as hung. */
	timeoutMs: number;
}

export interface ScenarioResult {
	/** False if an execution did not end within its time limit. */
	ended: boolean;
	/** The output items, by the index of their input item. */
	results: ItemResult[][];
	/** Those of the first execution; undefined for an item that another item's failure has interrupted. */
	firstResults: Array<ItemResult[] | undefined>;
	executions: number;
	/** Everything that a user could read; it must not contain a key. */
	shownText: string;
}

/** How often the user clicks *Retry execution* before choosing *Continue*. */
const MAX_MANUAL_RETRIES = 3;
const MAX_STOP_MS = 5000;
/** How long an execution runs before it is stopped, by the scenario's number. */
const STOP_AFTER_MS = [0, 20, 60, 150];

export async function runScenario(world: ChaosWorld, scenario: Scenario): Promise<ScenarioResult> {
	const executions: Run[] = [];
	try {
		const stopped = scenario.followsStop ? [await runUntilStopped(world, scenario)] : [];
		const run = await runUntilEnd(world, scenario, executions);
		const [first = run] = executions;
		return {
			ended: true,
			results: await collectResults(world.engine, scenario, run),
			firstResults: await collectFirstResults(world.engine, scenario, first),
			executions: executions.length,
			shownText: [...stopped, ...executions].map(toShownText).join('\n'),
		};
	} catch (error) {
		const shownText = (error as Error).message;
		return {
			ended: false,
			results: [],
			firstResults: [],
			executions: executions.length + 1,
			shownText,
		};
	}
}

/** An execution of the same node with other items. What it leaves behind must not hold up the next one. */
async function runUntilStopped({ engine }: ChaosWorld, scenario: Scenario): Promise<Run> {
	const items = scenario.items.map(({ prompt }) => ({
		json: { prompt: `Stopped. ${prompt}`, timeout: 60 },
	}));
	const { done, stop } = engine.start(workflowWith(toNode(scenario)), {
		items,
		limitMs: MAX_STOP_MS,
	});
	setTimeout(stop, STOP_AFTER_MS[scenario.number % STOP_AFTER_MS.length]);
	return await done;
}

async function runUntilEnd(world: ChaosWorld, scenario: Scenario, executions: Run[]): Promise<Run> {
	const { engine, faultPlan, timeoutMs } = world;
	const record = (run: Run) => {
		executions.push(run);
		return run;
	};
	const retry = async (failed: Run, continueOnFail?: boolean) => {
		faultPlan.startExecution(scenario);
		const workflow = workflowWith(toNode(scenario, continueOnFail));
		return record(await engine.retry(failed, workflow, { limitMs: timeoutMs }));
	};
	faultPlan.startExecution(scenario);
	// a retry would have another address to call
	if (scenario.variant === 'bflCallback') {
		return record(await withLimit(timeoutMs, runWithCallback(world, scenario)));
	}
	const items = toInput(world, scenario);
	let run = record(await engine.run(workflowWith(toNode(scenario)), { items, limitMs: timeoutMs }));
	for (let count = 1; count <= MAX_MANUAL_RETRIES && run.status === 'error'; count++) {
		if (asksBeforePayingAgain(scenario, run)) return run;
		run = await retry(run);
	}
	if (run.status !== 'error') return run;
	faultPlan.limitToTransient(scenario);
	return await retry(run, true);
}

async function withLimit<T>(ms: number, work: Promise<T>): Promise<T> {
	const limit = new AbortController();
	const late = wait(ms, undefined, limit).then(() => {
		throw new Error(`The execution was still waiting after ${ms / 1000} s`);
	});
	// what is left of the losing promise is of no interest
	late.catch(() => undefined);
	return await Promise.race([work, late]).finally(() => limit.abort());
}

export const toInput = ({ faultPlan }: ChaosWorld, { items }: Scenario): INodeExecutionData[] =>
	items.map((item) => ({ json: { prompt: item.prompt, timeout: faultPlan.timeoutOf(item) } }));

/** The error warns that a retry may pay again: this user does not retry then. */
const asksBeforePayingAgain = ({ items }: Scenario, { error }: Run): boolean =>
	items.length === 1 && MAYBE_BILLED.test(error?.description ?? '');

async function collectFirstResults(
	engine: Engine,
	scenario: Scenario,
	run: Run,
): Promise<ScenarioResult['firstResults']> {
	if (run.status !== 'error') return await collectResults(engine, scenario, run);
	const { itemIndex } = readContext(run);
	return scenario.items.map((_item, index) =>
		index === itemIndex ? [toThrownResult(run)] : undefined,
	);
}

async function collectResults(
	engine: Engine,
	{ items }: Scenario,
	run: Run,
): Promise<ItemResult[][]> {
	if (run.status === 'error') return items.map(() => [toThrownResult(run)]);
	const outputs = run.items(NODE);
	const isOrdered = outputs.every(
		(output, index) => index === 0 || readInputIndex(outputs[index - 1]!) <= readInputIndex(output),
	);
	if (!isOrdered) return [];
	return await Promise.all(
		items.map(async (_item, index) => {
			const own = outputs.filter((output) => readInputIndex(output) === index);
			return await Promise.all(own.map(async (item) => await toItemResult(engine, item)));
		}),
	);
}

function readInputIndex({ pairedItem }: INodeExecutionData): number {
	return (pairedItem as { item: number }).item;
}

async function toItemResult(engine: Engine, item: INodeExecutionData): Promise<ItemResult> {
	const failure = toFailure(item.json);
	if (failure) {
		const { kind, taskId, description = '' } = failure;
		return { form: 'errorItem', kind, taskId, description: description as string };
	}
	// Task: Get knows no prompt but the provider's
	const { prompt = item.json.revisedPrompt, taskId } = item.json;
	const { data } = item.binary ?? {};
	return {
		form: 'image',
		prompt,
		taskId,
		...(data && { sha256: sha256(await engine.binary(data)) }),
	};
}

/** An error item, or the item of a failed task that a callback has ended. */
const toFailure = (json: IDataObject): IDataObject | undefined =>
	json.status === 'failed' ? json : (json.error as IDataObject | undefined);

function toThrownResult(run: Run): ItemResult {
	const { kind, taskId } = readContext(run);
	return { form: 'thrown', kind, taskId, description: run.error?.description ?? '' };
}

const readContext = ({ error }: Run): Record<string, unknown> =>
	(error as { context?: Record<string, unknown> } | undefined)?.context ?? {};

const toShownText = (run: Run): string =>
	JSON.stringify([run.items(NODE), run.error?.message, run.error?.description]);
