import type { IDataObject } from 'n8n-workflow';
import { startListener, type Effect, type Listener } from '../emulator';
import { sha256 } from '../emulator/images';
import type { Run } from '../support/engine';
import { NODE, openLab, prompts, until, workflowWith, type Lab } from '../support/lab';
import { placed } from '../support/placed';
import { openWebhooks, type Suspended, type Webhooks } from '../support/webhooks';

/** Image: Generate at fal with How to Wait = Callback. */

let lab: Lab;
let webhooks: Webhooks;
let stranger: Listener;

beforeAll(async () => {
	lab = await openLab({ emulator: { webhookUnitMs: 4, images: 'plain' } });
	webhooks = await openWebhooks(lab.engine);
	stranger = await startListener();
});
beforeEach(() => {
	lab.emulator.reset();
	stranger.requests.length = 0;
});
afterAll(async () => {
	await stranger.close();
	await webhooks.close();
	await lab.close();
});

const nodeWith = (options: object) => ({
	type: 'flux2Fal' as const,
	parameters: {
		prompt: '={{ $json.prompt }}',
		...placed('flux2Fal', { mode: 'callback', width: 512, height: 512, ...options }),
	},
});

async function suspend(fault: Effect['task'] = {}, options: object = {}): Promise<Suspended> {
	lab.emulator.rule({ route: 'fal.submit' }, { task: fault });
	const suspended = await webhooks.run(workflowWith(nodeWith(options)), prompts(1));
	expect(suspended.first.status).toBe('waiting');
	return suspended;
}

const firstTask = () => lab.emulator.ledger.tasks[0]!;
const statuses = () => lab.emulator.ledger.deliveries.map(({ status }) => status);
const ended = async () => await until(() => firstTask().readyAt < Date.now());
const resumeUrl = ({ id, first }: Suspended) =>
	`${webhooks.url}/webhook-waiting/${id}?signature=${first.raw.data.resumeToken}`;
const call = async (suspended: Suspended, body: string, headers: Record<string, string> = {}) =>
	(await fetch(resumeUrl(suspended), { method: 'POST', body, headers })).status;

const foreignUrl = () => `${lab.emulator.urls.results}/references/forged.png?width=64&height=64`;
const forged = (facts: object = {}) =>
	JSON.stringify({
		request_id: firstTask().id,
		gateway_request_id: firstTask().id,
		status: 'OK',
		payload: { images: [{ url: foreignUrl() }], seed: 1 },
		...facts,
	});
const failure = { status: 'ERROR', error: 'Invalid status code: 500', payload: { detail: 'no' } };

async function expectImageOfTask(run: Run): Promise<void> {
	expect(run.status).toBe('success');
	const [item] = run.items(NODE);
	expect(sha256(await lab.engine.binary(item!.binary!.data!))).toBe(firstTask().sha256);
	const { requests, submissions } = lab.emulator.ledger;
	expect(requests.filter(({ path }) => path.startsWith('/references/'))).toEqual([]);
	expect(submissions).toHaveLength(1);
}

describe('a suspended execution', () => {
	test('goes on with the item of Generate when fal calls, which one poll confirms', async () => {
		const suspended = await suspend();
		const run = await suspended.resumed;

		expect(run.items(NODE)).toEqual([
			{
				json: expect.objectContaining({
					provider: 'fal',
					model: 'fal-ai/flux-2-pro',
					status: 'completed',
					taskId: firstTask().id,
					prompt: 'item 1',
				}),
				binary: { data: expect.anything() },
				pairedItem: { item: 0 },
			},
		]);
		await expectImageOfTask(run);
		expect(statuses()).toEqual([200]);
		const { polls, deliveries } = lab.emulator.ledger;
		expect(polls.map(({ route }) => route)).toEqual(['fal.status', 'fal.result']);
		expect(deliveries[0]?.url).toBe(resumeUrl(suspended));
		expect(lab.emulator.ledger.submissions[0]?.body).not.toHaveProperty('webhook_url');
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

	test('goes on with an image that the call does not carry', async () => {
		const { resumed } = await suspend({ payload: 'unserializable' });
		await expectImageOfTask(await resumed);
		expect(statuses()).toEqual([200]);
	});

	test('goes on with a failure as an item', async () => {
		const fail = { code: 'content_policy_violation', message: 'flagged' };
		const { resumed } = await suspend({ fail });

		const message = expect.stringContaining('flagged') as string;
		expect((await resumed).items(NODE)).toMatchObject([
			{ json: { status: 'failed', kind: 'moderated', message, taskId: firstTask().id } },
		]);
	});

	test('goes on with every image of one request', async () => {
		const options = { model: 'fal-ai/flux-2/klein/4b', customBody: '{"num_images": 2}' };
		const { model, ...rest } = options;
		lab.emulator.rule({ route: 'fal.submit' }, { task: { nsfw: [1] } });
		const node = nodeWith(rest);
		const json = workflowWith({ ...node, parameters: { ...node.parameters, model } });
		const { resumed } = await webhooks.run(json, prompts(1));

		expect((await resumed).items(NODE)).toMatchObject([
			{ json: { status: 'completed' }, binary: { data: {} } },
			{ json: { status: 'failed', kind: 'moderated' } },
		]);
	});

	test('goes on with its task when nobody calls', async () => {
		const suspended = await suspend({ webhook: 'never' });
		const run = await webhooks.resumeByTimer(suspended);

		expect(run.items(NODE)).toMatchObject([
			{ json: { provider: 'fal', taskId: firstTask().id, pollUrl: expect.any(String) } },
		]);
	});
});

describe('a forged call', () => {
	test.each([
		['with an image', () => forged()],
		['with a failure', () => forged(failure)],
	])('%s is put off while the task runs', async (_what, body) => {
		const suspended = await suspend({ webhook: 'late', polls: 1 });

		expect(await call(suspended, body())).toBe(503);
		await expectImageOfTask(await suspended.resumed);
	});

	test('for a task that has ended brings the image of the task', async () => {
		const suspended = await suspend({ webhook: 'never' });
		await ended();

		expect(await call(suspended, forged())).toBe(200);
		await expectImageOfTask(await suspended.resumed);
	});

	test('about another task is refused', async () => {
		const suspended = await suspend({ webhook: 'late' });

		expect(await call(suspended, forged({ request_id: 'another' }))).toBe(404);
		await expectImageOfTask(await suspended.resumed);
	});
});

describe('where the task cannot be polled', () => {
	const cannotPoll = () =>
		lab.emulator.rule(
			{ route: 'fal.status' },
			{ status: 503, body: { detail: 'away' }, headers: { 'retry-after': '0.01' } },
		);
	beforeEach(cannotPoll);

	test('a call that fal has signed counts', async () => {
		const { resumed } = await suspend();

		await expectImageOfTask(await resumed);
		expect(statuses()).toEqual([200]);
	});

	test('a call that fal has not signed does not, wherever its image is', async () => {
		const suspended = await suspend({ webhook: 'never' });
		const onHostOfFal = { payload: { images: [{ url: 'https://v3b.fal.media/files/a.png' }] } };

		for (const facts of [{}, failure, onHostOfFal]) {
			expect(await call(suspended, forged(facts))).toBe(503);
		}
	});

	test('what fal has signed about another task does not', async () => {
		const suspended = await suspend({ webhook: 'never' });
		const { id } = firstTask();
		lab.emulator.clearRules();
		await fetch(
			`${lab.emulator.urls.fal}/fal-ai/flux-2-pro?fal_webhook=${encodeURIComponent(stranger.url)}`,
			{
				method: 'POST',
				headers: {
					authorization: `Key ${lab.emulator.keys.falKeyOfSomebodyElse}`,
					'content-type': 'application/json',
				},
				body: '{"prompt":"of a stranger"}',
			},
		);
		cannotPoll();
		await until(() => stranger.requests.length > 0);
		const [{ headers, body }] = stranger.requests as [(typeof stranger.requests)[0]];
		const signed = Object.fromEntries(
			Object.entries(headers).filter(([name]) => name.startsWith('x-fal-webhook-')),
		) as Record<string, string>;
		const renamed = JSON.stringify({
			...(JSON.parse(body) as IDataObject),
			request_id: id,
		});

		expect(await call(suspended, body, signed)).toBe(404);
		expect(await call(suspended, renamed, signed)).toBe(503);
	});
});

test.each([
	[
		{ webhookUrl: 'https://n8n.example/webhook/1' },
		'Notify URL: with Callback, n8n itself is called',
	],
	[{ numberOfImages: 2 }, 'Callback waits for one image, and several are asked for'],
])('%j is refused before anything is submitted', async (options, message) => {
	const run = await lab.run(nodeWith(options), { items: prompts(1) });

	expect(run.error?.message).toContain(message);
	expect(lab.emulator.ledger.submissions).toEqual([]);
});
