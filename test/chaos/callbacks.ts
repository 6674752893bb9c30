import { setTimeout as wait } from 'node:timers/promises';
import type { Run } from '../support/engine';
import { NODE, workflowWith } from '../support/lab';
import type { Webhooks } from '../support/webhooks';
import { toInput, type ChaosWorld } from './runner';
import { COLLECTING_NODE, toNode, type Scenario } from './scenarios';

/** Runs a scenario whose task calls n8n back, while strangers call too. */

type Suspended = Awaited<ReturnType<Webhooks['run']>>;

/** After the last delivery: n8n may still be running the execution. */
const GRACE_MS = 1000;
/** The provider delivers at once and after 1, 5 and 30 units. */
const MAX_DELIVERIES = 4;

/** The execution as its workflow goes on: with the image of the callback, or with Task: Get where none came. */
export async function runWithCallback(world: ChaosWorld, scenario: Scenario): Promise<Run> {
	const suspended = await world.webhooks.run(
		workflowWith(toNode(scenario)),
		toInput(world, scenario),
	);
	if (suspended.first.status !== 'waiting') return suspended.first;
	const task = world.emulator.ledger.tasks.find(
		({ prompt }) => prompt === scenario.items[0]!.prompt,
	)!;
	if (scenario.hasForgedCallbacks) await sendForgedCallbacks(world, task.id, suspended);
	const isCalledBack = world.faultPlan.isCalledBack(scenario.items[0]!);
	const resumed = await Promise.race([
		suspended.resumed,
		waitForDeliveries(world, task.id, isCalledBack),
	]);
	return resumed ?? (await collectWithoutCallback(world, scenario, suspended));
}

/** What anybody could send who knows the address: another image, a failure, the end of another task. */
async function sendForgedCallbacks(
	{ webhooks, foreignUrl }: ChaosWorld,
	taskId: string,
	{ id, first }: Suspended,
): Promise<void> {
	const url = `${webhooks.url}/webhook-waiting/${id}?signature=${first.raw.data.resumeToken}`;
	const bodies = [
		{ id: taskId, status: 'Ready', result: { sample: `${foreignUrl}/image.png` } },
		{ id: taskId, status: 'Error', error: 'failed', message: 'Forged' },
		{ id: 'another-task', status: 'Ready', result: { sample: `${foreignUrl}/image.png` } },
	];
	for (const body of bodies) {
		const response = await fetch(url, {
			method: 'POST',
			headers: { 'content-type': 'application/json', 'x-bfl-signature': 'sha256=00' },
			body: JSON.stringify(body),
		});
		await response.arrayBuffer();
	}
}

/** Resolves with nothing once the provider delivers no more, and n8n has had time to run the execution. */
async function waitForDeliveries(
	{ emulator: { ledger }, timeoutMs }: ChaosWorld,
	task: string,
	isCalledBack: boolean,
): Promise<undefined> {
	const isOver = () => {
		const own = ledger.deliveries.filter(({ taskId }) => taskId === task);
		const isAccepted = own.some(({ status = 0 }) => status >= 200 && status < 300);
		const hasEnded = own.length >= MAX_DELIVERIES && own.every(({ respondedAt }) => respondedAt);
		return isAccepted || hasEnded || !isCalledBack;
	};
	const deadline = Date.now() + timeoutMs;
	while (!isOver() && Date.now() < deadline) await wait(20);
	await wait(GRACE_MS);
}

/** n8n's timer resumes the execution, and the next node of the workflow collects the task. */
async function collectWithoutCallback(
	world: ChaosWorld,
	scenario: Scenario,
	suspended: Suspended,
): Promise<Run> {
	const resumed = await world.webhooks.resumeByTimer(suspended);
	const input = toInput(world, scenario)[0]!.json;
	const items = resumed.items(NODE).map(({ json }) => ({ json: { ...input, ...json } }));
	return await world.engine.run(workflowWith(COLLECTING_NODE), {
		items,
		limitMs: world.timeoutMs,
	});
}
