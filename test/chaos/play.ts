import type { INodeExecutionData } from 'n8n-workflow';
import { sha256 } from '../emulator/images';
import type { Engine, Run } from '../support/engine';
import { NODE, workflowWith } from '../support/lab';
import { MAYBE_BILLED, type Ending } from './judge';
import { nodeOf, type Round } from './plan';
import type { ChaosScript } from './script';

/** Plays one round as its user would, to the end. */

export interface Played {
	/** False when an execution did not come to its end in time. */
	ended: boolean;
	/** What came out, by the number of the item that went in. */
	endings: Ending[][];
	executions: number;
	/** All that a user could read, to search it for keys. */
	shown: string;
}

/** How often a user clicks *Retry execution* before *Continue* is chosen. */
const CLICKS = 3;

export async function play(
	engine: Engine,
	round: Round,
	script: ChaosScript,
	limitMs: number,
): Promise<Played> {
	const executions: Run[] = [];
	try {
		const run = await toTheEnd(engine, round, script, limitMs, executions);
		return {
			ended: true,
			endings: await endingsOf(engine, round, run),
			executions: executions.length,
			shown: executions.map(shownIn).join('\n'),
		};
	} catch (error) {
		const shown = (error as Error).message;
		return { ended: false, endings: [], executions: executions.length + 1, shown };
	}
}

async function toTheEnd(
	engine: Engine,
	round: Round,
	script: ChaosScript,
	limitMs: number,
	executions: Run[],
): Promise<Run> {
	const items = round.jobs.map(({ prompt }) => ({ json: { prompt } }));
	const noted = (run: Run) => {
		executions.push(run);
		return run;
	};
	let run = noted(await engine.run(workflowWith(nodeOf(round)), { items, limitMs }));
	for (let click = 1; click <= CLICKS && run.status === 'error'; click++) {
		if (isAskedToDecide(round, run)) return run;
		run = noted(await engine.retry(run, workflowWith(nodeOf(round)), { limitMs }));
	}
	if (run.status !== 'error') return run;
	script.calmDown(round);
	return noted(await engine.retry(run, workflowWith(nodeOf(round, true)), { limitMs }));
}

/** A retry might pay again, says the error: this user would rather not. */
const isAskedToDecide = ({ jobs }: Round, { error }: Run): boolean =>
	jobs.length === 1 && MAYBE_BILLED.test(error?.description ?? '');

async function endingsOf(engine: Engine, { jobs }: Round, run: Run): Promise<Ending[][]> {
	if (run.status === 'error') return jobs.map(() => [thrownBy(run)]);
	const items = run.items(NODE);
	const inOrder = items.every(
		(item, index) => index === 0 || inputOf(items[index - 1]!) <= inputOf(item),
	);
	if (!inOrder) return [];
	return await Promise.all(
		jobs.map(async (_job, index) => {
			const own = items.filter((item) => inputOf(item) === index);
			return await Promise.all(own.map(async (item) => await endingOf(engine, item)));
		}),
	);
}

function inputOf({ pairedItem }: INodeExecutionData): number {
	return (pairedItem as { item: number }).item;
}

async function endingOf(engine: Engine, item: INodeExecutionData): Promise<Ending> {
	const error = item.json.error as Record<string, unknown> | undefined;
	if (error) {
		const { kind, taskId, description } = error;
		return { form: 'errorItem', kind, taskId, description: String(description) };
	}
	const { prompt, taskId } = item.json;
	const { data } = item.binary ?? {};
	return {
		form: 'picture',
		prompt,
		taskId,
		...(data && { sha256: sha256(await engine.binary(data)) }),
	};
}

function thrownBy({ error }: Run): Ending {
	const { kind, taskId } =
		(error as { context?: Record<string, unknown> } | undefined)?.context ?? {};
	return { form: 'thrown', kind, taskId, description: error?.description ?? '' };
}

const shownIn = (run: Run): string =>
	JSON.stringify([run.items(NODE), run.error?.message, run.error?.description]);
