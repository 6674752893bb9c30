import { NODE, openLab, prompts, until, type Lab } from '../support/lab';
import { drawSmall, making } from '../support/lanes';

/** Stopped executions leave nothing behind for which the next one would have to wait: no permit and no turn. */

const EXECUTIONS = 10;
const ITEMS = 100;
/** The node's own pace: one read of a host in so many milliseconds. */
const READ_GAP_MS = 20;

let lab: Lab;

beforeAll(async () => {
	lab = await openLab({ emulator: { maxRunning: 2 * EXECUTIONS * ITEMS, images: 'plain' } });
	drawSmall(lab);
});

afterAll(async () => await lab.close());

test('after ten stopped executions of 100 items each the next one starts at once', async () => {
	const { tasks, polls } = lab.emulator.ledger;
	lab.emulator.rule({ route: 'bfl.submit', prompt: /^item/ }, { task: { seconds: 3600 } });
	// as long as it runs, nothing is forgotten of what the executions have learnt and hold
	const bystander = lab.start(making('bfl'), { items: prompts(1), limitMs: 120_000 });
	await until(() => tasks.length === 1);
	const executions = Array.from({ length: EXECUTIONS }, () =>
		lab.start(making('bfl', {}, { maxConcurrent: ITEMS }), {
			items: prompts(ITEMS),
			limitMs: 120_000,
		}),
	);
	const all = EXECUTIONS * ITEMS + 1;
	while (tasks.length < all) await until(() => tasks.length === all).catch(() => undefined);
	// each task has a poll that waits for its turn
	const polled = polls.length;
	await until(() => polls.length > polled);

	executions.forEach(({ stop }) => stop());
	const stopped = await Promise.all(executions.map(async ({ done }) => await done));
	expect(stopped.map(({ status }) => status)).toEqual(stopped.map(() => 'canceled'));
	const startedAt = performance.now();
	const run = await lab.run(making('bfl'), { items: [{ json: { prompt: 'the next' } }] });
	const seconds = (performance.now() - startedAt) / 1000;

	expect(run.items(NODE)).toMatchObject([{ json: { prompt: 'the next', status: 'completed' } }]);
	// the turns of all those polls would take twice that time, on the fastest machine too
	expect(seconds).toBeLessThan((EXECUTIONS * ITEMS * READ_GAP_MS) / 1000 / 2);
	bystander.stop();
	await bystander.done;
}, 180_000);
