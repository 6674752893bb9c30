import type { INodeExecutionData } from 'n8n-workflow';
import { sha256 } from '../emulator/images';
import type { Engine, Run } from '../support/engine';
import { NODE, workflowWith } from '../support/lab';
import { MAYBE_BILLED, type ItemResult } from './judge';
import { toNode, type Scenario } from './scenarios';
import type { FaultPlan } from './faultPlan';

/** Runs one scenario to its end as a user would: retries first, then *Continue*. */

export interface ScenarioResult {
	/** False if an execution did not end within its time limit. */
	ended: boolean;
	/** The output items, by the index of their input item. */
	results: ItemResult[][];
	executions: number;
	/** Everything that a user could read; it must not contain a key. */
	shownText: string;
}

/** How often the user clicks *Retry execution* before choosing *Continue*. */
const MAX_MANUAL_RETRIES = 3;

export async function runScenario(
	engine: Engine,
	scenario: Scenario,
	faultPlan: FaultPlan,
	timeoutMs: number,
): Promise<ScenarioResult> {
	const executions: Run[] = [];
	try {
		const run = await runUntilEnd(engine, scenario, faultPlan, timeoutMs, executions);
		return {
			ended: true,
			results: await collectResults(engine, scenario, run),
			executions: executions.length,
			shownText: executions.map(toShownText).join('\n'),
		};
	} catch (error) {
		const shownText = (error as Error).message;
		return { ended: false, results: [], executions: executions.length + 1, shownText };
	}
}

async function runUntilEnd(
	engine: Engine,
	scenario: Scenario,
	faultPlan: FaultPlan,
	timeoutMs: number,
	executions: Run[],
): Promise<Run> {
	const items = scenario.items.map(({ prompt }) => ({ json: { prompt } }));
	const record = (run: Run) => {
		executions.push(run);
		return run;
	};
	let run = record(await engine.run(workflowWith(toNode(scenario)), { items, limitMs: timeoutMs }));
	for (let retry = 1; retry <= MAX_MANUAL_RETRIES && run.status === 'error'; retry++) {
		if (asksBeforePayingAgain(scenario, run)) return run;
		run = record(await engine.retry(run, workflowWith(toNode(scenario)), { limitMs: timeoutMs }));
	}
	if (run.status !== 'error') return run;
	faultPlan.limitToTransient(scenario);
	return record(
		await engine.retry(run, workflowWith(toNode(scenario, true)), { limitMs: timeoutMs }),
	);
}

/** The error warns that a retry may pay again: this user does not retry then. */
const asksBeforePayingAgain = ({ items }: Scenario, { error }: Run): boolean =>
	items.length === 1 && MAYBE_BILLED.test(error?.description ?? '');

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
	const error = item.json.error as Record<string, unknown> | undefined;
	if (error) {
		const { kind, taskId, description } = error;
		return { form: 'errorItem', kind, taskId, description: String(description) };
	}
	const { prompt, taskId } = item.json;
	const { data } = item.binary ?? {};
	return {
		form: 'image',
		prompt,
		taskId,
		...(data && { sha256: sha256(await engine.binary(data)) }),
	};
}

function toThrownResult({ error }: Run): ItemResult {
	const { kind, taskId } =
		(error as { context?: Record<string, unknown> } | undefined)?.context ?? {};
	return { form: 'thrown', kind, taskId, description: error?.description ?? '' };
}

const toShownText = (run: Run): string =>
	JSON.stringify([run.items(NODE), run.error?.message, run.error?.description]);
