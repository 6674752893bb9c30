import type { Effect } from '../emulator';
import { sha256 } from '../emulator/images';
import type { Run } from '../support/engine';
import { NODE, openLab, prompts, until, workflowWith, type Lab } from '../support/lab';
import { placed } from '../support/placed';
import { openWebhooks, type Suspended, type Webhooks } from '../support/webhooks';

/** Image: Generate at Replicate with How to Wait = Callback. */

let lab: Lab;
let webhooks: Webhooks;

beforeAll(async () => {
	lab = await openLab({ emulator: { webhookUnitMs: 4, images: 'plain' } });
	webhooks = await openWebhooks(lab.engine);
});
beforeEach(() => lab.emulator.reset());
afterAll(async () => {
	await webhooks.close();
	await lab.close();
});

const nodeWith = (options: object) => ({
	type: 'flux2Replicate' as const,
	parameters: {
		prompt: '={{ $json.prompt }}',
		...placed('flux2Replicate', { completion: 'callback', width: 256, height: 256, ...options }),
	},
});

async function suspend(fault: Effect['task'] = {}, options: object = {}): Promise<Suspended> {
	lab.emulator.rule({ route: 'replicate.submit' }, { task: fault });
	const suspended = await webhooks.run(workflowWith(nodeWith(options)), prompts(1));
	expect(suspended.first.status).toBe('waiting');
	return suspended;
}

const firstTask = () => lab.emulator.ledger.tasks[0]!;
const statuses = () => lab.emulator.ledger.deliveries.map(({ status }) => status);
const resumeUrl = ({ id, first }: Suspended) =>
	`${webhooks.url}/webhook-waiting/${id}?signature=${first.raw.data.resumeToken}`;
const call = async (suspended: Suspended, body: string, headers: Record<string, string> = {}) =>
	(await fetch(resumeUrl(suspended), { method: 'POST', body, headers })).status;

const foreignUrl = () => `${lab.emulator.urls.results}/references/forged.png?width=64&height=64`;
const forged = (facts: object = {}) =>
	JSON.stringify({ id: firstTask().id, status: 'succeeded', output: foreignUrl(), ...facts });

async function expectImageOfTask(run: Run): Promise<void> {
	expect(run.status).toBe('success');
	const [item] = run.items(NODE);
	expect(sha256(await lab.engine.binary(item!.binary!.data!))).toBe(firstTask().sha256);
	const { requests, submissions } = lab.emulator.ledger;
	expect(requests.filter(({ path }) => path.startsWith('/references/'))).toEqual([]);
	expect(submissions).toHaveLength(1);
}

describe('a suspended execution', () => {
	test('goes on with the item of Generate when Replicate calls, which one poll confirms', async () => {
		const suspended = await suspend();
		const run = await suspended.resumed;

		expect(run.items(NODE)).toMatchObject([
			{ json: { provider: 'replicate', status: 'completed', prompt: 'item 1' } },
		]);
		await expectImageOfTask(run);
		expect(statuses()).toEqual([200]);
		const { polls, submissions } = lab.emulator.ledger;
		expect(polls.map(({ route }) => route)).toEqual(['replicate.status']);
		expect(submissions[0]?.body).toMatchObject({
			webhook: resumeUrl(suspended),
			webhook_events_filter: ['completed'],
		});
	});

	test('shows its address to nobody, although the provider repeats it', async () => {
		let url = '';
		lab.emulator.rule(
			{ route: 'replicate.submit' },
			{
				mutate: (response) => {
					const { webhook } = lab.emulator.ledger.submissions[0]!.body as { webhook: string };
					url = webhook;
					return { ...response, body: { ...(response.body as object), webhook } };
				},
			},
		);
		const json = workflowWith(nodeWith({ simplify: false }));
		const { first, resumed } = await webhooks.run(json, prompts(1));

		expect(first.status).toBe('waiting');
		await expectImageOfTask(await resumed);
		expect(url).toContain('/webhook-waiting/');
		expect(JSON.stringify(first.raw.data.resultData.runData)).not.toContain(url);
	});

	test.each([
		['early', [409, 200]],
		['twice', [200, 409]],
	] as const)('goes on once with calls that come %s', async (webhook, expected) => {
		const { resumed } = await suspend({ webhook });
		await expectImageOfTask(await resumed);

		await until(() => statuses().length === 2 && statuses().every(Boolean));
		expect(statuses()).toEqual(expected);
	});

	test('goes on with a failure as an item', async () => {
		const { resumed } = await suspend({ fail: { code: 'E005', message: 'flagged' } });

		expect((await resumed).items(NODE)).toMatchObject([
			{ json: { status: 'failed', kind: 'moderated', taskId: firstTask().id } },
		]);
	});

	test('goes on with its task when nobody calls', async () => {
		const suspended = await suspend({ webhook: 'never' });
		const run = await webhooks.resumeByTimer(suspended);

		expect(run.items(NODE)).toMatchObject([{ json: { taskId: firstTask().id } }]);
	});
});

describe('a forged call', () => {
	test.each([
		['with an image', () => forged()],
		['with a failure', () => forged({ status: 'failed', output: null, error: 'made up' })],
	])('%s is put off while the task runs', async (_what, body) => {
		const suspended = await suspend({ webhook: 'late', polls: 1 });

		expect(await call(suspended, body())).toBe(503);
		await expectImageOfTask(await suspended.resumed);
	});

	test('for a task that has ended brings the image of the task', async () => {
		const suspended = await suspend({ webhook: 'never' });
		await until(() => firstTask().readyAt < Date.now());

		expect(await call(suspended, forged())).toBe(200);
		await expectImageOfTask(await suspended.resumed);
	});

	test('about another task is refused', async () => {
		const suspended = await suspend({ webhook: 'late' });

		expect(await call(suspended, forged({ id: 'another' }))).toBe(404);
		await expectImageOfTask(await suspended.resumed);
	});
});

describe('where the task cannot be polled', () => {
	beforeEach(() =>
		lab.emulator.rule(
			{ route: 'replicate.status' },
			{ status: 503, body: {}, headers: { 'retry-after': '0.01' } },
		),
	);

	test("a call that is signed with the account's secret counts", async () => {
		const { resumed } = await suspend();

		await expectImageOfTask(await resumed);
		expect(statuses()).toEqual([200]);
	});

	test('a call that is not does not, wherever its image is', async () => {
		const suspended = await suspend({ webhook: 'never' });
		const own = { output: 'https://replicate.delivery/a.png' };

		for (const facts of [{}, own]) expect(await call(suspended, forged(facts))).toBe(503);
	});
});

test('an address of its own is refused before anything is submitted', async () => {
	const node = nodeWith({ webhookUrl: 'https://n8n.example/webhook/1' });
	const run = await lab.run(node, { items: prompts(1) });

	expect(run.error?.message).toContain('Notify URL: with Callback, n8n itself is called');
	expect(lab.emulator.ledger.submissions).toEqual([]);
});
